"""Embeddings against torch: initial weights, padding, shared and pretrained tables, gradients, errors."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import plain, same, same_error
from test_conv import agree, tensor

import minigrad as mg


@pytest.mark.parametrize("options", [{}, {"padding_idx": 0}, {"padding_idx": -1}, {"scale_grad_by_freq": True},
                                     {"max_norm": 1.0}, {"max_norm": 0.5, "norm_type": 1.0, "padding_idx": 2}])
def test_embedding(options: Any) -> None:
    """The same table from the same seed, digit for digit; gradients add up over ids that come twice."""
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(1)
        table = lib.nn.Embedding(6, 4, **options)
        ids = lib.tensor([[5, 0, 2], [2, 2, 4]])
        y = table(ids)
        y.backward(tensor(lib, 2, 3, 4, dtype="float32"))
        return [y, table.weight.grad, table.weight, table(ids.int())]

    def seeded(lib: Any) -> list[Any]:
        lib.manual_seed(1)
        table = lib.nn.Embedding(6, 4, **options)
        return [plain(table.weight), repr(table), list(table.state_dict()), table.padding_idx, lib.rand(1)]

    same(seeded)
    agree(run, 1e-6)


def test_from_pretrained() -> None:
    def run(lib: Any) -> list[Any]:
        vectors = tensor(lib, 3, 2)
        frozen, free = [lib.nn.Embedding.from_pretrained(vectors, freeze=freeze) for freeze in (True, False)]
        free(lib.tensor([1, 1])).sum().backward()
        vectors[0] = 9.0  # the table shares its memory
        return [frozen.weight.requires_grad, free.weight.grad, frozen.weight, repr(frozen)]

    same(run)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (2, 3, 1)])
def test_shapes_of_ids(shape: Any) -> None:
    same(lambda lib: [lib.nn.Embedding(3, 2)(lib.zeros(shape).long()).shape,
                      lib.nn.Embedding(3, 2)(lib.zeros(shape).long()).grad_fn.name()])


@pytest.mark.parametrize("call", [
    lambda lib: lib.nn.Embedding(3, 2)(lib.tensor([1, 3])),
    lambda lib: lib.nn.Embedding(3, 2)(lib.tensor([-1])),
    lambda lib: lib.nn.Embedding(3, 2)(lib.tensor([1.0])),
    lambda lib: lib.nn.Embedding(3, 2, padding_idx=3),
    lambda lib: lib.nn.Embedding(3, 2, _weight=lib.ones(3, 3)),
    lambda lib: lib.nn.Embedding.from_pretrained(lib.ones(3)),
    lambda lib: lib.nn.functional.embedding(lib.tensor([1]), lib.ones(3)),
])
def test_errors(call: Any) -> None:
    same_error(call, text=False)


def test_sparse_gradients_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="sparse"):
        mg.nn.Embedding(3, 2, sparse=True)(mg.tensor([1]))


def test_one_hot() -> None:
    same(lambda lib: [lib.nn.functional.one_hot(lib.tensor([[0, 2], [1, 1]])), str(
        lib.nn.functional.one_hot(lib.tensor([1]), 4).dtype)])

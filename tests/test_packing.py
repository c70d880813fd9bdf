"""Sequences of different lengths against torch: padded, packed, and through recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import plain, same, same_error
from test_conv import tensor

import minigrad as mg

LENGTHS = [[5, 3, 2], [4, 4, 4], [3, 5, 2], [1, 1, 4], [2, 3, 3]]


def close(scenario: Any) -> None:
    for ours, theirs in zip(scenario(mg), scenario(torch), strict=True):
        assert tuple(ours.shape) == tuple(theirs.shape) and str(ours.dtype) == str(theirs.dtype)
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), 1e-9, atol=1e-9)


def falls(lengths: list[int]) -> bool:
    return sorted(lengths, reverse=True) == lengths


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_packing_and_padding(lengths: list[int], batch_first: bool) -> None:
    def run(lib: Any) -> list[Any]:
        rnn = lib.nn.utils.rnn
        x = tensor(lib, *((3, 5) if batch_first else (5, 3)), 2).requires_grad_()
        packed = rnn.pack_padded_sequence(x, lib.tensor(lengths), batch_first, enforce_sorted=falls(lengths))
        padded, back = rnn.pad_packed_sequence(packed, batch_first, padding_value=-1.0, total_length=6)
        (padded * tensor(lib, *padded.shape, seed=1)).sum().backward()
        assert back.tolist() == lengths and type(packed).__name__ == "PackedSequence"
        return [padded, back, x.grad, *[t for t in packed if t is not None]]

    close(run)


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"padding_value": 7}, {"padding_side": "left"}],
                         ids=str)
def test_lists_of_sequences(options: dict[str, Any]) -> None:
    def run(lib: Any) -> Any:
        rnn, rows = lib.nn.utils.rnn, [lib.arange(n) + 10 * n for n in (2, 4, 1)]
        packed = rnn.pack_sequence(rows, enforce_sorted=False)
        padded = rnn.pad_sequence([lib.ones(n, 2) * n for n in (2, 4, 1)], **options)
        return [rnn.pad_sequence(rows, **options), padded, packed, rnn.unpack_sequence(packed),
                rnn.unpad_sequence(rnn.pad_sequence(rows, batch_first=True), lib.tensor([2, 4, 1]), batch_first=True),
                repr(packed), repr(packed.to(lib.float64).data)]

    same(run)


KINDS = [("RNN", {}), ("LSTM", {}), ("GRU", {"num_layers": 2}), ("LSTM", {"bidirectional": True}),
         ("GRU", {"bidirectional": True, "num_layers": 2, "dropout": 0.5}),
         ("RNN", {"batch_first": True, "bias": False})]


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_recurrent_layers_take_packed_sequences(name: str, options: Any, lengths: list[int], given: bool) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(2)
        layer = getattr(lib.nn, name)(2, 4, **options).double()
        x = tensor(lib, 5, 3, 2).requires_grad_()
        packed = lib.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=falls(lengths))
        h = tensor(lib, layer.num_layers * (1 + layer.bidirectional), 3, 4, seed=1)
        out, last = layer(packed, *[(h, h * 2) if name == "LSTM" else h] * given)
        finals = list(last) if name == "LSTM" else [last]
        padded, _ = lib.nn.utils.rnn.pad_packed_sequence(out)
        total = sum((t * tensor(lib, *t.shape, seed=3 + i)).sum() for i, t in enumerate((padded, *finals)))
        total.backward()
        return [padded, out.data, *finals, x.grad, *[p.grad for p in layer.parameters()]]

    close(run)


def test_twenty_steps_of_training() -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(0)
        rnn = lib.nn.utils.rnn
        embedding, layer, head = lib.nn.Embedding(7, 3, padding_idx=0), lib.nn.LSTM(3, 4), lib.nn.Linear(4, 2)
        params = [p for m in (embedding, layer, head) for p in m.double().parameters()]
        optimizer, losses = lib.optim.Adam(params, lr=0.05), []
        ids, lengths = lib.tensor([[1, 2, 3, 4], [5, 6, 0, 0], [2, 4, 6, 0]]), lib.tensor([4, 2, 3])
        for _ in range(20):
            packed = rnn.pack_padded_sequence(embedding(ids), lengths, batch_first=True, enforce_sorted=False)
            loss = lib.nn.functional.cross_entropy(head(layer(packed)[1][0][-1]), lib.tensor([0, 1, 1]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return [*losses, *params]

    close(run)


def test_names_of_gradients() -> None:
    def run(lib: Any) -> list[str]:
        rnn, x = lib.nn.utils.rnn, lib.ones(3, 2, 1, requires_grad=True)
        packed = rnn.pack_padded_sequence(x, [2, 3], enforce_sorted=False)
        return [type(t.grad_fn).__name__ for t in (packed.data, rnn.pad_packed_sequence(packed, True)[0])]

    same(run)


@pytest.mark.parametrize("call", [
    lambda lib, rnn: rnn.pack_padded_sequence(lib.ones(3, 2, 1), [1, 3]),
    lambda lib, rnn: rnn.pack_padded_sequence(lib.ones(3, 2, 1), [3, 0]),
    lambda lib, rnn: rnn.pack_padded_sequence(lib.ones(3, 2, 1), [3, 2, 1]),
    lambda lib, rnn: rnn.pack_sequence([lib.ones(1), lib.ones(2)]),
    lambda lib, rnn: rnn.pad_packed_sequence(rnn.pack_sequence([lib.ones(2), lib.ones(1)]), total_length=1),
    lambda lib, rnn: lib.nn.LSTM(3, 4)(rnn.pack_sequence([lib.ones(2, 2), lib.ones(1, 2)])),
    lambda lib, rnn: lib.nn.GRU(2, 4)(rnn.pack_sequence([lib.ones(2, 2), lib.ones(1, 2)]), lib.ones(1, 3, 4)),
])
def test_errors(call: Any) -> None:
    same_error(lambda lib: call(lib, lib.nn.utils.rnn), text=False)


def test_a_packed_sequence_is_a_tuple() -> None:
    packed = mg.nn.utils.rnn.pack_sequence([mg.ones(2), mg.ones(1)])
    data, batch_sizes, *indices = packed
    assert plain(batch_sizes) == [2, 1] and plain(data) == [1, 1, 1] and indices == [None, None]

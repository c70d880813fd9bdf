"""torch.diagonal, Tensor.new and Tensor.resize_ against torch."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import same, same_error
from test_conv import tensor, value_and_gradients

import minigrad as mg


@pytest.mark.parametrize("args", [(), (1,), (-2,), (5,), (-9,), (0, 1, 2), (1, -1, 0), (-1, 2, 1)], ids=str)
def test_values_gradients_and_strides(args: tuple[int, ...]) -> None:
    def run(lib: Any) -> list[Any]:
        x = tensor(lib, 3, 4, 2)
        out = lib.diagonal(x, *args)
        found = value_and_gradients(lib, lambda x: x.diagonal(*args), x)
        return [*found, list(out.shape), list(out.stride()) if out.numel() else 0, type(found[0].grad_fn).__name__]

    same(run)


def test_it_is_a_view() -> None:
    def run(lib: Any) -> list[Any]:
        x = lib.zeros(3, 3)
        x.diagonal().fill_(2)
        x.diagonal(1).add_(lib.tensor([1.0, 3.0]))
        w = lib.ones(3, 3, requires_grad=True)
        y = w * 2
        y.diagonal(-1).mul_(5)
        (y * lib.arange(9).view(3, 3)).sum().backward()
        return [x, y, w.grad, lib.diag(x), x.diag(1), lib.diag(lib.tensor([1, 2]), -1), x.trace()]

    same(run)


def test_second_derivatives() -> None:
    x = tensor(mg, 3, 4).requires_grad_()
    assert mg.autograd.gradgradcheck(lambda x: x.diagonal(1) ** 3, x)


@pytest.mark.parametrize("call", [
    lambda lib: lib.ones(3).diagonal(),
    lambda lib: lib.ones(3, 3).diagonal(0, 1, 1),
    lambda lib: lib.ones(3, 3).diagonal(0, 1, 2),
])
def test_errors(call: Any) -> None:
    same_error(call, text=False)


def test_new_tensors_of_the_same_dtype() -> None:
    def run(lib: Any) -> list[Any]:
        x = lib.ones(2, dtype=lib.float64)
        made = [x.new([1, 2.5]), x.new(lib.tensor([3.0], dtype=lib.float64)), x.new(2, 3).zero_(), x.new(),
                lib.tensor([1]).new([4, 5]), x.new(lib.Size([2, 1])).fill_(7)]
        return [(t, str(t.dtype), t.requires_grad) for t in made]

    same(run)


def test_resizing_keeps_the_elements_in_order() -> None:
    def run(lib: Any) -> list[Any]:
        x, y, z = lib.arange(6), lib.tensor([[1.0, 2.0], [3.0, 4.0]]).t(), lib.ones(2)
        larger = z.resize_(3, 2)
        larger[1:] = 0
        return [x.resize_(2, 3), x.resize_((3, 1)), lib.FloatTensor([[1, 2, 3]]).resize_(3, 1, 1), larger is z, z,
                list(y.contiguous().resize_(4).shape)]

    same(run)


def test_what_requires_grad_is_not_resized() -> None:
    same_error(lambda lib: lib.ones(2, requires_grad=True).resize_(1), text=False)

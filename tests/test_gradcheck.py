"""torch.autograd.gradcheck and gradgradcheck: they must find what torch's find, and nothing else."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from side_by_side import same, same_error, same_warnings
from torch.autograd.gradcheck import GradcheckError as TorchGradcheckError

import minigrad
from minigrad.autograd.gradcheck import GradcheckError


def inputs(lib: Any, *shapes: tuple[int, ...]) -> list[Any]:
    lib.manual_seed(3)
    return [lib.rand(shape, dtype=lib.float64).requires_grad_() for shape in shapes]


def wrong(lib: Any, slope: float = 3.0, second: float = 1.0) -> Any:
    """Twice x, x squared, with gradients that may be wrong."""
    class Wrong(lib.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3 * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * slope * x * (second * x + (1 - second) * x.detach())

    return Wrong.apply


@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda lib: lambda x: x.tanh() * x, [(3,)]),
        (lambda lib: lambda x, y: x @ y, [(2, 3), (3, 2)]),
        (lambda lib: lambda x, y: (x * y, x.sum()), [(2, 3), (3,)]),
        (lambda lib: lambda x: x.exp(), [()]),
        (lambda lib: lambda x: x * 2, [(0,)]),
        (lambda lib: lambda x: x.t().reshape(-1)[1:], [(2, 3)]),
        (lambda lib: lambda x: (x * x, x.detach() + 1), [(2,)]),
        (lambda lib: wrong(lib, slope=6.0), [(2, 2)]),
    ],
)
def test_right_gradients_pass(f: Any, shapes: Any) -> None:
    def run(lib: Any) -> Any:
        xs = inputs(lib, *shapes)
        before = [x.tolist() for x in xs]
        passed = lib.autograd.gradcheck(f(lib), xs), lib.autograd.gradgradcheck(f(lib), tuple(xs))
        return passed, before == [x.tolist() for x in xs], [x.grad for x in xs]

    assert same(run)[:2] == [[True, True], True]


def test_a_single_tensor_and_a_transposed_one() -> None:
    (x,) = inputs(minigrad, (2, 3))
    assert minigrad.autograd.gradcheck(minigrad.exp, x)
    transposed = x.detach().t().requires_grad_()
    assert minigrad.autograd.gradcheck(lambda x: x * x * minigrad.arange(2.0), transposed)


def test_wrong_gradients_are_found() -> None:
    with pytest.raises(GradcheckError) as ours:
        minigrad.autograd.gradcheck(wrong(minigrad), inputs(minigrad, (3,)))
    with pytest.raises(TorchGradcheckError) as theirs:
        torch.autograd.gradcheck(wrong(torch), inputs(torch, (3,)))
    assert str(ours.value) == str(theirs.value)
    for lib in (minigrad, torch):
        assert lib.autograd.gradcheck(wrong(lib), inputs(lib, (3,)), raise_exception=False) is False


def test_wrong_second_derivatives_are_found() -> None:
    for lib in (minigrad, torch):
        right, wrong_second = wrong(lib, slope=6.0), wrong(lib, slope=6.0, second=0.5)
        for f, expected in ((right, True), (wrong_second, False)):
            xs = inputs(lib, (2,))
            assert lib.autograd.gradcheck(f, xs)
            assert lib.autograd.gradgradcheck(f, xs, raise_exception=False) is expected
            given = [lib.ones(2, dtype=lib.float64, requires_grad=True)]
            assert lib.autograd.gradgradcheck(f, xs, given, raise_exception=False) is expected


def test_a_gradient_that_stops_short() -> None:
    for f in (lambda x: x.detach() * 2, lambda x: x * x.detach()):
        with pytest.raises(GradcheckError):
            minigrad.autograd.gradcheck(f, inputs(minigrad, (2,)))
        with pytest.raises(TorchGradcheckError):
            torch.autograd.gradcheck(f, inputs(torch, (2,)))
    assert minigrad.autograd.gradcheck(lambda x: x.detach() * 0, inputs(minigrad, (2,)))


def test_tolerances() -> None:
    def run(lib: Any) -> Any:
        f, xs = wrong(lib, slope=6.001), inputs(lib, (3,))
        return [lib.autograd.gradcheck(f, xs, raise_exception=False, **given)
                for given in ({}, {"rtol": 1e-5}, {"rtol": 1e-5, "atol": 1e-2}, {"eps": 1e-4, "rtol": 1e-6})]

    assert same(run) == [True, False, True, False]


def test_inputs_that_do_not_fit() -> None:
    same_error(lambda lib: lib.autograd.gradcheck(lambda x: x * 2, (lib.ones(2),)))

    def narrow(lib: Any) -> None:
        x = lib.ones(2, requires_grad=True)
        lib.autograd.gradcheck(lambda x: x * 2, (x,), eps=0.125, raise_exception=False)

    assert len(same_warnings(narrow)) == 1


def test_the_random_stream_continues_as_in_torch() -> None:
    def run(lib: Any) -> Any:
        xs = inputs(lib, (2, 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lib.autograd.gradcheck(lambda x: x * x, xs)
            first = lib.rand(1)
            lib.autograd.gradgradcheck(lambda x: x * x, xs)
        return first, lib.rand(1)

    same(run)

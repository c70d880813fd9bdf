"""torch.autograd.functional against torch: matrices of first and second derivatives, products, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same_error
from test_conv import tensor

import minigrad as mg

FUNCTIONS: dict[str, Any] = {
    "squares": lambda x: x**2,
    "a number": lambda x: (x**3).sum(),
    "rows": lambda x: x.exp().sum(-1),
    "constant": lambda x: x.detach() * 2,
    "two outputs": lambda x: (x.sin(), x.prod()),
    "0-d": lambda x: x.mean().exp(),
}
PAIRS: dict[str, Any] = {
    "both": lambda x, y: x * y.sum(),
    "one of them": lambda x, y: x.sin() + 0 * x,
    "outputs, too": lambda x, y: (x.sum() * y, x),
}


def flat(value: Any) -> list[Any]:
    return [t for part in value for t in flat(part)] if isinstance(value, tuple) else [value]


def close(scenario: Any) -> None:
    ours, theirs = scenario(mg), scenario(torch)
    assert type(ours) is type(theirs) or isinstance(ours, mg.Tensor)
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        assert tuple(a.shape) == tuple(b.shape) and a.requires_grad == b.requires_grad
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), 1e-12, 1e-12)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_jacobians(name: str, create_graph: bool) -> None:
    close(lambda lib: lib.autograd.functional.jacobian(FUNCTIONS[name], tensor(lib, 2, 3), create_graph))


@pytest.mark.parametrize("name", PAIRS)
def test_jacobians_of_two_inputs(name: str) -> None:
    close(lambda lib: lib.autograd.functional.jacobian(PAIRS[name], (tensor(lib, 3), tensor(lib, 2, seed=1))))


@pytest.mark.parametrize("function", ["jacobian", "hessian"])
def test_gradients_flow_through_them(function: str) -> None:
    def run(lib: Any) -> Any:
        x = tensor(lib, 3).requires_grad_()
        found = getattr(lib.autograd.functional, function)(lambda x: (x**4).sum(), x, create_graph=True)
        (found * found).sum().backward()
        return x.grad

    close(run)


def test_hessians() -> None:
    close(lambda lib: lib.autograd.functional.hessian(lambda x: (x**3).sum() * x[0], tensor(lib, 3)))
    close(lambda lib: lib.autograd.functional.hessian(lambda x, y: (x.sin() * y.sum()).sum() + (y**3).sum(),
                                                      (tensor(lib, 3), tensor(lib, 2, seed=1))))


@pytest.mark.parametrize("name", ["squares", "rows", "two outputs"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_products(name: str, create_graph: bool) -> None:
    def run(lib: Any) -> Any:
        x, f = tensor(lib, 2, 3), FUNCTIONS[name]
        outs = f(x)
        vs = tuple(tensor(lib, *out.shape, seed=5) for out in outs) if isinstance(outs, tuple) else \
            tensor(lib, *outs.shape, seed=5)
        module = lib.autograd.functional
        return (module.vjp(f, x, vs, create_graph), module.jvp(f, x, tensor(lib, 2, 3, seed=6), create_graph))

    close(run)


def test_products_with_a_hessian() -> None:
    def run(lib: Any) -> Any:
        module, v = lib.autograd.functional, tensor(lib, 3, seed=2)
        f = lambda x: (x**3).sum() * x[0]  # noqa: E731
        return module.vhp(f, tensor(lib, 3), v), module.hvp(f, tensor(lib, 3), v), module.vjp(f, tensor(lib, 3))

    close(run)


@pytest.mark.parametrize("call", [
    lambda lib, module, x: module.jacobian(lambda x: x.detach(), x, strict=True),
    lambda lib, module, x: module.hessian(lambda x: x * 2, x),
    lambda lib, module, x: module.vjp(lambda x: x * 2, x),
    lambda lib, module, x: module.vjp(lambda x: x * 2, x, lib.ones(2)),
    lambda lib, module, x: module.jvp(lambda x: x * 2, x, lib.ones(2)),
    lambda lib, module, x: module.vhp(lambda x: x * 2, x, lib.ones(3)),
])
def test_errors(call: Any) -> None:
    same_error(lambda lib: call(lib, lib.autograd.functional, lib.ones(3)), text=False)


@pytest.mark.parametrize("bounds", [(-2.0, 2.0), (-0.5, 0.1), (0.5, 1.0), (-1.0, 3.0), (1.5, 2.5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_truncated_normal_weights(dtype: str, bounds: tuple[float, float]) -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(3)
        w = lib.empty(7, 40, dtype=getattr(lib, dtype))
        filled = lib.nn.init.trunc_normal_(w, mean=0.1, std=0.8, a=bounds[0], b=bounds[1])
        assert filled is w and bool(((w >= bounds[0]) & (w <= bounds[1])).all())
        return w, lib.rand(2)

    ours, theirs = run(mg), run(torch)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-5, 1e-7)

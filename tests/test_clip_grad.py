"""torch.nn.utils: clipping gradients, and parameters as one vector, against torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same, same_error

import minigrad as mg

INF = math.inf
ORDERS = [2.0, 1, 0.5, 3, 0, INF, -INF, "inf"]
TOLERANCE = {"float32": 3e-7, "float64": 1e-15}


def params(lib: Any, dtype: str = "float32", scale: float = 1.0) -> list[Any]:
    """A matrix, a scalar, one whose elements do not lie in order, and one without a gradient."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((40, 30)), np.asarray(0.5), rng.standard_normal((6, 4))[::2].T, np.ones(3)]
    found = [lib.nn.Parameter(lib.from_numpy(np.asarray(a, dtype))) for a in arrays]
    for p in found[:-1]:
        p.grad = lib.from_numpy(np.asarray(scale * rng.standard_normal(tuple(p.shape)), dtype))
    return found


def grads(found: list[Any]) -> list[Any]:
    return [None if p.grad is None else p.grad.numpy().copy() for p in found]


def assert_close(ours: Any, theirs: Any, dtype: str) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, rtol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("order", ORDERS)
def test_clip_grad_norm(order: Any, scale: float, dtype: str) -> None:
    def run(lib: Any) -> Any:
        found = params(lib, dtype, scale)
        before = [p.grad for p in found]
        norm = lib.nn.utils.clip_grad_norm_(found, 1.0, norm_type=order)
        assert all(p.grad is g for p, g in zip(found, before, strict=True)), "not in place"
        assert not norm.requires_grad
        return [norm.numpy(), *grads(found)]

    assert_close(run(mg), run(torch), dtype)


def test_the_digits_of_the_norm() -> None:
    """Scripts print it: to six digits it is torch's, for many sizes and scales."""

    def run(lib: Any) -> Any:
        rng, seen = np.random.default_rng(1), []
        for _ in range(100):
            p = lib.nn.Parameter(lib.zeros(*rng.integers(1, 80, 2).tolist()))
            p.grad = lib.from_numpy((10.0 ** rng.uniform(-4, 4) * rng.standard_normal(tuple(p.shape))).astype("f"))
            seen.append(lib.nn.utils.clip_grad_norm_(p, 5).item())
        return seen

    np.testing.assert_allclose(run(mg), run(torch), rtol=TOLERANCE["float32"])


@pytest.mark.filterwarnings("ignore:Using backward")  # with create_graph
@pytest.mark.parametrize("call", ["clip_grad_norm_", "clip_grad_value_"])
def test_what_may_be_clipped(call: str) -> None:
    """A tensor, a generator, nothing at all, no gradient, gradients with a history, ones on several dtypes."""

    def run(lib: Any) -> Any:
        clip, seen = getattr(lib.nn.utils, call), []
        w = lib.nn.Parameter(lib.tensor([3.0, 4.0]))
        if call == "clip_grad_norm_":  # torch's clip_grad_value_ fails where there is no gradient at all
            seen += [clip(w, 1), clip([], 1.0)]
        w.grad = lib.tensor([30.0, 40.0])
        seen += [clip(w, 1.0), w.grad]
        model = lib.nn.Linear(2, 1)
        (model.weight * lib.ones(1, 2)).sum().backward(create_graph=True)
        seen += [clip(model.parameters(), 0.5, foreach=False), model.weight.grad]
        v = lib.nn.Parameter(lib.ones(1, dtype=lib.float64))
        w.grad, v.grad = lib.tensor([0.0, 24.0]), lib.full((1,), -7.0).double()
        seen.append(clip((p for p in (w, v)), 2, foreach=True))
        return [*seen, [str(x.dtype) for x in seen if x is not None], w.grad, v.grad]

    same(run)


@pytest.mark.parametrize("value", [INF, -INF, math.nan])
def test_a_norm_that_is_not_finite(value: float) -> None:
    def clipped(lib: Any, **options: Any) -> Any:
        w = lib.nn.Parameter(lib.ones(3))
        w.grad = lib.tensor([1.0, value, -2.0])
        norm = lib.nn.utils.clip_grad_norm_(w, 1.0, **options)
        return np.array([norm.item(), *w.grad.tolist()])

    np.testing.assert_array_equal(clipped(mg), clipped(torch))
    same_error(lambda lib: clipped(lib, error_if_nonfinite=True))


@pytest.mark.parametrize("value", [0.5, 0, 2, -1.0, INF])
def test_clip_grad_value(value: float) -> None:
    def run(lib: Any) -> Any:
        found = params(lib)
        before = [p.grad for p in found]
        assert lib.nn.utils.clip_grad_value_(found, value) is None
        assert all(p.grad is g for p, g in zip(found, before, strict=True)), "not in place"
        return [p.grad for p in found]

    same(run)


def test_nan_stays_where_values_are_clipped() -> None:
    w = mg.nn.Parameter(mg.ones(2))
    w.grad = mg.tensor([math.nan, 9.0])
    mg.nn.utils.clip_grad_value_(w, 1.0)
    assert math.isnan(w.grad[0]) and w.grad[1] == 1.0


def test_clipping_counts_as_a_write() -> None:
    def run(lib: Any) -> None:
        w = lib.nn.Parameter(lib.ones(2))
        w.grad = lib.ones(2) * 3
        loss = (w * w.grad).sum()
        lib.nn.utils.clip_grad_norm_(w, 1.0)
        loss.backward()

    same_error(run, text=False)


def test_the_old_name() -> None:
    w = mg.nn.Parameter(mg.ones(2))
    w.grad = mg.tensor([3.0, 4.0])
    assert mg.nn.utils.clip_grad_norm([w], 1.0).item() == 5.0


ERRORS: dict[str, Any] = {
    "no tensor": lambda t: t.nn.utils.clip_grad_norm_([3.0], 1.0),
    "no list": lambda t: t.nn.utils.clip_grad_norm_(3.0, 1.0),
    "max_norm": lambda t: t.nn.utils.clip_grad_norm_(params(t), "long"),
    "norm_type": lambda t: t.nn.utils.clip_grad_norm_(params(t), 1.0, "euclid"),
    "clip_value": lambda t: t.nn.utils.clip_grad_value_(params(t), None),
    "vector_to_parameters too short": lambda t: t.nn.utils.vector_to_parameters(t.ones(3), params(t)),
    "parameters_to_vector of nothing": lambda t: t.nn.utils.parameters_to_vector([]),
    "parameters_to_vector of a transpose": lambda t: t.nn.utils.parameters_to_vector([t.ones(2, 3).t()]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    same_error(ERRORS[name], text=False)


# -------------------------------------------------------------------------------------- parameters as a vector


def test_parameters_to_vector_and_back() -> None:
    def run(lib: Any) -> Any:
        model = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.Linear(3, 1))
        vector = lib.arange(13.0)
        identities = [id(p) for p in model.parameters()]
        lib.nn.utils.vector_to_parameters(vector, model.parameters())
        assert [id(p) for p in model.parameters()] == identities
        whole = lib.nn.utils.parameters_to_vector(model.parameters())
        (whole * lib.linspace(-1, 1, 13)).sum().backward()
        vector += 1  # the parameters share its memory
        return whole, whole.requires_grad, list(model.parameters()), [p.grad for p in model.parameters()]

    same(run)

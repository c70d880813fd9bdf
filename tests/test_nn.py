"""minigrad's layers, losses and nn.functional against torch: the same values, gradients, warnings and errors."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import net, same, same_error, same_warnings

import minigrad as mg

DTYPES = ["float32", "float64"]
# A loss is a sum of at most 60 terms: their order differs, and log, exp differ by an ulp or two.
TOLERANCE = {"float32": {"rtol": 2e-6, "atol": 2e-7}, "float64": {"rtol": 1e-14, "atol": 1e-15}}


# ------------------------------------------------------------------------------------------ initial weights


@pytest.mark.parametrize("seed", [0, 32, 42])
@pytest.mark.parametrize("shape", [(1, 1), (2, 10), (10, 1), (7, 3), (64, 100)])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"dtype": "float64"}], ids=str)
def test_linear_starts_bit_for_bit(shape: tuple[int, int], options: dict[str, Any], seed: int) -> None:
    def run(lib: Any) -> Any:
        kwargs = {k: getattr(lib, v) if k == "dtype" else v for k, v in options.items()}
        lib.manual_seed(seed)
        layer = lib.nn.Linear(*shape, **kwargs)
        return layer.weight, layer.bias, str(layer.weight.dtype), layer.weight.requires_grad, lib.rand(1)

    same(run)


def test_linear_without_inputs() -> None:
    def run(t: Any) -> Any:
        layer = t.nn.Linear(0, 3)
        return layer.bias, list(layer.weight.shape), layer(t.ones(2, 0))

    assert same_warnings(run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(run)


def test_models_start_bit_for_bit() -> None:
    same(lambda t: list(net(t).parameters()))
    same(lambda t: t.nn.Linear(1, 1, device="cpu").weight.device.type)


def test_reset_parameters_draws_anew() -> None:
    def run(lib: Any) -> Any:
        layer = lib.nn.Linear(3, 2)
        lib.manual_seed(5)
        layer.reset_parameters()
        return layer.weight, layer.bias

    same(run)


# ------------------------------------------------------------------------------------------------ functional


def both(arrays: list[Any], dtype: str, lib: Any) -> list[Any]:
    return [None if a is None else lib.tensor(np.asarray(a, dtype).tolist(), dtype=getattr(lib, dtype)) for a in arrays]


def forward_and_backward(
    lib: Any, function: Any, arrays: list[Any], dtype: str, leaves: tuple[int, ...]
) -> tuple[Any, ...]:
    """The result, and the gradients of the leaves for a random cotangent."""
    inputs = both(arrays, dtype, lib)
    for i in leaves:
        inputs[i].requires_grad_()
    out = function(lib.nn.functional, *inputs)
    cotangent = np.random.default_rng(9).standard_normal(tuple(out.shape))
    out.backward(lib.tensor(cotangent.tolist(), dtype=out.dtype))
    return (out.detach().numpy(), *(inputs[i].grad.numpy() for i in leaves))


def compare(
    function: Any, arrays: list[Any], dtype: str, leaves: tuple[int, ...], **tolerance: float
) -> tuple[Any, ...]:
    ours, theirs = (forward_and_backward(lib, function, arrays, dtype, leaves) for lib in (mg, torch))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, **{**TOLERANCE[dtype], **tolerance})
    return ours


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 4, 3), (0, 3), (1, 3)])
def test_linear(shape: tuple[int, ...], bias: bool, dtype: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape), rng.standard_normal((2, 3)), rng.standard_normal(2) if bias else None]
    if 0 in shape:
        arrays[0] = np.zeros(shape)
        same(lambda t: t.nn.functional.linear(t.zeros(*shape), *both(arrays[1:], "float32", t)).tolist())
    else:
        compare(lambda F, x, w, b: F.linear(x, w, b), arrays, dtype, (0, 1, 2) if bias else (0, 1))


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.Linear(3, 2)(t.ones(4, 5)),
        lambda t: t.nn.Linear(3, 2)(t.ones(5)),
        lambda t: t.nn.Linear(3, 2)(t.ones(2, 2, 5)),
        lambda t: t.nn.Linear(3, 2)(t.tensor(1.0)),
        lambda t: t.nn.Linear(3, 2)(t.ones(4, 3, dtype=t.float64)),
        lambda t: t.nn.Linear(3, 2)(t.ones(4, 3, dtype=t.int64)),
        lambda t: t.nn.Linear(3, 2)(np.ones((4, 3))),
    ],
)
def test_linear_errors_are_torchs(call: Any) -> None:
    same_error(call)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, t: F.linear(t.ones(4, 3), t.ones(2, 3), t.ones(3)),
        lambda F, t: F.linear(t.ones(4, 3), t.ones(2, 3), t.ones(2, dtype=t.float64)),
        lambda F, t: F.linear(t.ones(4, 3), t.ones(1, 2, 3)),
        lambda F, t: F.linear(t.ones(1, 3), t.ones(2, 3), t.ones(2, 2, 2)),
        lambda F, t: F.linear(t.ones(4, 3), [[1.0]]),
    ],
)
def test_linear_refuses_what_torch_refuses(call: Any) -> None:
    same_error(lambda t: call(t.nn.functional, t), text=False)


REDUCTIONS = ["mean", "sum", "none"]
SHAPES: list[tuple[int, ...]] = [(), (1,), (7,), (5, 3), (2, 3, 4)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_distances(name: str, reduction: str, shape: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(-2, 3, (2, *shape)) * 0.5  # halves: x = y happens, where |x - y| has its kink
    compare(lambda F, x, y: getattr(F, name)(x, y, reduction=reduction), [x, y], dtype, (0, 1))
    w = rng.random(shape)
    compare(lambda F, x, y, w: getattr(F, name)(x, y, reduction=reduction, weight=w), [x, y, w], dtype, (0, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("weight", "pos_weight"), list(itertools.product([None, (5, 3), (3,), (5, 1), ()], [None, (3,), (1,)]))
)
def test_bce_with_logits(weight: Any, pos_weight: Any, reduction: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((5, 3)) * 4, rng.random((5, 3))
    y[0], x[0, 0] = [0, 1, 0], 0
    w, p = (None if shape is None else rng.random(shape) + 0.5 for shape in (weight, pos_weight))
    compare(
        lambda F, x, y, w, p: F.binary_cross_entropy_with_logits(x, y, w, reduction=reduction, pos_weight=p),
        [x, y, w, p],
        dtype,
        (0, 1),
        atol=10 * TOLERANCE[dtype]["atol"],
    )  # terms up to 10 cancel in a gradient

    def module(lib: Any) -> Any:
        tx, ty, tw, tp = both([x, y, w, p], dtype, lib)
        return lib.nn.BCEWithLogitsLoss(weight=tw, reduction=reduction, pos_weight=tp)(tx, ty).numpy()

    np.testing.assert_allclose(module(mg), module(torch), **TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pos_weight", [None, (4,)])
def test_bce_at_extreme_logits(pos_weight: Any, dtype: str) -> None:
    x = np.array([1000.0, -1000.0, 1000.0, -1000.0, 1e-30, 88.0, -104.0, 710.0])[:, None] * np.ones(4)
    y = np.array([1.0, 1.0, 0.0, 0.0, 0.3, 0.0, 1.0, 0.0])[:, None] * np.ones(4)
    p = None if pos_weight is None else np.full(pos_weight, 3.0)
    got = compare(
        lambda F, x, y, p: F.binary_cross_entropy_with_logits(x, y, pos_weight=p, reduction="none"),
        [x, y, p],
        dtype,
        (0, 1),
    )
    assert all(np.isfinite(g).all() for g in got)
    assert got[0][1, 0] == (1000 if p is None else 3000)


@pytest.mark.parametrize("name", ["mse_loss", "binary_cross_entropy_with_logits"])
def test_second_derivatives_of_losses(name: str) -> None:
    def run(lib: Any) -> Any:
        rng = np.random.default_rng(4)
        x, y = both(list(rng.random((2, 6)) * 4 - 2), "float64", lib)
        x.requires_grad_()
        (g,) = lib.autograd.grad(getattr(lib.nn.functional, name)(x, y), x, create_graph=True)
        (g * lib.tensor(rng.random(6).tolist(), dtype=lib.float64)).sum().backward()
        return x.grad.numpy()

    np.testing.assert_allclose(run(mg), run(torch), rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu(dtype: str) -> None:
    x = np.array([[-1.0, 0.0, 2.0], [3.0, -0.0, -4.0]])
    compare(lambda F, x: F.relu(x), [x], dtype, (0,))
    compare(lambda F, x: F.relu(x * 2, inplace=True), [x], dtype, (0,))
    same(lambda t: (lambda v: (t.nn.ReLU(inplace=True)(v) is v, v))(t.tensor([-1.0, 1.0])))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_dtypes_of_distances_mix_as_torchs(name: str) -> None:
    kinds = ["float32", "float64", "int64"]
    for a, b in itertools.product(kinds, kinds):
        if a == b == "int64":
            continue

        def run(t: Any, a: str = a, b: str = b) -> Any:
            x, y = t.tensor([1, 2, 4], dtype=getattr(t, a)), t.tensor([0, 2, 7], dtype=getattr(t, b))
            out = getattr(t.nn.functional, name)(x, y)
            return out, str(out.dtype)

        same(run)


@pytest.mark.parametrize(("a", "b"), [("float32", "float64"), ("float64", "float32")])
def test_bce_takes_the_targets_dtype(a: str, b: str) -> None:
    def run(t: Any) -> Any:
        x, y = t.tensor([1.0, -2.0], dtype=getattr(t, a)), t.tensor([0.0, 1.0], dtype=getattr(t, b))
        out = t.nn.functional.binary_cross_entropy_with_logits(x, y)
        return out.numpy()

    ours, theirs = run(mg), run(torch)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy_with_logits"])
def test_losses_of_nothing(name: str, reduction: str) -> None:
    same(lambda t: str(getattr(t.nn.functional, name)(t.ones(0), t.ones(0), reduction=reduction).tolist()))


@pytest.mark.parametrize("shapes", [((3, 2), (2,)), ((2,), (3, 2)), ((2,), ()), ((4, 1), (4,))], ids=str)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_unequal_sizes_broadcast_and_warn(name: str, shapes: tuple[Any, Any]) -> None:
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    seen = same_warnings(lambda t: getattr(t.nn.functional, name)(*both(arrays, "float64", t)))
    assert seen and "broadcasting" in seen[0][1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare(lambda F, x, y: getattr(F, name)(x, y), arrays, "float64", (0, 1))


def F(t: Any) -> Any:
    return t.nn.functional


@pytest.mark.parametrize(
    "call",
    [
        lambda t: F(t).mse_loss(t.ones(2), t.ones(2), reduction="avg"),
        lambda t: F(t).l1_loss(t.ones(2), t.ones(2), reduction=None),
        lambda t: t.nn.MSELoss(reduction="avg")(t.ones(2), t.ones(2)),
        lambda t: F(t).mse_loss(t.ones(2), t.ones(2), weight=t.ones(3)),
        lambda t: F(t).mse_loss(t.tensor([1]), t.tensor([1])),
        lambda t: F(t).l1_loss(t.tensor([1]), t.tensor([1])),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(2), t.ones(2, 1)),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(2), t.ones(2), reduction="avg"),
        lambda t: F(t).binary_cross_entropy_with_logits(t.tensor([1]), t.ones(1)),
        lambda t: F(t).binary_cross_entropy_with_logits(
            t.ones(2, requires_grad=True), t.ones(2), weight=t.ones(2, requires_grad=True)
        ),
    ],
)
def test_loss_errors_are_torchs(call: Any) -> None:
    same_error(call)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: F(t).l1_loss(t.ones(2), t.ones(2), weight=t.ones(2), reduction="avg"),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(3, 2), t.ones(3, 2), weight=t.ones(3)),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(3, 2), t.ones(3, 2), pos_weight=t.ones(4, 3, 2)),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(3), t.ones(3), weight=2.0),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(2), t.tensor([1, 0])),
        lambda t: F(t).binary_cross_entropy_with_logits(t.ones(2), t.tensor([True, False])),
    ],
)
def test_losses_refuse_what_torch_refuses(call: Any) -> None:
    same_error(call, text=False)


@pytest.mark.parametrize("arguments", [(False, None), (None, False), (True, True), (False, True), (True, False)])
@pytest.mark.parametrize("name", ["MSELoss", "L1Loss", "BCEWithLogitsLoss"])
def test_deprecated_ways_to_say_reduction(name: str, arguments: tuple[Any, Any]) -> None:
    average, reduce = arguments
    function = {"MSELoss": "mse_loss", "L1Loss": "l1_loss"}.get(name, "binary_cross_entropy_with_logits")

    def run(t: Any) -> Any:
        x, y = t.tensor([[1.0, 2.0]]), t.tensor([[0.0, 0.5]])
        a = getattr(t.nn, name)(size_average=average, reduce=reduce)
        return (
            a.reduction,
            list(a(x, y).shape),
            list(getattr(F(t), function)(x, y, size_average=average, reduce=reduce).shape),
        )

    assert len(same_warnings(run)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(run)

"""Cross entropy and its relatives against torch: every argument, every shape, extreme logits, errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import minigrad

LIBS = (minigrad, torch)
SHAPES = [(4,), (3, 4), (3, 4, 2), (2, 3, 2, 2), (1, 1)]
REDUCTIONS = ["mean", "sum", "none"]
# float64: exponentials and logarithms of both libraries agree to a few ulps, the sums have at most 24 terms
TOLERANCE = 1e-13


def compare(make: Any, *arrays: np.ndarray[Any, Any]) -> None:
    """make(library, *tensors) on both: the loss and, from a random cotangent, its gradients."""
    results = []
    for lib in LIBS:
        xs = [lib.from_numpy(a.copy()) for a in arrays]
        for x in xs:
            if x.is_floating_point():
                x.requires_grad_()
        out = make(lib, *xs)
        cotangent = np.asarray(np.random.default_rng(0).normal(size=tuple(out.shape)))
        out.backward(lib.from_numpy(cotangent), retain_graph=True)
        results.append([out.detach().numpy()] + [x.grad.numpy() for x in xs if x.grad is not None])
    for mine, theirs in zip(*results, strict=True):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE)


def logits_and_ids(shape: tuple[int, ...], seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    dim = 0 if len(shape) == 1 else 1
    return rng.normal(size=shape), np.asarray(rng.integers(0, shape[dim], shape[:dim] + shape[dim + 1 :]))


def class_weights(lib: Any, shape: tuple[int, ...]) -> Any:
    return lib.arange(1, shape[0 if len(shape) == 1 else 1] + 1, dtype=lib.float64) / 3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [-100, 0])
def test_cross_entropy_of_class_ids(
    shape: tuple[int, ...], reduction: str, smoothing: float, weighted: bool, ignore: int
) -> None:
    x, ids = logits_and_ids(shape)
    if ignore == 0 and (ids == 0).all():
        ids = np.asarray(ids + (np.asarray(x).shape[0 if len(shape) == 1 else 1] > 1))
    if ignore == 0 and (ids == 0).all():
        return  # one class, and it is ignored: torch divides 0 by 0
    compare(lambda lib, x, ids: lib.nn.functional.cross_entropy(
        x, ids, class_weights(lib, shape) if weighted else None, ignore_index=ignore, reduction=reduction,
        label_smoothing=smoothing), x, ids)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_of_probabilities(
    shape: tuple[int, ...], reduction: str, smoothing: float, weighted: bool
) -> None:
    x, _ = logits_and_ids(shape)
    y = np.random.default_rng(1).random(shape)  # torch does not ask for a sum of 1, and gives y a gradient
    compare(lambda lib, x, y: lib.nn.functional.cross_entropy(
        x, y, class_weights(lib, shape) if weighted else None, reduction=reduction, label_smoothing=smoothing), x, y)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_probabilities_give_a_gradient_to_the_weights(shape: tuple[int, ...], reduction: str) -> None:
    x, _ = logits_and_ids(shape)
    y = np.asarray(np.random.default_rng(1).random(shape))
    weight = class_weights(torch, shape).numpy()
    compare(lambda lib, x, y, weight: lib.nn.functional.cross_entropy(
        x, y, weight, reduction=reduction, label_smoothing=0.1), x, y, weight)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_loss(shape: tuple[int, ...], reduction: str, weighted: bool) -> None:
    x, ids = logits_and_ids(shape)
    compare(lambda lib, x, ids: lib.nn.functional.nll_loss(
        x.log_softmax(0 if x.ndim == 1 else 1), ids, class_weights(lib, shape) if weighted else None,
        reduction=reduction), x, ids)


def test_ignored_targets() -> None:
    x, ids = logits_and_ids((6, 4))
    ids[::2] = -100
    for name in ("cross_entropy", "nll_loss"):
        for reduction in REDUCTIONS:
            compare(lambda lib, x, ids, n=name, r=reduction: getattr(lib.nn.functional, n)(x, ids, reduction=r), x, ids)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(reduction: str, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    p, y = np.append(rng.random(10), [0.0, 1.0, 0.0, 1.0]), np.append(rng.random(10), [0.0, 1.0, 1.0, 0.0])
    compare(lambda lib, p: lib.nn.functional.binary_cross_entropy(
        p, lib.from_numpy(y), lib.arange(14, dtype=lib.float64) if weighted else None, reduction=reduction), p)


@pytest.mark.parametrize("scale", [1e3, 1e4])
def test_extreme_logits(scale: float) -> None:
    x, ids = logits_and_ids((5, 3))
    compare(lambda lib, x, ids: lib.nn.functional.cross_entropy(x * scale, ids), x, ids)
    compare(lambda lib, x: lib.nn.functional.binary_cross_entropy_with_logits(
        x * scale, lib.ones(5, 3, dtype=lib.float64)), x)
    for dtype in ("float32", "float64"):
        t = minigrad.tensor([[scale, -scale, 0.0]], dtype=getattr(minigrad, dtype), requires_grad=True)
        loss = minigrad.nn.functional.cross_entropy(t, minigrad.tensor([1]))
        loss.backward()
        assert loss.item() == 2 * scale and t.grad.tolist() == [[1, -1, 0]]


def test_second_derivatives() -> None:
    x, ids = logits_and_ids((3, 4))
    found = []
    for lib in LIBS:
        t = lib.from_numpy(x).requires_grad_()
        (g,) = lib.autograd.grad(lib.nn.functional.cross_entropy(t, lib.from_numpy(ids)), t, create_graph=True)
        (h,) = lib.autograd.grad((g * lib.from_numpy(x)).sum(), t)
        found.append(h.numpy())
    np.testing.assert_allclose(*found, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("call", [
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1])),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1, 4])),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1, -1])),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0.0, 1.0, 2.0])),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1, 2], dtype=lib.int32)),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1, 2]), lib.ones(3)),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1, 2]), label_smoothing=2.0),
    lambda F, lib: F.cross_entropy(lib.ones(3, 4), lib.tensor([0, 1, 2]), reduction="average"),
    lambda F, lib: F.cross_entropy(lib.ones(2, 3, 4), lib.ones(2, 5, dtype=lib.int64)),
    lambda F, lib: F.nll_loss(lib.ones(3, 4), lib.tensor([0, 1, 7])),
    lambda F, lib: F.binary_cross_entropy(lib.tensor([1.5]), lib.tensor([1.0])),
    lambda F, lib: F.binary_cross_entropy(lib.tensor([0.5]), lib.tensor([1.0, 0.0])),
    lambda F, lib: F.binary_cross_entropy(lib.tensor([0.5]), lib.tensor([1])),
])
def test_errors(call: Any) -> None:
    raised = []
    for lib in LIBS:
        with pytest.raises(Exception) as info:
            call(lib.nn.functional, lib)
        raised.append(info.type)
    assert raised[0] is raised[1]


def test_softmax_without_a_dim_warns() -> None:
    for lib in LIBS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = lib.nn.functional.softmax(lib.ones(2, 4))
        assert out.sum(1).tolist() == [1, 1]
        assert "Implicit dimension choice for softmax" in str(caught[0].message)

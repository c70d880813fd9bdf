"""Every entry of the table against torch, in float64 and float32: values, gradients, second derivatives.

Backward starts from a random cotangent, never from the sum of the outputs: a softmax's outputs add up to 1, so the
gradient of their sum is 0 whatever the rule says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layer_samples import REACHED_BY, SAMPLES
from samples import COMPARISONS, Given, two

import minigrad
from minigrad import engine, ops

# Relative to the largest entry of what is compared, or to 1. A rule and its derivative make some dozen roundings
# of 1.1e-16 (float64) or 6e-8 (float32); quotients and terms that cancel (std) amplify them up to 100-fold.
TOLERANCE = {"float64": 1e-12, "float32": 5e-5}
NOT_DERIVATIVES = ("cast", "embedding")  # a cast is a staircase; an embedding leaves out padding on purpose
AMPLIFIED = {"bce": 100}  # its derivatives divide by x (1 - x), down to 0.1, up to three times

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def results(library: Any, f: Any, sample: Given, dtype: str, seed: int) -> list[Any]:
    """[output, its gradients, the gradients of a random combination of these], as arrays."""
    rng = np.random.default_rng(seed)
    xs = [library.from_numpy(a.astype(dtype, copy=False)).requires_grad_() for a in sample.arrays]
    out = f(library, *xs, **sample.params)
    found = [out]
    cotangent = library.from_numpy(np.asarray(rng.normal(size=tuple(out.shape)).astype(str(out.dtype).split(".")[1])))
    cotangent.requires_grad_()
    first = library.autograd.grad(out, xs, cotangent, create_graph=True, allow_unused=True)
    found += first
    ways = [library.from_numpy(np.asarray(rng.normal(size=a.shape).astype(dtype))) for a in sample.arrays]
    again = [(g, way) for g, way in zip(first, ways, strict=True) if g is not None and g.requires_grad]
    found += (
        library.autograd.grad([g for g, _ in again], [*xs, cotangent], [way for _, way in again], allow_unused=True)
        if again
        else [None] * (len(xs) + 1)
    )
    return [None if r is None else r.detach().numpy(force=True) for r in found]


def assert_same(mine: list[Any], theirs: list[Any], tolerance: float) -> None:
    assert len(mine) == len(theirs)
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        if a is None or b is None:  # no path, or a path that only ever carries zeros
            assert not np.any(a if b is None else b), f"result {i}: {a} against {b}"
            continue
        assert a.dtype == b.dtype and a.shape == b.shape, f"result {i}: {a.dtype}{a.shape} against {b.dtype}{b.shape}"
        scale = max(1.0, float(np.max(np.abs(b[np.isfinite(b)]), initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=f"result {i}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("word", SAMPLES)
def test_against_torch(word: str, dtype: str) -> None:
    f, strategy = SAMPLES[word]

    @QUICK
    @given(sample=strategy, seed=st.integers(0, 2**32))
    def compare(sample: Given, seed: int) -> None:
        tolerance = TOLERANCE[dtype] * AMPLIFIED.get(word, 1)
        assert_same(results(minigrad, f, sample, dtype, seed), results(torch, f, sample, dtype, seed), tolerance)

    compare()


@pytest.mark.parametrize("word", COMPARISONS)
def test_comparison_against_torch(word: str) -> None:
    f = COMPARISONS[word]

    @QUICK
    @given(arrays=two())
    def compare(arrays: list[Any]) -> None:
        mine = f(minigrad, *[minigrad.from_numpy(a) for a in arrays])
        theirs = f(torch, *[torch.from_numpy(a) for a in arrays])
        assert not mine.requires_grad
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())

    compare()


@pytest.mark.parametrize("word", [word for word in SAMPLES if word not in NOT_DERIVATIVES])
def test_against_finite_differences(word: str) -> None:
    """The gradient along a random direction is what the values themselves say, without torch's help."""
    f, strategy = SAMPLES[word]

    @settings(QUICK, max_examples=12)
    @given(sample=strategy, seed=st.integers(0, 2**32))
    def compare(sample: Given, seed: int) -> None:
        rng = np.random.default_rng(seed)
        # away from kinks and ties: every value apart from every other, and from whole and half numbers
        points = [np.asarray(np.round(a, 1) + 0.02 + 0.03 * rng.random(a.shape)) for a in sample.arrays]
        ways = [rng.normal(size=a.shape) for a in points]
        xs = [minigrad.from_numpy(p).requires_grad_() for p in points]
        out = f(minigrad, *xs, **sample.params)
        cotangent = rng.normal(size=tuple(out.shape))
        grads = minigrad.autograd.grad(out, xs, minigrad.from_numpy(np.asarray(cotangent)), materialize_grads=True)
        predicted = sum(float(np.sum(g.numpy() * w)) for g, w in zip(grads, ways, strict=True))
        h = 1e-6
        ends = [
            f(
                minigrad,
                *[minigrad.from_numpy(np.asarray(p + sign * h * w)) for p, w in zip(points, ways, strict=True)],
                **sample.params,
            ).numpy()
            for sign in (1, -1)
        ]
        measured = float(np.sum((ends[0] - ends[1]) * cotangent)) / (2 * h)
        # the difference quotient is off by about h^2 times the third derivative, plus 1e-16 / h of rounding
        assert predicted == pytest.approx(measured, rel=2e-5, abs=2e-5)

    compare()


def test_every_entry_has_a_sample() -> None:
    missing = set(ops.TABLE) - set(SAMPLES) - set(COMPARISONS) - set(REACHED_BY)
    assert not missing, f"give these entries of the table a sample in tests/samples.py: {sorted(missing)}"


@pytest.mark.parametrize("word", [word for word in SAMPLES if word in ops.TABLE])
def test_a_sample_reaches_its_entry(word: str) -> None:
    f, strategy = SAMPLES[word]
    seen: set[str] = set()

    @settings(QUICK, max_examples=15)
    @given(sample=strategy)
    def note(sample: Given) -> None:
        out = f(minigrad, *[minigrad.from_numpy(a).requires_grad_() for a in sample.arrays], **sample.params)
        seen.update(node.op_name for node in engine.newest_first([out.node]))

    note()
    assert ops.TABLE[word].name in seen

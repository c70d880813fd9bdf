"""erf against Python's own, in units in the last place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minigrad.error_function import erf

SPECIAL = [1e-300, -1e-40, 1.0, -1.0, 5.999, 6.0, 30.0]
POINTS = np.concatenate([np.linspace(-7, 7, 20001), np.random.default_rng(0).normal(size=20000), SPECIAL])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_to_three_units_in_the_last_place(dtype: str) -> None:
    x = POINTS.astype(dtype)
    right = np.array([math.erf(value) for value in x.astype(float)])
    smallest = np.finfo(dtype).smallest_normal
    units = np.abs(erf(x) - right) / np.spacing(np.maximum(np.abs(right), smallest).astype(dtype)).astype(float)
    assert erf(x).dtype == dtype and units.max() <= 3


def test_ends_signs_and_shapes() -> None:
    found = erf(np.array([np.inf, -np.inf, 0.0, -0.0, np.nan], np.float32))
    assert found[:4].tolist() == [1, -1, 0, 0] and np.signbit(found[3]) and not np.signbit(found[2])
    assert np.isnan(found[4])
    assert erf(np.zeros((0, 3))).shape == (0, 3) and erf(np.asarray(0.5)).shape == ()
    half = np.linspace(-3, 3, 100).astype(np.float16)
    assert erf(half).dtype == np.float16
    np.testing.assert_allclose(erf(half), [math.erf(value) for value in half], rtol=1e-3)  # float16: 2**-11

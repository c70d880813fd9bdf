"""select.where is np.where, bit for bit, on either side of the size from which it works on bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import select

SHAPES = [(), (0,), (7,), (select.MANY - 1,), (select.MANY,), (3, 1000), (40, 50, 2)]
AWKWARD = [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1e-45, 3.0]  # 1e-45: less than float32's smallest normal


def drawn(shape: tuple[int, ...], dtype: str) -> Any:
    rng = np.random.default_rng(0)
    array = rng.normal(size=shape).astype(dtype)
    with np.errstate(all="ignore"):  # nan as an integer
        picked = rng.choice(np.array(AWKWARD).astype(dtype), size=shape)
    return np.asarray(np.where(rng.random(shape) < 0.3, picked, array))


def assert_same_bits(c: Any, x: Any, y: Any) -> None:
    expected, found = np.asarray(np.where(c, x, y)), np.asarray(select.where(c, x, y))
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_as_numpys(shape: tuple[int, ...], dtype: str) -> None:
    x = drawn(shape, dtype)
    y = x[::-1].copy() if shape else x + 1
    c = np.asarray(np.random.default_rng(1).random(shape) < 0.5)
    for other in (y, 0, 0.0, -0.0, 2, 2.5, np.float32(0), np.float64(0), y.astype("float64")):
        assert_same_bits(c, x, other)
        assert_same_bits(c, other, x)
    assert_same_bits(c, 0, 0)


def test_broadcast_and_not_contiguous() -> None:
    x, y, c = drawn((60, 50), "float32"), drawn((1, 50), "float32"), drawn((60, 50), "float32") > 0
    for a in (x, x.T.copy().T, x[::-1, ::-1], np.broadcast_to(y, x.shape)):
        for b in (y, 0, drawn((), "float32")):
            assert_same_bits(c, a, b)
            assert_same_bits(c[:, ::-1], b, a)
    assert_same_bits(c[:1], x, 0)
    assert_same_bits(drawn((3, 60, 50), "float32") > 0, x, y)


def test_a_condition_of_numbers_is_true_where_it_is_not_0() -> None:
    x = drawn((50, 50), "float32")
    assert_same_bits(np.arange(2500).reshape(50, 50) % 3, x, 0)


def test_the_result_is_new_memory() -> None:
    x = drawn((50, 50), "float32")
    assert not np.shares_memory(select.where(np.ones((50, 50), bool), x, 0), x)


@pytest.mark.parametrize("key", [
    np.array([3, 0, 3, -1]), (np.array([3, 0, 3, -1]),), (np.array([[1, 1], [0, -4]]),), np.array([], np.int64),
    (np.array([3, 3]), np.array([1, 1])), (slice(None), np.array([1, 1, 0])), (np.arange(4) > 1,), (slice(1, 3), 0),
    (Ellipsis, None), np.array(2)], ids=repr)
@pytest.mark.parametrize("rest", [(5,), (5, 2), (5, 0)], ids=str)
def test_put_adds_where_it_was_picked(key: Any, rest: tuple[int, ...]) -> None:
    shape = (4, *rest)
    x = np.random.default_rng(2).normal(size=np.zeros(shape)[key].shape).astype(np.float32)
    expected = np.zeros(shape, np.float32)
    np.add.at(expected, key, x)
    found = select.put(x, shape, key)
    assert found.dtype == np.float32 and found.tobytes() == expected.tobytes()


def test_put_into_one_dimension() -> None:
    assert select.put(np.array([1.0, 2.0, 4.0]), (3,), (np.array([0, 2, 0]),)).tolist() == [5, 0, 2]

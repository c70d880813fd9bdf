"""Matrix products in the forms in which NumPy's BLAS is fast: the order of the sums changes, and nothing else.

Training on small batches multiplies a few rows (the batch) with a large matrix (the weight), and a general product
begins with copying ("packing") both: most of the time goes there. Two remedies, with what they bring in float32 for a
batch of 10 and a weight of 512 x 784 (OpenBLAS on an AMD EPYC with AVX-512; with AVX2 kernels they are even):

    the large matrix comes first:            x @ w.T  as  (w @ x.T).T      200 -> 120 µs
    and in blocks, each of so few multiplications that BLAS does not pack:  120 -> 70 µs

The other way round, a large batch and a tiny weight (800 rows, 10 x 10), BLAS is slow at reading the weight's columns,
and NumPy at adding the short bias to one row after another. A copy of w.T and eight rows at a time: 8.4 -> 5.2 µs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .engine import Array

FEW = 12  # rows: from there on packing pays
UNPACKED = 800_000  # multiplications in a block
MANY = 500  # rows of a large batch
TINY = 1024  # elements of a weight that is copied in no time


def mm(x: Array, y: Array) -> Array:
    """x @ y for two matrices. np.dot goes straight to BLAS; np.matmul is up to 3 times slower where a side is 1."""
    if not isinstance(x, np.ndarray) or not 1 < len(x) <= FEW or len(x) * y.size <= UNPACKED:
        return np.dot(x, y)
    if x.shape[1] != len(y):
        return np.dot(x, y)  # which says what doesn't fit
    rows = max(UNPACKED // (len(x) * y.shape[1]), 1)  # of y, in a block
    out = np.dot(x[:, :rows], y[:rows])
    for i in range(rows, len(y), rows):
        out += np.dot(x[:, i : i + rows], y[i : i + rows])
    return out


def linear(x: Array, w: Array, b: Array | None) -> Array:
    """x @ w.T + b for a matrix x, one row a sample."""
    if isinstance(x, np.ndarray) and 8 * len(x) <= len(w):  # a small batch
        return np.add(_large_first(w, x.T).T, 0 if b is None else b, order="C")
    if isinstance(x, np.ndarray) and len(x) >= MANY and w.size <= TINY and len(w) > 1:
        return _many_rows(x, w, b)
    out = np.dot(x, w.T)
    if b is not None:
        out += b
    return out


def _many_rows(x: Array, w: Array, b: Array | None) -> Array:
    """x @ w.T + b for a large batch and a tiny w."""
    out = np.dot(x, w.T.copy())
    if b is None:
        return out
    if b.shape != w.shape[:1] or len(x) % 8:
        out += b
    else:
        eight = out.reshape(-1, 8 * len(b))  # rows of eight rows
        eight += b[None].repeat(8, 0).reshape(-1)
    return out


def sum_of_rows(x: Array) -> Array:
    """The sum of the rows of a matrix, as the product with a row of ones: much faster than x.sum(0) if they are short.

    For 800 rows of 10 numbers 12 -> 2 µs.
    """
    return np.dot(_ones(len(x), x.dtype), x)


@lru_cache(maxsize=16)  # batches come in few sizes
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def _large_first(w: Array, columns: Array) -> Array:
    """w @ columns for a large w and few columns."""
    n = columns.shape[1]
    if not 1 < n <= FEW or n * w.size <= UNPACKED:
        return np.dot(w, columns)
    out = np.empty_like(w, shape=(len(w), n))
    rows = max(UNPACKED // (n * w.shape[1]), 1)  # of w, in a block
    for i in range(0, len(w), rows):
        np.dot(w[i : i + rows], columns, out=out[i : i + rows])
    return out

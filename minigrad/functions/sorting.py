"""Sorting, and what follows from an order: topk, median, mode, unique, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..engine import Array, Op, apply, wrap
from .indexing import picked
from .promotion import numpy_names
from .reductions import one_dim, pair

if TYPE_CHECKING:
    from ..tensor import Tensor

sort_result, topk_result, median_result = pair("sort"), pair("topk"), pair("median")
kthvalue_result, mode_result = pair("kthvalue"), pair("mode")
_sort, _topk, _median_along = ops.index.named("sort"), ops.index.named("topk"), ops.index.named("median1")
_kthvalue, _mode = ops.index.named("kthvalue"), ops.index.named("mode")
_median = Op("median", lambda x, /, dim, keepdim: _middle(x), x=ops.amax.rules["x"])  # ties share g evenly


def _order(x: Array, dim: int, descending: bool = False) -> Array:
    """Along dim the indices of the elements in rising order: equal ones stay as they were, nan counts as largest."""
    if not x.ndim:
        return np.zeros_like(x, dtype=np.int64)
    if not descending:
        return np.argsort(x, dim, kind="stable")
    return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), dim, kind="stable"), dim)


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """(values, indices): the elements along dim in rising (or falling) order, and where they stood."""
    order = _order(input.array, one_dim(dim, input.array.ndim), descending)
    return sort_result(*picked(_sort, input, order, dim, True))


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort the tensor along dim."""
    return wrap(_order(input.array, one_dim(dim, input.array.ndim), descending))


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices): the k largest (or smallest) along dim, the best first."""
    at = one_dim(dim, input.array.ndim)
    if not 0 <= k <= (input.array.shape[at] if input.array.ndim else 1):
        raise RuntimeError(f"selected index k out of range: {k} of {list(input.array.shape)} along dim {at}")
    order = _order(input.array, at, largest)
    best = order[(slice(None),) * at + (slice(k),)] if order.ndim else order
    return topk_result(*picked(_topk, input, best, dim, True))


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices): the k-th smallest along dim, and where it stood."""
    at = one_dim(dim, input.array.ndim)
    if not 1 <= k <= (input.array.shape or (1,))[at]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {at}: {k} of {input.shape}")
    order = _order(input.array, at)
    kth = order[(slice(None),) * at + (slice(k - 1, k),)] if order.ndim else order
    return kthvalue_result(*picked(_kthvalue, input, kth, dim, keepdim))


def _most_frequent(row: Array) -> Any:
    """Where the most frequent value of a vector stands last; of equally frequent ones the smallest counts."""
    _, group, counts = np.unique(row, return_inverse=True, return_counts=True, equal_nan=False)
    return np.flatnonzero(group == counts.argmax())[-1]


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices): the most frequent along dim, of equally frequent ones the smallest, and where it was last."""
    at = one_dim(dim, input.array.ndim)
    found = np.apply_along_axis(_most_frequent, at, np.atleast_1d(input.array))
    return mode_result(*picked(_mode, input, np.expand_dims(found, at) if input.array.ndim else found, dim, keepdim))


def _middle(x: Array) -> Array:
    """The median of all elements: of an even number the lower of the two in the middle; nan if there is one."""
    ranked = np.sort(x, None)
    if not ranked.size:
        return np.full((), np.nan, x.dtype)
    return ranked[-1 if np.isnan(ranked[-1]) else (ranked.size - 1) // 2]


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of all; along dim (values, indices). Of an even number it is the lower of the two in the middle."""
    if dim is None:
        return apply(_median, (input, tuple(range(input.array.ndim)), False))
    at = one_dim(dim, input.array.ndim)
    order = _order(input.array, at)
    if order.ndim:
        n = order.shape[at]
        if not n:
            raise IndexError(f"median(): Expected reduction dim {at} to have non-zero size.")
        found = np.isnan(input.array).sum(at, keepdims=True)  # nan is sorted last: the first of them is the answer
        order = np.take_along_axis(order, np.where(found, n - found, (n - 1) // 2), at)
    return median_result(*picked(_median_along, input, order, dim, keepdim))


def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: int | None = None) -> Any:
    """The different elements (or slices along dim), in order; also where each went, and how often each occurs."""
    found: Any = np.unique(input.array, False, return_inverse, return_counts, dim)  # type: ignore[call-overload]
    parts = found if isinstance(found, tuple) else (found,)
    return tuple([wrap(part) for part in parts]) if len(parts) > 1 else wrap(parts[0])


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in a vector of integers, or the sum of the weights where it does."""
    x = input.array
    if x.dtype.kind not in "iu":
        raise NotImplementedError(f'"bincount_cpu" not implemented for {input.dtype}')
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs, not {input}")
    if minlength < 0:
        raise RuntimeError(f"minlength should be >= 0, not {minlength}")
    if weights is None:
        return wrap(np.bincount(x, None, minlength))
    if weights.array.shape != x.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input, not shape "
                           f"{list(weights.array.shape)} for {list(x.shape)}")
    kept = np.float32 if weights.array.dtype == np.float32 else np.float64
    counted = np.zeros(max(minlength, x.max(initial=-1) + 1), kept)
    np.add.at(counted, x, weights.array.astype(kept))
    return wrap(counted)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of `bins` equal parts of min to max; where these are equal, of all there is."""
    x = input.array
    low, high = (x.min(), x.max()) if min == max and x.size else (min, max)
    low, high = (low, high) if low != high else (low - 1, high + 1)
    places = ((x[(x >= low) & (x <= high)] - low) * bins / (high - low)).astype(int)  # in x's dtype, as torch
    return wrap(np.bincount(np.minimum(places, bins - 1), minlength=bins).astype(x.dtype))

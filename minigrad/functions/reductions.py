"""torch's reductions: sum, mean, var, std, max, min, argmax, argmin, softmax, and `equal` and its kind."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import ops
from ..device import as_array
from ..dtypes import FLOATING, as_dtype, dtype, from_numpy_dtype, get_default_dtype, int64
from ..engine import Op, apply, wrap
from .indexing import picked
from .promotion import binary, cast, numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor

Dim = int | Sequence[int] | None


class _Pair(NamedTuple):
    values: Any
    indices: Any


class Pair(_Pair):
    """What `max(dim)`, `sort` and their kind return: values and indices, printed as torch's named tuple."""

    def __repr__(self) -> str:
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


def pair(name: str) -> Any:
    """The type of the named tuple that the function `name` returns."""
    return type(name, (Pair,), {"__module__": "torch.return_types"})


max_result, min_result = pair("max"), pair("min")
# The table's ops as torch prints them where they are given a dim.
_sum_dim, _mean_dim = ops.sum.named("sum1"), ops.mean.named("mean1")
_max, _max_dim, _min, _min_dim = [op.named(name) for op, name in (
    (ops.amax, "max1"), (ops.index, "max"), (ops.amin, "min1"), (ops.index, "min"))]


def one_dim(dim: int, ndim: int) -> int:
    """A dim counted from the front; IndexError as torch's where there is none such."""
    if isinstance(dim, bool):
        raise TypeError("argument 'dim' must be int, not bool")
    size = ndim or 1  # a 0-d tensor has, for this purpose, one dimension
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    return dim % size


def many_dims(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The dims to reduce, counted from the front: all of them for None or an empty list."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = tuple([one_dim(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim)])
    if len(set(dims)) < len(dims):
        raise RuntimeError(
            f"dim {[d for d in dims if dims.count(d) > 1][0]} appears multiple times in the list of dims")
    return dims if ndim else ()


def _count(input: Tensor, dims: tuple[int, ...]) -> int:
    n = 1
    for d in dims:
        n *= input.array.shape[d]
    return n


def summable(input: Tensor, d: dtype | None) -> Tensor:
    """input with dtype d; integers and bools, unless told otherwise, as int64."""
    if d is None:
        return cast(input, int64) if input.array.dtype.kind != "f" else input
    return cast(input, as_dtype(d))


@numpy_names
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    """The sum over dim, or of all elements. Integers and bools add up to int64."""
    if dtype is not None or input.array.dtype.kind != "b":  # NumPy itself adds up bools to int64
        input = summable(input, dtype)
    return apply(ops.sum if dim is None else _sum_dim, (input, many_dims(dim, input.array.ndim), keepdim))


@numpy_names
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    """The mean over dim, or of all elements; nan of none."""
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    _float_only("mean", input)
    dims = many_dims(dim, input.array.ndim)
    return apply(ops.mean if dim is None else _mean_dim, (input, dims, keepdim, _count(input, dims)))


def _float_only(name: str, input: Tensor) -> None:
    found = from_numpy_dtype(input.array.dtype)
    if found.category != FLOATING:
        raise RuntimeError(f"{name}(): could not infer output dtype. Input dtype must be either a floating point or "
                           f"complex dtype. Got: {found.type_name}")


@numpy_names
def var(input: Tensor, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The variance over dim: squared distances from the mean, over n - correction (1 unless given)."""
    return _spread_of(ops.var, "var", input, dim, unbiased, keepdim, correction)


@numpy_names
def std(input: Tensor, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The standard deviation: the square root of `var`. Its gradient at 0 is 0."""
    return _spread_of(ops.std, "std", input, dim, unbiased, keepdim, correction)


def _spread_of(op: Op, name: str, input: Tensor, dim: Dim | bool, unbiased: bool | None, keepdim: bool,
               correction: float | None) -> Tensor:
    if isinstance(dim, bool):  # var(unbiased) without a dim
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError(f"{name}() takes unbiased or correction, not both")
        correction = 1 if unbiased else 0
    if from_numpy_dtype(input.array.dtype).category != FLOATING:
        raise RuntimeError(f"{name} only supports floating point dtypes, not {from_numpy_dtype(input.array.dtype)}")
    dims = many_dims(dim, input.array.ndim)
    n = _count(input, dims)
    m = n - (1 if correction is None else correction)
    if m <= 0:
        warnings.warn(f"{name}(): degrees of freedom is <= 0: {n} elements, correction {n - m}", stacklevel=3)
        m = 0
    return apply(op, (input, dims, keepdim, n, m))


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The largest of all; along dim (values, indices); of two tensors, the larger of each pair.

    Over all elements, ties share the gradient; along dim, it goes to the element that `indices` names.
    """
    given = dim if other is None else other
    return _extreme(_max, _max_dim, ops.argmax, ops.maximum, max_result, input, given, keepdim)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest: as `max`."""
    given = dim if other is None else other
    return _extreme(_min, _min_dim, ops.argmin, ops.minimum, min_result, input, given, keepdim)


def _extreme(whole: Op, along: Op, where: Op, pairwise: Op, result: Any, input: Tensor, dim: Any,
             keepdim: bool) -> Any:
    name = whole.name.rstrip("1")
    if dim is None:
        if not input.array.size:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0 (shape "
                               f"{list(input.array.shape)}). Specify the reduction dim with the 'dim' argument.")
        return apply(whole, (input, tuple(range(input.array.ndim)), False))
    if not isinstance(dim, int):
        return binary(pairwise, input, dim)
    return result(*picked(along, input, _arg(where, input, dim, True).array, dim, keepdim))


@numpy_names
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The largest over dim; ties share the gradient."""
    return _extremes(ops.amax, input, dim, keepdim)


@numpy_names
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The smallest over dim; ties share the gradient."""
    return _extremes(ops.amin, input, dim, keepdim)


def _extremes(op: Op, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    dims = many_dims(dim, input.array.ndim)
    if not _count(input, dims):
        raise (RuntimeError if dim is None else IndexError)(
            f"{op.name}(): Expected reduction dim to have non-zero size, not shape {list(input.array.shape)}")
    return apply(op, (input, dims, keepdim))


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the largest element: the first of equals; without dim, in the flattened tensor."""
    return _arg(ops.argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index (int64) of the smallest element."""
    return _arg(ops.argmin, input, dim, keepdim)


def _arg(op: Op, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    shape = input.array.shape
    if dim is not None:
        dim = one_dim(dim, len(shape))
        if shape and not shape[dim]:
            raise IndexError(
                f"{op.name}(): Expected reduction dim {dim} to have non-zero size, not shape {list(shape)}.")
    elif not input.array.size:
        raise IndexError(f"{op.name}(): Expected reduction dim to be specified for input.numel() == 0 (shape "
                         f"{list(shape)}). Specify the reduction dim with the 'dim' argument.")
    return apply(op, (input, dim if shape else None, keepdim))


@numpy_names
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """log(exp(input).sum(dim)), without overflow."""
    input = input if input.array.dtype.kind == "f" else cast(input, get_default_dtype())
    return apply(ops.logsumexp, (input, many_dims(dim, input.array.ndim), keepdim))


@numpy_names
def softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """exp(input), scaled to add up to 1 along dim."""
    return _softmax(ops.softmax, input, dim, dtype)


@numpy_names
def log_softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """log(softmax(input)), without overflow."""
    return _softmax(ops.log_softmax, input, dim, dtype)


def _softmax(op: Op, input: Tensor, dim: int, dtype: dtype | None) -> Tensor:
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    found = from_numpy_dtype(input.array.dtype)
    if found.category != FLOATING:
        raise NotImplementedError(f'"{op.name}" not implemented for {found.type_name!r}')
    dim = one_dim(dim, input.array.ndim)
    if input.array.ndim == 0:
        return apply(op, (input.reshape(1), (0,))).reshape(())
    if not input.array.shape[dim]:
        return apply(ops.clone, (input,))
    return apply(op, (input, (dim,)))


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    return input.array.shape == other.array.shape and bool((input.array == other.array).all())


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Element by element, whether |input - other| <= atol + rtol * |other|."""
    if input.array.dtype != other.array.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    return wrap(as_array(np.isclose(input.array, other.array, rtol, atol, equal_nan)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close (see `isclose`)."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@numpy_names
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether all elements are true."""
    return wrap(as_array(input.array.astype(bool).all(many_dims(dim, input.array.ndim), keepdims=keepdim)))


@numpy_names
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether some element is true."""
    return wrap(as_array(input.array.astype(bool).any(many_dims(dim, input.array.ndim), keepdims=keepdim)))


@numpy_names
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many elements are not 0."""
    return sum(input != 0, dim)

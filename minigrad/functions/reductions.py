"""torch's reductions: sum, mean, var, std, max, min, argmax, argmin, softmax, and `equal` and its kind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from .. import ops
from ..dtypes import FLOATING, as_dtype, dtype, from_numpy_dtype, int64
from ..engine import Op, apply, wrap
from .indexing import take_along
from .pointwise import binary, cast, tensor_only

if TYPE_CHECKING:
    from ..tensor import Tensor

Dim = int | Sequence[int] | None


class _Pair(NamedTuple):
    values: Any
    indices: Any


class Extreme(_Pair):
    """What `max(dim)` and `min(dim)` return: values and indices, printed as torch's named tuple."""

    def __repr__(self) -> str:
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


max_result = type("max", (Extreme,), {"__module__": "torch.return_types"})
min_result = type("min", (Extreme,), {"__module__": "torch.return_types"})


F = TypeVar("F", bound=Callable[..., Any])


def numpy_names(function: F) -> F:
    """Also accept NumPy's names for dim and keepdim, axis and keepdims, as torch does."""

    @wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for numpy, ours in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpy in kwargs:
                    kwargs[ours] = kwargs.pop(numpy)
        if args:
            tensor_only(function.__name__, args[0])
        return function(*args, **kwargs)

    return renamed  # type: ignore[return-value]


def one_dim(dim: int, ndim: int) -> int:
    """A dim counted from the front; IndexError as torch's where there is none such."""
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


@numpy_names
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    """The sum over dim, or of all elements. Integers and bools add up to int64."""
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input.array.dtype.kind != "f":
        input = cast(input, int64)
    return apply(ops.sum, (input, many_dims(dim, input.array.ndim), keepdim))


@numpy_names
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    """The mean over dim, or of all elements; nan of none."""
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    _float_only("mean", input)
    dims = many_dims(dim, input.array.ndim)
    return apply(ops.mean, (input, dims, keepdim, _count(input, dims)))


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
    return _extreme(ops.max, ops.argmax, ops.maximum, max_result, input, dim if other is None else other, keepdim)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest: as `max`."""
    return _extreme(ops.min, ops.argmin, ops.minimum, min_result, input, dim if other is None else other, keepdim)


def _extreme(whole: Op, where: Op, pairwise: Op, result: Any, input: Tensor, dim: Any, keepdim: bool) -> Any:
    name = whole.name.rstrip("1")
    if dim is None:
        if not input.array.size:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0 (shape "
                               f"{list(input.array.shape)}). Specify the reduction dim with the 'dim' argument.")
        return apply(whole, (input, tuple(range(input.array.ndim)), False))
    if not isinstance(dim, int):
        return binary(pairwise, input, dim)
    indices = _arg(where, input, dim, True)
    values = take_along(input, indices, dim) if input.array.ndim else apply(ops.clone, (input,))
    if not keepdim and input.array.ndim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return result(values, indices)


@numpy_names
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The largest over dim; ties share the gradient."""
    return apply(ops.amax, (input, many_dims(dim, input.array.ndim), keepdim))


@numpy_names
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The smallest over dim; ties share the gradient."""
    return apply(ops.amin, (input, many_dims(dim, input.array.ndim), keepdim))


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


def softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """exp(input), scaled to add up to 1 along dim."""
    return _softmax(ops.softmax, input, dim, dtype)


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
    return wrap(np.asarray(np.isclose(input.array, other.array, rtol, atol, equal_nan)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close (see `isclose`)."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@numpy_names
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether all elements are true."""
    return wrap(np.asarray(input.array.astype(bool).all(many_dims(dim, input.array.ndim), keepdims=keepdim)))


@numpy_names
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether some element is true."""
    return wrap(np.asarray(input.array.astype(bool).any(many_dims(dim, input.array.ndim), keepdims=keepdim)))

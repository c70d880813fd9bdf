"""Picking elements: `x[key]`, `x[key] = value`, and gather and scatter, which are indexing along a dim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..device import CPU, beside, is_array, place
from ..dtypes import from_numpy_dtype
from ..engine import Op, TensorCore, apply, wrap
from .promotion import numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor

Key = tuple[Any, ...]

# Picking and storing under torch's names for those who do it.
_select, _unsqueeze = ops.take_slice.named("select"), ops.take_slice.named("unsqueeze")
_gather, _index_select, _masked_select = [ops.index.named(n) for n in ("gather", "index_select", "masked_select")]
_take = ops.index.named("take")
_scatter, _scatter_number = ops.setitem.named("scatter"), ops.setitem.named("scatter1")
_scatter_add = ops.add.named("scatter_add")


def getitem(input: Tensor, key: Any) -> Tensor:
    """input[key]: a view for ints, slices, None and `...`; a copy for lists, masks and index tensors."""
    shape = input.array.shape
    if type(key) is int and shape and -shape[0] <= key < shape[0]:  # x[3]: a third of the time of what follows
        return apply(_select, (input, (key, Ellipsis)))
    basic, advanced = split_key(key, shape)
    out = input
    if basic is not None:
        last = [slice(None), *[k for k in basic if k is not Ellipsis and k != slice(None)]][-1]  # as torch names it
        op = _select if isinstance(last, int) else _unsqueeze if last is None else ops.take_slice
        out = apply(op, (out, basic))
    return out if advanced is None else apply(ops.index, (out, advanced))


def split_key(key: Any, shape: tuple[int, ...]) -> tuple[Key | None, Key | None]:
    """A key as torch reads it: first what can be a view (ints, slices, None), then index arrays and masks.

    NumPy does both at once, and puts dimensions elsewhere where an int and an array stand apart.
    """
    parts = [_checked(k) for k in (key if isinstance(key, tuple) else (key,))]
    taken = sum(
        k.ndim if is_array(k) and k.dtype == bool else 1
        for k in parts
        if k is not None and k is not Ellipsis and k is not True and k is not False
    )
    if taken > len(shape):
        raise IndexError(
            f"too many indices for tensor of dimension {len(shape)}: {taken} in {key!r}, shape {list(shape)}")
    if Ellipsis not in [k for k in parts if not is_array(k)]:
        parts.append(Ellipsis)
    at = next(i for i, k in enumerate(parts) if k is Ellipsis)
    parts[at : at + 1] = [slice(None)] * (len(shape) - taken)
    basic: list[Any] = []
    advanced: list[Any] = []
    dim = 0
    for part in parts:
        if part is None:
            basic.append(None)
            advanced.append(slice(None))
        elif isinstance(part, bool) or is_array(part):
            here = np.asarray(part) if isinstance(part, bool) else part
            basic.extend([slice(None)] * (here.ndim if here.dtype == bool else 1))
            advanced.append(_in_range(here, shape, dim))
            dim += here.ndim if here.dtype == bool else 1
        else:
            if isinstance(part, int):
                _in_range(np.asarray(part), shape, dim)
            else:
                advanced.append(slice(None))
            basic.append(part)
            dim += 1
    is_basic = any(part is None or isinstance(part, int) or part != slice(None) for part in basic)
    is_advanced = any(map(is_array, advanced))
    first = (*basic, Ellipsis) if is_basic or not is_advanced else None
    return first, tuple(advanced) if is_advanced else None


def _checked(part: Any) -> Any:
    """One part of a key: None, Ellipsis, a bool, an int, a slice, or an array of ints or bools."""
    if part is None or part is Ellipsis or isinstance(part, (bool, int)):
        return part
    if isinstance(part, slice):
        if part.step is not None and part.step <= 0:
            raise ValueError(f"step must be greater than zero, got {part.step}; flip() turns a tensor round")
        return slice(*[None if v is None else int(v) for v in (part.start, part.stop, part.step)])
    array = part.array if isinstance(part, TensorCore) else None
    if array is None and isinstance(part, (list, tuple, range, np.ndarray, np.integer, np.bool_)):
        array = (
            np.asarray([place(p.array, CPU) if isinstance(p, TensorCore) else p for p in part])
            if isinstance(part, (list, tuple))
            else np.asarray(part)
        )
        if array.size == 0 and not isinstance(part, np.ndarray):
            array = array.astype(np.int64)
    if isinstance(part, str):
        raise TypeError(f"a tensor cannot be indexed with a string, {part!r}")
    if array is None or array.dtype.kind not in "iub":
        kind = type(part).__name__ if array is None else str(from_numpy_dtype(array.dtype))
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                         f"indices (got {kind})")
    if array.ndim == 0 and array.dtype != bool:
        return int(array.item())
    return array.astype(bool) if array.dtype == np.uint8 and isinstance(part, TensorCore) else array  # an old mask


def _in_range(index: np.ndarray[Any, Any], shape: tuple[int, ...], dim: int) -> np.ndarray[Any, Any]:
    if index.dtype == bool:
        seen = shape[dim : dim + index.ndim]
        if index.shape != seen:
            raise IndexError(
                f"The shape of the mask {list(index.shape)} at index {dim} does not match the shape of the "
                f"indexed tensor {list(shape)} at index {dim}")
    elif index.size and not -shape[dim] <= index.min() <= index.max() < shape[dim]:
        worst = index.max() if index.max() >= shape[dim] else index.min()
        raise IndexError(f"index {worst.item()} is out of bounds for dimension {dim} with size {shape[dim]}")
    return index


# --------------------------------------------------------------------------------- along one dimension


def along(index: Tensor, dim: int, input: Tensor) -> Key:
    """The key of `gather`: at each position of `index`, that position with its dim replaced by the index."""
    positions = index.array
    if not -max(input.array.ndim, 1) <= dim < max(input.array.ndim, 1):
        raise IndexError(f"Dimension out of range: {dim}, for a tensor of shape {list(input.array.shape)}")
    if positions.ndim == 0 and input.array.ndim == 1:  # torch counts a number as a vector of one here
        return _in_range(positions, input.array.shape, 0),
    if not positions.size:
        return (positions.astype(np.int64),) * input.array.ndim
    if positions.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"gather(): Expected dtype int32/int64 for index, not {index.dtype}")
    if positions.ndim != input.array.ndim:
        raise RuntimeError(f"Index tensor must have the same number of dimensions as input tensor: got "
                           f"{positions.ndim} and {input.array.ndim}")
    dim = dim % (input.array.ndim or 1)
    for d, (n, limit) in enumerate(zip(positions.shape, input.array.shape, strict=True)):
        if d != dim and n > limit:
            raise RuntimeError(f"Size does not match at dimension {d} expected index {list(positions.shape)} to be no "
                               f"larger than self {list(input.array.shape)} apart from dimension {dim}")
    key: list[Any] = [beside(i, positions) for i in np.ogrid[tuple([slice(n) for n in positions.shape])]]
    if key:
        limit = input.array.shape[dim]
        if not 0 <= positions.min() <= positions.max() < limit:
            worst = positions.max() if positions.max() >= limit else positions.min()
            raise RuntimeError(f"index {worst.item()} is out of bounds for dimension {dim} with size {limit}")
        key[dim] = positions.astype(np.int64, copy=False)
    return tuple(key)


def picked(op: Op, input: Tensor, positions: np.ndarray[Any, Any], dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The elements at the positions along dim, which were found by comparing them, and the positions."""
    key = along(wrap(positions), dim, input)
    if not keepdim and input.array.ndim:
        key, positions = tuple([k.squeeze(dim) for k in key]), positions.squeeze(dim)
    return apply(op, (input, key)), wrap(positions)


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for dim 0, input[i][index[i][j]] for dim 1, and so on."""
    input = input if input.array.ndim else input.reshape(1)
    return apply(_gather, (input, along(index, dim, input)))


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at these places of the flattened tensor, in the shape of the index."""
    if index.array.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype.type_name}")
    return apply(_take, (input.reshape(-1), (_in_range(index.array, (input.array.size,), 0),)))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather`, with input and indices broadcast against each other in all dims but `dim`."""
    if dim is None:
        return take_along_dim(input.reshape(-1), indices.reshape(-1), 0)
    n = input.array.shape[dim]
    x, i = input.movedim(dim, -1), indices.movedim(dim, -1)
    shape = np.broadcast_shapes(x.array.shape[:-1], i.array.shape[:-1])
    return gather(x.expand(*shape, n), -1, (i % max(n, 1)).expand(*shape, -1)).movedim(-1, dim)


def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
            reduce: str | None = None) -> Tensor:
    """A copy of input with out[index[i][j]][j] = src[i][j] for dim 0, and so on; reduce="add" adds instead."""
    src = value if src is None else src
    if reduce is not None:
        if reduce != "add":
            raise NotImplementedError(f"scatter(): minigrad reduces by 'add' alone, not by {reduce!r}")
        return scatter_add(input, dim, index, src if hasattr(src, "array") else input.new_full(index.shape, src))
    key = along(index, dim, input)
    if not isinstance(src, TensorCore):
        return apply(_scatter_number, (input, src, key))
    return apply(_scatter, (input, _beside(index, src, input), key))  # type: ignore[arg-type]  # src is a Tensor here


def _beside(index: Tensor, src: Tensor, input: Tensor) -> Tensor:
    """The part of src that the index names a place for."""
    if src.array.dtype != input.array.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype, "
                           f"not {input.array.dtype} and {src.array.dtype}")
    if any(n > limit for n, limit in zip(index.array.shape, src.array.shape, strict=False)):
        raise RuntimeError(f"Expected index {list(index.array.shape)} to be no larger than src "
                           f"{list(src.array.shape)} in any dimension")
    return apply(ops.take_slice, (src, (*[slice(n) for n in index.array.shape], Ellipsis)))


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of input with out[index[i][j]][j] += src[i][j] for dim 0, and so on."""
    key = along(index, dim, input)
    return apply(_scatter_add, (input, apply(ops.put, (_beside(index, src, input), input.array.shape, key))))


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of input along dim that `index` names."""
    return apply(_index_select, (input, _slices(input, dim, index)))


def _slices(input: Tensor, dim: int, index: Tensor) -> Key:
    """The key of `index_select`. Negative numbers name nothing; a number counts as a vector of one."""
    if index.array.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, not {index.array.ndim}-dimensional")
    if index.array.dtype.kind not in "iu":
        raise RuntimeError(f"index_select(): Expected dtype int32 or int64 for index, not {index.dtype}")
    size = input.array.ndim or 1
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    at, picked = dim % size, np.atleast_1d(index.array)
    n = input.array.shape[at] if input.array.ndim else 1
    if not input.array.ndim and picked.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {picked.size} value(s)")
    if picked.size and not n and size > 1:
        raise RuntimeError(f"index_select(): self indexing axis dim should be positive, dim {dim} has no elements")
    if picked.size and not 0 <= picked.min() <= picked.max() < n:
        raise IndexError(f"index out of range in self: {picked.tolist()} for a dim of size {n}")
    return (*[slice(None)] * at, picked) if input.array.ndim else ()


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements at which the mask holds, as a vector; both broadcast."""
    if mask.array.dtype != bool:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, not {mask.dtype}")
    shape = np.broadcast_shapes(input.array.shape, mask.array.shape)
    return apply(_masked_select, (input.expand(shape), (np.broadcast_to(mask.array, shape),)))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: one a row, or as a tuple with a vector for each dimension."""
    if as_tuple:
        return tuple([wrap(i) for i in np.nonzero(np.atleast_1d(input.array))])
    return wrap(np.argwhere(input.array))

"""Joining tensors: cat, stack and their kind, and meshgrid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import ops
from ..engine import TensorCore, apply
from .promotion import promoted
from .reductions import one_dim
from .shapes import expand, reshape, transpose, unsqueeze

if TYPE_CHECKING:
    from ..tensor import Tensor


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors one after the other along dim; their other sizes must be equal."""
    return _joined("cat", tensors, dim if axis is None else axis)


def _joined(name: str, tensors: Sequence[Tensor], dim: int) -> Tensor:
    if not len(tensors):
        raise (ValueError if name == "cat" else RuntimeError)(f"{name}() expects a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorCore):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
        if x.array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    shape = next((x.array.shape for x in tensors if x.array.shape != (0,)), (0,))
    at = one_dim(dim, len(shape))
    none = shape[:at] + (0,) + shape[at + 1 :]  # torch lets an empty vector stand beside tensors of any shape
    parts = promoted(*[reshape(x, none) if x.array.shape == (0,) else x for x in tensors])
    keys, start = [], 0
    for i, x in enumerate(parts):
        if x.array.ndim != len(shape):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(shape)} and {x.array.ndim}")
        other = x.array.shape
        if other[:at] != shape[:at] or other[at + 1 :] != shape[at + 1 :]:
            raise RuntimeError(f"Sizes of tensors must match except in dimension {at}. Expected {list(shape)} but got "
                               f"{list(other)} for tensor number {i} in the list.")
        end = start + other[at]
        keys.append((slice(None),) * at + (slice(start, end),))
        start = end
    return apply(ops.cat(len(parts), "stack" if name == "stack" else "cat"), (*parts, at, tuple(keys)))


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors of one shape, joined along a new dimension."""
    dim = dim if axis is None else axis
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorCore):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
        if x.array.shape != tensors[0].array.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].array.shape)} at "
                f"entry 0 and {list(x.array.shape)} at entry {i}")
    return _joined("stack", [unsqueeze(x, dim) for x in tensors], dim)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side: vectors along their one dimension, others along the second."""
    rows = [at_least(1, x) for x in tensors]
    return _joined("hstack", rows, 0 if rows and rows[0].array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one above the other: along the first dimension; a vector is one row."""
    return _joined("vstack", [at_least(2, x) for x in tensors], 0)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side, along the second dimension; a vector is one column."""
    return hstack([x if x.array.ndim > 1 else reshape(x, -1, 1) for x in tensors])


def at_least(ndim: int, x: Tensor) -> Tensor:
    """x with dimensions of size 1 in front, so that it has at least so many."""
    return x if x.array.ndim >= ndim else reshape(x, (1,) * (ndim - x.array.ndim) + x.array.shape)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid: for each vector a tensor of the grid's shape, in which it varies along its own dim.

    indexing="ij" gives the first vector the first dim; "xy" exchanges the first two, as NumPy's meshgrid does.
    """
    vectors = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], TensorCore) else tensors
    if indexing is None:
        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
                      stacklevel=2)
    if not len(vectors):
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f"torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {indexing}")
    if any(v.array.ndim > 1 for v in vectors):
        raise RuntimeError("torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                           f"{next(v for v in vectors if v.array.ndim > 1)}")
    if len({v.array.dtype for v in vectors}) > 1:
        raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype, not "
                           f"{', '.join(str(v.array.dtype) for v in vectors)}")
    sizes = [v.array.size for v in vectors]
    grids = [expand(reshape(v, [n if i == d else 1 for i in range(len(sizes))]), sizes)
             for d, (v, n) in enumerate(zip(vectors, sizes, strict=True))]
    if indexing == "xy" and len(grids) > 1:  # the first two vectors had changed places
        return tuple([transpose(grid, 0, 1) for grid in grids])
    return tuple(grids)

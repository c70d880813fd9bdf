"""torch's functions that rearrange elements: views, transposes, cat and stack, and matrix products."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..engine import Op, TensorCore, apply
from .pointwise import promoted, shape_error
from .reductions import one_dim

if TYPE_CHECKING:
    from ..tensor import Tensor


class Size(tuple[int, ...]):
    """A shape: a tuple of ints that prints as torch's.

    >>> Size((2, 3)), Size((2, 3)).numel()
    (torch.Size([2, 3]), 6)
    """

    __module__ = "torch"

    def numel(self) -> int:
        """The number of elements."""
        n = 1
        for size in self:
            n *= size
        return n

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found


def as_shape(args: Sequence[Any]) -> tuple[int, ...]:
    """The sizes in `f(2, 3)`, `f((2, 3))` or `f(tensor.shape)`."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    try:
        return tuple([size.__index__() for size in args])
    except AttributeError:
        raise TypeError(f"a shape is made of ints, but got {list(args)}") from None


# -------------------------------------------------------------------------------------------------- views


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape: a view where the memory allows it. One size may be -1."""
    return _reshaped(ops.reshape, input, _complete(as_shape(shape), input))


def view(input: Tensor, *shape: Any) -> Tensor:
    """`reshape` that refuses to copy; with a dtype, another reading of the same type."""
    full = _complete(as_shape(shape), input)
    out = _reshaped(ops.reshape, input, full)
    if out.base is None and input.array.size:
        raise RuntimeError(
            f"view size is not compatible with input tensor's size and stride (shape {list(input.array.shape)} as "
            f"{list(full)}: at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.")
    return out


def _reshaped(op: Op, input: Tensor, shape: tuple[int, ...]) -> Tensor:
    return apply(op, (input, shape))


def _complete(shape: tuple[int, ...], input: Tensor) -> tuple[int, ...]:
    """The shape with its -1 worked out; torch's error where the sizes don't fit."""
    size = input.array.size
    known = 1
    for n in shape:
        known *= n if n != -1 else 1
    unknown = shape.count(-1)
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {min(shape)} in {list(shape)}")
    if unknown > 1:
        raise RuntimeError(f"only one dimension can be inferred, but {list(shape)} leaves {unknown} open")
    if unknown and not known:
        raise RuntimeError(
            f"cannot reshape tensor of {size} elements into shape {list(shape)} because the unspecified "
            "dimension size -1 can be any value and is ambiguous")
    if known != size if not unknown else size % known:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    return tuple([size // known if n == -1 else n for n in shape])


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`view` with the shape of other."""
    return view(input, other.array.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`reshape` with the shape of other."""
    return reshape(input, other.array.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim to end_dim made into one."""
    shape = input.array.shape
    start, end = one_dim(start_dim, len(shape)), one_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError(f"flatten() has invalid args: start_dim {start_dim} cannot come after end_dim {end_dim}")
    if not shape:
        return reshape(input, 1)
    if start == end:
        return input
    joined = Size(shape[start : end + 1]).numel()
    return reshape(input, (*shape[:start], joined, *shape[end + 1 :]))


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1, or without those of `dim` that have size 1."""
    shape = input.array.shape
    if dim is None:
        named = tuple(range(len(shape)))
    else:
        named = tuple([one_dim(d, len(shape)) for d in ((dim,) if isinstance(dim, int) else dim)])
    kept = tuple([n for d, n in enumerate(shape) if n != 1 or d not in named])
    return _reshaped(ops.squeeze if dim is None else ops.squeeze_dim, input, kept)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at `dim`."""
    shape = input.array.shape
    at = one_dim(dim, len(shape) + 1)
    return _reshaped(ops.unsqueeze, input, (*shape[:at], 1, *shape[at:]))


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """A view with dimensions of size 1 repeated; -1 keeps a size."""
    shape, wanted = input.array.shape, as_shape(sizes)
    extra = len(wanted) - len(shape)
    if extra < 0:
        raise RuntimeError(f"expand: the number of sizes provided ({len(wanted)}: {list(wanted)}) must be greater or "
                           f"equal to the number of dimensions in the tensor ({len(shape)}: {list(shape)})")
    full = []
    for i, n in enumerate(wanted):
        have = shape[i - extra] if i >= extra else 1
        if n == -1 and i < extra:
            raise RuntimeError(f"expand: -1 isn't allowed in a leading, non-existing dimension {i} of {list(wanted)}")
        if have not in (1, n) and n != -1:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}")
        full.append(have if n == -1 else n)
    return apply(ops.expand, (input, tuple(full)))


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of other."""
    return expand(input, other.array.shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """`expand`, under NumPy's name."""
    return expand(input, size)


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in the given order; a view."""
    wanted = as_shape(dims)
    order = tuple([one_dim(d, input.array.ndim) for d in wanted]) if len(wanted) == input.array.ndim else wanted
    if sorted(order) != list(range(input.array.ndim)):
        raise RuntimeError(f"permute: {list(order)} does not name each of the {input.array.ndim} dimensions of shape "
                           f"{list(input.array.shape)} once")
    return _permuted(ops.permute, input, order)


def _permuted(op: Op, input: Tensor, order: tuple[int, ...]) -> Tensor:
    back = [0] * len(order)
    for i, d in enumerate(order):
        back[d] = i
    return apply(op, (input, order, tuple(back)))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged; a view."""
    order = list(range(input.array.ndim))
    a, b = one_dim(dim0, len(order)), one_dim(dim1, len(order))
    if order:
        order[a], order[b] = order[b], order[a]
    return _permuted(ops.transpose, input, tuple(order))


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or number as it is."""
    if input.array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return apply(ops.t, (input,))


def reverse_dims(input: Tensor) -> Tensor:
    """x.T: all dimensions in reverse."""
    if input.array.ndim not in (0, 2):
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated; use "
            f"x.mT or x.permute (shape {list(input.array.shape)})", stacklevel=3)
    return _permuted(ops.permute, input, tuple(reversed(range(input.array.ndim))))


def matrix_transpose(input: Tensor) -> Tensor:
    """x.mT: the last two dimensions exchanged."""
    if input.array.ndim < 2:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {input.array.ndim}D tensor.")
    return apply(ops.swap, (input,))


def contiguous(input: Tensor) -> Tensor:
    """The tensor itself where its memory is in order, else a copy in which it is."""
    return input if input.array.flags.c_contiguous else apply(ops.contiguous, (input,))


# ------------------------------------------------------------------------------------------------ joining


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors one after the other along dim; their other sizes must be equal."""
    dim = dim if axis is None else axis
    if not len(tensors):
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorCore):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
        if x.array.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    parts = promoted(*[x for x in tensors if x.array.shape != (0,)]) or [tensors[0]]  # torch skips empty vectors
    shape = parts[0].array.shape
    at = one_dim(dim, len(shape))
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
    return apply(ops.cat(len(parts)), (*parts, at, tuple(keys)))


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape, joined along a new dimension."""
    if not len(tensors):
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorCore):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
        if x.array.shape != tensors[0].array.shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].array.shape)} at "
                f"entry 0 and {list(x.array.shape)} at entry {i}")
    return cat([unsqueeze(x, dim) for x in tensors], dim)


# ----------------------------------------------------------------------------------------------- products


def matmul_operator(input: Tensor, other: Any) -> Tensor:
    """input @ other; NotImplemented for what is no tensor."""
    return matmul(input, other) if isinstance(other, TensorCore) else NotImplemented  # type: ignore[arg-type]


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product; vectors count as a row on the left, as a column on the right, batches broadcast."""
    if not isinstance(other, TensorCore):
        raise TypeError(f"matmul(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
    if input.array.dtype != other.array.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {input.dtype} != {other.dtype}")
    a, b = input.array.ndim, other.array.ndim
    if not a or not b:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    x = input if a > 1 else unsqueeze(input, 0)
    y = other if b > 1 else unsqueeze(other, 1)
    if x.array.shape[-1] != y.array.shape[-2]:
        raise _product_error(input, other)
    try:
        out = apply(ops.mm if a == b == 2 else ops.matmul, (x, y))
    except ValueError:
        raise shape_error(input, other) from None
    if a == 1:
        out = squeeze(out, -2)
    return out if b > 1 else squeeze(out, -1)


def _product_error(x: Tensor, y: Tensor) -> RuntimeError:
    a, b = x.array.shape, y.array.shape
    if len(a) == len(b) == 1:
        return RuntimeError(f"inconsistent tensor size, expected tensor {list(a)} and src {list(b)} to have the same "
                            f"number of elements, but got {a[0]} and {b[0]} elements respectively")
    shown = ["x".join(map(str, shape)) for shape in (a, b)]
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shown[0]} and {shown[1]})")


def _of_rank(name: str, x: Tensor, y: Tensor, ranks: tuple[int, int]) -> Tensor:
    if (x.array.ndim, y.array.ndim) != ranks:
        kinds = {1: "a vector", 2: "a matrix"}
        raise RuntimeError(
            f"{name}: expected {kinds[ranks[0]]} and {kinds[ranks[1]]}, got shapes {list(x.array.shape)} "
            f"and {list(y.array.shape)}")
    return matmul(x, y)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    return _of_rank("mm", input, mat2, (2, 2))


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    return _of_rank("mv", input, vec, (2, 1))


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product of two vectors."""
    return _of_rank("dot", input, tensor, (1, 1))


def numel(input: Tensor) -> int:
    """The number of elements."""
    return int(np.prod(input.array.shape, dtype=int))

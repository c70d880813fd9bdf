"""torch's functions that rearrange a tensor's elements: other shapes, transposes, parts, repeats."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import ops
from ..dtypes import MemoryFormat
from ..engine import Op, apply
from .promotion import numpy_names
from .reductions import many_dims, one_dim

if TYPE_CHECKING:
    from ..tensor import Tensor


# torch has several names for one derivative; a tensor prints the name of what made it: <UnsqueezeBackward0>.
_squeeze, _squeeze_dim = ops.reshape.named("squeeze"), ops.reshape.named("squeeze1")
_unsqueeze, _roll, _rot90 = [ops.reshape.named(name) for name in ("unsqueeze", "roll", "rot90")]
_repeat = Op("repeat", lambda x, /, shape: x.copy().reshape(shape), x=ops.reshape.rules["x"])
_unbind, _split, _split_sizes = [ops.take_slice.named(name) for name in ("unbind", "split", "split_with_sizes")]
_transpose = ops.permute.named("transpose")


class Size(tuple[int, ...]):
    """A shape: a tuple of ints that prints as torch's.

    >>> Size((2, 3)), Size((2, 3)).numel()
    (torch.Size([2, 3]), 6)
    """

    __module__ = "torch"

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __add__(self, other: Any) -> Size:
        return Size((*self, *other))

    def __radd__(self, other: Any) -> Size:
        return Size((*other, *self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple(self) * times)

    __rmul__ = __mul__

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


F = TypeVar("F", bound=Callable[..., Any])


def also_named(word: str) -> Callable[[F], F]:
    """What a function takes as `*sizes` may also be given by name: zeros(size=(2, 3)), x.flip(dims=(0,))."""

    def decorate(function: F) -> F:
        @wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            return function(*args, kwargs.pop(word), **kwargs) if word in kwargs else function(*args, **kwargs)

        return named  # type: ignore[return-value]  # the same signature

    return decorate


# -------------------------------------------------------------------------------------------------- views


@also_named("shape")
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape: a view where the memory allows it. One size may be -1."""
    return apply(ops.reshape, (input, _complete(as_shape(shape), input)))


def view(input: Tensor, *shape: Any) -> Tensor:
    """`reshape` that refuses to copy; with a dtype, another reading of the same type."""
    full = _complete(as_shape(shape), input)
    out = apply(ops.reshape, (input, full))
    if out.base is None and input.array.size:
        raise RuntimeError(
            f"view size is not compatible with input tensor's size and stride (shape {list(input.array.shape)} as "
            f"{list(full)}: at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.")
    return out


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


@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1, or without those of `dim` that have size 1."""
    shape = input.array.shape
    if dim is None:
        return apply(_squeeze, (input, tuple([n for n in shape if n != 1])))
    named = [one_dim(d, len(shape)) for d in ((dim,) if isinstance(dim, int) else dim)]
    kept = tuple([n for d, n in enumerate(shape) if n != 1 or d not in named])
    return apply(_squeeze_dim, (input, kept))


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at `dim`."""
    shape = input.array.shape
    at = one_dim(dim, len(shape) + 1)
    return apply(_unsqueeze, (input, (*shape[:at], 1, *shape[at:])))


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


@also_named("dims")
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
    return _permuted(_transpose, input, tuple(order))


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


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The dimensions `source` moved to the places `destination`, the others in order around them; a view."""
    ndim = input.array.ndim
    sources, places = many_dims(source, ndim), many_dims(destination, ndim)
    if len(sources) != len(places):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain "
                           f"the same number of dims as destination ({list(places)} dims)")
    order = [d for d in range(ndim) if d not in sources]
    for place, d in sorted(zip(places, sources, strict=True)):
        order.insert(place, d)
    return _permuted(ops.permute, input, tuple(order))


def contiguous(input: Tensor, memory_format: MemoryFormat | None = None) -> Tensor:
    """The tensor itself where its memory is in order, else a copy in which it is."""
    return input if input.array.flags.c_contiguous else apply(ops.contiguous, (input,))


# ------------------------------------------------------------------------------------- parts and repeats


@numpy_names
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` elements along dim, from `start` on; a view."""
    if not input.array.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    n, start = input.array.shape[one_dim(dim, input.array.ndim)], int(start)
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if length < 0 or start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return _slice(ops.take_slice, input, dim, start, start + length)


def _slice(op: Op, input: Tensor, dim: int, start: int, end: int) -> Tensor:
    key = (slice(None),) * one_dim(dim, input.array.ndim) + (slice(start, end), Ellipsis)
    return apply(op, (input, key))


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given size along dim (the last may be smaller), or of the given sizes; views."""
    sizes, shape = split_size_or_sections, tensor.array.shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    n = shape[one_dim(dim, len(shape))]
    if isinstance(sizes, int):
        if sizes < 0 or (sizes == 0 and n):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={sizes}")
        ends = [*range(sizes or 1, n, sizes or 1), n]
    else:
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                               f"dimension {dim}), but got split_sizes={list(sizes)}")
    op = _split if isinstance(sizes, int) else _split_sizes
    return tuple([_slice(op, tensor, dim, start, end) for start, end in zip([0, *ends], ends, strict=False)])


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """So many parts along dim, of equal size but for the last; fewer, if they come out even; views."""
    if not input.array.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.array.shape[one_dim(dim, input.array.ndim)]
    return split(input, -(-n // chunks) if n else [0] * chunks, dim)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices input[0], input[1], ... along dim; views."""
    if not input.array.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    at = one_dim(dim, input.array.ndim)
    before = (slice(None),) * at
    return tuple([apply(_unbind, (input, (*before, i, Ellipsis))) for i in range(input.array.shape[at])])


@also_named("dims")
def flip(input: Tensor, *dims: Any) -> Tensor:
    """The elements in reverse order along dims."""
    wanted = as_shape(dims)
    return apply(ops.flip, (input, many_dims(wanted, input.array.ndim) if wanted else ()))


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by k quarters, from the first of two dims towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    first, second = many_dims(dims, input.array.ndim)
    turned = flip(input, ((), (second,), (first, second), (first,))[k % 4])
    turned = transpose(turned, first, second) if k % 2 else turned
    return apply(_rot90, (turned, turned.array.shape))


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """The elements moved on by `shifts` along dims, the last ones to the front; without dims, of the flat tensor."""
    if dims is None or dims == ():
        if not isinstance(shifts, int) and len(shifts) != 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return apply(_roll, (roll(reshape(input, -1), shifts, 0), input.array.shape))
    moves, at = [(v,) if isinstance(v, int) else tuple(v) for v in (shifts, dims)]
    if len(moves) != len(at):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(moves)}, dims:{len(at)}")
    out = input if input.array.ndim else reshape(input, 1)
    for shift, dim in zip(moves, at, strict=True):
        d = one_dim(dim, out.array.ndim)
        n = out.array.shape[d]
        out = apply(ops.index, (out, (slice(None),) * d + ((np.arange(n) - shift) % (n or 1),)))
    return apply(_roll, (out, input.array.shape))


def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """Copies of the tensor one after the other: so many along each dimension."""
    times = as_shape(sizes)
    if len(times) < input.array.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of "
                           f"tensor: {list(times)} for shape {list(input.array.shape)}")
    if any(n < 0 for n in times):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(times)}: {list(times)}")
    shape = (1,) * (len(times) - input.array.ndim) + input.array.shape
    apart = reshape(input, [m for n in shape for m in (1, n)])  # (2, 3) as (1, 2, 1, 3)
    repeated = expand(apart, [m for pair in zip(times, shape, strict=True) for m in pair])
    return apply(_repeat, (repeated, tuple([n * m for n, m in zip(times, shape, strict=True)])))


@also_named("dims")
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat`, as NumPy's tile counts: leading dimensions may be left out."""
    times = as_shape(dims)
    return repeat(input, (1,) * (input.array.ndim - len(times)) + times)


@numpy_names
def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """Each element along dim but the first, minus the one before it; n times."""
    for _ in range(n):
        length = input.array.shape[dim]
        input = narrow(input, dim, min(1, length), max(0, length - 1)) - narrow(input, dim, 0, max(0, length - 1))
    return input


@numpy_names
def repeat_interleave(input: Tensor, repeats: int | Tensor, dim: int | None = None) -> Tensor:
    """Each element (along dim) repeated on the spot, so many times, or as often as `repeats` says for each."""
    flat, at = (reshape(input, -1), 0) if dim is None else (input, one_dim(dim, input.array.ndim))
    picked = np.repeat(np.arange(flat.array.shape[at]), getattr(repeats, "array", repeats))
    return apply(ops.index, (flat, (slice(None),) * at + (picked,)))


def ravel(input: Tensor) -> Tensor:
    """`flatten`, under NumPy's name."""
    return reshape(contiguous(input), -1)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension made into several of the given sizes."""
    at = one_dim(dim, input.array.ndim)
    return reshape(input, (*input.array.shape[:at], *sizes, *input.array.shape[at + 1 :]))


def numel(input: Tensor) -> int:
    """The number of elements."""
    return int(np.prod(input.array.shape, dtype=int))

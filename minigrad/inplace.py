"""Operations that write into a tensor's memory: `x.add_(y)`, `x += y`, `x[key] = y`, `x.zero_()`.

The calculus knows no writing: x.mul_(y) is recorded as a new value, x * y, and the tensor x continues as that
value. So the result is computed out of place, copied into x's memory, and x takes the new node over. Values
that other nodes had saved from this memory are stale from then on: the storage's cell notes the write, and
backward refuses to use them.

A view shares its memory with its base. Writing to it is recorded for the base as `base[where] = value`. Every view
of that base is from then on a view of something older: before it is used again it is taken anew, as `base[where]`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ops
from .device import address, beside
from .dtypes import from_numpy_dtype
from .engine import NEVER, Leaf, Node, Op, TensorCore, apply, tick, wrap
from .functions.indexing import split_key
from .functions.promotion import NUMBERS
from .functions.shapes import as_shape
from .modes import mode, set_grad_enabled

if TYPE_CHECKING:
    from .tensor import Tensor


def update(x: Tensor, function: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """Let x become function(x, ...). Rules that need x need its old value: they are given a copy."""
    x.follow()
    given = (x, *args, *kwargs.values())
    tracked = mode.grad and any(isinstance(a, TensorCore) and a.current_node() is not None for a in given)
    return become(x, function(wrap(x.array.copy(), x.node) if tracked else x, *args, **kwargs))


def become(x: Tensor, value: Tensor) -> Tensor:
    """Copy the value into x's memory, and let x continue with the value's history."""
    x.follow()
    check_writable(x)
    check_fits(x, value.array)
    if mode.grad and value.node is not None and x.base is not None:
        check_repeats_nothing(x.base.array)  # for which the write is recorded, too
    x.bump()
    x.array[...] = value.array
    if mode.grad:
        if value.node is not None and x.array.dtype == value.array.dtype:
            move_output(value.node, value.array, x)
        continue_as(x, value)
    return x


def continue_as(x: Tensor, value: Tensor) -> None:
    """Let x, whose memory holds the value already, take over the value's history, and so its base, if it is a view."""
    old_node, base = x.node, x.base
    x.node = value.node
    if base is not None and (value.node is not None or base.node is not None):
        where = positions(base.array, x.array)
        old_base_node = base.node
        base.node = apply(ops.setitem, (base, value, where)).node
        keep_retaining(base, old_base_node)
        retake(x)
    keep_retaining(x, old_node)


def keep_retaining(x: Tensor, old_node: Node | None) -> None:
    """If x retained its gradient, as the output of its old node, it does so as the output of its new one."""
    if old_node is not None and x.node is not None and x.place in (old_node.hooks or {}):
        x.node.hooks = {**(x.node.hooks or {}), x.place: old_node.hooks.pop(x.place)}  # type: ignore[union-attr]


def retake(view: Tensor) -> None:
    """Give a view the history of its base as it is now: `base[where]`."""
    base, old_node = view.base, view.node
    assert base is not None
    view.base_tick = tick()
    with set_grad_enabled(True):  # it may be used under no_grad first
        if base.node is None:
            view.node = None
        elif base.array.ndim:
            view.node = apply(ops.index, (base, positions(base.array, view.array))).node
        else:  # all elements of the view, however many, are the one of the base
            view.node = apply(ops.expand, (base, view.array.shape)).node
    keep_retaining(view, old_node)


def move_output(node: Node, array: Any, x: Tensor) -> None:
    """Let a rule that needs the op's output find it in x from now on, and notice when x changes again."""
    if node.saved is None or any(cell is x.cell for cell in node.cells):
        return  # it needs the old x, too, and that is gone: backward will say so
    if any(value is array for value in node.saved):
        cell = x.cell or NEVER
        node.cells = tuple([cell if v is array else c for v, c in zip(node.saved, node.cells, strict=True)])
        node.saved = tuple([x.array if v is array else v for v in node.saved])
        node.tick = tick()


def fill(x: Tensor, value: Any, op: Op = ops.setitem) -> Tensor:
    """Let all of x become the value: a number, an array or a tensor that broadcasts to x."""
    return assign(x, (Ellipsis,), value, op)


def assign(x: Tensor, key: tuple[Any, ...], value: Any, op: Op = ops.setitem) -> Tensor:
    """x[key] = value, for a key that NumPy reads as torch does."""
    tracked = [t for t in (x, x.base, value) if isinstance(t, TensorCore) and t.current_node() is not None]
    if mode.grad and tracked:
        return become(x, apply(op, (x, value, key)))
    check_writable(x)
    if x.array.dtype.kind != "f" and isinstance(value, NUMBERS):
        value = np.asarray(value).astype(x.array.dtype)[()]  # NumPy refuses -1 for uint8; torch wraps it round
    x.array[key] = value.array if isinstance(value, TensorCore) else value
    x.bump()
    return x


def reshape(x: Tensor, view: Tensor) -> Tensor:
    """Let x become the view of it: x.squeeze_()."""
    check_writable(x, memory=False)
    x.bump()
    x.array = view.array
    if mode.grad:
        x.node = view.node
    return x


def resize(x: Tensor, *sizes: Any) -> Tensor:
    """Give x another shape: its elements in order, as many as fit; what is added beyond them has no set value."""
    if x.requires_grad or x.base is not None:
        raise RuntimeError("cannot resize variables that require grad, or views")
    shape = as_shape(sizes)
    n, flat = math.prod(shape), x.array.reshape(-1)
    x.array = flat[:n].reshape(shape) if n <= flat.size else np.resize(flat, shape)
    return x


def setitem(x: Tensor, key: Any, value: Any) -> None:
    """x[key] = value, cast to x's dtype and broadcast to the place that the key names."""
    basic, advanced = split_key(key, x.array.shape)
    if not isinstance(value, (TensorCore, *NUMBERS)):
        kind = from_numpy_dtype(x.array.dtype).type_name
        raise TypeError(f"can't assign a {type(value).__name__} to a torch.{kind}Tensor")
    if advanced is not None and isinstance(value, TensorCore) and value.array.dtype != x.array.dtype:
        arrays = [part for part in advanced if not isinstance(part, slice)]
        is_mask = basic is None and len(arrays) == 1 and arrays[0].dtype.kind == "b"
        if not is_mask or value.array.size != 1:  # a single value for a mask is cast
            raise RuntimeError("Index put requires the source and destination dtypes match, got "
                               f"{from_numpy_dtype(x.array.dtype)} for the destination and "
                               f"{from_numpy_dtype(value.array.dtype)} for the source.")
    place = x if basic is None else apply(ops.take_slice, (x, basic))  # what can be a view comes first
    try:
        if advanced is not None:
            assign(place, advanced, without_leading_ones(value, place.array[advanced].ndim))
        elif repeats_elements(x.array):  # the place may not
            fill(place, without_leading_ones(value, place.array.ndim))
        else:
            assign(x, basic or (), without_leading_ones(value, place.array.ndim))
    except (ValueError, TypeError) as error:
        shape = list(value.array.shape) if isinstance(value, TensorCore) else []
        raise RuntimeError(f"shape mismatch: a value of shape {shape} cannot be broadcast to the indexing result of "
                           f"x[{key!r}], x of shape {list(x.array.shape)}") from error


def without_leading_ones(value: Any, ndim: int) -> Any:
    """A value with more dimensions than the place it goes to, if the extra ones have size 1."""
    if not isinstance(value, TensorCore) or value.array.ndim <= ndim:
        return value
    shape = value.array.shape
    extra = len(shape) - ndim
    return value if any(n != 1 for n in shape[:extra]) else apply(ops.reshape, (value, shape[extra:]))


def check_writable(x: Tensor, memory: bool = True) -> None:
    """torch's refusals: leaves that require grad (backward could not reach their old value), and views of them."""
    if mode.grad and isinstance(x.node, Leaf):
        raise RuntimeError(
            f"a leaf Variable that requires grad is being used in an in-place operation (shape {list(x.array.shape)}). "
            "Update parameters under torch.no_grad(), or write x = x + ... to make a new tensor."
        )
    if mode.grad and x.base is not None and isinstance(x.base.node, Leaf):
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation (shape "
            f"{list(x.array.shape)} of {list(x.base.array.shape)}). Update parameters under torch.no_grad().")
    if memory:
        check_repeats_nothing(x.array)
    if memory and isinstance(x.array, np.ndarray) and not x.array.flags.writeable:
        try:
            x.array = x.array.view()
            x.array.flags.writeable = True  # a part of an expanded tensor: NumPy protects all that it broadcasts
        except ValueError:
            raise RuntimeError("the memory that this tensor shares is read-only. Please clone() the tensor before "
                               "writing to it.") from None


def check_repeats_nothing(array: Any) -> None:
    if repeats_elements(array):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location "
            f"(an expanded tensor, shape {list(array.shape)}). Please clone() the tensor before performing the "
            "operation.")


def repeats_elements(array: Any) -> bool:
    """Whether several elements are one number in memory, as in an expanded tensor."""
    return array.size > 0 and any(n > 1 and step == 0 for n, step in zip(array.shape, array.strides, strict=True))


def check_fits(x: Tensor, array: Any) -> None:
    """The result must have x's shape, and a dtype of no higher category than x's."""
    if not stretches_to(array.shape, x.array.shape):
        raise RuntimeError(
            f"output with shape {list(x.array.shape)} doesn't match the broadcast shape {list(array.shape)}")
    have, got = from_numpy_dtype(x.array.dtype), from_numpy_dtype(array.dtype)
    if got.category > have.category:
        raise RuntimeError(f"result type {got.type_name} can't be cast to the desired output type {have.type_name}")


def stretches_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to the wanted one."""
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def positions(base: Any, view: Any) -> tuple[Any, ...]:
    """The key with which base[key] is the view: for each of its elements, where in the base it lies."""
    if base.ndim == 0:
        return (Ellipsis, *[None] * view.ndim)
    base_at, view_at = offsets(base).ravel(), offsets(view)
    start = address(view) - address(base)
    order = np.argsort(base_at)
    flat = order[np.searchsorted(base_at, view_at + start, sorter=order)]
    return tuple([beside(i, base) for i in np.unravel_index(flat, base.shape)])


def offsets(array: Any) -> Any:
    """For each element its distance in bytes from the first."""
    total = np.zeros(array.shape, np.int64)
    for d, stride in enumerate(array.strides):
        total += (np.arange(array.shape[d]) * stride).reshape([-1 if i == d else 1 for i in range(array.ndim)])
    return total

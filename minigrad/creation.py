"""Making tensors: from data, filled, as ranges, at random."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import random
from .device import CPU, default_device, of, place, usable
from .dtypes import ALL, as_dtype, dtype, from_numpy_dtype, get_default_dtype, int64, number_dtype
from .engine import TensorCore, wrap
from .exact import fused
from .functions.promotion import NUMBERS
from .functions.shapes import also_named, as_shape

if TYPE_CHECKING:
    from .tensor import Tensor

Array = np.ndarray[Any, Any]


def finish(array: Array, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A new tensor around the array, on the device; a leaf, if it requires grad."""
    where = default_device() if device is None else usable(device)
    t = wrap(array if where is None else place(array, where))
    return t.requires_grad_() if requires_grad else t


def _numpy_dtype(d: dtype | None, default: dtype | None = None) -> np.dtype[Any]:
    return as_dtype(d).numpy if d is not None else (default or get_default_dtype()).numpy


# ---------------------------------------------------------------------------------------------- from data


def tensor(data: Any, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of the data: a number, nested sequences of numbers, an array, a tensor.

    Without a dtype, Python's floats make the default dtype, ints int64, bools bool; arrays keep theirs.

    >>> tensor([[1, 2.5], [3, 4]])
    tensor([[1.0000, 2.5000],
            [3.0000, 4.0000]])
    """
    if isinstance(data, TensorCore):
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
                      stacklevel=2)
    array = to_array(data, dtype)
    return finish(array.copy() if isinstance(data, (np.ndarray, TensorCore)) else array, requires_grad, device)


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """The data as a tensor: a tensor itself, an array by sharing its memory, anything else by a copy."""
    if isinstance(data, TensorCore):
        return data.to(dtype=dtype, device=device)  # type: ignore[attr-defined]  # a Tensor
    return finish(to_array(data, dtype), False, device)


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor that shares the array's memory: a write to one is seen in the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    from_numpy_dtype(ndarray.dtype)
    if any(stride < 0 for stride in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are "
            f"not currently supported (strides {ndarray.strides}). Use array.copy() first.")
    return wrap(ndarray)


def to_array(data: Any, d: dtype | None) -> Array:
    """Data as an array of dtype d, or of the dtype that torch would infer; not copied where it fits."""
    wanted = None if d is None else as_dtype(d).numpy
    if isinstance(data, TensorCore):
        return data.array if wanted is None else data.array.astype(wanted, copy=False)
    if not isinstance(data, np.ndarray):
        flat = type(data) is list and all(type(x) in (int, float, bool) for x in data)  # the common case
        plain = data if flat else plain_numbers(data, 0)
        array = np.asarray(plain)
        if wanted is None:
            wanted = inferred(plain, array)
        if wanted.kind in "iu" and array.size and array.dtype != wanted:
            _check_range(array, wanted)
    else:
        array = data
        from_numpy_dtype(array.dtype)
    return array if wanted is None else array.astype(wanted, copy=False)


def _check_range(array: Array, d: np.dtype[Any]) -> None:
    limits = np.iinfo(d)
    least, most = array.min(), array.max()
    if array.dtype.kind in "Ou" and most > np.iinfo(np.int64).max:
        raise ValueError(f"Overflow when unpacking long long: {most}")
    if least < limits.min or most > limits.max:
        worst = most if most > limits.max else least
        raise RuntimeError(f"value cannot be converted to type {d} without overflow: {worst}")


def plain_numbers(data: Any, depth: int) -> Any:
    """Nested sequences with the tensors in them made arrays; the errors for what has no place in a tensor."""
    if isinstance(data, TensorCore):
        if data.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars (a tensor of shape "
                             f"{list(data.array.shape)} is inside the data; torch.stack joins tensors)")
        return data.array.reshape(())
    if isinstance(data, np.ndarray):
        return data
    if isinstance(data, str):
        if depth:
            raise ValueError(f"too many dimensions 'str': the data holds {data!r}")
        raise TypeError(f"new(): invalid data type 'str': {data!r}")
    if isinstance(data, (bool, int, float, np.number, np.bool_)):
        return data
    if hasattr(data, "__array__"):  # a pandas column, say
        return np.asarray(data)
    if not isinstance(data, Sequence):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    items = [plain_numbers(item, depth + 1) for item in data]
    shapes = [() if isinstance(item, (bool, int, float)) else np.shape(item) for item in items]
    for here in shapes[1:]:
        if here != (first := shapes[0]):
            raise ValueError(
                f"expected sequence of length {(first or (0,))[0]} at dim {depth + 1} (got {(here or (0,))[0]})")
    return items


def inferred(plain: Any, array: Array) -> np.dtype[Any]:
    """The dtype of nested Python data: what NumPy finds, but Python's floats make the default dtype."""
    leaves = [plain]
    while leaves and isinstance(leaves[0], list):
        leaves = [item for part in leaves for item in (part if isinstance(part, list) else [part])]
    if array.dtype.kind in "Ou" and not any(isinstance(leaf, (np.generic, np.ndarray)) for leaf in leaves):
        return np.dtype(np.int64)  # Python's large ints, which the caller checks
    typed = [leaf.dtype for leaf in leaves if isinstance(leaf, (np.generic, np.ndarray))]
    if typed and array.size:
        return np.result_type(*typed)
    return get_default_dtype().numpy if array.size == 0 or array.dtype == np.float64 else array.dtype


def legacy(args: tuple[Any, ...], d: dtype) -> Tensor:
    """`torch.FloatTensor(...)` and `torch.Tensor(...)`: sizes make an empty tensor, a sequence its values."""
    if len(args) == 1 and not isinstance(args[0], int):
        data = args[0]
        if isinstance(data, tuple) and type(data) is not tuple:
            return wrap(np.empty(data, d.numpy))  # a torch.Size
        return wrap(np.array(plain_numbers(data, 0) if not isinstance(data, TensorCore) else data.array, d.numpy))
    return wrap(np.empty(as_shape(args) if args else (0,), d.numpy))


def typed(name: str, d: dtype) -> type:
    """`torch.FloatTensor` and its kind: called, it makes a tensor; `isinstance` and `.type()` know its dtype."""

    class Meta(type):
        def __call__(cls, *args: Any) -> Tensor:
            return legacy(args, d)

        def __instancecheck__(cls, x: object) -> bool:
            return isinstance(x, TensorCore) and x.array.dtype == d.numpy

    return Meta(name, (), {"dtype": d, "__module__": "torch", "__doc__": f"Makes tensors of {d}, from data or sizes."})


def dtype_of_type(kind: Any) -> dtype:
    """The dtype that `.type(...)` is given: a dtype, "torch.FloatTensor" or torch.FloatTensor."""
    if isinstance(kind, str):
        for d in ALL:
            if kind == f"torch.{d.type_name}Tensor":
                return d
        raise ValueError(f"invalid type: {kind!r}")
    return as_dtype(getattr(kind, "dtype", kind))


# ------------------------------------------------------------------------------------------------- filled


def new_shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    """The shape of a tensor to be made."""
    shape = as_shape(sizes)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


@also_named("size")
def zeros(*size: Any, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the given size: zeros(2, 3) or zeros((2, 3))."""
    return finish(np.zeros(new_shape(size), _numpy_dtype(dtype)), requires_grad, device)


@also_named("size")
def ones(*size: Any, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the given size."""
    return finish(np.ones(new_shape(size), _numpy_dtype(dtype)), requires_grad, device)


@also_named("size")
def empty(*size: Any, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the given size, not filled with anything: it holds what lay in memory."""
    return finish(np.empty(new_shape(size), _numpy_dtype(dtype)), requires_grad, device)


def full(size: Sequence[int], fill_value: float, *, dtype: dtype | None = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """fill_value everywhere; its type decides the dtype."""
    fill_value = plain_number(fill_value)
    if not isinstance(fill_value, NUMBERS):
        raise TypeError(f"full(): argument 'fill_value' must be a number, not {type(fill_value).__name__}")
    return finish(np.full(new_shape((size,)), fill_value, _numpy_dtype(dtype, number_dtype(fill_value))), requires_grad,
                  device)


def eye(n: int, m: int | None = None, *, dtype: dtype | None = None, device: Any = None,
        requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere: n rows, m (or n) columns."""
    if n < 0 or (m is not None and m < 0):
        raise RuntimeError(f"n and m must be greater or equal to 0, got {n} and {m}")
    return finish(np.eye(n, m, dtype=_numpy_dtype(dtype)), requires_grad, device)


def _like(make: Callable[..., Array], input: Tensor, d: dtype | None, *value: float) -> Array:
    """make(input, ...) in the memory order of input; in plain order where its elements share their memory."""
    order = "C" if 0 in input.array.strides else "K"
    return make(input.array, *value, dtype=_numpy_dtype(d, input.dtype), order=order)


def zeros_like(input: Tensor, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros with the shape and dtype of input."""
    return finish(_like(np.zeros_like, input, dtype), requires_grad, device)


def ones_like(input: Tensor, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones with the shape and dtype of input."""
    return finish(_like(np.ones_like, input, dtype), requires_grad, device)


def empty_like(input: Tensor, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """An unfilled tensor with the shape and dtype of input."""
    return finish(_like(np.empty_like, input, dtype), requires_grad, device)


def full_like(input: Tensor, fill_value: float, *, dtype: dtype | None = None, device: Any = None,
              requires_grad: bool = False) -> Tensor:
    """fill_value everywhere, with the shape and dtype of input."""
    return finish(_like(np.full_like, input, dtype, fill_value), requires_grad, device)


# ------------------------------------------------------------------------------------------------- ranges


def arange(start: float = 0, end: float | None = None, step: float = 1, *, dtype: dtype | None = None,
           device: Any = None, requires_grad: bool = False) -> Tensor:
    """start, start + step, ... up to but without end; arange(n) starts at 0. All ints give int64."""
    if end is None:
        start, end = 0, start
    start, end, step = plain_number(start), plain_number(end), plain_number(step)
    if step == 0 or not math.isfinite(end - start):
        raise RuntimeError(f"step must be nonzero, start and end finite, not {start} to {end} by {step}")
    if (end - start) * step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: {start} to {end} by {step}")
    whole = all(isinstance(x, (int, np.integer)) for x in (start, end, step))
    d = _numpy_dtype(dtype, int64 if whole else None)
    n = max(0, math.ceil((end - start) / step))
    if d.kind != "f":
        return finish((start + np.arange(n) * step).astype(d), requires_grad, device)
    return finish(stepped(float(start), float(step), n, d), requires_grad, device)


def inclusive_range(start: float, end: float, step: float = 1, *, dtype: dtype | None = None, device: Any = None,
                    requires_grad: bool = False) -> Tensor:
    """torch.range: as `arange`, but with its end and made of floats, and deprecated."""
    warnings.warn("torch.range is deprecated and will be removed in a future release because its behavior is "
                  "inconsistent with Python's range builtin. Instead, use torch.arange, which produces values in "
                  "[start, end).", stacklevel=2)
    arange(start, end, step)  # an error for steps that lead nowhere
    n = math.floor((end - start) / step) + 1
    return finish((start + np.arange(n) * step).astype(_numpy_dtype(dtype)), requires_grad, device)


def stepped(start: float, step: float, n: int, d: np.dtype[Any]) -> Array:
    """start + i * step for each i < n, with torch's roundings: it computes in float64, in lanes of 32 bytes.

    Lanes start from a rounded number, two lanes make a block, and what is left after the last block is computed
    one by one.
    """
    i = np.arange(n)
    width = 32 // max(d.itemsize, 4)
    in_lane = np.where(i < n // (2 * width) * (2 * width), i % width, 0)
    first = fused((i - in_lane).astype(np.float64), np.float64(step), np.float64(start)).astype(d)
    return fused(in_lane.astype(np.float64), np.float64(step), first.astype(np.float64)).astype(d)


def plain_number(x: Any) -> Any:
    """A Python number, also out of a tensor of one element."""
    return x.array.item() if isinstance(x, TensorCore) else x


def linspace(start: float, end: float, steps: int, *, dtype: dtype | None = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """`steps` numbers from start to end, both included, evenly spaced."""
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, not {steps}")
    shapes = [np.shape(getattr(x, "array", 0)) for x in (start, end)]
    if any(shapes):
        raise RuntimeError(f"linspace only supports 0-dimensional start and end tensors, not of shapes {shapes}")
    return finish(line(start, end, steps, _numpy_dtype(dtype)), requires_grad, device)


def line(start: float, end: float, steps: int, d: np.dtype[Any]) -> Array:
    """linspace as torch computes it: from both ends towards the middle, each number rounded once."""
    if steps < 2:
        return np.full(steps, start, d)
    wide = d if d == np.float64 else np.dtype(np.float32)
    a, b = wide.type(start), wide.type(end)
    step = (b - a) / wide.type(steps - 1)
    i = np.arange(steps, dtype=wide)
    half = steps // 2
    return np.concatenate([fused(i[:half], step, a), fused(i[::-1][half:], -step, b)]).astype(d)


# ------------------------------------------------------------------------------------------------- random


def _generator(generator: random.Generator | None, device: Any = None) -> random.Generator:
    """The given generator, or the default one of the device."""
    if generator is not None:
        return generator
    where = default_device() if device is None else usable(device)
    return random.default_generator if where is None else random.generator_of(where)


@also_named("size")
def rand(*size: Any, generator: random.Generator | None = None, dtype: dtype | None = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1)."""
    return finish(_generator(generator, device).uniform(new_shape(size), _numpy_dtype(dtype)), requires_grad, device)


@also_named("size")
def randn(*size: Any, generator: random.Generator | None = None, dtype: dtype | None = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Normal, with mean 0 and standard deviation 1."""
    return finish(_generator(generator, device).normal(new_shape(size), _numpy_dtype(dtype)), requires_grad,
                  device)


def randint(low: int = 0, high: Any = None, size: Sequence[int] | None = None, *,
            generator: random.Generator | None = None, dtype: dtype | None = None, device: Any = None,
            requires_grad: bool = False) -> Tensor:
    """Integers from low (0 unless given) up to but without high: randint(high, size) or randint(low, high, size)."""
    if size is None:  # randint(high, size)
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    drawn = _generator(generator, device).randint(low, high, new_shape((size,)), _numpy_dtype(dtype, int64))
    return finish(drawn, requires_grad, device)


def randperm(n: int, *, generator: random.Generator | None = None, dtype: dtype | None = None,
             device: Any = None) -> Tensor:
    """The integers 0 to n - 1 in random order."""
    order = _generator(generator, device).randperm(n)
    return finish(order.astype(_numpy_dtype(dtype, int64), copy=False), False, device)


def rand_like(input: Tensor, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`rand` with the shape and dtype of input."""
    return empty_like(input, dtype=dtype, device=device).uniform_().requires_grad_(requires_grad)


def randn_like(input: Tensor, *, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`randn` with the shape and dtype of input."""
    return empty_like(input, dtype=dtype, device=device).normal_().requires_grad_(requires_grad)


def bernoulli(input: Tensor, p: float | None = None, *, generator: random.Generator | None = None) -> Tensor:
    """1 with the probability that each element of input (or p) gives, else 0."""
    where = of(input.array)
    chance = place(input.array, CPU) if p is None else p
    drawn = _generator(generator, where).bernoulli(chance, input.array.shape)
    return wrap(place(drawn.astype(input.array.dtype), where))


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *,
                generator: random.Generator | None = None) -> Tensor:
    """Indices drawn in proportion to the weights in input, a vector or rows of them; without replacement all differ."""
    where = of(input.array)
    drawn = _generator(generator, where).multinomial(place(input.array, CPU), num_samples, replacement)
    return wrap(place(drawn, where))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Sequence[int] | None = None, *,
           generator: random.Generator | None = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal, with a mean and a standard deviation for each element, or for all of `size`."""
    if size is None:
        size = np.broadcast_shapes(np.shape(getattr(mean, "array", mean)), np.shape(getattr(std, "array", std)))
    if not isinstance(mean, TensorCore) and not isinstance(std, TensorCore):
        return finish(_generator(generator, device).normal(new_shape((size,)), get_default_dtype().numpy, mean, std),
                      requires_grad, device)
    given: Any = mean if isinstance(mean, TensorCore) else std
    drawn = randn(*size, generator=generator, device=given.device if device is None else device)
    return (drawn * std + mean).requires_grad_(requires_grad)


def get_rng_state() -> Tensor:
    """The state of the random stream: 5056 bytes that torch understands, too."""
    return wrap(random.default_generator.state_bytes())


def set_rng_state(new_state: Tensor) -> None:
    """Continue the random stream from a state of `get_rng_state`, minigrad's or torch's."""
    random.default_generator.set_state_bytes(new_state.array)

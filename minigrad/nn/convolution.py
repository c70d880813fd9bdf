"""Functions that look through a window: convolution, pooling, and the padding around. The rules are in rules.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..device import beside
from ..engine import Op, apply, wrap
from ..functions.promotion import tensor_only
from ..tensor import Tensor
from . import rules

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "conv1d", "conv2d",
           "conv_transpose2d", "interpolate", "max_pool1d", "max_pool2d", "max_pool3d", "pad"]

Sizes = int | Sequence[int]
Padding = Sizes | str


# ------------------------------------------------------------------------------------------ convolution


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Padding = 0,
           dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """`conv2d` along one dimension: input (N, C, L) or (C, L), weight (O, C / groups, kernel)."""
    return _convolve("conv1d", input, weight, bias, stride, padding, dilation, groups)


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Padding = 0,
           dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """Each output channel at each place: the sum of what the window sees there, times that channel's weights.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C / groups, kernel height, kernel width), bias (O,) ->
    (N, O, H', W') or (O, H', W') with H' = (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1. `padding` adds
    zeros around the input: a number, one for each dimension, "same" (H' = H) or "valid" (none). With `groups` the
    channels are parted, and each group of outputs sees its own group of inputs. RuntimeError for what does not fit.
    """
    return _convolve("conv2d", input, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
                     output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1) -> Tensor:
    """`conv2d` turned round: each input is spread over the window's place in the output, times the weights.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O / groups, kernel height, kernel width) -> (N, O, H', W') with
    H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output_padding.
    """
    return _convolve("conv_transpose2d", input, weight, bias, stride, padding, dilation, groups, output_padding)


def _convolve(name: str, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Padding,
              dilation: Sizes, groups: int, output_padding: Sizes | None = None) -> Tensor:
    """A convolution, or, where there is an output_padding, a transposed one: it goes the other way through a window."""
    for argument in (input, weight):
        tensor_only(name, argument)
    n = int(name[-2])
    if input.ndim == n + 1:
        return _convolve(name, input.unsqueeze(0), weight, bias, stride, padding, dilation, groups,
                         output_padding).squeeze(0)
    if input.ndim != n + 2:
        raise RuntimeError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of "
                           f"size: {list(input.shape)}")
    _check_channels(input, weight, bias, groups, transposed=output_padding is not None)
    kernel, steps, dilations = weight.shape[2:], _each("stride", stride, n), _each("dilation", dilation, n)
    win = (kernel, steps, both_sides(padding, kernel, steps, dilations), dilations)
    batch, _, *sizes = input.shape
    if output_padding is None:
        op, seen = rules.convolution, tuple(map(rules.places, sizes, *win))
        shape = (batch, weight.shape[0], *seen)
        if min(seen) < 1:
            padded = [size + sum(p) for size, p in zip(sizes, win[2], strict=True)]
            spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
            raise RuntimeError(f"Calculated padded input size per channel: ({_x(padded)}). Kernel size: ({_x(spans)}). "
                               "Kernel size can't be greater than actual input size")
    else:
        op, seen = rules.conv_transpose, tuple(sizes)
        extra = _each("output_padding", output_padding, n)
        shape = (batch, weight.shape[1] * groups, *[
            (size - 1) * s - sum(p) + d * (k - 1) + 1 + e
            for size, k, s, p, d, e in zip(sizes, *win, extra, strict=True)])
        if any(e >= s for e, s in zip(extra, steps, strict=True)):
            raise RuntimeError(f"output padding must be smaller than stride, but got output_padding={list(extra)}, "
                               f"stride={list(steps)}")
        if min(shape[2:]) < 1:
            raise RuntimeError(f"Given input size per channel: ({_x(sizes)}). Calculated output size per channel: "
                               f"({_x(shape[2:])}). Output size is too small")
    rows = (groups, weight.shape[0] // groups, prod(weight.shape[1:]))
    cols, split = (batch, groups, rows[2], prod(seen)), (batch, groups, rows[1], prod(seen))
    return apply(op, (input, weight, bias, win, rows, cols, split, shape, (0, *range(2, n + 2))))


def _check_channels(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, transposed: bool) -> None:
    """torch's errors for a weight or bias that doesn't fit."""
    n, size = input.ndim - 2, list(weight.shape)
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported: {groups}")
    if weight.ndim != n + 2:
        raise RuntimeError(f"Expected a {n + 2}-dimensional weight for a {n + 2}-dimensional input, but got weight of "
                           f"size {size}")
    if not weight.numel() or size[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be at least {groups} and divisible by {groups} "
                           f"at dimension 0, but got weight of size {size} instead")
    inputs, outputs = (size[0], size[1] * groups) if transposed else (size[1] * groups, size[0])
    if input.shape[1] != inputs:
        raise RuntimeError(
            f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {size}, expected input"
            f"{list(input.shape)} to have {inputs} channels, but got {input.shape[1]} channels instead")
    if bias is not None and bias.shape != (outputs,):
        raise RuntimeError(f"Given {'transposed=1, ' * transposed}weight of size {size}, expected bias to be "
                           f"1-dimensional with {outputs} elements, but got bias of size {list(bias.shape)} instead")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.dtype != input.dtype:
            raise RuntimeError(f"Input type ({input.dtype.type_name.lower()}) and {name} type "
                               f"({t.dtype.type_name.lower()}) should be the same")


def _x(sizes: Iterable[int]) -> str:
    """Sizes as torch writes them in the errors of this file: 3 x 4."""
    return " x ".join(map(str, sizes))


def _each(name: str, value: Any, n: int) -> tuple[int, ...]:
    """An option for each of n dimensions, from one number or n."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) not in (1, n):
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {n} values to match the "
                           f"convolution dimensions, but got {name}={list(values)}")
    least = 0 if "padding" in name else 1
    if min(values) < least:
        words = "dilation should be greater than zero" if name == "dilation" else (
            f"{'negative' if least == 0 else 'non-positive'} {name} is not supported")
        raise RuntimeError(f"{words}: {list(values)}")
    return values * (n // len(values))


def both_sides(padding: Padding, kernel: Sequence[int], stride: Sequence[int],
               dilation: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The padding of a convolution in each dimension: (before, after)."""
    if padding == "same":
        if max(stride) > 1:
            raise RuntimeError(f"padding='same' is not supported for strided convolutions: stride={list(stride)}")
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple([(total // 2, total - total // 2) for total in totals])
    if isinstance(padding, str) and padding != "valid":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    return tuple([(p, p) for p in _each("padding", 0 if padding == "valid" else padding, len(kernel))])


# ------------------------------------------------------------------------------------------ pooling


def max_pool1d(input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, dilation: Sizes = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """`max_pool2d` along one dimension: (N, C, L) or (C, L)."""
    found = max_pool2d(input.unsqueeze(-2), _flat(kernel_size), _flat(stride), _flat(padding, 0), _flat(dilation),
                       ceil_mode, return_indices)
    return (found[0].squeeze(-2), found[1].squeeze(-2)) if return_indices else found.squeeze(-2)


def max_pool2d(input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, dilation: Sizes = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest of what the window sees at each place; of equals, the first gets the gradient.

    Shapes: input (N, C, H, W) or (C, H, W) -> (N, C, H', W') or (C, H', W'), with H' as for `conv2d`, or rounded up
    with `ceil_mode`. The stride is the kernel's size unless given. What `padding` adds is never the largest. With
    `return_indices` a pair: the values, and where in H * W each was (int64). RuntimeError for what does not fit.
    """
    return _max_pool(rules.max_pool, 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, dilation: Sizes = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """`max_pool2d` along three dimensions: (N, C, D, H, W) or (C, D, H, W)."""
    return _max_pool(_max_pool3d, 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(op: Op, n: int, input: Tensor, *options: Any) -> Any:
    *window, return_indices = options
    if input.ndim == n + 1:
        found = _max_pool(op, n, input.unsqueeze(0), *options)
        return (found[0].squeeze(0), found[1].squeeze(0)) if return_indices else found.squeeze(0)
    win, shape = _pooling(n, input, *window)
    around = win[2]
    seen, bare = input, (win[0], win[1], ((0, 0),) * n, win[3])
    if np.any(around):
        lowest = -np.inf if input.is_floating_point() else np.iinfo(input.array.dtype).min
        seen = pad(input, [side for sides in reversed(around) for side in sides], value=lowest)
    values = apply(op, (seen, bare, (*shape[:2], 1, prod(shape[2:])), shape))
    if not return_indices:
        return values
    at = beside(np.arange(prod(input.shape[2:])).reshape(1, 1, *input.shape[2:]), input.array)
    positions = rules.windows(at, win)
    largest = rules.first_max(rules.windows(seen.array, bare), 2)
    return values, wrap(np.where(largest, positions, 0).sum(2).reshape(shape))


def avg_pool1d(input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:
    """`avg_pool2d` along one dimension: (N, C, L) or (C, L)."""
    return avg_pool2d(input.unsqueeze(-2), _flat(kernel_size), _flat(stride), _flat(padding, 0), ceil_mode,
                      count_include_pad).squeeze(-2)


def avg_pool2d(input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:
    """The mean of what the window sees at each place, shapes as `max_pool2d`.

    The zeros of `padding` count, unless `count_include_pad` is False; with `divisor_override` the sum is divided by it.
    """
    if input.ndim == 3:
        return avg_pool2d(input.unsqueeze(0), kernel_size, stride, padding, ceil_mode, count_include_pad,
                          divisor_override).squeeze(0)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    win, shape = _pooling(2, input, kernel_size, stride, padding, 1, ceil_mode)
    kernel, steps, around, dilations = win
    column = (*shape[:2], 1, shape[2] * shape[3])
    count: Any = divisor_override or prod(kernel)
    if np.any(around) and divisor_override is None:
        inside = np.ones_like(input.array, shape=(1, 1, *input.shape[2:]))
        counted = np.pad(inside, [(0, 0), (0, 0), *[(p, p) for p, _ in around]], constant_values=count_include_pad)
        overhang = tuple([(0, after - before) for before, after in around])
        count = wrap(rules.windows(counted, (kernel, steps, overhang, dilations)).sum(2, keepdims=True))
    cols = (*shape[:2], prod(kernel), column[3])
    return apply(rules.avg_pool, (input, count, win, column, cols, shape))


def _flat(option: Any, other: int = 1) -> Any:
    """An option of pooling along one dimension for the same in two, the first of which has size 1."""
    return None if option is None else (other, *((option,) if isinstance(option, int) else option))


def _pooling(n: int, input: Tensor, kernel_size: Sizes, stride: Any, padding: Sizes, dilation: Sizes,
             ceil_mode: bool) -> tuple[Any, tuple[int, ...]]:
    """The window of a pooling layer and the shape of its output; torch's errors for what doesn't fit."""
    if input.ndim != n + 2 or 0 in input.shape[1:]:
        raise RuntimeError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input, not "
                           f"{list(input.shape)}")
    kernel = _each("kernel_size", kernel_size, n)
    steps = _each("stride", kernel if stride in (None, [], ()) else stride, n)
    dilations, before = _each("dilation", dilation, n), _each("padding", padding, n)
    around = []
    for size, k, s, p, d in zip(input.shape[2:], kernel, steps, before, dilations, strict=True):
        span = d * (k - 1) + 1
        if p > span // 2:
            raise RuntimeError("pad should be at most half of effective kernel size, but got "
                               f"pad={p}, kernel_size={k} and dilation={d}")
        over = -(size + 2 * p - span) % s if ceil_mode else 0
        starts_outside = size + 2 * p - span + over >= size + p  # such a last place is left out
        around.append((p, p if starts_outside else p + over))
    win = (kernel, steps, tuple(around), dilations)
    shape = (*input.shape[:2], *map(rules.places, input.shape[2:], *win))
    if min(shape[2:]) < 1:
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, input.shape[1:]))}). Calculated output size: "
                           f"({'x'.join(map(str, shape[1:]))}). Output size is too small")
    return win, shape


def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    """`adaptive_avg_pool2d` along one dimension: (N, C, L) or (C, L)."""
    [size] = _each("output_size", output_size, 1)
    return input @ _averaging(input, -1, size).T


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of H' by W' patches, evenly laid over (..., H, W); None in `output_size` (H', W') keeps a size."""
    sizes = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    if sizes == (1, 1):
        return input.mean((-2, -1), keepdim=True)
    return _averaging(input, -2, sizes[0]) @ (input @ _averaging(input, -1, sizes[1]).T)


def _averaging(input: Tensor, dim: int, outputs: int | None) -> Tensor:
    """The matrix (outputs, size) that takes the means of evenly laid stretches of `dim`."""
    size = input.shape[dim]
    outputs = size if outputs is None else outputs
    ends = np.arange(outputs + 1)[:, None] * size
    at = np.arange(size)
    inside = (at >= ends[:-1] // outputs) & (at < -(-ends[1:] // outputs))
    return wrap(beside((inside / inside.sum(1, keepdims=True)).astype(input.array.dtype), input.array))


def interpolate(input: Tensor, size: Sizes | None = None, scale_factor: Any = None, mode: str = "nearest") -> Tensor:
    """(N, C, *sizes) stretched to `size`, or by `scale_factor`: each place takes the element that lies there, rounded
    down. Other modes than "nearest" are a NotImplementedError, both or neither of the two a ValueError."""
    if mode != "nearest":
        raise NotImplementedError(f"interpolate(): minigrad has no mode {mode!r}, only 'nearest'")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"either size or scale_factor should be defined, not size={size}, scale_factor={scale_factor}")
    sizes = input.shape[2:]
    given = scale_factor if size is None else size
    key: list[Any] = [slice(None)] * 2
    wanted = given if isinstance(given, Sequence) else [given] * len(sizes)
    for dim, (old, want) in enumerate(zip(sizes, wanted, strict=True)):
        new, step = (int(old * want), 1 / want) if size is None else (want, old / want)
        at = (np.arange(new, dtype=np.float32) * np.float32(step)).astype(int)  # as torch rounds
        key.append(at.reshape(-1, *[1] * (len(sizes) - 1 - dim)))
    return apply(_index_named(f"upsample_nearest{len(sizes)}d"), (input, tuple(key)))


# ------------------------------------------------------------------------------------------ padding


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Elements added around the last dimensions: `pad` has (before, after) for the last, then for the one before, ...

    What is added is `value` (0), or by `mode` what is mirrored at the edge ("reflect"), the edge itself ("replicate"),
    or what the other edge has ("circular"). Negative numbers take elements away. Those three take a `pad` for the
    last 1, 2 or 3 dimensions, with one or two more before them: NotImplementedError. RuntimeError for a `pad` that
    does not fit.
    """
    tensor_only("pad", input)
    n = len(pad) // 2
    if len(pad) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but there are {len(pad)} numbers")
    if n > input.ndim:
        raise RuntimeError("Padding length should be less than or equal to two times the input dimension but got "
                           f"padding length {len(pad)} and input of dimension {input.ndim}")
    around = [(0, 0)] * (input.ndim - n) + [(pad[2 * i], pad[2 * i + 1]) for i in reversed(range(n))]
    if mode == "constant":
        if min((size + sum(p) for size, p in zip(input.shape, around, strict=True)), default=0) < 0:
            raise RuntimeError(f"narrow(): length must be non-negative: {list(pad)} takes away more than there is")
        kept = tuple([slice(max(-a, 0), size - max(-b, 0)) for size, (a, b) in zip(input.shape, around, strict=True)])
        added = [(max(a, 0), max(b, 0)) for a, b in around]
        inside = tuple([slice(a, a + len(range(size)[k])) for size, k, (a, b)
                        in zip(input.shape, kept, added, strict=True)])
        return apply(rules.pad, (input, kept, added, 0 if value is None else value, inside))
    if mode not in _EDGES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if not n < input.ndim <= n + 2 or n > 3:
        raise NotImplementedError(f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor: a mode "
                                  "other than constant takes 2 numbers for 2D or 3D, 4 for 3D or 4D, 6 for 4D or 5D")
    key: list[Any] = [slice(None)] * input.ndim
    for dim in range(input.ndim - n, input.ndim):
        size, (before, after) = input.shape[dim], around[dim]
        if size <= max(before, after) - (mode == "circular") and mode != "replicate":
            raise RuntimeError(f"Padding size should be less than the corresponding input dimension, but got: padding "
                               f"({before}, {after}) at dimension {dim} of input {list(input.shape)}")
        at = _EDGES[mode](np.arange(-before, size + after), size)
        key[dim] = at.reshape(-1, *[1] * (input.ndim - 1 - dim))
    return apply(_index_named(_GRAD_FNS[mode].format(n)), (input, tuple(key)))


def _wrapped(at: Any, size: int) -> Any:
    kept = at[(at >= 0) & (at < size)]  # what negative padding takes away is not wrapped around either
    return kept[(at - kept[0]) % len(kept)]


_EDGES = {  # which of `size` elements stands at each place, inside and outside
    "reflect": lambda at, size: size - 1 - abs(size - 1 - abs(at)),
    "replicate": lambda at, size: np.clip(at, 0, size - 1),
    "circular": _wrapped,
}
_GRAD_FNS = {"reflect": "reflection_pad{}d", "replicate": "replication_pad{}d", "circular": "copy_slices"}
_index_named = cache(ops.index.named)
_max_pool3d = rules.max_pool.named("max_pool3d_with_indices")

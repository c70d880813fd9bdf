"""The table, continued: activations, losses, normalisation and windows. Read ops.py first; its words are used here.

Each loss is one op, because its derivative is simpler, and safer at large logits, than what its parts would give one
by one. In their entries x is the prediction and y the target; n is the number of elements for "mean", else 1.

Convolution and pooling look at x (N, C, *sizes) through a window, which takes P places and sees K elements at each.
`windows` lays out what it sees as columns (N, C, K, P); `fold`, its transpose, adds columns up where they came from.
So a convolution is a matrix product with the columns, and its derivatives are two more. The words:

    win           the window's kernel, stride, padding and dilation, each with an entry for every dimension in sizes;
                  those of padding are pairs, (before, after)
    rows          the weight's shape as one matrix for each group: (groups, outputs of a group, K * inputs of a group)
    cols, split   the shapes of the columns and of the output that go with it: (N, groups, K * inputs of a group, P)
                  and (N, groups, outputs of a group, P)
    column        pooling's output as columns, one element for each place: (N, C, 1, P)
    across        the dims that a bias is added across: all but that of the channels
"""

# ruff: noqa: I001 (the list of words is filled)

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..engine import Array, Op
from ..ops import (erf, exp, index, log, log_softmax, maximum, mean, put, reshape, sigmoid, sign, softmax, spread,
                   sum, swap, total_of, var, where)

Shape = tuple[int, ...]
Win = tuple[Any, ...]


def _reduced(x: Array, reduction: str, n: int) -> Array:
    """A loss's values, or their sum over n, which is 1 unless it is to be a mean."""
    if reduction == "none":
        return x
    loss = total_of(x, tuple(range(x.ndim)), False) / n
    return loss if loss.dtype == x.dtype else loss.astype(x.dtype)


def _softplus(x: Array) -> Array:
    """log(1 + exp(x)), written so that exp never overflows."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _standardized(x: Array, dim: Shape, n: int, eps: float) -> Array:
    d = x - ops.mean(x, dim, True, n)
    return d / np.sqrt(ops.mean(d * d, dim, True, n) + eps)


def places(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int) -> int:
    """How many places a window takes along one dimension."""
    before, after = padding
    return (before + size + after - dilation * (kernel - 1) - 1) // stride + 1


def _windows(x: Array, win: Win) -> Array:
    """(N, C, *sizes) -> (N, C, K, P): what the window sees, around x zeros. A view is taken, and copied once."""
    kernel, stride, padding, dilation = win
    n = len(kernel)
    if any(map(any, padding)):
        sizes = [before + size + after for size, (before, after) in zip(x.shape[2:], padding, strict=True)]
        padded = np.zeros_like(x, shape=(*x.shape[:2], *sizes))
        padded[_inside(x.shape[2:], padding)] = x
        x = padded
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(2, 2 + n)))
    seen = seen[_key(slice(None, None, step) for step in (*stride, *dilation))]
    seen = seen.transpose(0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n))  # the kernel's dimensions, then the places'
    return seen.reshape(*x.shape[:2], prod(kernel), prod(seen.shape[2 + n :]))


def _fold(y: Array, shape: Shape, win: Win) -> Array:
    """(N, C, K, P) -> shape (N, C, *sizes): each column's elements are added where the window sees them."""
    kernel, stride, padding, dilation = win
    sizes = [before + size + after for size, (before, after) in zip(shape[2:], padding, strict=True)]
    counts = list(map(places, shape[2:], *win))
    y = y.reshape(*shape[:2], *kernel, *counts)
    out = np.zeros_like(y, shape=(*shape[:2], *sizes))
    overlap = any(s < d * (k - 1) + 1 for s, d, k in zip(stride, dilation, kernel, strict=True))
    for at in product(*map(range, kernel)):
        first = [i * d for i, d in zip(at, dilation, strict=True)]
        seen = out[_key(slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(first, stride, counts, strict=True))]
        if overlap:
            seen += y[(slice(None), slice(None), *at)]
        else:  # a copy: to add takes NumPy seven times as long
            seen[...] = y[(slice(None), slice(None), *at)]
    return out[_inside(shape[2:], padding)].copy() if any(map(any, padding)) else out


def _inside(sizes: Shape, padding: Any) -> Any:
    """The key of what lies within the padding."""
    return _key(slice(before, before + size) for size, (before, _) in zip(sizes, padding, strict=True))


def _key(slices: Iterable[slice]) -> Any:
    """The key that takes slices of the last dimensions."""
    return (Ellipsis, *slices)


def _first_max(x: Array, dim: int) -> Array:
    """True at the first of the largest elements along dim."""
    largest = x == x.max(dim, keepdims=True)
    rows = np.moveaxis(largest, dim, 0)  # a view: the loop writes to `largest`
    found = np.zeros_like(rows[0])
    for row in rows:
        row &= ~found
        found |= row
    return largest


def _biased(x: Array, b: Array | None) -> Array:
    """x (N, C, ...) plus a number for each channel."""
    return x if b is None else np.add(x, b.reshape(-1, *[1] * (x.ndim - 2)), out=x)


# ------------------------------------------------------------------------- activations

leaky_relu = Op("leaky_relu", lambda x, /, slope: where(x > 0, x, x * slope),
                x=lambda g, x, slope: where(x > 0, g, g * slope))
elu = Op("elu",  # also selu and celu: they stretch the result, or the input below 0
         lambda x, /, alpha, scale, rate: where(x < 0, alpha * scale * np.expm1(x * rate), scale * x),
         x=lambda g, x, alpha, scale, rate:
         where(x <= 0, g * (alpha * scale * rate) * exp(where(x < 0, x, 0) * rate), g * scale))
celu = elu.named("celu")
gelu = Op("gelu",  # x times the normal distribution's probability of less than x; its density is exp(-x x / 2) 0.3989
          lambda x, /: x * ((erf(x * 0.7071067811865476) + 1) / 2),
          x=lambda g, x: g * ((erf(x * 0.7071067811865476) + 1) / 2 + x * exp(-x * x / 2) * 0.3989422804014327))
silu = Op("silu", lambda x, /: x * sigmoid(x), x=lambda g, x: g * ((s := sigmoid(x)) * (x * (1 - s) + 1)))
softplus = Op("softplus",  # log(1 + exp(beta x)) / beta; from the threshold on so near to x that it is x
              lambda x, /, beta, threshold: where(x * beta > threshold, x, _softplus(x * beta) / beta),
              x=lambda g, x, beta, threshold: where(x * beta > threshold, g, g * sigmoid(x * beta)))
log_sigmoid = Op("log_sigmoid", lambda x, /: -_softplus(-x), x=lambda g, x: g * sigmoid(-x))
hardtanh = Op("hardtanh", lambda x, /, lo, hi: np.minimum(np.maximum(x, lo), hi),
              x=lambda g, x, lo, hi: where((x <= lo) | (x >= hi), 0, g))

# ------------------------------------------------------------------------- losses

mse_loss = Op("mse_loss", lambda x, y, /, reduction, n: _reduced(np.square(x - y), reduction, n),
              x=lambda g, x, y, n: g / n * (2 * (x - y)), y=lambda g, x, y, n: g / n * (2 * (y - x)))
l1_loss = Op("l1_loss", lambda x, y, /, reduction, n: _reduced(np.abs(x - y), reduction, n),
             x=lambda g, x, y, n: g / n * sign(x - y), y=lambda g, x, y, n: g / n * sign(y - x))
huber_loss = Op("huber_loss",  # a parabola for distances up to delta, from there on a straight line that continues it
                lambda x, y, /, delta, reduction, n: _reduced(
                    where((d := np.abs(x - y)) < delta, d * d / 2, delta * (d - delta / 2)), reduction, n),
                x=lambda g, x, y, delta, n: g / n * where(((d := x - y) > -delta) & (d < delta), d, delta * sign(d)),
                y=lambda g, x, y, delta, n: g / n * where(((d := y - x) > -delta) & (d < delta), d, delta * sign(d)))
smooth_l1_loss = Op("smooth_l1_loss",  # Huber's loss over beta
                    lambda x, y, /, beta, reduction, n: _reduced(
                        where((d := np.abs(x - y)) < beta, d * d / 2 / beta, d - beta / 2), reduction, n),
                    x=lambda g, x, y, beta, n: g / n * where(((d := x - y) > -beta) & (d < beta), d / beta, sign(d)),
                    y=lambda g, x, y, beta, n: g / n * where(((d := y - x) > -beta) & (d < beta), d / beta, sign(d)))
bce = Op("binary_cross_entropy",  # x is a probability; log x is held above -100, x (1 - x) above float32's 1e-12
         lambda x, y, /, reduction, n: _reduced(
             (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100), reduction, n),
         x=lambda g, x, y, n: g / n * ((x - y) / maximum((1 - x) * x, 9.999999960041972e-13)),
         y=lambda g, x, n: g / n * (log(1 - x) - log(x)))
bce_with_logits = Op("binary_cross_entropy_with_logits",
                     lambda x, y, /, reduction, n: _reduced((1 - y) * x + _softplus(-x), reduction, n),
                     x=lambda g, x, y, n: g / n * (sigmoid(x) - y), y=lambda g, x, n: -g / n * x)
cross_entropy = Op("cross_entropy",  # y is a distribution over dim: one-hot, smoothed, or times a class weight
                   lambda x, y, /, dim, reduction, n: _reduced(  # 0 log 0 is 0
                       -where(y == 0, 0, y * log_softmax(x, dim)).sum(dim, keepdims=True), reduction, n),
                   x=lambda g, x, y, dim, n: g / n * (softmax(x, dim) * sum(y, dim, True) - y),
                   y=lambda g, x, dim, n: -g / n * log_softmax(x, dim))
nll_loss = Op("nll_loss",  # x: the losses one by one. Others that are made of parts end with this, under their names
              lambda x, /, reduction, n: x.copy() if reduction == "none" else _reduced(x, reduction, n),
              x=lambda g, x_shape, n: spread(g / n, x_shape, (), True))
kl_div = Op("kl_div", lambda x, y, /: where(y == 0, 0, y * np.log(y)) - y * x,  # x is a logarithm; 0 log 0 is 0
            x=lambda g, y: -g * y, y=lambda g, x, y: g * (log(y) + y / y - x))  # and nan at y = 0

# ------------------------------------------------------------------------- normalisation, embedding

# out is x with mean 0 and variance 1 along dim, over the n elements there. Two paths lead back: x moves the mean
# (the first mean of g is taken away) and the variance (what of g points along out is taken away).
standardize = Op("standardize", lambda x, /, dim, n, eps: _standardized(x, dim, n, eps),
                 x=lambda g, out, x, dim, n, eps:
                 (g - mean(g, dim, True, n) - out * mean(g * out, dim, True, n))
                 / (var(x, dim, True, n, n) + eps) ** 0.5)
layer_norm = Op("native_layer_norm", lambda x, w, b, /: x * w + b,  # of x that is standardized already
                x=lambda g, w: g * w, w=lambda g, x: g * x, b=lambda g: g)
batch_norm = layer_norm.named("native_batch_norm")
embedding = Op("embedding",  # share: how much of its gradient each row picked passes on, none for padding
               lambda w, share, /, key: w[key],
               w=lambda g, share, w_shape, key: put(where(share == 0, 0, g * share), w_shape, key))  # 0 * inf is 0 here

# ------------------------------------------------------------------------- windows

windows: Op = Op("windows", lambda x, /, win: _windows(x, win), x=lambda g, x_shape, win: fold(g, x_shape, win))
fold: Op = Op("fold", lambda y, /, shape, win: _fold(y, shape, win),
          y=lambda g, y_shape, win: reshape(windows(g, win), y_shape))
convolution = Op("convolution",
                 lambda x, w, b, /, win, rows, cols, split, shape, across: _biased(
                     (w.reshape(rows) @ _windows(x, win).reshape(cols)).reshape(shape), b),
                 x=lambda g, w, x_shape, win, rows, split:
                 fold(swap(reshape(w, rows)) @ reshape(g, split), x_shape, win),
                 w=lambda g, x, w_shape, win, cols, split:
                 reshape(sum(reshape(g, split) @ swap(reshape(windows(x, win), cols)), (0,), False), w_shape),
                 b=lambda g, across: sum(g, across, False))
conv_transpose = Op("convolution",  # forward and x's rule have changed places
                    lambda x, w, b, /, win, rows, cols, split, shape, across: _biased(
                        _fold(swap(w.reshape(rows)) @ x.reshape(split), shape, win), b),
                    x=lambda g, w, x_shape, win, rows, cols:
                    reshape(reshape(w, rows) @ reshape(windows(g, win), cols), x_shape),
                    w=lambda g, x, w_shape, win, cols, split:
                    reshape(sum(reshape(x, split) @ swap(reshape(windows(g, win), cols)), (0,), False), w_shape),
                    b=lambda g, across: sum(g, across, False))
first_max = Op("first_max", lambda x, /, dim: _first_max(x, dim))
max_pool = Op("max_pool2d_with_indices", lambda x, /, win, column, shape: _windows(x, win).max(2).reshape(shape),
              x=lambda g, x, x_shape, win, column:
              fold(where(first_max(windows(x, win), 2), reshape(g, column), 0), x_shape, win))
avg_pool = Op("avg_pool2d",  # count: how many elements each place's sum is divided by
              lambda x, count, /, win, column, cols, shape: (
                  _windows(x, win).sum(2, keepdims=True) / count).reshape(shape),
              x=lambda g, count, x_shape, win, column, cols:
              fold(spread(reshape(g, column) / count, cols, (2,), True), x_shape, win))
pad = Op("constant_pad_nd",  # kept: what stays of x where padding is negative; inside: where that is in the output
         lambda x, /, kept, widths, value, inside: np.pad(x[kept], widths, constant_values=value),
         x=lambda g, x_shape, kept, inside: put(index(g, inside), x_shape, kept))

ops.TABLE |= {word: entry for word, entry in list(globals().items()) if isinstance(entry, Op)}
ops.VOCABULARY |= {"erf", "first_max", "fold", "var", "windows"}

"""The table: the calculus of tensors, one line for each derivative. nn/rules.py goes on with layers and losses.

How to read an entry:

    tanh = Op("tanh", np.tanh, x=lambda g, out: g * (1 - out * out))

"tanh runs np.tanh; the gradient with respect to x is g * (1 - out * out)." The words:

    x, y, z, ...  the inputs of the op, in the order of its arguments; `x=` is the rule for x's gradient
    out           what the op returned
    g             the gradient of the loss with respect to out, of out's shape
    x_shape       the shape of x, for rules that need no more than that: x itself is then not kept alive
    dim, ...      parameters: what stands after the slash in the forward function; never differentiated

Rules are written with operators and with other entries of this table, the `VOCABULARY` at the end. So the
same line runs on arrays (backward), on tensors (gradients of gradients) and on symbols (formulas as text), and
a new array library needs no new rules. Rules do not care about broadcasting and mixed dtypes: the engine sums
a gradient down to its input's shape and casts it to its input's dtype. An op without rules (a comparison, a
rounding to integers) ends the graph; one whose derivative is zero says so.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from . import blas, error_function, select
from .device import place
from .engine import Array, Op

Dims = tuple[int, ...]

# Shorthands of forward functions. They see arrays only, and use methods and functions that other array
# libraries answer too.


def total_of(x: Array, dim: Dims, keepdim: bool) -> Array:
    """The sum over dim; in float64 where the sum of narrower numbers would lose digits, or overflow.

    NumPy adds pairwise, and so accurately, along the last dimension only; float16 goes up to 65504.
    """
    kind = x.dtype.char  # "e" is float16, "f" float32: quicker to compare than dtypes
    wide = kind == "e" or (kind == "f" and x.size > 10000 and x.ndim - 1 not in dim)
    return x.sum(dim, dtype=np.float64 if wide else None, keepdims=keepdim)


def _sum(x: Array, dim: Dims, keepdim: bool) -> Array:
    total = total_of(x, dim, keepdim)
    return total if x.dtype.kind != "f" or total.dtype == x.dtype else total.astype(x.dtype)


def _mean(x: Array, dim: Dims, keepdim: bool, n: int) -> Array:
    return (total_of(x, dim, keepdim) / n).astype(x.dtype, copy=False)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _log_softmax(x: Array, dim: Dims) -> Array:
    z = x - x.max(dim, keepdims=True)
    return z - np.log(np.exp(z).sum(dim, keepdims=True))


def _softmax(x: Array, dim: Dims) -> Array:
    e = np.exp(x - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


def _logsumexp(x: Array, dim: Dims, keepdim: bool) -> Array:
    top = x.max(dim, keepdims=True) if x.size else x.sum(dim, keepdims=True)  # of nothing: 0
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(np.exp(x - top).sum(dim, keepdims=True)) + top
    return out if keepdim else out.squeeze(dim)


def _variance(x: Array, dim: Dims, keepdim: bool, n: int, m: float) -> Array:
    """The sum of squared distances from the mean of the n elements along dim, over m."""
    d = x - _mean(x, dim, True, n)
    return (total_of(d * d, dim, keepdim) / m).astype(x.dtype, copy=False)


def _expand(x: Array, shape: Dims) -> Array:
    """A view; one that can be written to, unless elements are repeated."""
    return x.reshape(shape) if x.size == math.prod(shape) else np.broadcast_to(x, shape)


def _order(x: Array) -> str:
    """The memory order of a copy of x: its own; plain, where x is expanded (NumPy would draw what repeats together)."""
    return "C" if 0 in x.strides else "K"


def _contiguous(x: Array) -> Array:
    return x if x.flags.c_contiguous else x.copy()


def _set(x: Array, y: Array, key: Any) -> Array:
    out = np.asarray(x).copy() if isinstance(x, np.generic) else x.copy()
    out[key] = y
    return out


# ------------------------------------------------------------------------- elementwise, one input

neg = Op("neg", np.negative, x=lambda g: -g)
exp = Op("exp", np.exp, x=lambda g, out: g * out)
log = Op("log", np.log, x=lambda g, x: g / x)
sqrt = Op("sqrt", np.sqrt, x=lambda g, out: g / (2 * out))
square = Op("square", np.square, x=lambda g, x: g * (2 * x))
reciprocal = Op("reciprocal", np.reciprocal, x=lambda g, out: -g * (out * out))
sin = Op("sin", np.sin, x=lambda g, x: g * cos(x))
cos = Op("cos", np.cos, x=lambda g, x: -g * sin(x))
tanh = Op("tanh", np.tanh, x=lambda g, out: g * (1 - out * out))
rsqrt = Op("rsqrt", lambda x, /: 1 / np.sqrt(x), x=lambda g, out: g * (out * out * out / -2))
expm1 = Op("expm1", np.expm1, x=lambda g, out: g * (out + 1))
log1p = Op("log1p", np.log1p, x=lambda g, x: g / (x + 1))
log2 = Op("log2", np.log2, x=lambda g, x: g / (x * 0.6931471805599453))  # log 2
log10 = Op("log10", np.log10, x=lambda g, x: g / (x * 2.302585092994046))  # log 10
tan = Op("tan", np.tan, x=lambda g, out: g * (out * out + 1))
asin = Op("asin", np.arcsin, x=lambda g, x: g * rsqrt(1 - x * x))
acos = Op("acos", np.arccos, x=lambda g, x: -g * rsqrt(1 - x * x))
atan = Op("atan", np.arctan, x=lambda g, x: g / (x * x + 1))
sinh = Op("sinh", np.sinh, x=lambda g, x: g * cosh(x))
cosh = Op("cosh", np.cosh, x=lambda g, x: g * sinh(x))
erf = Op("erf", error_function.erf, inputs=("x",), x=lambda g, x: g * (1.1283791670955126 * exp(-x * x)))  # 2/sqrt(pi)
sigmoid = Op("sigmoid", lambda x, /: _sigmoid(x), x=lambda g, out: g * (out * (1 - out)))
relu = Op("relu", select.relu, inputs=("x",), x=lambda g, out: where(out <= 0, 0, g))
abs = Op("abs", np.absolute, x=lambda g, x: g * sign(x))
sign = Op("sign", lambda x, /: np.subtract(x > 0, x < 0, dtype=x.dtype), x=lambda g: zeros_like(g))  # 0 for nan
round = Op("round", np.rint, x=lambda g: zeros_like(g))
floor = Op("floor", np.floor, x=lambda g: zeros_like(g))
ceil = Op("ceil", np.ceil, x=lambda g: zeros_like(g))
trunc = Op("trunc", np.trunc, x=lambda g: zeros_like(g))
zeros_like = Op("zeros_like", lambda x, /: np.zeros_like(x), x=lambda g: zeros_like(g))
clone = Op("clone", lambda x, /: x.copy(_order(x)), x=lambda g: g)  # in the memory order of x
contiguous = Op("clone", lambda x, /: x.copy(), x=lambda g: g)  # in plain order
move = Op("to", lambda x, /, there, back: place(x, there), x=lambda g, there, back: move(g, back, there))  # devices
cast = Op("to", lambda x, /, dtype: x.astype(dtype, _order(x)), x=lambda g: g)

# ------------------------------------------------------------------------- elementwise, two inputs and more

add = Op("add", np.add, x=lambda g: g, y=lambda g: g)
sub = Op("sub", np.subtract, x=lambda g: g, y=lambda g: -g)
mul = Op("mul", np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
div = Op("div", np.true_divide, x=lambda g, y: g / y, y=lambda g, x, y: -g * (x / y / y))
floor_div = Op("div2", np.floor_divide, x=lambda g: zeros_like(g), y=lambda g: zeros_like(g))
trunc_div = Op("div2", lambda x, y, /: np.trunc(x / y), x=lambda g: zeros_like(g), y=lambda g: zeros_like(g))
remainder = Op("remainder", lambda x, y, /: np.where((rest := np.fmod(x, y)) * y < 0, rest + y, rest),
               x=lambda g: g, y=lambda g, x, y: -g * floor_div(x, y))
fmod = Op("fmod", np.fmod, x=lambda g: g, y=lambda g, x, y: -g * trunc_div(x, y))
pow = Op("pow1", np.power,  # where guards 0 ** -1 and log(0): times 0 they would be nan
         x=lambda g, x, y: where(y == 0, 0, g * (y * x ** (y - 1))),
         y=lambda g, out, x, y: g * (out * log(where((x == 0) & (y >= 0), 1, x))))
power = Op("pow", lambda x, /, n: x**n,  # n is a number; x ** 0 is constant, also at x = 0
           x=lambda g, x, n: g * (n * x ** (n - (n != 0))))
lerp = Op("lerp", lambda x, y, /, w: x + w * (y - x), x=lambda g, w: g * (1 - w), y=lambda g, w: g * w)
maximum = Op("maximum", np.maximum,  # a tie is shared
             x=lambda g, x, y: where(x < y, 0, where(x == y, g / 2, g)),
             y=lambda g, x, y: where(y < x, 0, where(x == y, g / 2, g)))
minimum = Op("minimum", np.minimum,
             x=lambda g, x, y: where(x > y, 0, where(x == y, g / 2, g)),
             y=lambda g, x, y: where(y > x, 0, where(x == y, g / 2, g)))
where = Op("where", select.where, inputs=("c", "x", "y"),
           x=lambda g, c: where(c, g, 0), y=lambda g, c: where(c, 0, g))
clamp = Op("clamp", lambda x, lo, hi, /: np.minimum(np.maximum(x, lo), hi),
           x=lambda g, x, lo, hi: where((x >= lo) & (x <= hi), g, 0),
           lo=lambda g, x, lo, hi: where((x < lo) & (lo < hi), g, 0),
           hi=lambda g, x, lo, hi: where((x > hi) | (hi < lo), g, 0))

# ------------------------------------------------------------------------- reductions (dim is a tuple of ints)

sum = Op("sum", lambda x, /, dim, keepdim: _sum(x, dim, keepdim),
         x=lambda g, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim))
spread = Op("spread", lambda x, /, shape, dim, keepdim: select.spread(x, shape, dim, keepdim), view=True,
            x=lambda g, dim, keepdim: sum(g, dim, keepdim))
mean = Op("mean", lambda x, /, dim, keepdim, n: _mean(x, dim, keepdim, n),
          x=lambda g, x_shape, dim, keepdim, n: spread(g / n, x_shape, dim, keepdim))
var = Op("var", lambda x, /, dim, keepdim, n, m: _variance(x, dim, keepdim, n, m),  # m: n, or n - 1 (Bessel)
         x=lambda g, x, x_shape, dim, keepdim, n, m:
         spread(g, x_shape, dim, keepdim) * (2 * (x - mean(x, dim, True, n)) / m))
std = Op("std", lambda x, /, dim, keepdim, n, m: np.sqrt(_variance(x, dim, keepdim, n, m)),
         x=lambda g, out, x, x_shape, dim, keepdim, n, m:
         spread(where(out == 0, 0, g / out), x_shape, dim, keepdim) * ((x - mean(x, dim, True, n)) / m))
amax = Op("amax", lambda x, /, dim, keepdim: x.max(dim, keepdims=keepdim),  # ties share g evenly
          x=lambda g, out, x, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim)
          * (tie := x == spread(out, x_shape, dim, keepdim)) / sum(tie, dim, True))
amin = Op("amin", lambda x, /, dim, keepdim: x.min(dim, keepdims=keepdim), x=amax.rules["x"])
logsumexp = Op("logsumexp", lambda x, /, dim, keepdim: _logsumexp(x, dim, keepdim),
               x=lambda g, out, x, x_shape, dim, keepdim:
               spread(g, x_shape, dim, keepdim) * exp(x - spread(out, x_shape, dim, keepdim)))
norm = Op("linalg_vector_norm", lambda x, /, dim, keepdim: np.sqrt(total_of(x * x, dim, keepdim)).astype(x.dtype),
          x=lambda g, out, x, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim)
          * where((total := spread(out, x_shape, dim, keepdim)) == 0, 0, x / total))
cumsum = Op("cumsum", lambda x, /, dim: x.cumsum(dim, np.float64 if x.dtype.kind == "f" else None).astype(x.dtype),
            x=lambda g, dim: flip(cumsum(flip(g, (dim,)), dim), (dim,)))
softmax = Op("softmax", lambda x, /, dim: _softmax(x, dim),
             x=lambda g, out, dim: out * (g - sum(g * out, dim, True)))
log_softmax = Op("log_softmax", lambda x, /, dim: _log_softmax(x, dim),
                 x=lambda g, out, dim: g - exp(out) * sum(g, dim, True))

# ------------------------------------------------------------------------- products

mm = Op("mm", blas.mm, inputs=("x", "y"), x=lambda g, y: mm(g, t(y)), y=lambda g, x: mm(t(x), g))
linear = Op("addmm", blas.linear, inputs=("x", "w", "b"),  # x @ w.T + b, for a matrix x
            x=lambda g, w: mm(g, w), w=lambda g, x: mm(t(g), x), b=lambda g: g)
matmul = Op("matmul", np.matmul, x=lambda g, y: g @ swap(y), y=lambda g, x: swap(x) @ g)  # batches of matrices
inverse = Op("linalg_inv_ex", np.linalg.inv, inputs=("x",), x=lambda g, out: -(swap(out) @ g @ swap(out)))

# ------------------------------------------------------------------------- shapes, picking, joining

reshape = Op("view", lambda x, /, shape: x.reshape(shape), view=True, x=lambda g, x_shape: reshape(g, x_shape))
expand = Op("expand", lambda x, /, shape: _expand(x, shape), view=True, x=lambda g: g)
permute = Op("permute", lambda x, /, dims, back: x.transpose(dims), view=True,  # back undoes dims
             x=lambda g, dims, back: permute(g, back, dims))
t = Op("t", lambda x, /: x.T, view=True, x=lambda g: t(g))  # of a matrix
swap = Op("transpose", lambda x, /: x.swapaxes(-1, -2), view=True, x=lambda g: swap(g))  # of a batch of matrices
flip = Op("flip", lambda x, /, dim: np.flip(x, dim).copy(), x=lambda g, dim: flip(g, dim))
tril = Op("tril", lambda x, /, k: np.tril(x, k), x=lambda g, k: tril(g, k))  # zeros above the k-th diagonal
triu = Op("triu", lambda x, /, k: np.triu(x, k), x=lambda g, k: triu(g, k))
take_slice = Op("slice", lambda x, /, key: x[key], view=True, x=lambda g, x_shape, key: put(g, x_shape, key))
index = Op("index", lambda x, /, key: _contiguous(x[key]), x=lambda g, x_shape, key: put(g, x_shape, key))
put = Op("put", lambda x, /, shape, key: select.put(x, shape, key), x=lambda g, key: index(g, key))
setitem = Op("copy_slices", lambda x, y, /, key: _set(x, y, key),
             x=lambda g, key: setitem(g, 0, key), y=lambda g, key: index(g, key))


@cache
def cat(n: int, name: str = "cat") -> Op:
    """torch.cat of n tensors; `keys[i]` is where the i-th input lies in the output."""
    rules = {f"x{i}": _part(i) for i in range(n)}
    return Op(name, lambda *args: _contiguous(np.concatenate(args[:-2], args[-2])),
              inputs=tuple(rules), params=("dim", "keys"), **rules)


def _part(i: int) -> Any:
    return lambda g, keys: index(g, keys[i])


# ------------------------------------------------------------------------- without a gradient

eq, ne = Op("eq", np.equal), Op("ne", np.not_equal)
lt, le, gt, ge = Op("lt", np.less), Op("le", np.less_equal), Op("gt", np.greater), Op("ge", np.greater_equal)
bitwise_and, bitwise_or = Op("bitwise_and", np.bitwise_and), Op("bitwise_or", np.bitwise_or)
bitwise_xor, invert = Op("bitwise_xor", np.bitwise_xor), Op("bitwise_not", np.invert)
argmax = Op("argmax", lambda x, /, dim, keepdim: x.argmax(dim, keepdims=keepdim))
argmin = Op("argmin", lambda x, /, dim, keepdim: x.argmin(dim, keepdims=keepdim))

TABLE: dict[str, Op] = {word: entry for word, entry in list(globals().items()) if isinstance(entry, Op)}
TABLE["cat"] = cat(2)  # one of its family

# The words that rules may use, besides operators. Each is itself an entry, so it has every reading.
VOCABULARY = frozenset({
    "where", "exp", "log", "sin", "cos", "sinh", "cosh", "rsqrt", "sign", "floor_div", "trunc_div", "sigmoid",
    "maximum", "zeros_like", "sum", "mean", "spread", "cumsum", "flip", "softmax", "log_softmax", "mm", "t", "reshape",
    "move", "permute", "swap", "tril", "triu", "index", "put", "setitem"})

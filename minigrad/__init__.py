"""minigrad: a from-scratch autograd engine with torch's names, meaning and numbers.

`import minigrad as torch`, and a PyTorch training script runs on NumPy. To learn how gradients come about,
read `engine.py` and then `ops.py`.
"""

import sys as _sys
import warnings as _warnings
from math import e, inf, nan, pi
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# torch computes inf and nan without a word; NumPy warns. Silence it for minigrad's own arithmetic alone.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")

from . import accelerator, amp, autograd, backends, cuda, linalg, mps, nn, optim, random, serialization, utils, version
from .amp import autocast
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from .creation import (arange, as_tensor, bernoulli, empty, empty_like, eye, from_numpy, full, full_like,
                       get_rng_state, inclusive_range, linspace, multinomial, normal, ones, ones_like, rand, rand_like,
                       randint, randn, randn_like, randperm, set_rng_state, tensor, typed, zeros, zeros_like)
from .device import device, get_default_device, set_default_device
from .dtypes import bool_ as bool
from .dtypes import (contiguous_format, dtype, finfo, float16, float32, float64, get_default_dtype, iinfo, int8, int16,
                     int32, int64, preserve_format, promote_types, result_type, set_default_dtype, uint8)
from .functions.cumulative import cumprod, cumsum, prod
from .functions.einsum import einsum
from .functions.indexing import (gather, index_select, masked_select, nonzero, scatter, scatter_add, take,
                                 take_along_dim)
from .functions.joining import cat, column_stack, hstack, meshgrid, stack, vstack
from .functions.linear_algebra import (addmm, bmm, cdist, diag, diagonal, dist, dot, inverse, matmul, matrix_power, mm,
                                       mv, norm, outer, trace, tril, triu)
from .functions.out import with_out as _with_out
from .functions.pointwise import (abs, acos, add, addcdiv, addcmul, asin, atan, ceil, clamp, clamp_max, clamp_min,
                                  clone, cos, cosh, div, eq, erf, exp, expm1, floor, floor_divide, fmod, frac, ge, gt,
                                  isfinite, isinf, isnan, le, lerp, log, log1p, log2, log10, logical_and, logical_not,
                                  logical_or, logical_xor, lt, masked_fill, maximum, minimum, mul, ne, neg, positive,
                                  pow, reciprocal, relu, remainder, round, rsqrt, rsub, sigmoid, sign, sin, sinh, sqrt,
                                  square, sub, tan, tanh, trunc, where)
from .functions.reductions import (all, allclose, amax, amin, any, argmax, argmin, count_nonzero, equal, isclose,
                                   log_softmax, logsumexp, max, mean, min, softmax, std, sum, var)
from .functions.shapes import (Size, broadcast_to, chunk, diff, flatten, flip, movedim, narrow, numel, permute, ravel,
                               repeat_interleave, reshape, roll, rot90, split, squeeze, t, tile, transpose, unbind,
                               unflatten, unsqueeze)
from .functions.sorting import argsort, bincount, histc, kthvalue, median, mode, sort, topk, unique
from .missing import answer_for as _answer_for
from .modes import is_grad_enabled, is_inference_mode_enabled
from .nn.functional import conv1d, conv2d, conv_transpose2d, cosine_similarity, layer_norm, pairwise_distance
from .printing import set_printoptions
from .random import Generator, default_generator, initial_seed, manual_seed, seed
from .serialization import load, save
from .switches import (compile, get_num_threads, set_default_tensor_type, set_float32_matmul_precision, set_num_threads,
                       use_deterministic_algorithms)
from .tensor import Tensor
from .version import __version__

if _TYPE_CHECKING:
    from . import explain, replay  # noqa: F401  # missing.py imports them when they are asked for

for _function in (abs, add, addmm, bmm, cat, ceil, clamp, cos, cumsum, div, dot, eq, exp, floor, ge, gt, le, log, lt,
                  matmul, maximum, mean, minimum, mm, mul, mv, ne, neg, outer, pow, reciprocal, round, rsqrt, sigmoid,
                  sign, sin, sqrt, square, stack, sub, sum, tan, tanh):
    globals()[_function.__name__] = _with_out(_function)  # the functions whose argument out= scripts do use

for _function in (abs, acos, asin, atan, ceil, clamp, cos, cosh, erf, exp, expm1, floor, frac, log, log10, log1p, log2,
                  neg, reciprocal, relu, round, rsqrt, sigmoid, sin, sinh, sqrt, square, tan, tanh, trunc):
    globals()[f"{_function.__name__}_"] = getattr(Tensor, f"{_function.__name__}_")  # torch.exp_(x) is x.exp_()

float, double, half = float32, float64, float16
int, long, short = int32, int64, int16
absolute, negative, clip, sgn, fix = abs, neg, clamp, sign, trunc
arcsin, arccos, arctan = asin, acos, atan
zero_, fill_, newaxis, range = Tensor.zero_, Tensor.fill_, None, inclusive_range
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
subtract, multiply, divide, true_divide = sub, mul, div, div
concat = concatenate = cat
row_stack, ger = vstack, outer
swapaxes, swapdims, moveaxis, argwhere = transpose, transpose, movedim, nonzero

FloatTensor, DoubleTensor = typed("FloatTensor", float32), typed("DoubleTensor", float64)
HalfTensor = typed("HalfTensor", float16)
LongTensor, IntTensor, ShortTensor = typed("LongTensor", int64), typed("IntTensor", int32), typed("ShortTensor", int16)
ByteTensor, CharTensor, BoolTensor = typed("ByteTensor", uint8), typed("CharTensor", int8), typed("BoolTensor", bool)


__all__ = ["__version__", "abs", "absolute", "accelerator", "acos", "add", "addcdiv", "addcmul", "addmm", "addmv",
           "all", "allclose", "amax", "amin", "amp", "any", "arange", "arccos", "arcsin", "arctan", "argmax", "argmin",
           "argsort", "argwhere", "as_tensor", "asin", "atan", "autocast", "autograd", "backends", "baddbmm",
           "bernoulli", "bincount", "bmm", "bool", "BoolTensor", "broadcast_to", "ByteTensor", "cat", "cdist", "ceil",
           "CharTensor", "chunk", "clamp", "clamp_max", "clamp_min", "clip", "clone", "column_stack", "compile",
           "concat", "concatenate", "contiguous_format", "conv1d", "conv2d", "conv_transpose2d", "cos", "cosh",
           "cosine_similarity", "count_nonzero", "cuda", "cumprod", "cumsum", "default_generator", "device", "diag",
           "diagonal", "diff", "dist", "div", "divide", "dot", "double", "DoubleTensor", "dtype", "e", "einsum",
           "empty", "empty_like", "enable_grad", "eq", "equal", "erf", "exp", "expm1", "eye", "fill_", "finfo", "fix",
           "flatten", "flip", "float", "float16", "float32", "float64", "FloatTensor", "floor", "floor_divide", "fmod",
           "frac", "from_numpy", "full", "full_like", "gather", "ge", "Generator", "ger", "get_default_device",
           "get_default_dtype", "get_num_threads", "get_rng_state", "greater", "greater_equal", "gt", "half",
           "HalfTensor", "histc", "hstack", "iinfo", "index_add", "index_select", "inf", "inference_mode",
           "initial_seed", "int", "int16", "int32", "int64", "int8", "IntTensor", "inverse", "is_floating_point",
           "is_grad_enabled", "is_inference_mode_enabled", "is_tensor", "isclose", "isfinite", "isinf", "isnan",
           "kthvalue", "layer_norm", "le", "lerp", "less", "less_equal", "linalg", "linspace", "load", "log", "log10",
           "log1p", "log2", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "logsumexp",
           "long", "LongTensor", "lt", "manual_seed", "masked_fill", "masked_select", "matmul", "matrix_power", "max",
           "maximum", "mean", "median", "meshgrid", "min", "minimum", "mm", "mode", "moveaxis", "movedim", "mps", "mul",
           "multinomial", "multiply", "mv", "nan", "narrow", "ne", "neg", "negative", "newaxis", "nn", "no_grad",
           "nonzero", "norm", "normal", "not_equal", "numel", "ones", "ones_like", "optim", "outer",
           "pairwise_distance", "permute", "pi", "positive", "pow", "preserve_format", "prod", "promote_types", "rand",
           "rand_like", "randint", "randn", "randn_like", "random", "randperm", "range", "ravel", "reciprocal", "relu",
           "remainder", "repeat_interleave", "replay", "reshape", "result_type", "roll", "rot90", "round", "row_stack",
           "rsqrt", "rsub", "save", "scatter", "scatter_add", "seed", "serialization", "set_default_device",
           "set_default_dtype", "set_default_tensor_type", "set_float32_matmul_precision", "set_grad_enabled",
           "set_num_threads", "set_printoptions", "set_rng_state", "sgn", "short", "ShortTensor", "sigmoid", "sign",
           "sin", "sinh", "Size", "softmax", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "sub",
           "subtract", "sum", "swapaxes", "swapdims", "t", "take", "take_along_dim", "tan", "tanh", "Tensor", "tensor",
           "tile", "topk", "trace", "transpose", "tril", "triu", "true_divide", "trunc", "typed", "uint8", "unbind",
           "unflatten", "unique", "unsqueeze", "use_deterministic_algorithms", "utils", "var", "version", "vstack",
           "where", "zero_", "zeros", "zeros_like"]


def is_tensor(obj: _Any) -> _Any:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> _Any:
    """Whether a tensor's dtype is a floating-point one."""
    return input.is_floating_point()


_answer_for(_sys.modules[__name__], autograd, cuda, linalg, nn, nn.functional, nn.init, nn.modules, nn.utils, optim,
            optim.lr_scheduler)

"""minigrad: a from-scratch autograd engine with torch's names, meaning and numbers.

`import minigrad as torch`, and a PyTorch training script runs on NumPy. To learn how gradients come about,
read `engine.py` and then `ops.py`.
"""

import sys as _sys
import warnings as _warnings
from math import e, inf, nan, pi
from typing import Any as _Any

# torch computes inf and nan without a word; NumPy warns. Silence it for minigrad's own arithmetic alone.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")

from . import autograd, cuda, nn, optim, random, serialization, utils
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from .creation import (arange, as_tensor, bernoulli, empty, empty_like, eye, from_numpy, full, full_like,
                       get_rng_state, linspace, normal, ones, ones_like, rand, rand_like, randint, randn, randn_like,
                       randperm, set_rng_state, tensor, typed, zeros, zeros_like)
from .device import device
from .dtypes import bool_ as bool
from .dtypes import (dtype, float16, float32, float64, get_default_dtype, int8, int16, int32, int64, promote_types,
                     result_type, set_default_dtype, uint8)
from .functions.indexing import gather, scatter
from .functions.pointwise import (abs, add, clamp, clone, cos, div, eq, exp, ge, gt, le, log, lt, maximum, minimum,
                                  mul, ne, neg, pow, reciprocal, relu, round, sigmoid, sign, sin, sqrt, square, sub,
                                  tanh, where)
from .functions.reductions import (all, allclose, amax, amin, any, argmax, argmin, equal, isclose, log_softmax, max,
                                   mean, min, softmax, std, sum, var)
from .functions.shapes import (Size, broadcast_to, cat, dot, flatten, matmul, mm, mv, numel, permute, reshape, squeeze,
                               stack, t, transpose, unsqueeze)
from .missing import answer_for as _answer_for
from .modes import is_grad_enabled, is_inference_mode_enabled
from .printing import set_printoptions
from .random import Generator, default_generator, initial_seed, manual_seed, seed
from .serialization import load, save
from .tensor import Tensor
from .version import __version__

float, double, half = float32, float64, float16
int, long, short = int32, int64, int16
absolute, negative, clip = abs, neg, clamp
subtract, multiply, divide, true_divide = sub, mul, div, div
concat = concatenate = cat
swapaxes = transpose

FloatTensor, DoubleTensor = typed("FloatTensor", float32), typed("DoubleTensor", float64)
HalfTensor = typed("HalfTensor", float16)
LongTensor, IntTensor, ShortTensor = typed("LongTensor", int64), typed("IntTensor", int32), typed("ShortTensor", int16)
ByteTensor, CharTensor, BoolTensor = typed("ByteTensor", uint8), typed("CharTensor", int8), typed("BoolTensor", bool)


__all__ = ["__version__", "abs", "absolute", "add", "all", "allclose", "amax", "amin", "any", "arange", "argmax",
           "argmin", "as_tensor", "autograd", "bernoulli", "bool", "BoolTensor", "broadcast_to", "ByteTensor", "cat",
           "CharTensor", "clamp", "clip", "clone", "concat", "concatenate", "cos", "cuda", "default_generator",
           "device", "div", "divide", "dot", "double", "DoubleTensor", "dtype", "e", "empty", "empty_like",
           "enable_grad", "eq", "equal", "exp", "eye", "flatten", "float", "float16", "float32", "float64",
           "FloatTensor", "from_numpy", "full", "full_like", "gather", "ge", "Generator", "get_default_dtype",
           "get_rng_state", "gt", "half", "HalfTensor", "inf", "inference_mode", "initial_seed", "int", "int16",
           "int32", "int64", "int8", "IntTensor", "is_floating_point", "is_grad_enabled", "is_inference_mode_enabled",
           "is_tensor", "isclose", "le", "linspace", "load", "log", "log_softmax", "long", "LongTensor", "lt",
           "manual_seed", "matmul", "max", "maximum", "mean", "min", "minimum", "mm", "mul", "multiply", "mv", "nan",
           "ne", "neg", "negative", "nn", "no_grad", "normal", "numel", "ones", "ones_like", "optim", "permute", "pi",
           "pow", "promote_types", "rand", "rand_like", "randint", "randn", "randn_like", "random", "randperm",
           "reciprocal", "relu", "reshape", "result_type", "round", "save", "scatter", "seed", "serialization",
           "set_default_dtype", "set_grad_enabled", "set_printoptions", "set_rng_state", "short", "ShortTensor",
           "sigmoid", "sign", "sin", "Size", "softmax", "sqrt", "square", "squeeze", "stack", "std", "sub", "subtract",
           "sum", "swapaxes", "t", "tanh", "Tensor", "tensor", "transpose", "true_divide", "uint8", "unsqueeze",
           "utils", "var", "where", "zeros", "zeros_like"]


def is_tensor(obj: _Any) -> _Any:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> _Any:
    """Whether a tensor's dtype is a floating-point one."""
    return input.is_floating_point()


_answer_for(_sys.modules[__name__], autograd, cuda, nn, nn.functional, nn.init, nn.modules, optim)

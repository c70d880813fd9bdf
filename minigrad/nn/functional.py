"""Layers as plain functions: they check and match their inputs, then run one op of the table.

Losses are in losses.py; convolution, pooling and padding in convolution.py; attention and dropout in files of theirs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..device import beside
from ..engine import Op, apply, wrap
from ..functions.pointwise import sigmoid as sigmoid
from ..functions.pointwise import tanh as tanh
from ..functions.promotion import tensor_only
from ..inplace import update
from ..modes import no_grad
from ..tensor import Tensor
from . import rules
from .attention import *  # noqa: F403
from .convolution import *  # noqa: F403
from .dropout import *  # noqa: F403
from .losses import *  # noqa: F403
from .losses import broadcast
from .parameter import typename

_mm = ops.linear.named("mm")  # as torch calls it without a bias


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: a weighted sum of the inputs for every row of the weight.

    Shapes: input (..., n), weight (m, n), bias (m,) -> (..., m); weight (n,) -> (...). All of one dtype. RuntimeError
    for shapes and dtypes that do not fit.
    """
    try:
        x, w = input.array, weight.array
        if x.dtype == w.dtype and (bias is None or bias.array.dtype == w.dtype):
            if x.ndim == 2 == w.ndim:
                return apply(_mm if bias is None else ops.linear, (input, weight, bias))
            if w.ndim == 2:
                rows = input.reshape((math.prod(x.shape[:-1]), x.shape[-1]))
                return linear(rows, weight, bias).reshape((*x.shape[:-1], w.shape[0]))
            if w.ndim == 1 and bias is None:
                return input.matmul(weight)
    except (ValueError, IndexError, AttributeError) as error:
        raise _why_not_linear(input, weight, bias) from error
    raise _why_not_linear(input, weight, bias)


def _why_not_linear(input: Any, weight: Any, bias: Any) -> Exception:
    """What is wrong with the arguments of `linear`. Only asked once it has failed: the checks cost time."""
    for position, (name, t) in enumerate((("input", input), ("weight", weight), ("bias", bias)), 1):
        if not isinstance(t, Tensor) and (t is not None or name != "bias"):
            return TypeError(f"linear(): argument '{name}' (position {position}) must be Tensor, not {typename(t)}")
    x, w = input.array.shape, weight.array.shape
    if not x or not w:
        return RuntimeError(f"both arguments to linear need to be at least 1D, but they are {len(x)}D and {len(w)}D")
    if len(w) > 2 or (len(w) == 1 and bias is not None):
        return RuntimeError(f"linear() expects a weight with 2 dimensions, not {list(w)}")
    if x[-1] != w[-1]:
        return RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({math.prod(x[:-1])}x{x[-1]} and {w[-1]}x{w[0]})")
    for name, t in (("mat1", input), ("bias", bias)):
        if t is not None and t.dtype != weight.dtype:
            return RuntimeError(
                f"{name} and mat2 must have the same dtype, but got {t.dtype.type_name} and {weight.dtype.type_name}")
    return RuntimeError(f"a bias of shape {list(bias.shape)} can't be added to a result of shape {[*x[:-1], w[0]]}")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), element by element; with `inplace` it overwrites its input."""
    return input.relu_() if inplace else input.relu()


def _activation(function: Callable[..., Tensor], input: Tensor, inplace: bool, *options: Any) -> Tensor:
    """function(input, *options), written over the input where `inplace` asks for it. It takes floating point only."""
    name = function.name if isinstance(function, Op) else function.__name__
    tensor_only(name, input)
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{input.dtype.type_name}'")
    return update(input, function, *options) if inplace else function(input, *options)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else negative_slope * x."""
    return _activation(rules.leaky_relu, input, inplace, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha * (exp(x) - 1)."""
    return _activation(rules.elu, input, inplace, alpha, 1.0, 1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale * elu(x, alpha), with the two numbers that keep mean 0 and variance 1 from layer to layer."""
    return _activation(rules.elu, input, inplace, 1.6732632423543772, 1.0507009873554805, 1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha * (exp(x / alpha) - 1)."""
    return _activation(rules.celu, input, inplace, alpha, 1.0, 1 / alpha)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the probability that a normal variable is less than x; by a formula with "tanh" as `approximate`."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")
    return _activation(rules.gelu if approximate == "none" else _gelu_tanh, input, False)


def _gelu_tanh(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)).tanh())


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    return _activation(rules.silu, input, inplace)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + exp(beta * x)) / beta, a smooth `relu`; x itself where beta * x is above the threshold."""
    return _activation(rules.softplus, input, False, beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return _activation(rules.log_sigmoid, input, False)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between min_val and max_val, else the nearer of the two; the gradient at either is 0."""
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val: {min_val} > {max_val}")
    return _activation(rules.hardtanh, input, inplace, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), but 6 at most."""
    return hardtanh(input, 0.0, 6.0, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x))."""
    return _activation(_mish, input, inplace)


def _mish(x: Tensor) -> Tensor:
    return x * softplus(x).tanh()


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where it is positive, else weight * x; the weight is one number, or one for each channel (dimension 1)."""
    if weight.numel() > 1:
        if weight.numel() != (input.shape[1] if input.ndim > 1 else 1):
            raise RuntimeError(f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                               f"{weight.numel()} and an input of shape {list(input.shape)}.")
        weight = weight.reshape([-1 if d == 1 else 1 for d in range(input.ndim)])
    return (weight * input).where(input <= 0, input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x), scaled to add up to 1 along dim."""
    return input.softmax(_class_dim("softmax", dim, input.ndim, _stacklevel), dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """log(softmax(x)), without overflow."""
    return input.log_softmax(_class_dim("log_softmax", dim, input.ndim, _stacklevel), dtype=dtype)


def _class_dim(name: str, dim: int | None, ndim: int, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
                  "argument.", stacklevel=stacklevel)
    return 0 if ndim in (0, 1, 3) else 1


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """For class ids (...) the int64 rows (..., num_classes) with a 1 at each id, else 0; -1 takes the ids' largest + 1.

    RuntimeError for ids that are not int64, negative or too large.

    >>> one_hot(Tensor([2, 0]).long())
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    ids = tensor.array
    if ids.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, not {tensor.dtype}")
    if num_classes == 0 or num_classes < -1 or (num_classes == -1 and not ids.size):
        raise RuntimeError(f"one_hot can't make rows of {num_classes} classes for {ids.size} ids")
    if num_classes == -1:
        num_classes = ids.max().item() + 1
    wrong = ids[(ids < 0) | (ids >= num_classes)]
    if wrong.size:
        raise RuntimeError("Class values must be non-negative and smaller than num_classes, but one is "
                           f"{wrong[0].item()} of {num_classes}")
    return wrap((ids[..., None] == beside(np.arange(num_classes), ids)).astype(np.int64))


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """The rows of `weight` (n, d) that the ids name: input (...), integers -> (..., d).

    The row `padding_idx` gets no gradient. With `scale_grad_by_freq` each id's gradient is divided by how often it is
    asked for. With `max_norm` the rows asked for are first scaled down, in place, to that `norm_type`-norm at most.
    IndexError for an id that is no row, NotImplementedError for `sparse` gradients.
    """
    if sparse:
        raise NotImplementedError("embedding(): minigrad has no sparse gradients; leave sparse=False")
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, not of shape {list(weight.shape)}")
    ids, rows = input.array, len(weight)
    if ids.dtype not in (np.int64, np.int32):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, "
                           f"Int; but got {typename(input)} instead (while checking arguments for embedding)")
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings: {padding_idx} of {rows}")
    wrong = ids[(ids < 0) | (ids >= rows)]
    if wrong.size:
        raise IndexError(f"index out of range in self: {wrong[0].item()} of {rows} rows")
    if max_norm is not None:
        picked = np.unique(ids)
        lengths = np.linalg.norm(weight.array[picked], norm_type, axis=1, keepdims=True)
        weight.array[picked] *= np.where(lengths > max_norm, max_norm / (lengths + 1e-7), 1)
        weight.bump()
    share: Any = 1
    if padding_idx is not None or scale_grad_by_freq:
        times = np.bincount(ids.ravel(), minlength=rows)[ids] if scale_grad_by_freq else 1
        counted = ids != (rows if padding_idx is None else padding_idx % rows)
        share = wrap((counted / times)[..., None].astype(weight.array.dtype))
    return apply(rules.embedding, (weight, share, (ids,)))


# ----------------------------------------------------------------------------------------- normalisation


def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, over the last dimensions, `normalized_shape`, of each sample.

    Weight and bias have that shape; without them they are 1 and 0. RuntimeError for shapes that do not fit.
    """
    shape = tuple(normalized_shape)
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != shape:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                               f"{list(t.shape)} and normalized_shape = {list(shape)}")
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                           "element, but got normalized_shape = []")
    if input.shape[-len(shape) :] != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape "
                           f"[*, {', '.join(map(str, shape))}], but got input of size{list(input.shape)}")
    _check_one_dtype("LayerNormKernelImpl", input, weight, bias)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    standard = apply(rules.standardize, (input, dims, math.prod(shape), eps))
    return apply(rules.layer_norm, (standard, 1 if weight is None else weight, 0 if bias is None else bias))


def _check_one_dtype(kernel: str, input: Tensor, *others: Tensor | None) -> None:
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.type_name}'")
    found = {t.dtype.type_name: None for t in (input, *others) if t is not None}
    if len(found) > 1:
        raise RuntimeError(f"mixed dtype (CPU): all inputs must share same datatype, not {', '.join(found)}")


_group_norm = rules.layer_norm.named("native_group_norm")


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, over each sample's channels in so many groups: (N, C, ...).

    Weight and bias are (C,); without them they are 1 and 0. RuntimeError for shapes that do not fit.
    """
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if num_groups < 1 or shape[1] % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, but got input of shape "
                           f"{list(shape)} and num_groups={num_groups}")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != shape[1:2]:
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, but "
                               f"got {name} of shape {list(t.shape)} and input of shape {list(shape)}")
    _check_one_dtype("GroupNormKernelImpl", input, weight, bias)
    n = math.prod(shape[1:]) // num_groups
    standard = apply(rules.standardize, (input.reshape(shape[0], num_groups, n), (2,), n, eps)).reshape(shape)
    w, b = [t if t is None else t.reshape(-1, *[1] * (len(shape) - 2)) for t in (weight, bias)]
    return apply(_group_norm, (standard, 1 if w is None else w, 0 if b is None else b))


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
               eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel, dimension 1 of (N, C) or (N, C, ...).

    In training mean and variance are the batch's, and the running ones are moved towards them by `momentum`, the
    variance with n - 1; else they are the running ones. ValueError for a batch of one value per channel, RuntimeError
    for shapes and dtypes that do not fit.
    """
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm eps must be {'positive during training' if training else 'non-negative'}, but "
                         f"got {eps}")
    channels = input.size(1) if input.numel() or input.ndim > 1 else 0
    n = input.numel() // channels if channels else 0
    if training and n == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, t in given.items():
        if t is None and not training and "running" in name:
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        if t is not None and t.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.numel()}")
    _check_one_dtype("batch_norm", input, *given.values())
    dims = (0, *range(2, input.ndim))
    mean, var, w, b = [t if t is None or input.ndim == 2 else t.reshape(-1, *[1] * (input.ndim - 2))
                       for t in given.values()]
    if training:
        standard = apply(rules.standardize, (input, dims, n, eps))
        if n:
            _follow(running_mean, input.detach().mean(dims), momentum)
            _follow(running_var, input.detach().var(dims), momentum)
    else:
        standard = (input - mean) * (var + eps) ** -0.5  # type: ignore[operator]  # both are tensors here
    return apply(rules.batch_norm, (standard, 1 if w is None else w, 0 if b is None else b))


def _follow(running: Tensor | None, now: Tensor, momentum: float) -> None:
    """Move a running mean or variance, if it is kept, towards that of the batch."""
    if running is not None:
        with no_grad():
            running.mul_(1 - momentum).add_(now, alpha=momentum)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / |x|, with the p-norm along dim, eps at least."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2 along dim: x1 . x2 / (|x1| |x2|), either length eps at least."""
    if x1.shape != x2.shape:
        x1, x2 = broadcast(x1, x2)  # first of all: along dim, a repeated element makes a vector longer
    return (normalize(x1, 2, dim, eps) * normalize(x2, 2, dim, eps)).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)

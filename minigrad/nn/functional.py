"""Layers and losses as plain functions: they check and match their inputs, then run one op of the table."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import ops
from ..creation import empty_like
from ..engine import apply, wrap
from ..functions.pointwise import promoted, shape_error
from ..modes import is_grad_enabled
from ..tensor import Tensor
from . import rules
from .parameter import typename


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: a weighted sum of the inputs for every row of the weight.

    Shapes: input (..., n), weight (m, n), bias (m,) -> (..., m); weight (n,) -> (...). All of one dtype. RuntimeError
    for shapes and dtypes that do not fit.
    """
    try:
        x, w = input.array, weight.array
        if x.dtype == w.dtype and (bias is None or bias.array.dtype == w.dtype):
            if x.ndim == 2 == w.ndim:
                return apply(ops.linear, (input, weight, bias))
            if w.ndim == 2:
                rows = input.reshape((math.prod(x.shape[:-1]), x.shape[-1]))
                return apply(ops.linear, (rows, weight, bias)).reshape((*x.shape[:-1], w.shape[0]))
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


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), element by element."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, element by element."""
    return input.tanh()


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


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """x * mask / (1 - p), where the mask is 0 with probability p, else 1; the input itself unless `training`.

    The mask is drawn from the default random stream; p = 0 and p = 1 draw nothing. With `inplace` it overwrites its
    input. ValueError unless 0 <= p <= 1, RuntimeError for integers.
    """
    check_dropout_probability(p)
    if not isinstance(input, Tensor):
        raise TypeError(f"dropout(): argument 'input' (position 1) must be Tensor, not {typename(input)}")
    if not training or p == 0 or not input.array.size:
        return input
    mask = empty_like(input).bernoulli_(1 - p).div_(1 - p) if p != 1 else 0
    return input.mul_(mask) if inplace else input * mask


def check_dropout_probability(p: float) -> None:
    """torch's error for a p outside [0, 1]."""
    if p < 0 or p > 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


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
        num_classes = int(ids.max()) + 1
    wrong = ids[(ids < 0) | (ids >= num_classes)]
    if wrong.size:
        raise RuntimeError(f"Class values must be non-negative and smaller than num_classes, but one is {wrong[0]}")
    return wrap((ids[..., None] == np.arange(num_classes)).astype(np.int64))


# ----------------------------------------------------------------------------------------------- losses


def mse_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
             reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """(x - y)^2, averaged over all elements ("mean"), summed ("sum") or as it is ("none").

    Input and target should have one shape: others are broadcast, with a UserWarning. With `weight` (of the input's
    shape) it is the weighted mean. `size_average` and `reduce` are the deprecated way to say `reduction`.
    """
    x, y = _matched(input, target)
    reduction, n = _reduction(reduction, size_average, reduce, x)
    if weight is not None:
        return _weighted((x - y) ** 2, weight, input, reduction)
    if x.array.dtype.kind != "f":
        raise NotImplementedError(f"\"mse_cpu\" not implemented for '{x.dtype.type_name}'")
    return apply(rules.mse_loss, (x, y, reduction, n))


def l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
            reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """|x - y|, with the arguments of `mse_loss`. Its gradient where x = y is 0."""
    x, y = _matched(input, target)
    reduction, n = _reduction(reduction, size_average, reduce, x)
    if weight is not None:
        return _weighted((x - y).abs(), weight, input, reduction)
    if x.array.dtype.kind != "f" and reduction == "mean":
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating point or "
                           f"complex dtype. Got: {x.dtype.type_name}")
    return apply(rules.l1_loss, (x, y, reduction, n))


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
                         reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """-[y log p + (1 - y) log(1 - p)] for probabilities p (RuntimeError outside [0, 1]); logarithms stop at -100.

    `weight` scales each element's loss and broadcasts to it. ValueError unless input and target have one shape.
    """
    reduction, n = _reduction(reduction, size_average, reduce, input)
    if target.array.shape != input.array.shape:
        raise ValueError(f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) "
                         "is deprecated. Please ensure they have the same size.")
    if input.array.dtype != target.array.dtype:
        raise RuntimeError(f"Found dtype {target.dtype.type_name} but expected {input.dtype.type_name}")
    outside = (input.array < 0) | (input.array > 1)
    if outside.any():
        raise RuntimeError("all elements of input should be between 0 and 1, but one is "
                           f"{input.array[outside].flat[0]}: give probabilities, or use the loss with logits")
    if weight is None:
        return apply(rules.bce, (input, target, reduction, n))
    loss = apply(rules.bce, (input, target, "none", 1)) * weight
    return loss if reduction == "none" else loss.sum() / n


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
                  ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """-sum over classes of y log(softmax(x)): the cost of saying x, as logits, where y is true.

    Shapes: input (C,), (N, C) or (N, C, ...); the target either class ids (int64, the input's shape without C) or
    probabilities (the input's shape and dtype). `weight` (C,) scales each class; `label_smoothing` e moves e of every
    target's weight to all classes evenly; targets equal to `ignore_index` count for nothing. "mean" divides by the
    weights of the targets, for probabilities by their number. Safe at any logit.
    """
    reduction, _ = _reduction(reduction, size_average, reduce, input)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if input.ndim == 1 else 1
    classes = input.size(dim)
    per_class = _per_class(weight, dim, input)
    n: float
    if target.array.shape == input.array.shape and target.is_floating_point():
        y, n = target, input.array.size / classes
        if label_smoothing:
            y = y * (1 - label_smoothing) + label_smoothing / classes
        if weight is not None:
            y = y * wrap(per_class)
    else:
        kept, one_hot = _one_hot(input, target, dim, ignore_index)
        if reduction == "mean" and not kept.any():
            return input.sum() * 0 + math.nan  # a mean of nothing; like torch's it has a gradient of 0
        counted = one_hot * per_class
        n = float(counted.sum())
        y = wrap(counted * (1 - label_smoothing) + kept * per_class * (label_smoothing / classes)
                 if label_smoothing else counted)
    loss = apply(rules.cross_entropy, (input, y, (dim,), reduction, n if reduction == "mean" else 1))
    return loss.squeeze(dim) if reduction == "none" else loss


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
             ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """-x at the target's class, for x = log probabilities; arguments as `cross_entropy` with class ids."""
    reduction, _ = _reduction(reduction, size_average, reduce, input)
    dim = 0 if input.ndim == 1 else 1
    kept, one_hot = _one_hot(input, target, dim, ignore_index)
    counted = one_hot * _per_class(weight, dim, input)
    places = wrap(np.where(kept.squeeze(dim), target.array, 0)).unsqueeze(dim)
    weights = wrap(counted.sum(dim, keepdims=True))
    loss = -(input.gather(dim, places) * weights).where(wrap(kept), 0.0)
    if reduction == "none":
        return loss.squeeze(dim)
    return loss.sum() / float(counted.sum()) if reduction == "mean" else loss.sum()


def _per_class(weight: Tensor | None, dim: int, input: Tensor) -> Any:
    """The weights of the classes, shaped to multiply the input; ones where none are given."""
    classes = input.array.shape[dim]
    if weight is None:
        return np.ones((), input.array.dtype)
    if weight.array.shape != (classes,):
        raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or no classes but got "
                           f"weight tensor of shape: {list(weight.shape)}")
    return weight.array.reshape([classes if d == dim else 1 for d in range(input.ndim)])


def _one_hot(input: Tensor, target: Tensor, dim: int, ignore_index: int) -> tuple[Any, Any]:
    """For class ids: which are not ignored (with a size of 1 at dim), and a 1 at each target's class, else 0."""
    shape, ids = input.array.shape, target.array
    if target.array.dtype.kind != "i" or ids.dtype.itemsize < 8:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.type_name}")
    if shape[:dim] != ids.shape[:dim]:
        raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size "
                         f"({ids.shape[0] if ids.ndim else 1}).")
    if ids.shape != shape[:dim] + shape[dim + 1 :]:
        raise RuntimeError(f"Expected target size {list(shape[:dim] + shape[dim + 1 :])}, got {list(ids.shape)}")
    ids = np.expand_dims(ids, dim)
    kept = ids != ignore_index
    wrong = kept & ((ids < 0) | (ids >= shape[dim]))
    if wrong.any():
        raise IndexError(f"Target {ids[wrong][0]} is out of bounds for {shape[dim]} classes.")
    classes = np.arange(shape[dim]).reshape([-1 if d == dim else 1 for d in range(len(shape))])
    return kept, ((ids == classes) & kept).astype(input.array.dtype)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                     size_average: bool | None = None, reduce: bool | None = None,
                                     reduction: str = "mean", pos_weight: Tensor | None = None) -> Tensor:
    """-[y log s + (1 - y) log(1 - s)] with s = sigmoid(x), computed from x itself: safe at any logit.

    `weight` scales each element's loss, `pos_weight` its first term; both broadcast to the input's shape and can't
    require grad (RuntimeError). ValueError unless input and target have one shape. Other arguments as `mse_loss`.
    """
    reduction, n = _reduction(reduction, size_average, reduce, input)
    if target.array.shape != input.array.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if input.array.dtype.kind != "f":
        raise NotImplementedError(f"\"log_sigmoid_cpu\" not implemented for '{input.dtype.type_name}'")
    if target.array.dtype.kind != "f":
        raise RuntimeError(f"result type {input.dtype.type_name} can't be cast to the desired output type "
                           f"{target.dtype.type_name}: make the target floating point")
    if input.array.dtype != target.array.dtype:
        input = input.to(target.dtype)  # as torch, whose result has the target's dtype
    if weight is None and pos_weight is None:
        return apply(rules.bce_with_logits, (input, target, reduction, n))
    positive = 1 if pos_weight is None else _as_weight("pos_weight", pos_weight, input, target)
    loss = (1 - target) * input + (1 + (positive - 1) * target) * apply(ops.softplus, (-input,))
    if weight is not None:
        loss = loss * _as_weight("weight", weight, input, target)
    if loss.array.shape != input.array.shape:
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape "
                           f"{list(loss.shape)}: weights must broadcast to the input")
    return loss if reduction == "none" else loss.sum() / n


def _matched(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Input and target in one shape and one dtype."""
    if input.array.shape != target.array.shape:
        warnings.warn(f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
                      "This will likely lead to incorrect results due to broadcasting. Please ensure they have the "
                      "same size.", stacklevel=3)
        try:
            shape = np.broadcast_shapes(input.array.shape, target.array.shape)
        except ValueError:
            raise shape_error(input, target) from None
        input, target = input.expand(shape), target.expand(shape)
    if input.array.dtype != target.array.dtype:
        input, target = promoted(input, target)
    return input, target


def _reduction(reduction: str, size_average: bool | None, reduce: bool | None, x: Tensor) -> tuple[str, int]:
    """The reduction that is asked for, and the number that the sum is divided by."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, stacklevel=4)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction, x.array.size if reduction == "mean" else 1


def legacy_reduction(size_average: bool | None, reduce: bool | None, stacklevel: int = 3) -> str:
    """What the two deprecated arguments mean in terms of `reduction`, with torch's warning."""
    reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
                  stacklevel=stacklevel)
    return reduction


def _weighted(losses: Tensor, weight: Tensor, input: Tensor, reduction: str) -> Tensor:
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    losses = losses * weight
    if reduction == "none":
        return losses
    return losses.sum() / weight.sum() if reduction == "mean" else losses.sum()


def _as_weight(name: str, weight: Any, input: Tensor, target: Tensor) -> Tensor:
    """A constant in the loss's dtype; torch's errors for what can't be one."""
    function = "binary_cross_entropy_with_logits"
    if not isinstance(weight, Tensor):
        raise TypeError(f"{function}(): argument '{name}' must be Tensor, not {typename(weight)}")
    if weight.requires_grad and is_grad_enabled() and (input.requires_grad or target.requires_grad):
        raise RuntimeError(f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
                           "input cannot have requires_grad True.")
    return weight.to(target.dtype)

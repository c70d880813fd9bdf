"""Losses as plain functions: they check and match their inputs, then run one op of the table."""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Any

import numpy as np

from .. import ops
from ..device import beside
from ..engine import Op, apply, wrap
from ..functions.promotion import binary, promoted, shape_error
from ..modes import is_grad_enabled
from ..tensor import Tensor
from . import rules
from .parameter import typename

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div",
           "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss"]


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
    _floating_only("mse", x)
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
    return _apply_as({"mean": "l1_loss", "sum": "sum", "none": "abs"}[reduction], rules.l1_loss, x, y, reduction, n)


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
                   reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """(x - y)^2 / (2 beta) where |x - y| < beta, else |x - y| - beta / 2; arguments as `mse_loss`."""
    x, y = _matched(input, target)
    reduction, n = _reduction(reduction, size_average, reduce, x)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta: {beta}")
    if beta == 0:
        return l1_loss(x, y, reduction=reduction)
    _floating_only("smooth_l1", x)
    return apply(rules.smooth_l1_loss, (x, y, beta, reduction, n))


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
               weight: Tensor | None = None) -> Tensor:
    """(x - y)^2 / 2 where |x - y| < delta, else delta (|x - y| - delta / 2); arguments as `mse_loss`."""
    x, y = _matched(input, target)
    reduction, n = _reduction(reduction, None, None, x)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta: {delta}")
    _floating_only("huber", x)
    if input.array.dtype.kind != "f":
        raise RuntimeError(f"result type {x.dtype.type_name} can't be cast to the desired output type "
                           f"{input.dtype.type_name}: make the input floating point")
    if weight is not None:
        loss = _weighted(apply(rules.huber_loss, (x, y, delta, "none", 1)).to(input.dtype), weight, input, "none")
        # "mean" divides by the number of elements, not by the weights' sum as in the losses above
        return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss
    return apply(rules.huber_loss, (x, y, delta, reduction, n)).to(input.dtype)  # not to the wider of the two


def kl_div(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
           reduction: str = "mean", log_target: bool = False) -> Tensor:
    """y (log y - x): how far the distribution x, given as log probabilities, is from y; "batchmean" divides by len(x).

    With `log_target` y is given as log probabilities, too. "mean" divides by the number of elements, as in torch,
    which is not what the divergence is. RuntimeError for integers.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, stacklevel=3)
    if reduction == "mean":
        warnings.warn("reduction: 'mean' divides the total loss by both the batch size and the support size."
                      "'batchmean' divides only by the batch size, and aligns with the KL div math definition.'mean' "
                      "will be changed to behave the same as 'batchmean' in the next major release.", stacklevel=2)
    batchmean = reduction == "batchmean"
    reduction, _ = _reduction("sum" if batchmean else reduction, None, None, input)
    if not (input.is_floating_point() and target.is_floating_point()):
        raise RuntimeError(f"kl_div: Integral inputs not supported: {input.dtype.type_name}")
    losses = target.exp() * (target - input) if log_target else binary(rules.kl_div, input, target)
    if batchmean:
        return losses.sum() / (len(input) if input.ndim else 1)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _floating_only(name: str, x: Tensor) -> None:
    if x.array.dtype.kind != "f":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{x.dtype.type_name}'")


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
    return _apply_as(rules.bce.name, rules.nll_loss, loss, reduction, n)


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
    n: Any
    if target.array.shape == input.array.shape and target.is_floating_point():
        if ignore_index >= 0:
            raise RuntimeError(f"ignore_index is not supported for floating point target: {ignore_index}")
        y, n, kept = target, input.array.size / classes, np.True_
        name = "cross_entropy" if reduction == "mean" else "neg"
        if label_smoothing:
            y = y * (1 - label_smoothing) + label_smoothing / classes
        if weight is not None:
            y = y * weight.reshape(per_class.shape)
    else:
        _check_constant(f"{_nll_name(input)}_forward", "weight", weight)
        kept, one_hot = _one_hot(input, target, dim, ignore_index)
        counted = ops.where(one_hot == 1, per_class, 0)  # not one_hot * per_class: a weight may be infinite
        n = wrap(counted.sum())
        if reduction == "mean" and n.array == 0:  # a mean of nothing: nan and inf as in torch, which does it so
            return nll_loss(input.log_softmax(dim), target, weight, ignore_index=ignore_index)
        y = wrap(counted * (1 - label_smoothing) + ops.where(kept, per_class, 0) * (label_smoothing / classes)
                 if label_smoothing else counted)
        name = "add" if label_smoothing else _nll_name(input)
    n = n if reduction == "mean" else 1
    loss = _apply_as(name, rules.cross_entropy, input, y, (dim,), reduction, n)
    if reduction == "none":
        if not kept.all():
            loss = loss.where(wrap(kept), 0.0)  # for those that are ignored 0, not -0
        return _apply_as(name, ops.reshape, loss, loss.array.squeeze(dim).shape)
    return loss


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
             ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """-x at the target's class, for x = log probabilities; arguments as `cross_entropy` with class ids."""
    reduction, _ = _reduction(reduction, size_average, reduce, input)
    dim = 0 if input.ndim == 1 else 1
    _check_constant(f"{_nll_name(input)}_forward", "weight", weight)
    kept, one_hot = _one_hot(input, target, dim, ignore_index)
    counted = ops.where(one_hot == 1, _per_class(weight, dim, input), 0)
    places = wrap(np.where(kept.squeeze(dim), target.array, 0)).unsqueeze(dim)
    weights = wrap(counted.sum(dim, keepdims=True))
    loss = (-input.gather(dim, places) * weights).where(wrap(kept), 0.0)  # 0, not -0, for those that are ignored
    n = wrap(counted.sum()) if reduction == "mean" else 1
    return _apply_as(_nll_name(input), rules.nll_loss, loss.squeeze(dim), reduction, n)


def _nll_name(input: Tensor) -> str:
    return "nll_loss" if input.array.ndim <= 2 else "nll_loss2d"


def _per_class(weight: Tensor | None, dim: int, input: Tensor) -> Any:
    """The weights of the classes, shaped to multiply the input; ones where none are given."""
    classes = input.array.shape[dim]
    if weight is None:
        return input.array.dtype.type(1)
    if weight.array.shape != (classes,):
        raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or no classes but got "
                           f"weight tensor of shape: {list(weight.shape)}")
    if weight.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.type_name} but found {weight.dtype.type_name}")
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
        raise IndexError(f"Target {ids[wrong].tolist()[0]} is out of bounds for {shape[dim]} classes.")
    classes = np.arange(shape[dim]).reshape([-1 if d == dim else 1 for d in range(len(shape))])
    return kept, ((ids == beside(classes, ids)) & kept).astype(input.array.dtype)


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
    _floating_only("log_sigmoid", input)
    if target.array.dtype.kind != "f":
        raise RuntimeError(f"result type {input.dtype.type_name} can't be cast to the desired output type "
                           f"{target.dtype.type_name}: make the target floating point")
    if input.array.dtype != target.array.dtype:
        input = input.to(target.dtype)  # as torch, whose result has the target's dtype
    if weight is None and pos_weight is None:
        return apply(rules.bce_with_logits, (input, target, reduction, n))
    positive = 1 if pos_weight is None else _as_weight("pos_weight", pos_weight, target)
    loss = (1 - target) * input + (1 + (positive - 1) * target) * apply(rules.softplus, (-input, 1, math.inf))
    if weight is not None:
        loss = loss * _as_weight("weight", weight, target)
    if loss.array.shape != input.array.shape:
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape "
                           f"{list(loss.shape)}: weights must broadcast to the input")
    return _apply_as(rules.bce_with_logits.name, rules.nll_loss, loss, reduction, n)


_under = cache(Op.named)


def _apply_as(name: str, op: Op, *args: Any) -> Tensor:
    """Apply an op under the name that torch prints, <NllLossBackward0>, for what it makes of other parts than we."""
    return apply(_under(op, name), args)


def _matched(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Input and target in one shape and one dtype."""
    if input.array.shape != target.array.shape:
        warnings.warn(f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
                      "This will likely lead to incorrect results due to broadcasting. Please ensure they have the "
                      "same size.", stacklevel=3)
        input, target = broadcast(input, target)
    if input.array.dtype != target.array.dtype:
        input, target = promoted(input, target)
    return input, target


def broadcast(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the shape that they broadcast to; torch's error where there is none."""
    try:
        shape = np.broadcast_shapes(x.array.shape, y.array.shape)
    except ValueError:
        raise shape_error(x, y) from None
    return x.expand(shape), y.expand(shape)


def _reduction(reduction: str, size_average: bool | None, reduce: bool | None, x: Tensor) -> tuple[str, int]:
    """The reduction that is asked for, and the number that the sum is divided by."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, stacklevel=4)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction, x.array.size if reduction == "mean" else 1


def legacy_reduction(size_average: bool | None, reduce: bool | None, stacklevel: int) -> str:
    """What the two deprecated arguments mean in terms of `reduction`, with torch's warning."""
    averaged, reduced = [True if flag is None else flag for flag in (size_average, reduce)]
    reduction = ("mean" if averaged else "sum") if reduced else "none"  # a tensor, as in MSELoss(x, y), raises here
    warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
                  stacklevel=stacklevel)
    return reduction


def _weighted(losses: Tensor, weight: Tensor, input: Tensor, reduction: str) -> Tensor:
    if weight.size() != input.size():
        raise ValueError(f"Weights and input must have the same size, not {list(weight.shape)} and {list(input.shape)}")
    losses = losses * weight
    if reduction == "none":
        return losses
    return losses.sum() / weight.sum() if reduction == "mean" else losses.sum()


def _as_weight(name: str, weight: Any, target: Tensor) -> Tensor:
    """A constant in the loss's dtype; torch's errors for what can't be one."""
    function = "binary_cross_entropy_with_logits"
    if not isinstance(weight, Tensor):
        raise TypeError(f"{function}(): argument '{name}' must be Tensor, not {typename(weight)}")
    _check_constant(function, name, weight)
    return weight.to(target.dtype)


def _check_constant(function: str, name: str, weight: Tensor | None) -> None:
    """torch's error for weights that require grad, which these losses do not give them."""
    if weight is not None and weight.requires_grad and is_grad_enabled():
        raise RuntimeError(f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
                           "input cannot have requires_grad True.")

"""Losses as modules: they remember their options. The formulas are in `nn.functional`."""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from ..losses import legacy_reduction
from .module import Module


class _Loss(Module):
    """A loss with a `reduction`: "mean" over all elements, "sum", or "none".

    `size_average` and `reduce` are the deprecated way to say it.
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = legacy_reduction(size_average, reduce, stacklevel=3)
        self.reduction = reduction


class L1Loss(_Loss):
    """|x - y|. Input and target of one shape; the result is a number, or of that shape with "none"."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """(x - y)^2. Input and target of one shape; the result is a number, or of that shape with "none"."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """(x - y)^2 / (2 beta) where |x - y| < beta, else |x - y| - beta / 2; shapes as `MSELoss`."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
                 beta: float = 1.0) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """(x - y)^2 / 2 where |x - y| < delta, else delta (|x - y| - delta / 2); shapes as `MSELoss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class KLDivLoss(_Loss):
    """y (log y - x): how far a distribution, given as log probabilities x, is from y; see `F.kl_div`."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
                 log_target: bool = False) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class _WeightedLoss(_Loss):
    """A loss with weights, which are a buffer: they convert and move with the module, and are part of its state."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class BCELoss(_WeightedLoss):
    """Binary cross entropy, -[y log p + (1 - y) log(1 - p)], of probabilities p (RuntimeError outside [0, 1]).

    Input and target of one shape (ValueError); `weight` scales each element's loss and broadcasts to it. Take
    `BCEWithLogitsLoss` rather than a Sigmoid and this: it is safe where p is rounded to 0 or 1.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """Binary cross entropy of sigmoid(input), computed from the logits: safe at any of them.

    `weight` scales each element's loss, `pos_weight` the part where the target is 1; both are buffers and
    broadcast to the input's shape. Input and target must have one shape (ValueError).
    """

    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, pos_weight=self.pos_weight,
                                                  reduction=self.reduction)


class NLLLoss(_WeightedLoss):
    """-x at the target's class, for x = log probabilities, as `LogSoftmax` gives them.

    Shapes: input (C,), (N, C) or (N, C, ...), target the same without C: class ids, int64. `weight` (C,) scales each
    class, and "mean" divides by the weights of the targets. Targets equal to `ignore_index` count for nothing.
    IndexError for an id that is no class, ValueError and RuntimeError for shapes and dtypes that do not fit.
    """

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None, ignore_index: int = -100,
                 reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """-log(softmax(x)) at the target's class, computed from the logits x: safe at any of them.

    It is `NLLLoss` of `LogSoftmax`, with the arguments, shapes and errors of `NLLLoss`; besides class ids the target
    may be probabilities (the input's shape and dtype). `label_smoothing` e moves e of every target's weight to all
    classes evenly (RuntimeError, when called, unless 0 <= e <= 1).

    >>> from minigrad import tensor
    >>> CrossEntropyLoss()(tensor([[0.0, 0.0]]), tensor([1]))  # log 2: no idea which of two classes
    tensor(0.6931)
    """

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None, ignore_index: int = -100,
                 reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
                               label_smoothing=self.label_smoothing)

"""Layers that are random in training."""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .module import Module


class _DropoutNd(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        F.check_dropout_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training: each element becomes 0 with probability p, else x / (1 - p), so that its expected value stays x.

    After `eval()` it returns its input. Every call draws a new mask from the stream that `manual_seed` starts; p = 0
    and p = 1 draw nothing. With `inplace` it overwrites its input. ValueError unless 0 <= p <= 1.

    >>> from minigrad import manual_seed, ones
    >>> _ = manual_seed(0)
    >>> Dropout(p=0.2)(ones(2, 4))
    tensor([[0.0000, 1.2500, 1.2500, 0.0000],
            [1.2500, 1.2500, 1.2500, 1.2500]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """`Dropout` of whole channels of (N, C, L), or (C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """`Dropout` of whole channels of (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)

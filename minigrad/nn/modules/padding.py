"""Layers that add to the edges of their input."""

from __future__ import annotations

from typing import ClassVar

from ...tensor import Tensor
from .. import functional as F
from ..convolution import Sizes
from .module import Module


class _Pad2d(Module):
    mode: ClassVar[str] = "constant"

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ZeroPad2d(_Pad2d):
    """Zeros around the last two dimensions: `padding` (left, right, top, bottom), or a number for all."""


class ReflectionPad2d(_Pad2d):
    """As `ZeroPad2d`, with what is mirrored at the edge."""

    mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """As `ZeroPad2d`, with the edge itself."""

    mode = "replicate"

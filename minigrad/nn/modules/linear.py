"""Layers that multiply by a matrix."""

from __future__ import annotations

import math
from typing import Any

from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._parameters import add_parameters
from .module import Module


class Identity(Module):
    """Returns its input; it takes any arguments, so that it can stand in any layer's place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x W^T + b: `out_features` weighted sums of the `in_features` inputs.

    Shapes: (..., in_features) -> (..., out_features). `weight` (out_features, in_features) and `bias`
    (out_features,; None with bias=False) are drawn from the uniform distribution on +-1/sqrt(in_features).

    >>> from minigrad import randn
    >>> Linear(4, 3)(randn(5, 4)).shape
    torch.Size([5, 3])
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        add_parameters(self, device, dtype, weight=(out_features, in_features), bias=(out_features,) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight, then bias, anew: both uniformly on +-1/sqrt(what each output is a sum of)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # this `a` makes the bound 1/sqrt(fan_in)
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"

"""Pooling as layers: less to look at, by the largest or the mean of each place's neighbourhood."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ._function import REQUIRED, FunctionLayer


class _Pool(FunctionLayer):
    """The stride is the kernel's size unless given."""

    kernel_size: Any
    stride: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.stride is None:
            self.stride = self.kernel_size


class MaxPool1d(_Pool, function=F.max_pool1d, hidden=("return_indices",), kernel_size=REQUIRED, stride=None, padding=0,
                dilation=1, return_indices=False, ceil_mode=False):
    """`MaxPool2d` along one dimension."""


class MaxPool2d(_Pool, function=F.max_pool2d, hidden=("return_indices",), kernel_size=REQUIRED, stride=None, padding=0,
                dilation=1, return_indices=False, ceil_mode=False):
    """The largest of what a window sees at each place.

    Shapes: (N, C, H, W) -> (N, C, H', W'), or both without N, with H' = (H + 2 padding - dilation (kernel_size - 1)
    - 1) // stride + 1, rounded up with `ceil_mode`. The stride is the kernel's size unless given. With `return_indices`
    a pair: the values, and where in H * W each was.
    """


class MaxPool3d(_Pool, function=F.max_pool3d, hidden=("return_indices",), kernel_size=REQUIRED, stride=None, padding=0,
                dilation=1, return_indices=False, ceil_mode=False):
    """`MaxPool2d` along three dimensions."""


class AvgPool1d(_Pool, function=F.avg_pool1d, hidden=("ceil_mode", "count_include_pad"), kernel_size=REQUIRED,
                stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """`AvgPool2d` along one dimension."""

    def extra_repr(self) -> str:
        given = [(name, getattr(self, name)) for name in ("kernel_size", "stride", "padding")]
        return ", ".join(f"{name}={(value,) if isinstance(value, int) else value}" for name, value in given)


class AvgPool2d(_Pool, function=F.avg_pool2d, hidden=("ceil_mode", "count_include_pad", "divisor_override"),
                kernel_size=REQUIRED, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                divisor_override=None):
    """The mean of what a window sees at each place, shapes as `MaxPool2d`; options as `F.avg_pool2d`."""


class AdaptiveAvgPool1d(FunctionLayer, function=F.adaptive_avg_pool1d, output_size=REQUIRED):
    """`AdaptiveAvgPool2d` along one dimension."""


class AdaptiveAvgPool2d(FunctionLayer, function=F.adaptive_avg_pool2d, output_size=REQUIRED):
    """The means of as many evenly laid patches as `output_size` (H', W') says: (N, C, H, W) -> (N, C, H', W')."""

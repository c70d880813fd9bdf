"""Convolutions as layers."""

from __future__ import annotations

from typing import Any, ClassVar

from ...tensor import Tensor
from .. import functional as F
from ..convolution import Sizes, both_sides
from ..parameter import Parameter
from ._parameters import add_parameters, changed
from .linear import Linear
from .module import Module

_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    dims: ClassVar[int]  # how many dimensions the window has
    padding: Any  # a number for each dimension, "same" or "valid"
    transposed = False
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
                 padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1, bias: bool = True,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError(f"groups must be a positive integer, not {groups}")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups, but got {channels} and {groups}")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of 'same' or 'valid'")
        if padding == "same" and self._each(stride) != self._each(1):
            raise ValueError(f"padding='same' is not supported for strided convolutions: {stride=}")
        if padding_mode not in _MODES:
            raise ValueError(f"padding_mode must be one of {_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.dilation = map(self._each, (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else self._each(padding)
        self.output_padding, self.groups, self.padding_mode = self._each(0), groups, padding_mode
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        add_parameters(self, device, dtype, weight=(outer, inner // groups, *self.kernel_size),
                       bias=(out_channels,) if bias else None)
        self.reset_parameters()

    def _each(self, value: Any) -> tuple[int, ...]:
        return (value,) * self.dims if isinstance(value, int) else tuple(value)

    def reset_parameters(self) -> None:
        """Draw weight, then bias, anew: both uniformly on +-1/sqrt(what each output is a sum of)."""
        Linear.reset_parameters(self)  # type: ignore[arg-type]  # it has a weight and a bias, too

    def forward(self, input: Tensor) -> Tensor:
        convolve = F.conv1d if self.dims == 1 else F.conv2d
        padding = self.padding
        if self.padding_mode != "zeros":
            pairs = both_sides(padding, self.kernel_size, self.stride, self.dilation)
            input, padding = F.pad(input, [p for pair in pairs[::-1] for p in pair], self.padding_mode), 0
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += changed(self, padding=self._each(0), dilation=self._each(1), output_padding=self._each(0), groups=1)
        return text + ", bias=False" * (self.bias is None) + changed(self, padding_mode="zeros")


class Conv1d(_ConvNd):
    """`Conv2d` along one dimension: (N, in_channels, L) -> (N, out_channels, L'), or without N."""

    dims = 1


class Conv2d(_ConvNd):
    """Looks at the input through a window: each output is a weighted sum of what it sees there, and a bias.

    Shapes: (N, in_channels, H, W) -> (N, out_channels, H', W'), or both without N, with
    H' = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1. A number stands for both dimensions; the
    padding may be "same" (H' = H) or "valid" (none), and is zeros, or by `padding_mode` what `F.pad` makes it.
    `weight` (out_channels, in_channels / groups, *kernel_size) and `bias` (out_channels,; None with bias=False) are
    drawn from the uniform distribution on +-1/sqrt(in_channels / groups * kernel area). ValueError for options that
    do not fit together.

    >>> from minigrad import zeros
    >>> Conv2d(1, 10, kernel_size=5)(zeros(32, 1, 28, 28)).shape
    torch.Size([32, 10, 24, 24])
    """

    dims = 2


class ConvTranspose2d(_ConvNd):
    """`Conv2d` turned round, to make pictures larger: each input is spread, times the weights, over a window.

    Shapes: (N, in_channels, H, W) -> (N, out_channels, H', W'), or both without N, with
    H' = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + 1 + output_padding.
    """

    dims, transposed = 2, True

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0,
                 output_padding: Sizes = 0, groups: int = 1, bias: bool = True, dilation: Sizes = 1,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}, not {padding_mode!r}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                         device, dtype)
        self.output_padding = self._each(output_padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv_transpose2d(input, self.weight, self.bias, self.stride, self.padding, self.output_padding,
                                  self.groups, self.dilation)

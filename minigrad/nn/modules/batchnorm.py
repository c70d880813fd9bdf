"""Batch normalisation."""

from __future__ import annotations

from typing import Any, ClassVar

from ...creation import ones, tensor, zeros
from ...dtypes import int64
from ...tensor import Tensor
from .. import functional as F
from ._parameters import add_parameters
from .normalization import Normalization


class _BatchNorm(Normalization):
    dims: ClassVar[tuple[int, ...]]  # how many dimensions an input may have
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        add_parameters(self, device, dtype, weight=(num_features,) if affine else None,
                       bias=(num_features,) if affine and bias else None)
        for name, start in (("running_mean", zeros(num_features, device=device, dtype=dtype)),
                            ("running_var", ones(num_features, device=device, dtype=dtype)),
                            ("num_batches_tracked", tensor(0, dtype=int64, device=device))):
            self.register_buffer(name, start if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches seen so far: mean 0, variance 1."""
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(value)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and no batches seen."""
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self.dims:
            raise ValueError(f"expected {' or '.join(f'{n}D' for n in self.dims)} input (got {input.ndim}D input)")
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # a plain average over all batches
                momentum = 1 / self.num_batches_tracked.item()
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                            self.training or self.running_mean is None, momentum or 0.0, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")


class BatchNorm1d(_BatchNorm):
    """`BatchNorm2d` for (N, num_features) or (N, num_features, L)."""

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel of (N, num_features, H, W).

    In training mean and variance are the batch's, and move `running_mean` and `running_var` (buffers, part of the
    state) towards themselves by `momentum`, or with momentum None to the average of all batches; after `eval()` the
    running ones are used. Without `track_running_stats` there are none. ValueError for another number of dimensions.
    """

    dims = (4,)

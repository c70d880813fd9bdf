"""Schedules on a cosine wave: slow at first, slow at the end."""

from __future__ import annotations

import math

from ..optimizer import Optimizer
from .base import LR, LRScheduler


class CosineAnnealingLR(LRScheduler):
    """From lr_0 down to eta_min in T_max epochs, on half a cosine wave, and up again (SGDR, Loshchilov & Hutter, 2017).

        lr_n = eta_min + (lr_0 - eta_min) * (1 + cos(pi * n / T_max)) / 2        in epoch n

    Computed from the present learning rate, as torch does: lr - eta_min is multiplied by what the cosine term of
    epoch n is to that of epoch n - 1, so that other schedules can be combined with it.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        n, half, low, lrs = self.last_epoch, self.T_max, self.eta_min, self._present_lrs()
        if self._is_initial:
            return lrs
        if (n - 1 - half) % (2 * half) == 0:  # just past the lowest point, where the term before is 0
            return [lr + (base - low) * (1 - math.cos(math.pi / half)) / 2
                    for base, lr in zip(self.base_lrs, lrs, strict=True)]
        ratio = (1 + math.cos(math.pi * n / half)) / (1 + math.cos(math.pi * (n - 1) / half))
        return [ratio * (lr - low) + low for lr in lrs]

    def _get_closed_form_lr(self) -> list[LR]:
        return [self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
                for base in self.base_lrs]

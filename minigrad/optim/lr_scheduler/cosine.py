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


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine wave from lr_0 down to eta_min in T_0 epochs, again in T_0 * T_mult, in T_0 * T_mult**2, ...

    `step(epoch + i / n)`, after batch i of n, follows the wave in parts of epochs. ValueError unless T_0 and T_mult are
    integers from 1 on.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0,
                 last_epoch: int = -1) -> None:
        for value, words in ((T_0, "positive integer T_0"), (T_mult, "integer T_mult >= 1")):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Expected {words}, but got {value}")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to the given place in the training."""
        if epoch is not None and epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch is None and self.last_epoch >= 0:  # one epoch on
            self.T_cur, epoch = self.T_cur + 1, self.last_epoch + 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = epoch or 0
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
        self.last_epoch = math.floor(epoch)
        self._set_lrs(self.get_lr)

    def get_lr(self) -> list[LR]:
        """The learning rates where the training is now."""
        self._present_lrs()  # for its warning
        return [self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
                for base in self.base_lrs]

"""Schedules that depend on the number of the epoch alone."""

from __future__ import annotations

from ..optimizer import Optimizer
from .base import LR, LRScheduler


class StepLR(LRScheduler):
    """lr = lr * gamma after every `step_size` epochs: lr_n = lr_0 * gamma**(n // step_size) in epoch n.

    >>> from minigrad import nn, optim, ones
    >>> optimizer = optim.SGD([nn.Parameter(ones(1))], lr=1.0)
    >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> lrs = []
    >>> for epoch in range(5):
    ...     lrs += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> lrs
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        decays = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self._multiplied(self.gamma if decays else None)

    def _get_closed_form_lr(self) -> list[LR]:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr = lr * gamma after every epoch: lr_n = lr_0 * gamma**n in epoch n."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        return self._multiplied(None if self._is_initial else self.gamma)

    def _get_closed_form_lr(self) -> list[LR]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]

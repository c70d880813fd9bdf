"""Schedules that depend on the number of the epoch alone."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from ..optimizer import Optimizer
from .base import LR, LRScheduler, per_group

Factor = Callable[[int], float]


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
        return self._present_lrs(times=self.gamma if decays else None)

    def _get_closed_form_lr(self) -> list[LR]:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr = lr * gamma at each of the milestones: lr_n = lr_0 * gamma**(how many milestones are <= n) in epoch n."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1,
                 last_epoch: int = -1) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma  # one that is named twice counts twice
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        decays = self.milestones[self.last_epoch]
        return self._present_lrs(times=self.gamma**decays if decays else None)

    def _get_closed_form_lr(self) -> list[LR]:
        decays = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**decays for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr = lr * gamma after every epoch: lr_n = lr_0 * gamma**n in epoch n."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        return self._present_lrs(times=None if self._is_initial else self.gamma)

    def _get_closed_form_lr(self) -> list[LR]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class LambdaLR(LRScheduler):
    """lr_n = lr_0 * lr_lambda(n) in epoch n, with one function, or with a list of one for each group.

    The `state_dict` leaves functions out; of other callable objects it holds the attributes. ValueError for a list
    of another length, TypeError for what is no function.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        self.lr_lambdas = per_group(optimizer, "lr_lambdas", lr_lambda, "Expected {groups} {name}, but got {values}")
        if not all(map(callable, self.lr_lambdas)):
            raise TypeError(f"lr_lambda should be a function, or a list of functions, but got {lr_lambda}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        self._present_lrs()  # for its warning
        return [lr * factor(self.last_epoch) for lr, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """All of its attributes but the optimizer and functions."""
        state = super().state_dict()
        state["lr_lambdas"] = [None if isinstance(factor, FunctionType) else vars(factor).copy()
                               for factor in state.pop("lr_lambdas")]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the attributes that `state_dict` returned."""
        super().load_state_dict({**state_dict, "lr_lambdas": self.lr_lambdas})
        for factor, state in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            vars(factor).update(state or {})


class MultiplicativeLR(LambdaLR):
    """lr = lr * lr_lambda(n) after every epoch, n being the next one's number. Arguments as of LambdaLR."""

    def get_lr(self) -> list[LR]:
        """The next learning rates."""
        lrs = self._present_lrs()
        factors = [1 if self._is_initial else factor(self.last_epoch) for factor in self.lr_lambdas]
        return [lr * factor for lr, factor in zip(lrs, factors, strict=True)]

"""A schedule that looks at how the training goes."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal, SupportsFloat

from ..optimizer import Optimizer
from .base import ANY_EPOCH, LRScheduler, checked_optimizer, per_group, present_lrs, set_lr


class ReduceLROnPlateau(LRScheduler):
    """lr = max(lr * factor, min_lr) once a metric has not become better for more than `patience` epochs in a row.

    Better is, with the best metric so far:

        mode     threshold_mode "rel"             "abs"
        "min"    metric < best * (1 - threshold)  metric < best - threshold
        "max"    metric > best * (1 + threshold)  metric > best + threshold

    After a reduction `cooldown` epochs pass in which bad epochs are not counted. `min_lr` is one number, or one for
    each group. A change of at most `eps` is left undone. ValueError for factor >= 1, unknown modes and a wrong number
    of `min_lr`; TypeError for what is no Optimizer.

    >>> from minigrad import nn, optim, ones
    >>> optimizer = optim.SGD([nn.Parameter(ones(1))], lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.0, 2.0]:
    ...     scheduler.step(loss)
    ...     print(loss, scheduler.get_last_lr(), scheduler.num_bad_epochs)
    3.0 [1.0] 0
    2.0 [1.0] 0
    2.0 [1.0] 1
    2.0 [0.5] 0
    """

    def __init__(self, optimizer: Optimizer, mode: Literal["min", "max"] = "min", factor: float = 0.1,
                 patience: int = 10, threshold: float = 1e-4, threshold_mode: Literal["rel", "abs"] = "rel",
                 cooldown: int = 0, min_lr: list[float] | float = 0, eps: float = 1e-8) -> None:
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0, not {factor}")
        self.factor, self.optimizer = factor, checked_optimizer(optimizer)
        self.default_min_lr: Any = None if isinstance(min_lr, (list, tuple)) else min_lr  # for groups added later, too
        self.min_lrs = per_group(optimizer, "min_lrs", min_lr, "expected {groups} {name}, got {values}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.last_epoch, self._last_lr = 0, present_lrs(optimizer)
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Note the metric of an epoch, and reduce the learning rates if its time has come."""
        if epoch is not None:
            warnings.warn(ANY_EPOCH, stacklevel=2)
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        if self.in_cooldown:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = present_lrs(self.optimizer)

    @property
    def in_cooldown(self) -> bool:
        """Whether the last reduction is at most `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def _is_better(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        margin = sign * self.threshold
        goal = self.best * (1 + margin) if self.threshold_mode == "rel" else self.best + margin
        return metric < goal if self.mode == "min" else metric > goal

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(f"{len(groups)} param groups, but {len(self.min_lrs)} min_lrs: add to `min_lrs`")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, min_lr in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, min_lr)
            if old - new > self.eps:
                set_lr(group, new)

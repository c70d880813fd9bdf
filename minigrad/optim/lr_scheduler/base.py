"""LRScheduler: what all schedules share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ...tensor import Tensor
from ..optimizer import Optimizer

LR = Any  # a number, or a one-element tensor
PerGroup = Any  # one value for all groups, or a list of one for each
OTHER_LENGTH = ("{name} must have the same length as optimizer.param_groups. {name} has {values} values, param_groups "
                "has {groups}.")
# The warnings begin with torch's words: filters go by them.
TOO_EARLY = "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate is never used"
OVERRIDDEN = "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization"
ANY_EPOCH = "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated: leave it out"
READ_LAST = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


class LRScheduler:
    """Base class. `last_epoch` is -1, or for a schedule that goes on the number of the last epoch that was trained.

    Every group remembers its first learning rate as `initial_lr`; `base_lrs` lists them. A tensor as learning rate
    stays the same tensor and is overwritten.

    Call `optimizer.step()` before `scheduler.step()`: in the other order the first learning rate is never used, and
    there is a warning. TypeError for what is no Optimizer, KeyError for `last_epoch` >= 0 without `initial_lr`.
    """

    _get_lr_called_within_step = False
    _is_initial = False
    _last_lr: list[LR]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}]: load the optimizer's state")
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        if not optimizer._scheduled:
            optimizer._scheduled, optimizer._opt_called = True, False
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[LR]:
        """The next learning rates of the groups, from the present ones. To read the present ones: `get_last_lr`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[LR]:
        """The learning rates of the groups, as this scheduler last set them."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch, or (deprecated) to the given one."""
        if self._step_count == 1:  # the first call after the constructor's own
            if "step" in vars(self.optimizer):
                warnings.warn(OVERRIDDEN, stacklevel=2)
            elif not self.optimizer._opt_called:
                warnings.warn(TOO_EARLY, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(ANY_EPOCH, stacklevel=2)
        closed_form = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set_lrs(closed_form or self.get_lr)

    def _set_lrs(self, get_lr: Callable[[], list[LR]]) -> None:
        self._get_lr_called_within_step = True
        try:
            lrs = get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            set_lr(group, lr)
        self._last_lr = present_lrs(self.optimizer)

    def _present_lrs(self, times: float | None = None) -> list[LR]:
        """The groups' learning rates, or their products with a number: what most `get_lr` start from.

        A warning for who calls `get_lr` to read the learning rates.
        """
        if not self._get_lr_called_within_step:
            warnings.warn(READ_LAST, stacklevel=3)
        present = present_lrs(self.optimizer)
        return present if times is None else [lr * times for lr in present]

    def state_dict(self) -> dict[str, Any]:
        """All of its attributes but the optimizer, named as torch names them."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the attributes that `state_dict` returned. The optimizer's learning rates are in its own state."""
        vars(self).update(state_dict)


def checked_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer; TypeError if it is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def copied(lr: LR) -> LR:
    """A learning rate that later changes of a tensor don't reach."""
    return lr.clone() if isinstance(lr, Tensor) else lr


def per_group(optimizer: Optimizer, name: str, value: PerGroup, problem: str = OTHER_LENGTH) -> list[Any]:
    """An option's values for the groups. ValueError, which says what the problem is, for a list of another length."""
    groups = len(optimizer.param_groups)
    values = value if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ValueError(problem.format(name=name, groups=groups, values=len(values)))
    return [copied(v) for v in values]


def present_lrs(optimizer: Optimizer) -> list[LR]:
    """The learning rates of the groups, as copies."""
    return [copied(group["lr"]) for group in optimizer.param_groups]


def set_lr(group: dict[str, Any], lr: LR) -> None:
    """Give a group a learning rate; one that is a tensor stays the same tensor."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr

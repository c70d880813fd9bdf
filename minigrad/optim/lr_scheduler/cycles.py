"""Schedules that raise the learning rate and let it fall again, step by step, and move the momentum the other way."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any, Literal

from ..optimizer import Optimizer
from .base import LR, LRScheduler, PerGroup, checked_optimizer, per_group, set_lr


class _Cycle(LRScheduler):
    """What both have in common. The momentum is the option `momentum`, or the first of `betas`."""

    def _start_momentum(self, base: PerGroup, top: PerGroup, fresh: bool) -> tuple[list[Any], list[Any]]:
        """The bounds of each group's momentum. ValueError if it has none."""
        names = self.optimizer.defaults
        if "momentum" not in names and "betas" not in names:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled, and "
                             f"{type(self.optimizer).__name__} does not")
        self.use_beta1 = "betas" in names
        bases = per_group(self.optimizer, "base_momentum", base)
        tops = per_group(self.optimizer, "max_momentum", top)
        for group, low, high in zip(self.optimizer.param_groups, bases, tops, strict=True):
            if fresh:
                group["max_momentum"], group["base_momentum"] = high, low
        return bases, tops

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class OneCycleLR(_Cycle):
    """One rise and one fall (Smith & Topin, 2018): max_lr / div_factor up to max_lr in the first `pct_start` of all
    steps, then down to max_lr / div_factor / final_div_factor; with `three_phase` down to where it began as fast as it
    rose, and then on. Call it after every batch.

        lr = end + (start - end) * (1 + cos(pi * x)) / 2    where x goes from 0 to 1 in each phase
        lr = start + (end - start) * x                      with anneal_strategy="linear"

    With `cycle_momentum` the momentum goes from `max_momentum` down to `base_momentum` and back. There are
    `total_steps`, or `epochs` * `steps_per_epoch`. ValueError for options out of their range, and for a step too many.
    """

    def __init__(self, optimizer: Optimizer, max_lr: PerGroup, total_steps: int | None = None,
                 epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
                 anneal_strategy: Literal["cos", "linear"] = "cos", cycle_momentum: bool = True,
                 base_momentum: PerGroup = 0.85, max_momentum: PerGroup = 0.95, div_factor: float = 25.0,
                 final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        numbers = {"epochs": epochs, "steps_per_epoch": steps_per_epoch} if total_steps is None else \
            {"total_steps": total_steps}
        for name, n in numbers.items():
            if not isinstance(n, int) or n <= 0:
                raise ValueError(f"Expected positive integer {name}, but got {n}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.total_steps = math.prod(numbers.values())  # type: ignore[arg-type]  # the loop above made sure
        rise = float(pct_start * self.total_steps)
        up, down = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")
        phases = [(rise - 1, "initial_lr", "max_lr", *up), (self.total_steps - 1, "max_lr", "min_lr", *down)]
        if three_phase:
            phases[1:] = [(2 * rise - 2, "max_lr", "initial_lr", *down),
                          (self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
        keys = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
        self._schedule_phases: list[dict[str, Any]] = [dict(zip(keys, phase, strict=True)) for phase in phases]
        self._anneal_func_type = anneal_strategy
        for group, top in zip(optimizer.param_groups, per_group(optimizer, "max_lr", max_lr), strict=True):
            if last_epoch == -1:
                group["initial_lr"], group["max_lr"] = top / div_factor, top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, fresh=last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[LR]:
        """The next learning rates. It sets the momentum, too."""
        self._present_lrs()  # for its warning
        n = self.last_epoch
        if n > self.total_steps:
            raise ValueError(f"Tried to step {n} times. The specified number of total steps is {self.total_steps}")
        i = next((i for i, phase in enumerate(self._schedule_phases) if n <= phase["end_step"]), -1)
        phase, start = self._schedule_phases[i], self._schedule_phases[i - 1]["end_step"] if i else 0.0
        x = (n - start) / (phase["end_step"] - start)
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            self._set_momentum(group, self._between(group, phase["start_momentum"], phase["end_momentum"], x))
        return [self._between(group, phase["start_lr"], phase["end_lr"], x) for group in self.optimizer.param_groups]

    def _between(self, group: dict[str, Any], first: str, last: str, x: float) -> Any:
        start, end = group[first], group[last]
        if self._anneal_func_type == "linear":
            return (end - start) * x + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * x) + 1)


class CyclicLR(_Cycle):
    """Up from base_lr to max_lr in `step_size_up` steps, down in `step_size_down` (as many, if None), again and again
    (Smith, 2017). Call it after every batch.

        lr = base_lr + (max_lr - base_lr) * height * scale        where height goes from 0 to 1 and back
        scale = 1 | 1 / 2**(cycle - 1) | gamma**step              mode: triangular | triangular2 | exp_range

    `scale_fn`, of the number of the cycle, or of the step as `scale_mode` "iterations" says, replaces the mode. With
    `cycle_momentum` the momentum goes from `max_momentum` down to `base_momentum` and back. ValueError for an unknown
    mode.
    """

    def __init__(self, optimizer: Optimizer, base_lr: PerGroup, max_lr: PerGroup, step_size_up: int = 2000,
                 step_size_down: int | None = None,
                 mode: Literal["triangular", "triangular2", "exp_range"] = "triangular", gamma: float = 1.0,
                 scale_fn: Callable[[float], float] | None = None,
                 scale_mode: Literal["cycle", "iterations"] = "cycle", cycle_momentum: bool = True,
                 base_momentum: PerGroup = 0.8, max_momentum: PerGroup = 0.9, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        base_lrs = per_group(optimizer, "base_lr", base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                set_lr(group, lr)
        self.max_lrs = per_group(optimizer, "max_lr", max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(f"mode is invalid and scale_fn is None: {mode!r}")
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        by_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = by_mode if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._start_momentum(base_momentum, max_momentum,
                                                                           fresh=last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """How high a cycle is: of its number, or of the step's."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / (2.0 ** (x - 1)) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[LR]:
        """The next learning rates. It sets the momentum, too."""
        self._present_lrs()  # for its warning
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums,
                                        strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """All of its attributes but the optimizer and a function as scale_fn."""
        state, scale = super().state_dict(), self._scale_fn_custom
        return state | {"_scale_fn_custom": None if scale is None or isinstance(scale, FunctionType) else
                        vars(scale).copy()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the attributes that `state_dict` returned."""
        super().load_state_dict({**state_dict, "_scale_fn_custom": self._scale_fn_custom})
        if state_dict["_scale_fn_custom"] is not None:
            vars(self._scale_fn_custom).update(state_dict["_scale_fn_custom"])

"""OneCycleLR and CyclicLR against torch: equal learning rates and momenta, to the last bit, at every step."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import plain, same, same_error, same_warnings

STEPS = 40


def setup(lib: Any, optimizer: str = "SGD", lrs: Any = (0.1,), **options: Any) -> Any:
    groups = [{"params": [lib.nn.Parameter(lib.ones(2))], "lr": lr} for lr in lrs]
    return getattr(lib.optim, optimizer)(groups, **options)


def groups(optimizer: Any) -> list[Any]:
    return [{name: plain(value) for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups]


def trace(optimizer: Any, scheduler: Any) -> list[Any]:
    seen = [(groups(optimizer), scheduler.get_last_lr())]
    for _ in range(STEPS - 1):
        optimizer.step()
        scheduler.step()
        seen.append((groups(optimizer), scheduler.get_last_lr()))
    return seen


class Fading:
    """A callable object, whose attributes are part of the state."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, x: float) -> float:
        return self.rate**x


SCHEDULES: dict[str, Any] = {
    "one cycle": ("OneCycleLR", {"max_lr": 0.7, "total_steps": STEPS}),
    "by epochs": ("OneCycleLR", {"max_lr": 0.7, "epochs": 8, "steps_per_epoch": 5}),
    "linear": ("OneCycleLR", {"max_lr": 0.7, "total_steps": STEPS, "anneal_strategy": "linear", "pct_start": 0.5}),
    "three phases": ("OneCycleLR", {"max_lr": 0.7, "total_steps": 43, "three_phase": True, "div_factor": 3.0}),
    "no momentum": ("OneCycleLR", {"max_lr": 0.7, "total_steps": 41, "cycle_momentum": False, "final_div_factor": 7}),
    "no rise": ("OneCycleLR", {"max_lr": 0.7, "total_steps": STEPS, "pct_start": 0.0}),
    "triangles": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5}),
    "slow fall": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 3, "step_size_down": 8}),
    "smaller ones": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5, "mode": "triangular2"}),
    "fading": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5, "mode": "exp_range", "gamma": 0.98}),
    "own scale": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5, "scale_fn": lambda x: 0.9**x}),
    "own scale by step": ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5, "scale_fn": Fading(0.9),
                                       "scale_mode": "iterations", "cycle_momentum": False}),
}


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "RMSprop"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_step(schedule: str, optimizer: str) -> None:
    def run(lib: Any) -> list[Any]:
        name, options = SCHEDULES[schedule]
        chosen = setup(lib, optimizer, (0.1, 0.2))
        scheduler = getattr(lib.optim.lr_scheduler, name)(chosen, **options)
        return [trace(chosen, scheduler), repr(chosen)]

    same(run)


@pytest.mark.parametrize("name", ["OneCycleLR", "CyclicLR"])
def test_a_value_for_each_group(name: str) -> None:
    def run(lib: Any) -> list[Any]:
        chosen = setup(lib, "SGD", (0.1, 0.2), momentum=0.9)
        options = {"total_steps": STEPS} if name == "OneCycleLR" else {"base_lr": [0.01, 0.02], "step_size_up": 4}
        return trace(chosen, getattr(lib.optim.lr_scheduler, name)(
            chosen, max_lr=[0.5, 1.0], base_momentum=[0.7, 0.8], max_momentum=[0.9, 0.95], **options))

    same(run)


@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if name != "own scale"])
def test_state_goes_on_where_it_was(schedule: str) -> None:
    def run(lib: Any) -> list[Any]:
        name, options = SCHEDULES[schedule]
        make = getattr(lib.optim.lr_scheduler, name)
        first, second = setup(lib), setup(lib)
        one = make(first, **options)
        for _ in range(7):
            first.step()
            one.step()
        two = make(second, **options)
        state = one.state_dict()
        names = sorted(key for key in state if key not in ("_scale_fn_ref",))
        two.load_state_dict(dict(state))
        second.load_state_dict(first.state_dict())
        for _ in range(5):
            second.step()
            two.step()
        return [names, groups(second), two.get_last_lr()]

    same(run)


def test_a_step_too_many() -> None:
    def run(lib: Any) -> None:
        optimizer = setup(lib)
        scheduler = lib.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)
        for _ in range(4):
            optimizer.step()
            scheduler.step()

    same_error(run)


@pytest.mark.parametrize("call", [
    lambda lib, cycle, one: one(setup(lib), 0.1),
    lambda lib, cycle, one: one(setup(lib), 0.1, epochs=3),
    lambda lib, cycle, one: one(setup(lib), 0.1, total_steps=0),
    lambda lib, cycle, one: one(setup(lib), 0.1, epochs=2.5, steps_per_epoch=2),
    lambda lib, cycle, one: one(setup(lib), 0.1, epochs=2, steps_per_epoch=-1),
    lambda lib, cycle, one: one(setup(lib), 0.1, total_steps=5, pct_start=2.0),
    lambda lib, cycle, one: one(setup(lib), 0.1, total_steps=5, anneal_strategy="sine"),
    lambda lib, cycle, one: one(setup(lib), [0.1, 0.2], total_steps=5),
    lambda lib, cycle, one: one(setup(lib, "Adagrad"), 0.1, total_steps=5),
    lambda lib, cycle, one: one([], 0.1, total_steps=5),
    lambda lib, cycle, one: cycle(setup(lib), 0.1, 0.2, mode="square"),
    lambda lib, cycle, one: cycle(setup(lib), [0.1, 0.2], 0.2),
    lambda lib, cycle, one: cycle(setup(lib, "Adagrad"), 0.1, 0.2),
    lambda lib, cycle, one: cycle(setup(lib), 0.1, 0.2, last_epoch=3),
])
def test_errors(call: Any) -> None:
    same_error(lambda lib: call(lib, lib.optim.lr_scheduler.CyclicLR, lib.optim.lr_scheduler.OneCycleLR), text=False)


def test_warning_for_reading_get_lr() -> None:
    same_warnings(lambda lib: lib.optim.lr_scheduler.OneCycleLR(setup(lib), 0.1, total_steps=5).get_lr())

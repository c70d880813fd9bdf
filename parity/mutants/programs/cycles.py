"""Schedules that go round: warm restarts, cycles, one cycle; and those that watch how the training goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.mutants.programs.registry import error, program


def prepared(torch: Any, kind: str = "SGD", **options: Any) -> Any:
    """An optimizer of two groups."""
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.3, 0.1)]
    return getattr(torch.optim, kind)(groups, **options)


def followed(torch: Any, make: Callable[[Any, Any], Any], kind: str = "SGD", steps: int = 23,
             places: list[Any] | None = None) -> list[Any]:
    """All options of the groups after every step of a schedule, from its making on."""
    optimizer = prepared(torch, kind)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = [options(optimizer)]
    for place in places or [None] * steps:
        optimizer.step()
        scheduler.step(*[] if place is None else [place])
        found += [options(optimizer), scheduler.get_last_lr()]
    return found


def options(optimizer: Any) -> list[Any]:
    """Every digit of them: where two phases meet, either gives the learning rate, up to its last digit."""
    names = ("lr", "initial_lr", "momentum", "betas", "max_lr", "min_lr", "base_momentum", "max_momentum")
    return [{name: repr(group[name]) for name in names if name in group} for group in optimizer.param_groups]


# ---- warm restarts ----
RESTARTS: list[dict[str, Any]] = [{"T_0": 1, "T_mult": 2}, {"T_0": 4}, {"T_0": 3, "T_mult": 2, "eta_min": 0.01},
                                  {"T_0": 2, "T_mult": 3}, {"T_0": 1}]


@program
def warm_restarts(torch: Any) -> Any:
    places = [None, [0.25 * i for i in range(40)], [0, 3, 17, None, None, 2, None, 30, 0.5, None, 2.5, None]]
    return [followed(torch, lambda s, o, given=given: s.CosineAnnealingWarmRestarts(o, **given), places=where)
            for given in RESTARTS for where in places]


@program
def warm_restarts_that_go_on(torch: Any) -> Any:
    found = []
    for last in (0, 1, 2, 5):
        optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "initial_lr": 0.4}], lr=0.3)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, 2, last_epoch=last)
        for _ in range(9):
            found.append([optimizer.param_groups[0]["lr"], scheduler.T_cur, scheduler.T_i, scheduler.last_epoch])
            optimizer.step()
            scheduler.step()
    make = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts
    return found, [error(call) for call in (
        lambda: make(prepared(torch), 0), lambda: make(prepared(torch), 2, 0), lambda: make(prepared(torch), 2.5),
        lambda: make(prepared(torch), 2).step(-1), lambda: make(prepared(torch), 2).step(-0.5),
        lambda: make(prepared(torch), 1, 1).step(0))]


# ---- cycles ----
ONE_CYCLE: list[dict[str, Any]] = [
    {"total_steps": 23}, {"total_steps": 20}, {"epochs": 8, "steps_per_epoch": 5},
    {"total_steps": 23, "anneal_strategy": "linear"},
    {"total_steps": 27, "three_phase": True, "div_factor": 3.0}, {"total_steps": 24, "pct_start": 0.0},
    {"total_steps": 20, "three_phase": True, "pct_start": 0.45, "anneal_strategy": "linear"},
    {"total_steps": 23, "final_div_factor": 7}, {"total_steps": 25, "base_momentum": [0.5, 0.6], "pct_start": 0.4,
                                                "max_momentum": [0.7, 0.8]}]


@program
def one_cycle(torch: Any) -> Any:
    return [followed(torch, lambda s, o, given=given: s.OneCycleLR(o, 0.7, **given), kind, 18)
            for given in ONE_CYCLE for kind in ("SGD", "Adam")]


@program
def one_cycle_in_corners(torch: Any) -> Any:
    def one(optimizer: Any, *args: Any, **given: Any) -> Any:
        return torch.optim.lr_scheduler.OneCycleLR(optimizer, *args, **given)

    def too_many(n: int) -> str:
        optimizer = prepared(torch)
        scheduler = one(optimizer, 0.1, 3)
        return error(lambda: [(optimizer.step(), scheduler.step()) for _ in range(n)])

    found = [followed(torch, lambda s, o: s.OneCycleLR(o, [0.5, 1.0], 9, cycle_momentum=False), kind, 9)
             for kind in ("Adagrad", "SGD")]
    return found, [too_many(n) for n in (2, 3, 4)], [error(call) for call in (
        lambda: one(prepared(torch), 0.1), lambda: one(prepared(torch), 0.1, epochs=3),
        lambda: one(prepared(torch), 0.1, 0), lambda: one(prepared(torch), 0.1, 5, pct_start=2.0),
        lambda: one(prepared(torch), [0.1], 5), lambda: one(prepared(torch, "Adagrad"), 0.1, 5),
        lambda: one(prepared(torch), 0.1, 5, anneal_strategy="sine"), lambda: one([], 0.1, 5))]


CYCLES: list[dict[str, Any]] = [
    {"step_size_up": 5}, {"step_size_up": 3, "step_size_down": 8}, {"step_size_up": 8, "step_size_down": 3},
    {"step_size_up": 4, "mode": "triangular2"}, {"step_size_up": 5, "mode": "exp_range", "gamma": 0.9},
    {"step_size_up": 5, "gamma": 0.5},
    {"step_size_up": 5, "mode": "exp_range"}, {"step_size_up": 5, "scale_fn": lambda x: 0.9**x}, {"step_size_up": 1},
    {"step_size_up": 5, "scale_fn": lambda x: 0.9**x, "scale_mode": "iterations"},
    {"step_size_up": 4, "base_momentum": [0.5, 0.6], "max_momentum": [0.7, 0.8]}, {}]


@program
def cycles(torch: Any) -> Any:
    return [followed(torch, lambda s, o, given=given: s.CyclicLR(o, 0.01, 0.31, **given), kind)
            for given in CYCLES for kind in ("SGD", "RMSprop", "NAdam")]


@program
def cycles_in_corners(torch: Any) -> Any:
    def cycle(optimizer: Any, *args: Any, **given: Any) -> Any:
        return torch.optim.lr_scheduler.CyclicLR(optimizer, *args, **given)

    found = [followed(torch, lambda s, o: s.CyclicLR(o, [0.1, 0.2], [0.3, 0.5], 3, cycle_momentum=False), kind)
             for kind in ("Adagrad", "SGD")]
    return found, [error(call) for call in (
        lambda: cycle(prepared(torch), 0.1, 0.2, mode="square"), lambda: cycle(prepared(torch), [0.1], 0.2),
        lambda: cycle(prepared(torch, "Adagrad"), 0.1, 0.2), lambda: cycle(prepared(torch), 0.1, 0.2, last_epoch=3),
        lambda: cycle(prepared(torch), 0.1, 0.2, mode="square", scale_fn=lambda x: 1.0))]


@program
def cycles_that_go_on(torch: Any) -> Any:
    """From an epoch, in the groups that an earlier schedule has left; a tensor as learning rate stays one."""
    found, kinds = [], ("OneCycleLR", "CyclicLR")
    for kind, given in zip(kinds, ({"total_steps": 20}, {"base_lr": 0.1, "step_size_up": 3}), strict=True):
        make = getattr(torch.optim.lr_scheduler, kind)
        for optimizer in (prepared(torch, momentum=0.4), prepared(torch, "Adam", betas=(0.3, 0.2))):
            make(optimizer, max_lr=0.5, **given)
            optimizer.param_groups[0].update({"momentum": 0.1} if "momentum" in optimizer.defaults else {})
            scheduler = make(optimizer, max_lr=0.6, last_epoch=5, base_momentum=0.1, max_momentum=0.2, **given)
            found.append(options(optimizer))
            for _ in range(4):
                optimizer.step()
                scheduler.step()
                found.append(options(optimizer))
        rate = torch.tensor(0.25)
        optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], rate)
        scheduler = make(optimizer, max_lr=0.5, **given)
        optimizer.step()
        scheduler.step()
        found += [rate, scheduler.get_last_lr()]
    return found

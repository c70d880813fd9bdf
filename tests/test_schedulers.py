"""Learning rate schedules against torch: equal learning rates, to the last bit, at every epoch."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import plain, same, same_error

import minigrad as mg

EPOCHS = 50


def setup(lib: Any, lrs: Any = (0.1,), optimizer: str = "SGD") -> Any:
    groups = [{"params": [lib.nn.Parameter(lib.ones(2))], "lr": lr} for lr in lrs]
    return getattr(lib.optim, optimizer)(groups)


def trace(scheduler: Any, metrics: Any = None) -> list[Any]:
    """The learning rates and everything else that a schedule knows, at every epoch."""
    optimizer, seen = scheduler.optimizer, []
    for epoch in range(EPOCHS):
        optimizer.step()
        scheduler.step(*() if metrics is None else (metrics[epoch],))
        lrs = [group["lr"] for group in optimizer.param_groups]
        seen.append((plain(lrs), plain(scheduler.get_last_lr()), plain(scheduler.state_dict())))
    return seen


def fading(epoch: int) -> float:
    return 0.97**epoch


class Slope:
    """An object with a state that serves as a function."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def __call__(self, epoch: int) -> float:
        return 1 / (1 + self.slope * epoch)


SCHEDULES: dict[str, dict[str, Any]] = {
    "every 3": {"name": "StepLR", "step_size": 3},
    "every epoch": {"name": "StepLR", "step_size": 1, "gamma": 0.97},
    "upwards": {"name": "StepLR", "step_size": 7, "gamma": 1.3},
    "exponential": {"name": "ExponentialLR", "gamma": 0.93},
    "to zero": {"name": "ExponentialLR", "gamma": 0.0},
    "milestones": {"name": "MultiStepLR", "milestones": [3, 20, 11], "gamma": 0.5},
    "a milestone twice": {"name": "MultiStepLR", "milestones": (4, 4, 30)},
    "milestone 0": {"name": "MultiStepLR", "milestones": [0, 1]},
    "cosine": {"name": "CosineAnnealingLR", "T_max": 50},
    "cosine up and down": {"name": "CosineAnnealingLR", "T_max": 7, "eta_min": 0.01},
    "cosine of 1": {"name": "CosineAnnealingLR", "T_max": 1, "eta_min": 0.3},
    "function": {"name": "LambdaLR", "lr_lambda": fading},
    "functions": {"name": "LambdaLR", "lr_lambda": (fading, lambda n: n // 5, fading)},
    "factor": {"name": "MultiplicativeLR", "lr_lambda": fading},
    "factors": {"name": "MultiplicativeLR", "lr_lambda": [fading, fading, lambda n: 1.0]},
}
ONE_GROUP = [case for case, options in SCHEDULES.items() if not isinstance(options.get("lr_lambda"), (list, tuple))]


def build(lib: Any, optimizer: Any, name: str, **options: Any) -> Any:
    return getattr(lib.optim.lr_scheduler, name)(optimizer, **options)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("case", SCHEDULES)
def test_schedules(case: str, optimizer: str) -> None:
    seen = same(lambda lib: trace(build(lib, setup(lib, (0.1, 3.0, 0.7), optimizer), **SCHEDULES[case])))
    assert seen[-1][0] == seen[-1][1]
    assert any(lrs != [0.1, 3.0, 0.7] for lrs, _, _ in seen)


@pytest.mark.parametrize("shape", [(), (1,)], ids=str)
@pytest.mark.parametrize("case", ONE_GROUP)
def test_a_tensor_learning_rate_is_overwritten(case: str, shape: tuple[int, ...]) -> None:
    def run(lib: Any) -> Any:
        lr = lib.full(shape, 0.1)
        scheduler = build(lib, setup(lib, [lr, 0.2]), **SCHEDULES[case])
        seen = trace(scheduler)
        assert scheduler.optimizer.param_groups[0]["lr"] is lr
        assert scheduler.get_last_lr()[0] is not lr
        return seen, lr, scheduler.optimizer.param_groups[0]["initial_lr"]

    same(run)


@pytest.mark.parametrize("case", ONE_GROUP)
def test_resuming(case: str) -> None:
    """By state_dicts, and by last_epoch alone."""

    def run(lib: Any) -> Any:
        scheduler = build(lib, setup(lib), **SCHEDULES[case])
        trace(scheduler)
        resumed = []
        for last_epoch in (-1, 4, 50):
            optimizer = setup(lib)
            optimizer.load_state_dict(scheduler.optimizer.state_dict())
            other = build(lib, optimizer, last_epoch=last_epoch, **SCHEDULES[case])
            resumed += [plain(other.state_dict()), trace(other)]
            other.load_state_dict(scheduler.state_dict())
            resumed.append(trace(other))
        return resumed

    same(run)


STATEFUL = {case: SCHEDULES[case] for case in ONE_GROUP}
STATEFUL["plateau"] = {"name": "ReduceLROnPlateau", "patience": 1, "factor": 0.7, "cooldown": 2}


@pytest.mark.parametrize(("source", "target"), [(mg, torch), (torch, mg)], ids=["to torch", "to minigrad"])
@pytest.mark.parametrize("case", STATEFUL)
def test_state_goes_on_in_the_other_library(case: str, source: Any, target: Any) -> None:
    metrics = np.random.default_rng(0).random(EPOCHS) if case == "plateau" else None
    first, second = (build(lib, setup(lib, [0.1, 0.2]), **STATEFUL[case]) for lib in (source, target))
    trace(first, metrics)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert trace(second, metrics) == trace(first, metrics)


def test_the_state_of_functions() -> None:
    """Functions are left out of it; other objects give their attributes."""

    def run(lib: Any) -> Any:
        options = {"name": "LambdaLR", "lr_lambda": [fading, Slope(0.5)]}
        scheduler = build(lib, setup(lib, (0.1, 1.0)), **options)
        trace(scheduler)
        other = build(lib, setup(lib, (0.1, 1.0)), "MultiplicativeLR", lr_lambda=[fading, Slope(9.0)])
        other.load_state_dict(scheduler.state_dict())
        return scheduler.state_dict(), list(scheduler.state_dict()), trace(other), other.lr_lambdas[1].slope

    assert same(run)[-1] == 0.5


def test_chained_schedules() -> None:
    def run(lib: Any) -> Any:
        optimizer = setup(lib)
        first, second = build(lib, optimizer, "StepLR", step_size=4), build(lib, optimizer, "ExponentialLR", gamma=0.9)
        seen = []
        for _ in range(EPOCHS):
            optimizer.step()
            first.step()
            second.step()
            seen.append((first.get_last_lr(), second.get_last_lr(), first.state_dict(), second.state_dict()))
        return seen

    same(run)


def test_a_schedule_of_ones_own() -> None:
    def run(lib: Any) -> Any:
        class Halving(lib.optim.lr_scheduler.LRScheduler):  # type: ignore[misc,name-defined]
            def get_lr(self) -> Any:
                return [lr / (1 + self.last_epoch) for lr in self.base_lrs]

        return trace(Halving(setup(lib, (0.1, 1.0))))

    same(run)
    same_error(lambda lib: lib.optim.lr_scheduler.LRScheduler(setup(lib)), text=False)


def test_training_goes_by_the_schedule() -> None:
    """The learning rate does not only stand in the group: the steps become shorter."""
    w = mg.nn.Parameter(mg.zeros(1))
    optimizer = mg.optim.SGD([w], lr=1.0)
    scheduler = mg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    path = []
    for _ in range(6):
        w.grad = -mg.ones(1)
        optimizer.step()
        scheduler.step()
        path.append(w.item())
    assert np.diff(path, prepend=0.0).tolist() == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


# ------------------------------------------------------------------------------------------ ReduceLROnPlateau


def metrics_of(kind: str) -> list[float]:
    rng = np.random.default_rng(2)
    falling = 3.0 * 0.9 ** np.arange(EPOCHS)
    noisy = falling + 0.3 * rng.standard_normal(EPOCHS)
    found = {
        "falling": falling,
        "noisy": noisy,
        "rising": -noisy,
        "flat": np.ones(EPOCHS),
        "zero": 0.0 * falling,
        "lost": np.where(np.arange(EPOCHS) < 5, falling, math.nan),
    }
    return [float(x) for x in found[kind]]


PLATEAUS: list[dict[str, Any]] = [
    {},
    *(
        {"mode": mode, "threshold_mode": relative, "threshold": threshold, "patience": 2, "factor": 0.6}
        for mode, relative, threshold in itertools.product(["min", "max"], ["rel", "abs"], [0, 0.05, 0.3])
    ),
    *({"patience": p, "cooldown": c, "factor": 0.8} for p, c in itertools.product([0, 1, 4], [0, 1, 5])),
    {"patience": 0, "min_lr": 0.02},
    {"patience": 0, "min_lr": [0.05, 0.5]},
    {"patience": 0, "eps": 1e-3},
    {"patience": 0, "factor": 0.0},
    {"patience": 0, "factor": 0.5, "eps": 0.5},  # exactly the change of the second group
]


@pytest.mark.parametrize("kind", ["falling", "noisy", "rising", "flat", "zero", "lost"])
@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateau(options: dict[str, Any], kind: str) -> None:
    same(lambda lib: trace(build(lib, setup(lib, (0.1, 1.0)), "ReduceLROnPlateau", **options), metrics_of(kind)))


def test_plateau_with_tensors_and_new_groups() -> None:
    def run(lib: Any) -> Any:
        lr = lib.tensor(0.1)
        scheduler = build(lib, setup(lib, [lr]), "ReduceLROnPlateau", patience=0, factor=0.5)
        scheduler.step(lib.tensor(1.0))
        scheduler.optimizer.add_param_group({"params": [lib.nn.Parameter(lib.ones(1))], "lr": 1.0})
        scheduler.step(lib.tensor([2.0]))
        return lr, scheduler.state_dict(), scheduler.in_cooldown, scheduler.get_last_lr()

    assert same(run)[0] == pytest.approx(0.05)


# ----------------------------------------------------------------------------------------- errors and warnings


def added_group(lib: Any) -> None:
    scheduler = build(lib, setup(lib), "ReduceLROnPlateau", min_lr=[0.0], patience=0)
    scheduler.optimizer.add_param_group({"params": [lib.nn.Parameter(lib.ones(1))]})
    scheduler.step(1.0)
    scheduler.step(1.0)


ERRORS: dict[str, Any] = {
    "factor": lambda t: build(t, setup(t), "ReduceLROnPlateau", factor=1.0),
    "mode": lambda t: build(t, setup(t), "ReduceLROnPlateau", mode="least"),
    "threshold_mode": lambda t: build(t, setup(t), "ReduceLROnPlateau", threshold_mode="both"),
    "min_lr": lambda t: build(t, setup(t), "ReduceLROnPlateau", min_lr=[0.1, 0.1]),
    "unknown option": lambda t: build(t, setup(t), "StepLR", step_size=1, patience=2),
    "no optimizer": lambda t: build(t, [t.ones(1)], "StepLR", step_size=1),
    "no optimizer either": lambda t: build(t, None, "ReduceLROnPlateau"),
    "step_size 0": lambda t: build(t, setup(t), "StepLR", step_size=0).step(),
    "no metric": lambda t: build(t, setup(t), "ReduceLROnPlateau").step(),
    "metric of two": lambda t: build(t, setup(t), "ReduceLROnPlateau").step(t.ones(2)),
    "get_lr": lambda t: build(t, setup(t), "ReduceLROnPlateau").get_lr(),
    "resumed without initial_lr": lambda t: build(t, setup(t), "StepLR", step_size=1, last_epoch=3),
    "a group without min_lr": added_group,
    "too few functions": lambda t: build(t, setup(t), "LambdaLR", lr_lambda=[]),
    "no function": lambda t: build(t, setup(t), "LambdaLR", lr_lambda=0.5),
    "no function either": lambda t: build(t, setup(t), "MultiplicativeLR", lr_lambda=[0.5]),
    "no milestones": lambda t: build(t, setup(t), "MultiStepLR", milestones=3),
    "T_max 0": lambda t: build(t, setup(t), "CosineAnnealingLR", T_max=0).step(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    own_words = ("unknown option", "step_size 0", "no metric", "metric of two", "resumed", "a group", "get_lr",
                 "no function", "T_m", "linear")
    same_error(ERRORS[name], text=not name.startswith(own_words))


def test_after_the_failure_of_get_lr() -> None:
    """get_lr warns outside of step, also when a step went wrong before."""
    scheduler = build(mg, setup(mg), "ExponentialLR", gamma="slow")
    scheduler.optimizer.step()
    with pytest.raises(TypeError):
        scheduler.step()
    scheduler.gamma = 0.5
    with pytest.warns(UserWarning, match="get_last_lr"):
        assert scheduler.get_lr() == [0.05]


def warned(scenario: Any) -> list[str]:
    """How the warnings begin: as in torch. Ours point to the caller's line."""
    found = []
    for lib in (mg, torch):
        with pytest.warns(UserWarning) as caught:
            scenario(lib)
        assert lib is torch or {w.filename for w in caught} == {__file__}
        found.append([str(w.message)[:50] for w in caught])
    assert found[0] == found[1]
    return found[0]


def test_warning_for_the_wrong_order() -> None:
    def run(lib: Any) -> None:
        scheduler = build(lib, setup(lib), "ExponentialLR", gamma=0.9)
        scheduler.step()
        scheduler.optimizer.step()
        scheduler.step()
        build(lib, scheduler.optimizer, "ExponentialLR", gamma=0.9).step()  # the optimizer was called before

    assert warned(run) == ["Detected call of `lr_scheduler.step()` before `opt"]


def test_warning_for_an_overridden_step() -> None:
    def run(lib: Any) -> None:
        scheduler = build(lib, setup(lib), "ExponentialLR", gamma=0.9)
        scheduler.optimizer.step = lambda: None
        scheduler.step()

    assert warned(run) == ["Seems like `optimizer.step()` has been overridden "]


def test_warning_for_get_lr() -> None:
    seen = []

    def run(lib: Any) -> None:
        optimizer = setup(lib)
        optimizer.step()
        scheduler = build(lib, optimizer, "StepLR", step_size=2)
        seen.append(scheduler.get_lr())

    assert warned(run) == ["To get the last learning rate computed by the sche"]
    assert seen[0] == seen[1] == [0.1]


def test_steps_to_any_epoch() -> None:
    """Deprecated, with a warning: the closed form where a schedule has one."""
    seen = []

    def run(lib: Any) -> None:
        for case in ONE_GROUP:
            if "restarts" in case or "later" in case:
                continue  # no warning: there it is an official argument
            scheduler = build(lib, setup(lib, (0.1, 2.0)), **SCHEDULES[case])
            scheduler.optimizer.step()
            for epoch in (7, 3, 0):
                scheduler.step(epoch)
                seen.append(scheduler.state_dict())
        plateau = build(lib, setup(lib), "ReduceLROnPlateau")
        plateau.step(1.0, 5)
        seen.append(plateau.state_dict())

    assert set(warned(run)) == {"The epoch parameter in `scheduler.step()` was not "}
    half = len(seen) // 2
    assert seen[:half] == seen[half:]


def test_where_they_live() -> None:
    modules = same(
        lambda lib: [
            getattr(lib.optim.lr_scheduler, name).__module__.partition(".")[2]
            for name in mg.optim.lr_scheduler.__all__
        ]
    )
    assert set(modules) == {"optim.lr_scheduler"}


def test_get_lr_of_every_schedule() -> None:
    """It computes the next learning rates, with a warning, wherever it is called."""
    seen = []

    def run(lib: Any) -> None:
        for case in ONE_GROUP:
            scheduler = build(lib, setup(lib), **SCHEDULES[case])
            trace(scheduler)
            seen.append(scheduler.get_lr())

    assert len(warned(run)) == len(ONE_GROUP)
    assert seen[: len(ONE_GROUP)] == seen[len(ONE_GROUP) :]


def test_an_old_base_class() -> None:
    class Mine(mg.optim.lr_scheduler._LRScheduler):
        def get_lr(self) -> Any:
            return self.base_lrs

    assert Mine(setup(mg)).get_last_lr() == [0.1]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("case", STATEFUL)
def test_copies(case: str, copied: Any) -> None:
    metrics = metrics_of("noisy") if case == "plateau" else None
    scheduler = build(mg, setup(mg), **STATEFUL[case])
    trace(scheduler, metrics)
    twin = copied(scheduler)
    assert twin.optimizer is not scheduler.optimizer
    before = plain(scheduler.state_dict())
    once = trace(twin, metrics)
    assert plain(scheduler.state_dict()) == before
    assert trace(scheduler, metrics) == once

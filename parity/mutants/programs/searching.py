"""L-BFGS: how it goes downhill, and how it looks for the length of a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.mutants.programs.registry import drawn, error, program

Loss = Callable[[Any], Any]


def rosenbrock(w: Any) -> Any:
    return ((1 - w[:-1]) ** 2 + 100 * (w[1:] - w[:-1] ** 2) ** 2).sum()


def quartic(w: Any) -> Any:
    return ((w - 1.5) ** 4).sum() + (w[0] * w[1]) ** 2


def waves(w: Any) -> Any:
    return (w.sin() * w.cos()).sum() + 0.1 * (w * w).sum() + (3 * w).cos().sum()


def exponential(w: Any) -> Any:
    return (w.exp() + (-2 * w).exp()).sum()


def descended(torch: Any, loss: Loss, steps: int = 2, start: Any = None, **options: Any) -> list[Any]:
    """Where a closure was called and what it gave, and the weights and the state after each step."""
    w = torch.nn.Parameter(drawn(torch, 4, seed=1, grad=False) if start is None else start)
    optimizer, found = torch.optim.LBFGS([w], **options), []

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(w)
        value.backward()
        found.append([w.detach().clone(), value.item(), torch.is_grad_enabled()])
        return value

    for _ in range(steps):
        with torch.no_grad():
            first = optimizer.step(closure)
        state = optimizer.state_dict()["state"][0]
        found.append([first.item(), w.detach().clone(), state["func_evals"], state["n_iter"],
                      float(state.get("t", 0)), state.get("H_diag"), *[list(state.get(name, [])) for name in (
                          "old_dirs", "old_stps", "ro")]])
    return found


WAYS: list[dict[str, Any]] = [
    {"max_iter": 5}, {"lr": 0.01, "max_iter": 4}, {"lr": 0.1, "history_size": 2, "max_iter": 6}, {"max_iter": 1},
    {"max_eval": 3, "max_iter": 9}, {"tolerance_change": 0.01, "lr": 0.05}, {"tolerance_grad": 2.0, "lr": 0.05}]
SEARCHES: list[dict[str, Any]] = [
    {"max_iter": 4}, {"lr": 0.3, "max_iter": 4}, {"max_eval": 5, "history_size": 2}, {"lr": 30.0, "max_iter": 3},
    {"lr": 1e-3, "max_iter": 2}, {"tolerance_grad": 0.5, "max_iter": 6}, {"tolerance_change": 0.05, "max_iter": 6}]


@program
def lbfgs_of_waves(torch: Any) -> Any:
    return [descended(torch, waves, **way) for way in WAYS]


@program
def lbfgs_that_searches(torch: Any) -> Any:
    return [descended(torch, quartic, line_search_fn="strong_wolfe", **way) for way in SEARCHES]


@program
def lbfgs_that_searches_in_waves(torch: Any) -> Any:
    return [descended(torch, waves, line_search_fn="strong_wolfe", **way) for way in SEARCHES]


@program
def lbfgs_that_searches_a_valley(torch: Any) -> Any:
    return [descended(torch, rosenbrock, line_search_fn="strong_wolfe", **way) for way in SEARCHES]


@program
def lbfgs_that_searches_exponentials(torch: Any) -> Any:
    return [descended(torch, exponential, line_search_fn="strong_wolfe", **way) for way in SEARCHES]


@program
def lbfgs_of_several_parameters(torch: Any) -> Any:
    """One has no gradient; the rest form one vector. A slope of nan, or one that leads uphill, ends the step."""
    found = []
    for search in (None, "strong_wolfe"):
        ws = [torch.nn.Parameter(drawn(torch, *shape, grad=False)) for shape in ((2, 3), (2,), (3,))]
        optimizer = torch.optim.LBFGS(ws, lr=0.2, max_iter=3, line_search_fn=search)
        for scale in (1.0, -1.0, float("nan")):
            def closure(scale: float = scale, ws: list[Any] = ws, optimizer: Any = optimizer) -> Any:
                optimizer.zero_grad()
                loss = ((ws[0] @ ws[2]).sin() + ws[0].sum(1) ** 2).sum() * scale
                loss.backward()
                return loss

            found += [optimizer.step(closure), *[w.detach().clone() for w in ws]]
    return found


@program
def lbfgs_by_its_defaults(torch: Any) -> Any:
    w = torch.nn.Parameter(torch.ones(2))
    make = torch.optim.LBFGS
    return [make([w]).defaults, make([w], 0.5, 7).defaults, make([w], max_iter=5, max_eval=3).defaults, *[
        error(call) for call in (
            lambda: make([w], -1.0), lambda: make([w], torch.ones(2)), lambda: make([w]).step(),
            lambda: make([{"params": [w]}, {"params": [torch.nn.Parameter(torch.ones(1))]}]),
            lambda: descended(torch, quartic, line_search_fn="armijo"))]]


# ---- a closure that says what it is told to, so that every branch is taken, and ties are met ----
def told(torch: Any, say: Callable[[int, float], tuple[float, float]], **options: Any) -> list[Any]:
    """Where the closure was called: with one weight, and `say(call, weight)` for the loss and its derivative."""
    w, seen = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)), []
    optimizer = torch.optim.LBFGS([w], **options)

    def closure() -> Any:
        loss, slope = say(len(seen), w.item())
        seen.append(w.item())
        w.grad = torch.tensor([slope], dtype=torch.float64)
        return torch.tensor(loss, dtype=torch.float64)

    try:
        optimizer.step(closure)
    except Exception as found:
        return [type(found).__name__, *seen]
    return [w.item(), optimizer.state[w]["n_iter"], float(optimizer.state[w].get("t", 0)), *seen]


@program
def lbfgs_at_its_tolerances(torch: Any) -> Any:
    found = []
    for first in (-0.5, -1.0, -2.0, 1.0):
        for lr in (0.5, 1.0, 5e-11, 7.5e-11, 1.5e-10):
            for change in (0.0, 0.25, 0.5, 1.0):
                for gradient in (0.0, 0.5):
                    found.append(told(torch, lambda call, w, first=first: (
                        2.0 - call / 2, first if call == 0 else 0.75 + call / 4), lr=lr, max_iter=4,
                        tolerance_change=change, tolerance_grad=gradient))
    return found


def searched(torch: Any, seeds: range, levels: list[float], lrs: tuple[float, ...] = (1.0, 0.25, 4.0),
             most: int = 14) -> list[Any]:
    """Searches among losses and slopes at random, many of them at a bound: the first slope is -4 along the line."""
    found = []
    for seed in seeds:
        random = np.random.default_rng(seed)

        def say(call: int, w: float, random: Any = random) -> tuple[float, float]:
            if call == 0:
                return 1.0, -2.0
            low_enough = 1e-4 * (w / 2) * -4.0  # what a ten-thousandth of the first slope promises
            level = random.choice([*levels, *[times * low_enough for times in (0.5, 1.0, 1.5, 2.5)]])
            return float(1.0 + level), float(-2.0 * random.choice([1, 0.9, 0.95, 1.5, 0, -0.95, -0.9, -1, -2, 3]))

        found.append(told(torch, say, line_search_fn="strong_wolfe", lr=float(random.choice(lrs)),
                          tolerance_change=float(random.choice([1e-9, 0.02, 1.0])), max_iter=1,
                          max_eval=int(random.integers(1, most))))
    return found


@program
def searches_in_a_bracket_that_is_short(torch: Any) -> Any:
    return searched(torch, range(300, 330), [0.5, 1.0, 0.0], (1e-9, 1.5e-9, 5e-10, 4e-9))


@program
def a_minimum_at_a_tenth_of_the_bracket(torch: Any) -> Any:
    """To the last digit: it is not near an end, so the next one, which is, may stay where it is."""
    points = [(1.0, -2.0), (60.25925925925913, 2.0), (50.0, 2.0), (0.5, 0.0)]
    return told(torch, lambda call, w: points[min(call, 3)], line_search_fn="strong_wolfe", lr=20.0, max_iter=1,
                max_eval=25)


@program
def searches_among_few_losses(torch: Any) -> Any:
    return searched(torch, range(60), [-1.0, 0.0], most=5)


@program
def searches_among_many_losses(torch: Any) -> Any:
    return searched(torch, range(100, 200), [-3.0, -2.0, -1.0, -0.5, 0.5])


@program
def searches_that_are_told_to_go_down(torch: Any) -> Any:
    return searched(torch, range(200, 300), [-3.0, -2.5, -2.0, -1.5, -1.0, -0.5, -0.25, -0.1])

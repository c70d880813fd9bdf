"""LBFGS against torch: the same closures give the same weights, losses, states and errors."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same, same_error
from test_conv import tensor

import minigrad as mg
from parity.mutants.programs.searching import exponential, quartic, rosenbrock, waves

LOSSES = {f.__name__: f for f in (rosenbrock, quartic, waves, exponential)}
OPTIONS: list[dict[str, Any]] = [
    {}, {"lr": 0.01}, {"lr": 0.1, "history_size": 3}, {"max_iter": 4}, {"max_eval": 7},
    {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "lr": 0.3, "max_iter": 7},
    {"line_search_fn": "strong_wolfe", "max_eval": 9, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "lr": 30.0, "max_iter": 3},
    {"line_search_fn": "strong_wolfe", "tolerance_grad": 0.5}, {"tolerance_change": 0.01, "lr": 0.05}]


def minimise(lib: Any, loss: Any, options: dict[str, Any], steps: int, dtype: str = "float64") -> dict[str, Any]:
    """All losses that the closure gave, the weights after each step, and the state."""
    w = lib.nn.Parameter(tensor(lib, 4, seed=1, dtype=dtype))
    optimizer, losses, weights = lib.optim.LBFGS([w], **options), [], []

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(w)
        value.backward()
        losses.append(value.item())
        return value

    for _ in range(steps):
        losses.append(optimizer.step(closure).item())
        weights.append(w.detach().clone())
    return {"losses": losses, "weights": weights, "state": optimizer.state_dict()["state"][0], "optimizer": optimizer}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_evaluation(loss: str, options: dict[str, Any]) -> None:
    ours, theirs = [minimise(lib, LOSSES[loss], options, 3) for lib in (mg, torch)]
    assert len(ours["losses"]) == len(theirs["losses"])  # the closure was called as often
    np.testing.assert_allclose(ours["losses"], theirs["losses"], 1e-6, 1e-9)
    for a, b in zip(ours["weights"], theirs["weights"], strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-6, 1e-7)
    for name in ("func_evals", "n_iter"):
        assert ours["state"][name] == theirs["state"][name]
    assert set(ours["state"]) == set(theirs["state"]) - {"al"}  # torch's scratch paper
    assert len(ours["state"].get("ro", [])) == len(theirs["state"].get("ro", []))


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_twenty_steps_of_training_in_float32(search: str | None) -> None:
    def run(lib: Any) -> list[float]:
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(2, 8), lib.nn.Tanh(), lib.nn.Linear(8, 1))
        x = tensor(lib, 30, 2, dtype="float32")
        y, losses = (x[:, :1] * x[:, 1:]).sin(), []
        optimizer = lib.optim.LBFGS(model.parameters(), lr=0.05 if search is None else 1, max_iter=3,
                                    line_search_fn=search)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = lib.nn.functional.mse_loss(model(x), y)
            loss.backward()
            return loss

        for _ in range(20):
            losses.append(optimizer.step(closure).item())
        return losses

    ours, theirs = run(mg), run(torch)
    np.testing.assert_allclose(ours, theirs, 1e-3)
    assert ours[-1] < 0.5 * ours[0]


def test_it_finds_the_minimum() -> None:
    found = minimise(mg, rosenbrock, {"line_search_fn": "strong_wolfe"}, 10)["weights"][-1]
    np.testing.assert_allclose(found.numpy(), np.ones(4), atol=1e-4)


def test_parameters_without_a_gradient_stay() -> None:
    def run(lib: Any) -> Any:
        w, unused = lib.nn.Parameter(lib.ones(2)), lib.nn.Parameter(lib.ones(3, 1))
        optimizer = lib.optim.LBFGS([w, unused])

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss

        first = optimizer.step(closure)
        return [repr(optimizer), first.item(), w, unused, optimizer.step(closure).item()]

    same(run)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_states_go_both_ways(search: str | None) -> None:
    options = {"lr": 0.1 if search is None else 1, "max_iter": 3, "line_search_fn": search}

    def resumed(lib: Any, state: Any, weights: Any) -> Any:
        w = lib.nn.Parameter(lib.tensor(weights))
        optimizer = lib.optim.LBFGS([w], **options)
        optimizer.load_state_dict(state)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = quartic(w)
            loss.backward()
            return loss

        optimizer.step(closure)
        return w.detach().numpy()

    def translated(value: Any, lib: Any) -> Any:
        if isinstance(value, (mg.Tensor, torch.Tensor)):
            return lib.tensor(value.numpy())
        if isinstance(value, dict):
            return {k: translated(v, lib) for k, v in value.items()}
        return [translated(v, lib) for v in value] if isinstance(value, list) else copy.copy(value)

    results = []
    for source in (mg, torch):
        run = minimise(source, quartic, options, 2)
        for target in (mg, torch):
            state = translated(run["optimizer"].state_dict(), target)
            results.append(resumed(target, state, run["weights"][-1].numpy()))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], 1e-7)


@pytest.mark.parametrize("call", [
    lambda lib, w: lib.optim.LBFGS([w], lr=-1.0),
    lambda lib, w: lib.optim.LBFGS([w], lr=lib.ones(2)),
    lambda lib, w: lib.optim.LBFGS([{"params": [w]}, {"params": [lib.nn.Parameter(lib.ones(1))]}]),
    lambda lib, w: lib.optim.LBFGS([w]).step(),
    lambda lib, w: lib.optim.LBFGS([w], line_search_fn="armijo").step(lambda: backward(w)),
])
def test_errors(call: Any) -> None:
    same_error(lambda lib: call(lib, lib.nn.Parameter(lib.ones(2))), text=False)


def backward(w: Any) -> Any:
    loss = (w * w).sum()
    loss.backward()
    return loss


def test_hooks_and_schedules_see_its_steps() -> None:
    def run(lib: Any) -> Any:
        w, seen = lib.nn.Parameter(lib.ones(2)), []
        optimizer = lib.optim.LBFGS([w], lr=0.1, max_iter=2)
        optimizer.register_step_post_hook(lambda *args: seen.append("stepped"))
        scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)

        def closure() -> Any:
            optimizer.zero_grad()
            return backward(w)

        for _ in range(2):
            optimizer.step(closure)
            scheduler.step()
        return [seen, scheduler.get_last_lr()]

    same(run)

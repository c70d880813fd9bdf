"""Hooks, and the op that leads from one device to another."""

from __future__ import annotations

import sys
from typing import Any

from parity.mutants.programs.registry import drawn, error, program


@program
def hooks_and_their_order(torch: Any) -> Any:
    x, seen = drawn(torch, 3), []
    y = x * x
    y.register_hook(lambda g: g * 3)
    y.retain_grad()
    handle = x.register_hook(lambda g: seen.append(g.clone()))
    x.register_hook(lambda g: g + 1)
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.clone()))
    (y * 2).sum().backward(retain_graph=True)
    handle.remove()
    (y * 5).sum().backward()
    return seen, x.grad, y.grad


@program
def hooks_of_roots_that_lead_to_no_input(torch: Any) -> Any:
    """A single root's hooks run wherever it leads; of several roots only those that lead to an input."""
    seen = []

    def graph() -> tuple[Any, Any, Any]:
        x, other = drawn(torch, 3), drawn(torch, 3, seed=1)
        out, away = x * x, other * 2
        out.register_hook(lambda g: seen.append(g.clone()))
        away.register_hook(lambda g: seen.append(g.clone()))
        out.retain_grad()
        away.retain_grad()
        return x, out, away

    grad, g = torch.autograd.grad, drawn(torch, 3, seed=2, grad=False)
    found = []
    for roots in ("away", "out", "both", "both, turned round"):
        x, out, away = graph()
        given = {"away": [away], "out": [out], "both": [out, away], "both, turned round": [away, out]}[roots]
        found += [*grad(given, [x], [g] * len(given), allow_unused=True), out.grad, away.grad, len(seen)]
    return found, seen


@program
def a_move_between_devices(torch: Any) -> Any:
    """minigrad's op for it, from the CPU to the CPU, where torch has none: for torch a clone."""
    def moved(x: Any) -> Any:
        if torch.__name__ == "torch":
            return x.clone()
        engine, ops, device = [sys.modules[f"minigrad.{name}"] for name in ("engine", "ops", "device")]
        return engine.apply(ops.move, (x, device.CPU, device.CPU))

    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    (first,) = torch.autograd.grad(moved(x * y) * y, x, drawn(torch, 3, seed=2, grad=False), create_graph=True)
    return first, torch.autograd.grad(moved(first * x).sum(), [x, y])


@program
def a_rule_for_no_input(torch: Any) -> Any:
    """An op whose rule names what is no input is refused when it is made: it would never get its gradient."""
    def made(*, rule: str) -> None:
        if torch.__name__ == "torch":  # which has no table: what minigrad is to say
            assert rule != "y", TypeError("no input")
        else:
            try:
                sys.modules["minigrad.engine"].Op("twice", lambda x, /: 2 * x, **{rule: lambda g: 2 * g})
            except TypeError as refused:
                raise AssertionError from refused

    return error(lambda: made(rule="x")), error(lambda: made(rule="y"))

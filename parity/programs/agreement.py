"""Whether a program came to the same on both libraries.

Exceptions must have the same type; shapes, dtypes, flags and integers must be equal; floating-point numbers must be as
near as rounding explains. How near that is, torch says: the program runs on it again a few times, with a rounding
error added to every number that a statement computes (a tie that rounding breaks may then break the other way, and an
ill-conditioned program is known by the spread of its results). Numbers of few binary digits are exact and stay so: a
tie of such numbers is a tie for every engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

import minigrad
from parity.programs import lenient
from parity.programs.machine import Machine, Outcome, Program, Seen, is_tensor, run

# Of the number itself, and of the largest number in the program (sums that cancel).
RELATIVE = {"float64": 1e-9, "float32": 2e-5, "float16": 1e-2}
OF_LARGEST = {"float64": 1e-13, "float32": 1e-6, "float16": 5e-3}
REPEATS = 6  # how often torch is run again with errors added
SPREAD = 20.0  # ours may be this many times as far from torch's as torch's is from itself with errors added


@dataclass(frozen=True)
class Judged:
    """What a program came to: a difference, or None; and what it was that let a difference pass, if something did."""

    difference: str | None = None
    excuse: str | None = None


def difference(program: Program) -> str | None:
    """The first difference, in a line; None if both agree."""
    return judge(program).difference


def judge(program: Program) -> Judged:
    theirs = run(torch, program)
    if "NameError" in theirs.errors:  # no program that was written whole: one that is being shrunk
        return Judged()
    ours, rerun, excuse = run(minigrad, program), partial(run, torch), "rounding"
    if "NameError" in ours.errors:
        return Judged()
    found = compare(program, ours, theirs)
    if found is None:
        return Judged()
    if lenient.is_cautious(ours, theirs):
        return Judged(excuse="minigrad refuses")
    if lenient.may_explain(ours, theirs):
        excuse, rerun = "torch refuses", lenient.run
        program = lenient.without_refusals(program, ours)
        ours, theirs = run(minigrad, program), rerun(program)
        found = compare(program, ours, theirs)
        if found is None or lenient.may_explain(ours, theirs):  # refused by any torch
            return Judged(excuse=excuse)
    noisy = [rerun(program, Noise(seed)) for seed in range(REPEATS)]
    if any(noise.errors != theirs.errors for noise in noisy):  # which way it goes hangs on rounding
        return Judged(excuse="rounding")
    found = compare(program, ours, theirs, spreads(theirs, noisy))
    return Judged(found) if found else Judged(excuse=excuse)


def compare(program: Program, ours: Outcome, theirs: Outcome, spread: dict[str, Any] | None = None) -> str | None:
    for i, (mine, other) in enumerate(zip(ours.errors, theirs.errors, strict=True)):
        if mine != other:
            return (f"statement {i + 1}: {mine or 'no error'} ({ours.said[i][:150]}) where torch has "
                    f"{other or 'no error'} ({theirs.said[i][:150]})")
    largest = {d: largest_number(theirs, d) for d in RELATIVE}
    tainted = lenient.tainted(program)
    torn = any(error and asks_for_gradients(s) for s, error in zip(program.statements, theirs.errors, strict=True))
    for name in {**theirs.variables, **ours.variables}:
        mine_, other_ = ours.variables.get(name), theirs.variables.get(name)
        if name.endswith(".grad") and torn:
            continue  # a backward that fails on the way has brought what it had come to: the order is free
        if other_ is not None and isinstance(other_.value, Exception):
            continue
        if other_ is None and mine_ is not None and is_zero_gradient(name, mine_):
            continue
        if mine_ is None or other_ is None:
            return f"{name} is missing where torch has it" if mine_ is None else f"{name} is there where torch has none"
        found = difference_in(mine_, other_, largest, (spread or {}).get(name, 0),
                              name in tainted or name.endswith(".grad"))
        if found:
            return f"{name} {found}"
    return None


def asks_for_gradients(statement: str) -> bool:
    return "backward(" in statement or "autograd.grad(" in statement


def is_zero_gradient(name: str, seen: Seen) -> bool:
    """Gradients that are 0 whatever the inputs: torch may leave them out, and which it does is its own affair."""
    return name.endswith(".grad") and not np.any(seen.value)


def difference_in(ours: Seen, theirs: Seen, largest: dict[str, float], spread: Any, free: bool) -> str | None:
    """`free`: whether it has a graph of its own does not count."""
    if not isinstance(theirs.value, np.ndarray) or not isinstance(ours.value, np.ndarray):
        same = type(ours.value) is type(theirs.value) and ours.value == theirs.value
        return None if same else f"is {ours.value!r} where torch has {theirs.value!r}"
    for (word, mine), (_, other) in zip(ours.facts, theirs.facts, strict=True):
        if mine != other and not (free and word in ("requires_grad", "is_leaf")):
            return f"has {word} {mine} where torch has {other}"
    right = close(ours.value, theirs.value, largest, spread)
    if right.all():
        return None
    place = tuple(int(i) for i in np.argwhere(~right)[0])
    return (f"is {ours.value[place]}{f' at {list(place)}' if place else ''} where torch has {theirs.value[place]} "
            f"({int((~right).sum())} of {right.size} differ)")


def close(ours: Any, theirs: Any, largest: dict[str, float], spread: Any) -> Any:
    if theirs.dtype.kind != "f":
        return np.asarray(ours == theirs)
    there = [d for d in RELATIVE if largest[d]]  # float32 may have gone into float64
    relative, absolute = max(RELATIVE[d] for d in there), max(OF_LARGEST[d] * largest[d] for d in there)
    with np.errstate(all="ignore"):
        allowed = relative * np.abs(theirs.astype(float)) + absolute + SPREAD * spread
        near = np.abs(ours.astype(float) - theirs.astype(float)) <= allowed
    return near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs)) | np.isnan(spread)


def largest_number(outcome: Outcome, dtype: str) -> float:
    """The largest finite magnitude among the tensors of a dtype; 0 where there are none. (A step's number is exact.)"""
    arrays = [seen.value for name, seen in outcome.variables.items() if isinstance(seen.value, np.ndarray)
              and seen.value.dtype.name == dtype and not name.endswith("['step']")]
    return max((float(np.abs(a[np.isfinite(a)]).max(initial=1)) for a in arrays), default=0.0)


class Noise:
    """Adds a rounding error to each number that a statement computed, in place and behind autograd's back."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.done: set[str] = set()

    def __call__(self, machine: Machine) -> None:
        for name, value in machine.variables():
            if name in self.done:
                continue
            self.done.add(name)
            for parameter in value.parameters() if isinstance(value, torch.nn.Module) else ():
                self.disturb(parameter)
            if is_tensor(value) and value.is_floating_point() and not value._is_view() and value.numel():
                self.disturb(value)

    def disturb(self, value: torch.Tensor) -> None:
        x = value.data
        inexact = (x.double() * 2**10) % 1 != 0
        error = torch.empty(x.shape).uniform_(-2, 2, generator=self.generator) * torch.finfo(x.dtype).eps
        x.copy_(torch.where(inexact, (x.double() * (1 + error.double())).to(x.dtype), x))


def spreads(theirs: Outcome, noisy: list[Outcome]) -> dict[str, Any]:
    """For each number how far torch with errors added is from torch, at most."""
    found = {}
    with np.errstate(all="ignore"):
        for name, seen in theirs.variables.items():
            if not isinstance(seen.value, np.ndarray) or seen.value.dtype.kind != "f":
                continue
            away = [np.abs(n.variables[name].value.astype(float) - seen.value) for n in noisy
                    if name in n.variables and np.shape(n.variables[name].value) == seen.value.shape]
            same = [(n == 0) | (np.isnan(n) & ~np.isfinite(seen.value)) for n in away]
            found[name] = np.max([np.where(e, 0, a) for a, e in zip(away, same, strict=True)], axis=0, initial=0)
    return found

"""Whether a program came to the same on both libraries.

Exceptions must have the same type; shapes, dtypes, flags and integers must be equal; floating-point numbers must be as
near as rounding explains. How near that is, torch says: the program runs on it again a few times, with a rounding
error added to every number (`noise`): a tie that rounding breaks may then break the other way, and an ill-conditioned
program is known by the spread of its results. Numbers of few binary digits are exact and stay so: a tie of such
numbers is a tie for every engine. A training loop that differs is judged step by step (`stepwise`), and in float64.

The numbers are in `parity.tolerances`; what is let pass, and why, is in `excuses`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from parity.conformance import devices
from parity.programs import excuses
from parity.programs.machine import Outcome, Program, Seen, run
from parity.programs.noise import Noise, spreads
from parity.programs.stepwise import Meetings, is_training, run_with
from parity.tolerances import PROGRAM_OF_LARGEST, PROGRAM_RELATIVE, PROGRAM_RERUNS, PROGRAM_SPREAD


@dataclass(frozen=True)
class Judged:
    """What a program came to: a difference, or None; and the names of the excuses that were used."""

    difference: str | None = None
    excuses: tuple[str, ...] = ()


def difference(program: Program) -> str | None:
    """The first difference, in a line; None if both agree."""
    return judge(program).difference


def judge(program: Program) -> Judged:
    """Run a program on both, and compare; then leave out what is excused, and compare the rest."""
    used: set[str] = set()
    on_torch = partial(run, torch)
    while True:
        ours, theirs = run(devices.ours(), program), on_torch(program)
        if "NameError" in (*ours.errors, *theirs.errors):  # no program that was written whole: one being shrunk
            return Judged()
        found = compare(program, ours, theirs, used)
        if found is None:
            return Judged(None, tuple(sorted(used)))
        excused = excuses.refusal(program, ours, theirs)
        if excused is None:
            break
        at, refusal = excused
        used.add(refusal.name)
        if refusal.is_a_check and on_torch is not excuses.run_unchecked:
            program, on_torch = excuses.without_refused(program, ours), excuses.run_unchecked
        else:
            program = excuses.without(program, at)
    if is_training(program):
        excuse = excuses.STEP_BY_STEP
        found = difference_of_a_step(program, used) or difference_in_float64(program, theirs)
    else:
        runs = [theirs, *[on_torch(program, Noise(seed)) for seed in range(PROGRAM_RERUNS)]]
        like = next((one for one in runs if one.errors == ours.errors), None)  # it takes the branches that we take
        excuse = excuses.ROUNDING if like is theirs else excuses.BRANCHES
        found = compare(program, ours, like, used, spreads(like, runs)) if like else found
    return Judged(found, (*sorted(used), *(() if found else [excuse])))


def difference_of_a_step(program: Program, used: set[str]) -> str | None:
    """The first difference of a training loop that goes on with torch's numbers after each step."""
    leader = Meetings()
    theirs = run_with(leader, torch, program)
    ours = run_with(Meetings(leader), devices.ours(), program)
    noisy = [run_with(Meetings(leader), torch, program, Noise(seed)) for seed in range(PROGRAM_RERUNS)]
    return compare(program, ours, theirs, used, spreads(theirs, noisy))


def difference_in_float64(program: Program, theirs: Outcome) -> str | None:
    """The first difference where a float32 loop runs in float64: what is wrong there can not hide behind rounding."""
    exact = excuses.in_float64(program)
    if exact == program:
        return None
    return difference(exact) if run(torch, exact).errors == theirs.errors else "it is another program in float64"


def compare(program: Program, ours: Outcome, theirs: Outcome, used: set[str],
            spread: dict[str, Any] | None = None) -> str | None:
    """The first difference. The excuses that others have are added to `used`."""
    for i, (mine, other) in enumerate(zip(ours.errors, theirs.errors, strict=True)):
        if mine != other:
            return (f"statement {i + 1}: {mine or 'no error'} ({ours.said[i][:150]}) where torch has "
                    f"{other or 'no error'} ({theirs.said[i][:150]})")
    largest = {d: largest_number(theirs, d) for d in PROGRAM_RELATIVE}
    gradients = excuses.with_history(program)
    torn = any(error and asks_for_gradients(s) for s, error in zip(program.statements, theirs.errors, strict=True))
    for name in {**theirs.variables, **ours.variables}:
        free = name in gradients or name.endswith(".grad")
        for text, excuse in differences(ours.variables.get(name), theirs.variables.get(name), largest,
                                        (spread or {}).get(name, 0), torn and name.endswith(".grad"), free):
            if excuse is None:
                return f"{name} {text}"
            used.add(excuse)
    return None


def asks_for_gradients(statement: str) -> bool:
    return "backward(" in statement or "autograd.grad(" in statement


def differences(ours: Seen | None, theirs: Seen | None, largest: dict[str, float], spread: Any, torn: bool,
                free: bool) -> Iterator[tuple[str, str | None]]:
    """What differs in one variable, each difference with its excuse or None.

    `torn`: it is the gradient of a program in which a backward failed. `free`: whether it has a graph does not count.
    """
    if theirs is not None and isinstance(theirs.value, Exception):
        yield "cannot be read in torch", excuses.UNREADABLE
    elif ours is None:
        yield "is missing where torch has it", excuses.TORN if torn else None
    elif theirs is None or (theirs.value is None and isinstance(ours.value, np.ndarray)):
        yield "is there where torch has none", excuses.TORN if torn else None
    elif isinstance(theirs.value, np.ndarray) and isinstance(ours.value, np.ndarray):
        for (word, mine), (_, other) in zip(ours.facts, theirs.facts, strict=True):
            if mine != other:
                history = free and word in ("requires_grad", "is_leaf")
                yield f"has {word} {mine} where torch has {other}", excuses.HISTORY if history else None
        right = close(ours.value, theirs.value, largest, spread)
        if not right.all():
            yield first_wrong(ours.value, theirs.value, right), excuses.TORN if torn else None
    elif type(ours.value) is not type(theirs.value) or ours.value != theirs.value:
        yield f"is {ours.value!r} where torch has {theirs.value!r}", None


def first_wrong(ours: Any, theirs: Any, right: Any) -> str:
    place = tuple(int(i) for i in np.argwhere(~right)[0])
    return (f"is {ours[place]}{f' at {list(place)}' if place else ''} where torch has {theirs[place]} "
            f"({int((~right).sum())} of {right.size} differ)")


def close(ours: Any, theirs: Any, largest: dict[str, float], spread: Any) -> Any:
    if theirs.dtype.kind != "f":
        return np.asarray(ours == theirs)
    there = [d for d in PROGRAM_RELATIVE if largest[d]]  # float32 may have gone into float64
    relative, absolute = max(PROGRAM_RELATIVE[d] for d in there), max(PROGRAM_OF_LARGEST[d] * largest[d] for d in there)
    with np.errstate(all="ignore"):
        allowed = relative * np.abs(theirs.astype(float)) + absolute + PROGRAM_SPREAD * spread
        near = np.abs(ours.astype(float) - theirs.astype(float)) <= allowed
    return near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs)) | np.isnan(spread)


def largest_number(outcome: Outcome, dtype: str) -> float:
    """The largest finite magnitude among the tensors of a dtype; 0 where there are none. (A step's number is exact.)"""
    arrays = [seen.value for name, seen in outcome.variables.items() if isinstance(seen.value, np.ndarray)
              and seen.value.dtype.name == dtype and not name.endswith("['step']")]
    return max((float(np.abs(a[np.isfinite(a)]).max(initial=1)) for a in arrays), default=0.0)

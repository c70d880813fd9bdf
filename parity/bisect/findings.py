"""What the process that runs the script is told to do, and what it reports. Needs no torch: the parent reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from parity.bisect.judging import Excess

FIRST, EVERY = 100, 100  # every operation is looked at in the first so many steps, then in each so manieth


@dataclass(frozen=True)
class Order:
    """What is to be judged, and how much of the run."""

    engines: tuple[str, ...]
    first: int = FIRST
    every: int = EVERY
    around: int | None = None
    last: int | None = None
    mutant: int | None = None  # which change of minigrad is to be found (`proof`)
    stop: bool = False  # at the first finding


@dataclass(frozen=True)
class Summary:
    """At the end: how every operation went, and what could not be compared."""

    steps: int
    counts: dict[tuple[str, str], Count]
    passed_over: dict[str, int]


@dataclass(frozen=True)
class Place:
    """Where in the run, and where in the script."""

    step: int
    module: str = ""  # "Net.layers.2 (Linear)"; empty outside of any module's forward
    where: str = ""  # "train.py:12"
    source: str = ""  # what stands there


@dataclass(frozen=True)
class Finding:
    """An engine errs at an operation for the first time."""

    engine: str
    place: Place
    stage: str  # "forward", "backward" or "update"
    operation: str
    what: str  # "the result", "the gradient of argument 1"
    shape: tuple[int, ...] = ()
    values: dict[str, float] = field(default_factory=dict)  # the worst entry, on every side
    excess: Excess | None = None
    message: str = ""  # where there is no number to compare: an exception, another shape
    rules: tuple[str, ...] = ()  # of minigrad's table, that are wrong
    entries: tuple[str, ...] = ()  # of minigrad's table, that take part


@dataclass
class Count:
    """How one operation went in one pass."""

    calls: int = 0
    wrong: Counter[str] = field(default_factory=Counter)  # calls in which an engine erred
    ulps: dict[str, float] = field(default_factory=dict)  # each engine's largest error, in ulps of the largest entry


@dataclass(frozen=True)
class Use:
    """One use of a rule while a script trains on minigrad (`oracle`)."""

    entry: str
    rule: str  # the input that it is for
    step: int
    args: tuple[Any, ...]  # g, and what the rule asks for
    result: Any

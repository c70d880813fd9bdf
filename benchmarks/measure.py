"""How a case is measured: results are compared first, then the engines take turns at the clock.

pyperf holds the values, computes the statistics and writes the JSON, which `python -m pyperf stats` and `compare_to`
read. Its Runner is not used: it finishes one benchmark before it begins the next, so that two engines would meet
different moments of the machine, and it has no place for comparing what two processes computed before it times them.
"""

from __future__ import annotations

import math
import os
from collections import deque
from typing import Any, NamedTuple

import pyperf

from benchmarks.cases import TORCH_LIKE, Case, Group
from benchmarks.engines import installed
from benchmarks.process import Process

FEWEST = 3  # rounds, however long a step takes
LONG = 0.2  # seconds: who takes longer than this for a graph is not given one ten times as long


class Settings(NamedTuple):
    """What the command line said."""

    engines: list[str] | None
    device: str
    threads: int
    keep_blas: bool
    rounds: int | None
    quick: bool


class Found(NamedTuple):
    """An engine's figures for a case, or a note that says why it has none."""

    benchmark: Any  # pyperf.Benchmark | None
    note: str = ""
    wrong: bool = False  # another result than the rest: an error

    @property
    def median(self) -> float:
        return float(self.benchmark.median()) if self.benchmark else math.nan

    @property
    def spread(self) -> float:
        """The median distance from the median."""
        return float(self.benchmark.median_abs_dev()) if self.benchmark else math.nan


Row = dict[str, Found]


class Field:
    """The engines' processes, started when they are needed first."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processes: dict[tuple[str, int], Process] = {}

    def process(self, engine: str, threads: int | None = None) -> Process:
        """The process of an engine; a new one if the old one has ended."""
        key = engine, threads or self.settings.threads
        if key not in self.processes or not self.processes[key].running:
            self.processes[key] = self.fresh(*key)
        return self.processes[key]

    def fresh(self, engine: str, threads: int | None = None) -> Process:
        """A process that nothing was done in yet, for its asker to stop."""
        given = self.settings
        return Process(engine, threads or given.threads, given.device, given.keep_blas)

    def taking_part(self, engines: tuple[str, ...]) -> tuple[list[str], Row]:
        """Those of the engines that were asked for and are installed, and a note for each that is not."""
        asked = [engine for engine in engines if self.settings.engines is None or engine in self.settings.engines]
        there = [engine for engine in asked if installed(engine)]
        return there, {engine: Found(None, "not installed") for engine in asked if engine not in there}

    def stop(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            process.stop()
        self.processes.clear()


def measure(case: Case, group: Group, field: Field, tired: set[str]) -> Row:
    """The figures of every engine of the group. `tired` engines were too slow for a shorter graph, and sit out."""
    there, row = field.taking_part(group.engines)
    if case.threads and case.threads > (most := cores()):
        return row | {engine: Found(None, f"not run: {most} core") for engine in there}
    row |= {engine: Found(None, "not run: too slow for it") for engine in there if engine in tired}
    racing = [engine for engine in there if engine not in tired]
    wrong_or_absent = check(case, {engine: field.process(engine, case.threads) for engine in racing})
    row |= wrong_or_absent
    racing = [engine for engine in racing if engine not in wrong_or_absent]
    turns = {engine: Turns(field.process(engine, case.threads), case, group.turn) for engine in racing}
    rounds = FEWEST if field.settings.quick else field.settings.rounds or group.rounds
    order = deque(racing)
    for i in range(rounds):
        for engine in order:
            if i < turns[engine].most_rounds:
                turns[engine].take()
        order.rotate(1)  # nobody always comes after the same one
    return row | {engine: turn.found(f"{group.title}/{case.name}/{engine}") for engine, turn in turns.items()}


def check(case: Case, processes: dict[str, Process]) -> Row:
    """Before anything is timed: the engines that are absent, that fail, or that do not arrive at the same result."""
    answers = {engine: process.ask("check", method=case.method, arguments=case.arguments, steps=case.steps)
               for engine, process in processes.items()}
    found = {engine: answer["result"] for engine, answer in answers.items() if "result" in answer}
    notes = {engine: Found(None, answer.get("absent") or f"failed: {answer['failed']}")
             for engine, answer in answers.items() if engine not in found}
    judge = next((engine for engine in ("torch", "numpy", *found) if engine in found), None)
    for engine, result in found.items():
        if not same(result, found[str(judge)], case.tolerance):
            text = f"WRONG: {_short(result)} where {judge} has {_short(found[str(judge)])}"
            notes[engine] = Found(None, text, wrong=True)
    return notes


def same(ours: list[float], theirs: list[float], tolerance: float) -> bool:
    """Whether two lists of numbers differ by no more than `tolerance` of the largest number in them."""
    allowed = tolerance * max(map(abs, theirs), default=0.0)
    return len(ours) == len(theirs) and all(abs(a - b) <= allowed for a, b in zip(ours, theirs, strict=True))


def _short(numbers: list[float]) -> str:
    return ", ".join(f"{number:.6g}" for number in numbers[:4])


class Turns:
    """One engine at the clock: warmed up, with as many steps a turn as the time of a turn allows."""

    def __init__(self, process: Process, case: Case, turn: float) -> None:
        self.process, self.case = process, case
        self.values: list[float] = []
        self.failure = ""
        self.loops = 1
        seconds = self._time()
        while not self.failure and seconds < turn / 2:
            self.loops = max(2 * self.loops, math.ceil(self.loops * turn / max(seconds, 1e-9) / 4))
            seconds = self._time()
        self.loops = max(round(self.loops * turn / max(seconds, 1e-9)), 1)
        self.warm_up = self.loops, max(seconds, 1e-9)
        self.most_rounds = FEWEST if seconds > 10 * turn else 10**6

    def _time(self) -> float:
        case = self.case
        answer = self.process.ask("time", method=case.method, arguments=case.arguments, loops=self.loops,
                                  collector=case.gc)
        self.failure = self.failure or answer.get("failed", "")
        return float(answer.get("seconds", math.inf))

    def take(self) -> None:
        """One turn."""
        if not self.failure:
            self.values.append(self._time() / self.loops / self.case.operations)

    def found(self, name: str) -> Found:
        """The figures of all turns."""
        if self.failure:
            return Found(None, f"failed: {self.failure}")
        own = {"threads": self.case.threads} if self.case.threads else {}
        return Found(benchmark(name, self.values, "second", loops=self.loops, warmups=[self.warm_up], **own))


def benchmark(name: str, values: list[float], unit: str, loops: int = 1, warmups: Any = None, **own: Any) -> Any:
    """pyperf's object for the values of one engine; `own` is what sets it apart from the run's other cases."""
    metadata = {"name": name, "unit": unit, "loops": loops, **own}
    return pyperf.Benchmark([pyperf.Run(values, warmups=warmups, metadata=metadata, collect_metadata=False)])


def measure_group(group: Group, cases: list[Case], field: Field, progress: Any) -> dict[str, Row]:
    """All cases of a group, one after the other."""
    rows: dict[str, Row] = {}
    tired: set[str] = set()
    for case in cases:
        progress(f"{group.title}: {case.name}")
        if case.operations == 10:
            tired.clear()  # the shortest graph: all begin again
        rows[case.name] = measure(case, group, field, tired)
        for engine, found in rows[case.name].items():
            slow = found.benchmark and case.operations > 1 and found.median * case.operations > LONG
            if (slow or found.note.startswith("failed")) and case.operations > 1 and engine not in TORCH_LIKE:
                tired.add(engine)
    return rows


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

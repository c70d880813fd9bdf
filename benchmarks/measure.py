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
from benchmarks.engines import ENGINES, installed
from benchmarks.process import Process

FEWEST = 3  # rounds of a long step
LONG = 0.2  # seconds: who takes longer than this for a graph is not given one ten times as long
TWICE = 1.0  # seconds: a step this long is warm before it ends. Its first timing counts, and one more is taken


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
        return Process(engine, threads or given.threads, ENGINES[engine].computes[given.device], given.keep_blas)

    def taking_part(self, engines: tuple[str, ...]) -> tuple[list[str], Row]:
        """Those of the engines that were asked for and are installed, and a note for each that is not."""
        given = self.settings
        asked = [engine for engine in engines
                 if given.device in ENGINES[engine].computes and (given.engines is None or engine in given.engines)]
        there = [engine for engine in asked if installed(engine)]
        return there, {engine: Found(None, "not installed") for engine in asked if engine not in there}

    def without_gpu(self) -> list[str]:
        """Of minigrad and torch, those that reach no GPU, each with the reason."""
        answers = {engine: self.process(engine).ask("about") if installed(engine) else {"absent": "not installed"}
                   for engine in TORCH_LIKE}
        return [f"{engine}: {answer.get('absent') or answer.get('failed')}" for engine, answer in answers.items()
                if "device" not in answer]

    def stop(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            process.stop()
        self.processes.clear()


def measure(case: Case, group: Group, field: Field, tired: dict[str, str]) -> Row:
    """The figures of every engine of the group. `tired` engines were too slow for a shorter graph, and sit out: why."""
    there, row = field.taking_part(group.engines)
    if case.threads and case.threads > (most := cores()):
        return row | {engine: Found(None, f"not run: {most} core") for engine in there}
    row |= {engine: Found(None, tired[engine]) for engine in there if engine in tired}
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
        if seconds > TWICE and not self.failure:
            self.values.append(seconds / case.operations)
        while not self.failure and seconds < turn / 2:
            self.loops = max(2 * self.loops, math.ceil(self.loops * turn / max(seconds, 1e-9) / 4))
            seconds = self._time()
        self.loops = max(round(self.loops * turn / max(seconds, 1e-9)), 1)
        self.warm_up = self.loops, max(seconds, 1e-9)
        self.most_rounds = 1 if self.values else FEWEST if seconds > 10 * turn else 10**6

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
    tired: dict[str, str] = {}
    for case in cases:
        progress(f"{group.title}: {case.name}")
        if case.operations == 10:
            tired.clear()  # the shortest graph: all begin again
        rows[case.name] = measure(case, group, field, tired)
        for engine, found in rows[case.name].items():
            if case.operations > 1 and engine not in TORCH_LIKE and (why := too_slow(found, case)):
                tired.setdefault(engine, why)
    return rows


def too_slow(found: Found, case: Case) -> str:
    """Why an engine is not given a longer graph than this one; "" if it is."""
    if found.note.startswith("failed"):
        return f"not run: failed at {case.operations:,} operations"
    if found.benchmark and (seconds := found.median * case.operations) > LONG:
        return f"stops at {case.operations:,}: that takes {seconds:.1f} s"
    return ""


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

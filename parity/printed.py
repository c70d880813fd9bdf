"""Compares what the engines print, line by line while they run, and keeps no line longer than it has to."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from parity.engines import ENGINES, JUDGE, REFERENCE
from parity.lines import Expectations, quote_both, same_numbers
from parity.records import Line

MOST_WAITING = 10_000  # lines of one engine that another has not got to; then the other counts as silent
NOWHERE = Line("", [])


@dataclass
class LineCounts:
    """How many lines an engine printed, and how they compare with torch's."""

    left_out: int = 0  # lines of times and versions
    compared: int = 0
    same: int = 0
    identical: int = 0
    difference: str | None = None  # the first line that is not the same
    difference_step: int = 0


@dataclass
class Printed:
    """An engine's lines that wait for the others'."""

    waiting: deque[Line] = field(default_factory=deque)
    complete: bool = False  # it prints no more (it may have failed)
    counts: bool = True  # whether a line that it lacks is a difference
    stopped: bool = False  # as judges do once a big model was judged for long enough: torch stands in for them


class PrintedLines:
    """The comparison of all engines' lines."""

    def __init__(self, counts: Mapping[str, LineCounts]):
        self.counts = counts
        self.engines = {name: Printed() for name in counts}
        self.expectations = Expectations()

    def compare(self, shares: Mapping[str, float], step: int) -> None:
        """Compare every line that all engines have come to. `shares`: what each engine's loss is allowed by now."""
        engines = self.engines.values()
        if max(len(engine.waiting) for engine in engines) > MOST_WAITING:
            for engine in engines:
                engine.complete = engine.complete or not engine.waiting
        while any(engine.waiting for engine in engines) and all(e.waiting or e.complete for e in engines):
            lines = {name: engine.waiting.popleft() for name, engine in self.engines.items() if engine.waiting}
            self.compare_line(lines, shares, step)

    def compare_line(self, lines: Mapping[str, Line], shares: Mapping[str, float], step: int) -> None:
        """Compare the next line of each engine that has one."""
        torch, judge = lines.get(REFERENCE), lines.get(JUDGE)
        for name, counts in self.counts.items():
            line = lines.get(name)
            right = judge if name == JUDGE or (ENGINES[name].wide and judge) else torch
            counted = self.engines[name].counts if line is None else right or self.engines[REFERENCE].counts
            if line is right is None or not counted:
                continue
            counts.compared += 1
            if line and right and line.text == right.text:
                counts.identical += 1
                counts.same += 1
            elif line and right and self.is_same(line, right, judge, shares[name]):
                counts.same += 1
            elif counts.difference is None:
                place = (right or line or NOWHERE).where
                mine, torchs = quote_both(line, right)
                text = f"printed line {counts.compared} is {mine}, torch's is {torchs}"
                counts.difference, counts.difference_step = text + (f" ({place})" if place else ""), step

    def is_same(self, line: Line, right: Line, judge: Line | None, share: float) -> bool:
        """Whether an engine's line is the right one, torch's or the judge's, as far as rounding goes."""
        if right is judge:
            return same_numbers(line, right, self.expectations.of_judge(right, share))
        if judge is None and JUDGE in self.engines and self.engines[JUDGE].stopped:
            judge = right
        return same_numbers(line, right, self.expectations.of(right, judge, share))

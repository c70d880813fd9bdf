"""The growth of every quantity's error over the steps: whole runs side by side, each on its own numbers.

Rounding drifts: an error of an ulp is carried on, adds up, and grows smoothly. A bug jumps: between two steps the error
rises by orders of magnitude. A script that branches on values may take another path; then the comparison ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from parity.arrays import Array
from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE
from parity.plots import STYLES
from parity.records import THE_END, Finished, Record, Update
from parity.tolerances import FLOOR, ULP

JUMP = 100.0  # times the largest error before; drift rises twofold from step to step, rarely tenfold
TITLES = {"loss": "loss", "gradient": "gradients", "parameter": "parameters"}


@dataclass
class Quantity:
    """One quantity's errors over the steps, relative to the largest entry."""

    kind: str
    name: str
    steps: list[int] = field(default_factory=list)
    errors: dict[str, list[float]] = field(default_factory=dict)  # by engine
    bound: list[float] = field(default_factory=list)

    def rise(self, engine: str) -> tuple[float, int]:
        """The largest rise within one step, as a factor, and the step. Below FLOOR ulps nothing counts as a rise."""
        largest, at, before = 1.0, 0, FLOOR * ULP
        for step, error in zip(self.steps, self.errors.get(engine, ()), strict=False):
            if error / before > largest:
                largest, at = error / before, step
            before = max(before, error)
        return largest, at

    def manner(self, engine: str) -> str:
        """In a word: "jump" for what rises too fast and too far to be rounding."""
        factor, at = self.rise(engine)
        if factor < JUMP:
            return "drift"
        index = self.steps.index(at)
        return "jump" if self.errors[engine][index] > self.bound[index] else "drift"


class Growth(Comparison):
    """The ordinary comparison, which also remembers every error."""

    def __init__(self, name: str, engines: list[str]) -> None:
        super().__init__(name, engines)
        self.quantities: dict[tuple[str, str], Quantity] = {}

    def compare(self, what: str, kind: str, quantity: Hashable, arrays: Mapping[str, Array],
                largest: float) -> tuple[dict[str, float], float]:
        errors, bound = super().compare(what, kind, quantity, arrays, largest)
        name = self.name_of(quantity)
        history = self.quantities.setdefault((kind, name), Quantity(kind, name))
        history.steps.append(self.step + (kind == "loss"))
        history.bound.append(bound)
        for engine, error in errors.items():
            history.errors.setdefault(engine, []).append(error)
        return errors, bound

    def name_of(self, quantity: Any) -> str:
        """What the script calls it."""
        optimizer, index = quantity if isinstance(quantity, tuple) else (quantity, None)
        number = "" if optimizer in (0, 1) else f" (optimizer {optimizer})"
        if index is None:
            return f"loss{number}"
        names = self.names.get(optimizer, [])
        return f"{names[index] if index < len(names) else f'param {index}'}{number}"

    def parted(self, engine: str) -> tuple[int, str] | None:
        """The step at which an engine's run parts from torch's, and how; None if it does not."""
        result, torch = self.results[engine], self.results[REFERENCE]
        if result.difference:
            return result.difference_step, result.difference
        if result.finished.outcome == "failed" and not result.finished.fails_like(torch.finished):
            return len(self.losses[engine]) + 1, f"the script fails: {result.finished.message}"
        return (self.step, result.lines.difference) if result.lines.difference else None


def until(records: Iterator[Record], last: int) -> Iterator[Record]:
    """An engine's records, up to so many steps."""
    steps = 0
    for record in records:
        yield record
        steps += isinstance(record, Update) and record.where != THE_END
        if steps == last:
            yield Finished("finished", stopped=True)
            return


def plot(growth: Growth, engines: list[str], marks: Mapping[str, int], path: Path) -> None:
    """For each kind of quantity its errors on a log axis, a line for each; `marks` are steps to point at."""
    figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    for axis, (kind, title) in zip(axes, TITLES.items(), strict=True):
        axis.set_title(title)
        axis.set_yscale("log")
        axis.set_xlabel("step")
        axis.grid(alpha=0.25)
        for history in growth.quantities.values():
            if history.kind == kind:
                draw(axis, history, engines)
        for label, step in marks.items():
            axis.axvline(step, color="#b00020", linewidth=1, linestyle=":", label=f"{label}, step {step}")
        handles = dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
        if handles:
            axis.legend(handles.values(), handles.keys())
    axes[0].set_ylabel(f"error / largest entry, measured from {JUDGE if JUDGE in growth.results else REFERENCE}")
    figure.suptitle(f"{growth.name}: the error of every quantity. Rounding drifts, a bug jumps.")
    figure.savefig(path)
    plt.close(figure)


def draw(axis: Any, history: Quantity, engines: list[str]) -> None:
    """One line an engine; torch's own, for comparison, broad and pale."""
    for engine in dict.fromkeys([REFERENCE, *engines]):
        shown = [(s, e) for s, e in zip(history.steps, history.errors.get(engine, ()), strict=False) if e > 0]
        if shown:
            axis.plot(*zip(*shown, strict=True), label=engine, **STYLES[engine] | {"alpha": 0.6})


def progress_to(bar: Any, growth: Growth, last: int) -> Callable[[int], None]:
    def show(step: int) -> None:
        bar.total = min(last, growth.length or last)
        bar.update(step - bar.n)

    return show

"""What a comparison finds out: for each engine its figures, its first difference and its verdict."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np

from parity.engines import Engine
from parity.printed import LineCounts
from parity.records import Finished

KINDS = ("loss", "gradient", "parameter")
MOST_COLUMNS, MOST_ROWS = 400, 200  # of a heat map


@dataclass
class EngineResult:
    """One engine's figures for one script. A largest error is relative to the largest entry."""

    engine: Engine
    finished: Finished = field(default_factory=lambda: Finished("failed", "it never started"))
    versions: dict[str, str] = field(default_factory=dict)
    weights: float | None = None  # initial weights, against torch in the same precision
    first_gradient: float | None = None  # gradients of step 1, against torch in the same precision
    largest: dict[str, float] = field(default_factory=dict)  # by kind: over the run, against the judge
    of_bound: float | None = None  # the largest share of what was allowed that an error took
    kink_step: int | None = None  # where a ReLU first was on the other side of its kink (`tolerances`)
    lines: LineCounts = field(default_factory=LineCounts)
    difference: str | None = None  # the first thing that is not as it should be
    difference_step: int = 0

    excuse: str = ""  # why it may be beyond the bound (`tolerances`), and from which step on it was
    broken: str = ""  # why a float64 engine cannot judge: this script does not let itself be widened

    def differs(self, step: int, text: str) -> None:
        if self.difference is None:
            self.difference, self.difference_step = text, step

    def error(self, kind: str, relative: float) -> None:
        self.largest[kind] = max(self.largest.get(kind, 0.0), relative)


@dataclass
class HeatMap:
    """Each engine's errors by parameter (the rows) and step (the columns), for a picture.

    A long run has more steps than a picture has columns: then two neighbours become one, which holds the larger error.
    """

    rows: list[str] = field(default_factory=list)  # names of parameters
    steps: list[int] = field(default_factory=list)  # the first of each column
    columns: list[dict[str, dict[int, float]]] = field(default_factory=list)  # by engine and row
    numbers: dict[Hashable, int] = field(default_factory=dict)  # of the rows
    width: int = 1  # steps in a column
    taken: int = 0

    def row(self, key: Hashable, name: str) -> int:
        """The number of a row; a new key gets a new one, as long as there is room."""
        if key not in self.numbers and len(self.rows) < MOST_ROWS:
            self.numbers[key] = len(self.rows)
            self.rows.append(name)
        return self.numbers.get(key, MOST_ROWS - 1)

    def add(self, step: int, errors: Mapping[int, Mapping[str, float]]) -> None:
        """Take in a step: for each row every engine's error."""
        if self.taken % self.width == 0:
            self.steps.append(step)
            self.columns.append({})
        self.taken += 1
        for row, by_engine in errors.items():
            for engine, error in by_engine.items():
                cells = self.columns[-1].setdefault(engine, {})
                cells[row] = max(cells.get(row, 0.0), error)
        if len(self.columns) == MOST_COLUMNS and self.taken % self.width == 0:
            self.halve()

    def halve(self) -> None:
        self.width *= 2
        self.steps = self.steps[::2]
        pairs = zip(self.columns[::2], self.columns[1::2], strict=True)
        self.columns = [{engine: larger(one.get(engine, {}), other.get(engine, {})) for engine in one.keys() | other}
                        for one, other in pairs]

    def has(self, engine: str) -> bool:
        return any(engine in column for column in self.columns)

    def matrix(self, engine: str) -> np.ndarray:
        """Rows by columns; nan where nothing was compared."""
        values = np.full((len(self.rows), len(self.columns)), np.nan)
        for number, column in enumerate(self.columns):
            for row, error in column.get(engine, {}).items():
                values[row, number] = error
        return values

    def step_at(self, column: float) -> str:
        """The step that stands at a column, for the axis; empty between and beyond them."""
        return str(self.steps[int(column)]) if column == int(column) and 0 <= column < len(self.steps) else ""


def larger(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    return {row: max(one.get(row, 0.0), other.get(row, 0.0)) for row in one.keys() | other.keys()}


@dataclass
class Curve:
    """For each engine its error against the judge at the steps compared, and what was allowed; relative."""

    errors: dict[str, list[float]]
    bound: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def add(self, step: int, errors: dict[str, float], bound: float | None) -> None:
        self.steps.append(step)
        for name, error in errors.items():
            self.errors[name].append(error)
        if bound is not None:
            self.bound.append(bound)

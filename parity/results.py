"""What a comparison finds out: for each engine its figures, its first difference and its verdict."""

from dataclasses import dataclass, field

from parity.engines import Engine
from parity.lines import LineCounts
from parity.records import Finished

KINDS = ("loss", "gradient", "parameter")


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

    @property
    def is_sound(self) -> bool:
        """The script ran to its end, and nothing in its stream is wrong."""
        return self.finished.outcome == "finished" and not self.difference and not self.lines.difference

    def differs(self, step: int, text: str) -> None:
        if self.difference is None:
            self.difference, self.difference_step = text, step

    def error(self, kind: str, relative: float) -> None:
        self.largest[kind] = max(self.largest.get(kind, 0.0), relative)


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

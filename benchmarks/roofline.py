"""What limits a training step on a GPU: the launching of its kernels, the arithmetic, or the memory.

A step's *floor* is the time that the card needs for it at the least: its floating-point operations at the rate of a
large product, or its bytes at the rate of a large copy, whichever takes longer. Both rates are measured in the same
run. Where the floor is short, the time does not depend on it: the step is launch-bound, and each kernel waits for the
host. Where it is long, the time rises with it: the step is compute-bound (or bound by memory, where the bytes are the
longer part). The border between the two is where the flat part and the rising part, both fitted to the measured
times, meet.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from benchmarks.cases import CEILINGS, sweep_size
from benchmarks.measure import Row

CLEARLY = 0.5  # two parts fit clearly better than one if they leave less than this share of its squared error
FEWEST = 2  # points that make a part


class Peaks(NamedTuple):
    """What the card was seen to do: float32 operations in a second, and bytes read and written in a second."""

    flops: float
    bytes: float


def peaks(ceilings: dict[str, Row]) -> Peaks:
    """The ceilings, from the engine that came closest; nan where they were not measured."""
    seconds = {kind: min((found.median for found in ceilings.get(kind, {}).values() if found.benchmark),
                         default=math.nan) for kind in CEILINGS}
    return Peaks(2 * CEILINGS["product"] ** 3 / seconds["product"], 2 * 4 * CEILINGS["copy"] / seconds["copy"])


class Work(NamedTuple):
    """What a training step has to do, however it is done."""

    flops: float
    bytes: float

    def floor(self, peaks: Peaks) -> float:
        """The seconds that it takes at the least."""
        return max(self.flops / peaks.flops, self.bytes / peaks.bytes)

    def is_arithmetic(self, peaks: Peaks) -> bool:
        """Whether the operations take longer than the bytes."""
        return self.flops / peaks.flops >= self.bytes / peaks.bytes


def work(batch: int, hidden: int) -> Work:
    """A step of `fashion`'s network: 784-hidden-hidden-10, ReLU, SGD with momentum.

    Operations are those of the products: one forward and one for the weight's gradient in each layer, and one for the
    gradient of its input in all but the first. Bytes count every operation that reads its arrays and writes its result
    once: a parameter forward and backward, its gradient written, and an update that reads parameter, gradient and
    momentum and writes two of them; the input twice; each hidden layer's output and its gradient ten times in all.
    """
    first, middle, last = 784 * hidden, hidden * hidden, 10 * hidden
    flops = 2 * batch * (2 * first + 3 * middle + 3 * last)
    parameters, inputs, hidden_outputs = first + middle + last, 784 * batch, 2 * hidden * batch
    return Work(flops, 4 * (8 * parameters + 2 * inputs + 10 * hidden_outputs))


def work_of(name: str) -> Work:
    """The same for a cell of the sweep, by its name."""
    return work(*sweep_size(name))


class Border(NamedTuple):
    """The fit: time = max(launch, factor * floor). They meet at a floor of `at` seconds.

    `at` is nan if all points are on one side; then `launch` or `factor` is nan too.
    """

    launch: float
    factor: float

    @property
    def at(self) -> float:
        return self.launch / self.factor

    def region(self, floor: float) -> str:
        """Where a step with that floor is."""
        flat = math.isnan(self.factor) or floor < self.at
        return "launch-bound" if flat else "compute-bound"


def border(floors: list[float], seconds: list[float]) -> Border:
    """The flat and the rising part that fit the times best, in squared error of their logarithms.

    Each way to divide the points, sorted by floor, into a left and a right part is tried. One part alone is taken
    unless two fit clearly better.
    """
    order = np.argsort(floors, kind="stable")
    x, t = np.log(np.asarray(floors, float)[order]), np.log(np.asarray(seconds, float)[order])
    flat, rising = _fit(x, t, len(x)), _fit(x, t, 0)
    single = min(flat, rising, key=lambda fit: _error(fit, x, t))
    both = [_fit(x, t, left) for left in range(FEWEST, len(x) - FEWEST + 1)]
    best = min(both, key=lambda fit: _error(fit, x, t), default=single)
    return best if _error(best, x, t) < CLEARLY * _error(single, x, t) else single


def _fit(x: np.ndarray, t: np.ndarray, left: int) -> Border:
    """The constant through the first points, and the proportion through the others."""
    launch = np.exp(t[:left].mean()) if left else math.nan
    factor = np.exp((t[left:] - x[left:]).mean()) if left < len(x) else math.nan
    return Border(float(launch), float(factor))


def _error(fit: Border, x: np.ndarray, t: np.ndarray) -> float:
    """Of the logarithms, squared and added up."""
    return float(((t - np.log(np.fmax(fit.launch, fit.factor * np.exp(x)))) ** 2).sum())


def borders(rows: dict[str, Row], ceiling: Peaks) -> dict[str, Border]:
    """For each engine with figures in the sweep."""
    found = {}
    for engine in dict.fromkeys(engine for row in rows.values() for engine in row):
        timed = [(work_of(name).floor(ceiling), row[engine].median) for name, row in rows.items()
                 if engine in row and row[engine].benchmark]
        if len(timed) >= 2 * FEWEST:
            found[engine] = border(*map(list, zip(*timed, strict=True)))
    return found

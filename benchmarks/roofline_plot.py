"""The plot of the sweep on a GPU: where its steps wait for launches, and where for arithmetic or memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.measure import Row
from benchmarks.plots import COLOR, plt
from benchmarks.roofline import Border, Peaks, borders, work_of

MICRO = 1e6


def roofline(rows: dict[str, Row], ceiling: Peaks) -> Any:
    """For each engine, the time of a step against the least time that the card needs for it; both logarithmic."""
    found = borders(rows, ceiling)
    figure, panels = plt.subplots(1, max(len(found), 1), figsize=(4 * max(len(found), 1), 4.2), sharex=True,
                                  sharey=True, squeeze=False)
    floors = [MICRO * work_of(name).floor(ceiling) for name in rows]
    span = min(floors) / 1.5, max(floors) * 1.5
    for axes, (engine, fit) in zip(panels[0], found.items(), strict=False):
        _points(axes, engine, rows, ceiling)
        _fitted(axes, fit, span)
        axes.plot(span, span, color="gray", linewidth=0.8, linestyle=":", label="what the card can do")
        axes.set(xscale="log", yscale="log", xlim=span, title=engine, xlabel="least time for the step's work, µs")
    panels[0][0].set_ylabel("measured time of the step, µs")
    panels[0][-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _points(axes: Any, engine: str, rows: dict[str, Row], ceiling: Peaks) -> None:
    """A circle where arithmetic takes longest, a square where memory does."""
    for marker, arithmetic, label in (("o", True, "most of it arithmetic"), ("s", False, "most of it memory")):
        names = [name for name, row in rows.items() if engine in row and row[engine].benchmark
                 and work_of(name).is_arithmetic(ceiling) == arithmetic]
        axes.plot([MICRO * work_of(name).floor(ceiling) for name in names],
                  [MICRO * rows[name][engine].median for name in names], marker, color=COLOR[engine], label=label,
                  fillstyle="full" if arithmetic else "none")


def _fitted(axes: Any, fit: Border, span: tuple[float, float]) -> None:
    """The flat part, the rising part, and the border with the names of what lies on either side."""
    x = np.geomspace(*span, 200)
    axes.plot(x, np.fmax(MICRO * fit.launch, fit.factor * x), color="black", linewidth=1, label="fit")
    border = MICRO * fit.at
    edge = border if not math.isnan(border) else span[1] if math.isnan(fit.factor) else span[0]
    edge = min(max(edge, span[0]), span[1])
    for name, left, right, shade in (("launch-bound", span[0], edge, "tab:orange"),
                                     ("compute-bound", edge, span[1], "tab:blue")):
        if left < right:
            axes.axvspan(left, right, color=shade, alpha=0.08)
            axes.text(math.sqrt(left * right), 0.97, name, transform=axes.get_xaxis_transform(), ha="center", va="top",
                      rotation=90 if right < 60 * left else 0)
    if span[0] < border < span[1]:
        axes.axvline(border, color="black", linewidth=0.8, linestyle="--")
        axes.text(border, 0.03, f" {border:.3g} µs", transform=axes.get_xaxis_transform())

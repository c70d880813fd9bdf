"""The plots of docs/benchmarks.md, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from benchmarks.cases import LENGTHS, graph_name, sweep_name, sweep_size
from benchmarks.engines import ENGINES
from benchmarks.goals import Results, of, ratio
from benchmarks.measure import Row

Pictures = dict[str, list[tuple[str, str]]]  # for each group: file names, and what they show
_STRONG, _PALE = (plt.get_cmap("tab20").colors[start::2] for start in (0, 1))  # type: ignore[attr-defined]  # a list's
COLOR = dict(zip(ENGINES, (*_STRONG, (0, 0, 0), *_PALE), strict=False))


def plots(results: Results, folder: Path) -> Pictures:
    """Draw what was measured into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    plt.rcParams["svg.hashsalt"] = "minigrad"  # the same figures give the same file
    pictures: Pictures = {}
    if "training" in results:
        save(training(results["training"]), folder / "training.svg")
        pictures["training"] = [("training.svg", "time of a training step, divided by torch's")]
    if "sweep" in results:
        save(crossover(results["sweep"]), folder / "crossover.svg")
        pictures["sweep"] = [("crossover.svg", "which engine is fastest at which batch and width")]
    if "graphs" in results:
        save(by_length(results["graphs"]), folder / "graphs.svg")
        pictures["graphs"] = [("graphs.svg", "time for an operation in graphs of 10 to 1,000,000")]
    return pictures


def save(figure: Any, file: Path) -> None:
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def training(rows: dict[str, Row]) -> Any:
    """A mark for each engine and workload: its time divided by torch's."""
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(rows) + 1.5))
    for engine in ENGINES:
        ratios = [ratio(rows, case, engine, "torch") for case in rows]
        if not np.isnan(ratios).all():
            axes.plot(ratios, range(len(rows)), "o", color=COLOR[engine], label=engine, alpha=0.8)
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xlabel("time of a training step / torch eager's (logarithmic; further left is faster)")
    if axes.lines[:-1]:  # torch was there to compare with
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def crossover(rows: dict[str, Row]) -> Any:
    """Two maps over batch and width: minigrad's time divided by torch's, and the fastest engine."""
    batches, widths = (sorted(set(sizes)) for sizes in zip(*map(sweep_size, rows), strict=True))
    names = [[sweep_name(batch, width) for width in widths] for batch in batches]
    ratios = np.array([[ratio(rows, name, "minigrad", "torch") for name in line] for line in names])

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    left.imshow(np.log(ratios), cmap="RdYlGn_r", vmin=-1.2, vmax=1.2, aspect="auto")
    left.set_title("minigrad / torch eager")
    fastest = [[_fastest(rows.get(name, {})) for name in line] for line in names]
    engines = list(ENGINES)
    shown = np.array([[engines.index(name) if name else np.nan for name in line] for line in fastest])
    colors = matplotlib.colors.ListedColormap([COLOR[name] for name in engines])
    right.imshow(shown, cmap=colors, vmin=-0.5, vmax=len(engines) - 0.5, aspect="auto", alpha=0.5)
    right.set_title("the fastest engine with autograd")
    for axes, texts in ((left, [[f"{x:.2f}" for x in line] for line in ratios]), (right, fastest)):
        axes.set_xticks(range(len(widths)), [str(width) for width in widths])
        axes.set_yticks(range(len(batches)), [str(batch) for batch in batches])
        axes.set_xlabel("width of the hidden layers")
        axes.set_ylabel("batch")
        for i, line in enumerate(texts):
            for j, text in enumerate(line):
                axes.text(j, i, text.replace("-", "\n"), ha="center", va="center", fontsize=8)
    return figure


def _fastest(row: Row) -> str:
    """Of those that find the derivatives themselves."""
    timed = {engine: found.median for engine, found in row.items() if found.benchmark and engine != "numpy"}
    return min(timed, key=timed.__getitem__, default="")


def by_length(rows: dict[str, Row]) -> Any:
    """Time for an operation against the graph's length, with the garbage collector off and on."""
    figure, both = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
    for axes, collector in zip(both, (False, True), strict=True):
        for engine in ENGINES:
            times = [1e6 * of(rows, graph_name(n, collector), engine).median for n in LENGTHS]
            if not np.isnan(times).all():
                axes.plot(LENGTHS, times, "o-", color=COLOR[engine], label=engine, markersize=4)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(f"garbage collector {'on' if collector else 'off'}")
        axes.set_xlabel("operations in the graph")
    both[0].set_ylabel("µs for an operation, forward and backward")
    both[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure

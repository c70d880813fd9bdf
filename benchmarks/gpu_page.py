"""docs/results/<gpu>.md: what was measured on a GPU, written by the command and never by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.goals import Results, of
from benchmarks.measure import Row
from benchmarks.report import INTRODUCTIONS, Surroundings, Table
from benchmarks.roofline import Peaks, borders, peaks, work_of

METHOD = """\
Each engine works in a process of its own. Before a case is timed, all engines must have arrived at the same result;
then they take turns. The clock is read when the GPU has done everything it was given. Products are float32 products:
TF32 is off in every library. A name with `-cpu`, and `numpy`, is an engine on the CPU of the same machine, with one
thread. `torch-graphs` is given its batch in the place that its graph reads from, so it copies none."""
NO_PARITY = "Not part of this run; `make gpu` compares every step of the five experiments on the card"
GPU_INTRODUCTIONS = INTRODUCTIONS | {
    "ceilings": "A product of two random float32 matrices of 8192 x 8192, and a copy of 1 GiB. What follows is held "
                "against the faster engine's figures.",
    "sweep": "`fashion`'s network with other widths of its hidden layers and other batches, to where the GPU is full.",
}


def gpu_name(about: dict[str, dict[str, str]]) -> str:
    """What minigrad or torch calls the card; "no GPU" if none of them reached one."""
    return next((words["device"] for words in about.values() if "TF32" in words), "no GPU")


def write_gpu_page(results: Results, surroundings: Surroundings, folder: Path, parity: str = "") -> Path:
    """The page, named for the card, and its plots in a folder of the same name. `parity`: what to say about that."""
    from parity.page.record import file_name

    gpu = gpu_name(surroundings.about)
    ceiling = peaks(results.get("ceilings", {}))
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{file_name(gpu)}.md"
    recorded = f"parity-{page.name}"
    earlier = f": [{recorded}]({recorded}) is of another run." if (folder / recorded).exists() else "."
    lines = [f"# {gpu}", "", f"Written by `make gpu` on {datetime.now(UTC):%Y-%m-%d}; do not edit. In brackets: ratio "
             "to torch eager on the GPU in the same run, lower is better.", "",
             *(f"- {line}" for line in surroundings.lines()), "", METHOD, "",
             "## Goals", "", *report.markdown(report.goals_table(results, "cuda")), "",
             "## Parity", "", parity or NO_PARITY + earlier]
    by_group = report.tables(results)
    if "sweep" in results and not math.isnan(ceiling.flops + ceiling.bytes):
        by_group["sweep"] |= sweep_tables(results["sweep"], ceiling)
    pictures = _pictures(results, ceiling, folder / page.stem)
    for group, by_heading in by_group.items():
        lines += report.section(report.title(group), GPU_INTRODUCTIONS[group], by_heading)
        if group == "ceilings":
            lines += ["", f"So the card does {_rate(ceiling.flops, 1e12)} TFLOP/s in float32, and moves "
                      f"{_rate(ceiling.bytes, 1e9)} GB/s (read and written)."]
        lines += [line for name, text in pictures.get(group, []) for line in ("", f"![{text}]({page.stem}/{name})")]
    page.write_text("\n".join(lines + report.who_and_why(results, "cuda")) + "\n")
    return page


def _pictures(results: Results, ceiling: Peaks, folder: Path) -> dict[str, list[tuple[str, str]]]:
    from benchmarks.plots import plots, save
    from benchmarks.roofline_plot import roofline

    found = plots(results, folder)
    if "sweep" in results and borders(results["sweep"], ceiling):
        save(roofline(results["sweep"], ceiling), folder / "roofline.svg")
        found["sweep"].append(("roofline.svg", "time of a step against the least time that the card needs for it, with "
                                               "the border between launch-bound and compute-bound"))
    return found


# ---- tables that only a GPU's page has ----


def sweep_tables(rows: dict[str, Row], ceiling: Peaks) -> dict[str, Table]:
    """What the card achieved in each cell, and where each engine's border between the regions lies."""
    engines = list(dict.fromkeys(engine for row in rows.values() for engine in row if row[engine].benchmark))
    return {
        "where launch-bound ends and compute-bound begins": _border_table(rows, ceiling),
        "arithmetic achieved, TFLOP/s (share of the large product's rate)": _achieved(rows, engines, ceiling, "flops"),
        "memory traffic achieved, GB/s (share of the large copy's rate)": _achieved(rows, engines, ceiling, "bytes")}


def _achieved(rows: dict[str, Row], engines: list[str], ceiling: Peaks, what: str) -> Table:
    """The work of a step that roofline.py counts, divided by the measured time."""
    def shown(name: str, engine: str) -> str:
        rate = getattr(work_of(name), what) / of(rows, name, engine).median
        share = rate / getattr(ceiling, what)
        return "" if math.isnan(rate) else f"{rate / (1e12 if what == 'flops' else 1e9):.3g} ({share:.1%})"

    return [["", *engines]] + [[name, *(shown(name, engine) for engine in engines)] for name in rows]


def _border_table(rows: dict[str, Row], ceiling: Peaks) -> Table:
    """The fits of roofline.py, in words."""
    head = ["", "launch-bound steps take", "border: work of", "compute-bound steps take"]
    body = []
    for engine, fit in borders(rows, ceiling).items():
        one_sided = "all cells are launch-bound" if math.isnan(fit.factor) else "all cells are compute-bound"
        body.append([engine, _or_none(fit.launch, 1e6, " µs"),
                     one_sided if math.isnan(fit.at) else f"{report.number(1e6 * fit.at)} µs at the ceilings",
                     _or_none(fit.factor, 1, " times what the card needs at the least")])
    return [head, *body]


def _or_none(value: float, factor: float, unit: str) -> str:
    return "" if math.isnan(value) else f"{report.number(factor * value)}{unit}"


def _rate(value: float, unit: float) -> str:
    return "an unknown number of" if math.isnan(value) else report.number(value / unit)

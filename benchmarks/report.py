"""What was measured, as text for the terminal and as docs/benchmarks.md."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cases import CUDA_GROUPS, FRESH, GROUPS, LENGTHS, OP_SIZES, graph_name, op_name
from benchmarks.engines import ENGINES, on
from benchmarks.goals import Results, goals, of
from benchmarks.loading import ITEMS, KINDS
from benchmarks.measure import Found, Row, Settings
from benchmarks.operations import OPERATIONS

Table = list[list[str]]  # the first row is the head
UNITS = {"µs": 1e6, "ms": 1e3, "MB": 1e-6, "B": 1.0}


class Surroundings(NamedTuple):
    """What belongs to every figure: the command, the machine, the engines' own words."""

    settings: Settings
    machine: dict[str, Any]
    about: dict[str, dict[str, str]]

    def lines(self) -> list[str]:
        """For every result: processor, threads, versions, and the kernels in use."""
        given, machine = self.settings, self.machine
        head = (f"{machine['cpu_model_name']}, {machine['cores']} cores; {machine['platform']}; Python "
                f"{machine['python_version']}; {given.threads} thread{'s' * (given.threads > 1)} unless a name says "
                f"otherwise, float32, device {given.device}; load average (1 min) at the end "
                f"{machine.get('load_avg_1min', 'unknown')}")
        blas = ("as inherited (--keep-blas)" if given.keep_blas else
                "chosen by each library for this processor: OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are dropped")
        return [head, f"BLAS kernels: {blas}", *(self._engine(name) for name in self.about)]

    def metadata(self, engine: str) -> dict[str, Any]:
        """The same for one engine's values in the JSON."""
        given = self.settings
        about = {f"engine_{key}": value for key, value in self.about.get(engine, {}).items()}
        return {**self.machine, **about, "threads": given.threads, "dtype": "float32", "device": given.device,
                "blas_settings": "inherited" if given.keep_blas else "dropped"}

    def _engine(self, name: str) -> str:
        about = self.about[name]
        if "version" not in about:
            return f"{name}: {about.get('absent') or about.get('failed')}"
        return f"{name} {about['version']}; " + "; ".join(
            f"{key} {value}" for key, value in about.items() if key != "version")


# ---- cells ----


def number(value: float) -> str:
    """Three figures."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(found: Found, unit: str, reference: Found | None = None) -> str:
    """`12.3 ± 0.1 (0.45)`: median, its spread, its ratio to the reference; or the note."""
    if found.benchmark is None:
        return found.note.split(":")[0] if found.note.startswith(("not", "stops")) else found.note[:40]
    text = number(found.median * UNITS[unit])
    if found.spread:
        text += f" ± {number(found.spread * UNITS[unit])}"
    if reference is not None and reference.benchmark and reference is not found:
        text += f" ({found.median / reference.median:.2f})"
    return text


def table(rows: dict[str, Row], unit: str, named: Callable[[str], str] = str) -> Table:
    """One row a case, one column an engine that has a figure anywhere; ratios to torch."""
    engines = [name for name in ENGINES if any(of(rows, case, name).benchmark for case in rows)]
    body = [[named(case), *(cell(of(rows, case, engine), unit, row.get("torch")) for engine in engines)]
            for case, row in rows.items()]
    return [[unit, *engines], *body]


# ---- one table for each group ----


def operations_table(rows: dict[str, Row]) -> Table:
    """minigrad's time, and its ratio to torch's: forward alone, and forward with backward."""
    head = ["µs"] + [f"{size:,}: {way}" for size in OP_SIZES for way in ("forward", "and backward")]
    names = [name for name in OPERATIONS if any(op_name(name, size, False) in rows for size in OP_SIZES)]
    return [head] + [
        [name, *(cell(of(rows, case, "minigrad"), "µs", of(rows, case, "torch"))
                 for size in OP_SIZES for case in (op_name(name, size, False), op_name(name, size, True)))]
        for name in names]


def means_table(rows: dict[str, Row]) -> Table:
    """Every engine's ratio to torch over all operations: the geometric mean."""
    engines = [name for name in ENGINES if any(of(rows, case, name).benchmark for case in rows)]
    body = [["forward and backward" if backward else "forward", f"{size:,}",
             *(number(_mean(rows, engine, size, backward)) for engine in engines)]
            for size in OP_SIZES for backward in (False, True)]
    return [["geometric mean / torch", "entries", *engines], *body]


def _mean(rows: dict[str, Row], engine: str, size: int, backward: bool) -> float:
    cases = [op_name(name, size, backward) for name in OPERATIONS]
    logs = [math.log(of(rows, case, engine).median / of(rows, case, "torch").median) for case in cases]
    there = [value for value in logs if not math.isnan(value)]
    return math.exp(sum(there) / len(there)) if there else math.nan


def graph_tables(rows: dict[str, Row]) -> dict[str, Table]:
    """Microseconds an operation, forward and backward together."""
    return {f"collector {'on' if collector else 'off'}": table(
        {f"{n:,}": rows[graph_name(n, collector)] for n in LENGTHS if graph_name(n, collector) in rows}, "µs")
        for collector in (False, True)}


def tables(results: Results) -> dict[str, dict[str, Table]]:
    """For each group that was measured its tables, by their headings."""
    found: dict[str, dict[str, Table]] = {}
    for name, rows in results.items():
        if name == "ops":
            found[name] = {"minigrad (ratio to torch)": operations_table(rows), "all engines": means_table(rows)}
        elif name == "graphs":
            found[name] = graph_tables(rows)
        elif name == "loading":
            found[name] = {f"one pass over {ITEMS} items": table(rows, "ms", KINDS.__getitem__)}
        else:
            unit = {"memory": "MB", "bytes": "B", "import": "ms", "ceilings": "ms"}.get(name, "µs")
            found[name] = {"": table(rows, unit)}
    return found


def goals_table(results: Results, device: str = "cpu") -> Table:
    """What each figure was to show, and whether it does."""
    return [["goal", "at most", "measured", ""]] + [
        [goal.text, f"{goal.most:g}", "" if math.isnan(goal.value) else f"{goal.value:.2f}", goal.verdict]
        for goal in goals(results, device)]


def absences(results: Results) -> list[str]:
    """Why an engine has no figure, once for each reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, rows in results.items():
        for case, row in rows.items():
            for engine, found in row.items():
                if found.benchmark is None and found.note != "not installed":
                    reasons.setdefault((engine, found.note), []).append(f"{name} {case}")
    return [f"{engine}: {note} ({cases[0]}" + (f" and {len(cases) - 1} more)" if len(cases) > 1 else ")")
            for (engine, note), cases in reasons.items()]


# ---- text ----


def title(group: str) -> str:
    """A group's heading."""
    found = GROUPS.get(group) or CUDA_GROUPS.get(group)
    return found.title if found else FRESH[group]


def as_text(results: Results, surroundings: Surroundings) -> str:
    """For the terminal. Ratios to torch eager stand in brackets."""
    lines = surroundings.lines()
    for group, by_heading in tables(results).items():
        for heading, rows in by_heading.items():
            lines += ["", f"{title(group)}{', ' + heading if heading else ''}; in brackets: ratio to torch eager"]
            lines += _columns(rows)
    lines += ["", *_columns(goals_table(results, surroundings.settings.device)), "", *absences(results)]
    return "\n".join(lines)


def _columns(rows: Table) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *(text.rjust(width) for text, width in
                                                  zip(row[1:], widths[1:], strict=True))]).rstrip() for row in rows]


def markdown(rows: Table) -> list[str]:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|---" + "|---:" * (len(rows[0]) - 1) + "|", *body]


# ---- the page ----

INTRODUCTIONS = {
    "training": "One training step of each experiment, as its script does it, with its evaluation pass; `fashion` at "
                "several batch sizes. Median of all rounds ± the median distance from it.",
    "sweep": "`fashion`'s network with other widths of its hidden layers and other batches.",
    "ops": "One operation on random float32 inputs with the given number of entries: forward (recorded, so that a "
           "gradient could follow), and forward with the gradients of all inputs.",
    "graphs": "A chain of multiplications of arrays with one entry, forward and backward: time for one operation. "
              "`numpy` keeps the results and walks back by hand, so the difference to it is what the engine costs.",
    "loading": "Both loaders in the process itself, without workers.",
    "memory": "The process's peak over 20 training steps, beyond what it had before the engine was imported (NumPy is "
              "there already), and beyond what it had after.",
    "bytes": "What one multiplication of arrays with one entry keeps alive until backward: growth of the process.",
    "import": "`import X` in a new process, after one that filled the caches of the disk.",
}


def write_page(results: Results, surroundings: Surroundings, folder: Path) -> Path:
    """benchmarks.md, and its plots in benchmarks/."""
    from benchmarks.plots import plots

    pictures = plots(results, folder / "benchmarks")
    lines = ["# Benchmarks", "", "Written by `python -m benchmarks --out docs`; do not edit. In brackets: ratio to "
             "torch eager in the same run, lower is better.", "", *(f"- {line}" for line in surroundings.lines()), "",
             "Each engine works in a process of its own, kept to as many cores as it has threads. Before a case is "
             "timed, all engines must have arrived at the same result. Then they take turns. On a GPU: "
             "[guides/gpu.md](guides/gpu.md).", "",
             "## Goals", "", *markdown(goals_table(results))]
    for group, by_heading in tables(results).items():
        lines += section(title(group), INTRODUCTIONS[group], by_heading)
        lines += [line for name, text in pictures.get(group, []) for line in ("", f"![{text}](benchmarks/{name})")]
    page = folder / "benchmarks.md"
    page.write_text("\n".join(lines + who_and_why(results, "cpu")) + "\n")
    return page


def section(heading: str, text: str, by_heading: dict[str, Table]) -> list[str]:
    """A heading, what follows it, and tables under headings of their own."""
    lines = ["", f"## {heading}", "", text]
    for own, rows in by_heading.items():
        lines += [""] + ([f"### {own[0].upper()}{own[1:]}", ""] if own else []) + markdown(rows)
    return lines


def who_and_why(results: Results, device: str) -> list[str]:
    """The end of a page: what the engines are, and why one has no figure."""
    lines = ["", "## The engines", "", *(f"- `{name}`: {ENGINES[name].what}" for name in on(device))]
    reasons = absences(results)
    lines += ["", "## Who has no figure, and why", "", *(f"- {reason}" for reason in reasons)] if reasons else []
    return lines

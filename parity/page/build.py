"""Gathers all that the page shows, and writes it: `write_page`."""

import ast
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from parity import report
from parity.compare import Comparison
from parity.engines import ENGINES, REFERENCE
from parity.page.checks import checks
from parity.page.documents import Document, document
from parity.page.figures import error_figure, heat_figure, loss_figure
from parity.page.pictures import Version, pictures
from parity.plots import STYLES
from parity.surroundings import PRINTED
from parity.verdict import Problem, problems, summary, verdict

TEMPLATES = Path(__file__).with_name("templates")
GOOD = ("agrees", "judge", "reference", "same", "fails alike")
NEITHER = ("not run", "not applicable", "shown")
COLUMNS = {  # of an experiment's table, each with what it means
    "weights": "Largest difference of initial weights from torch in the same precision; 0: equal bit for bit.",
    "step 1": "Largest difference of step 1's gradients from torch in the same precision.",
    "gradients": "Largest error of any gradient over the run, measured from torch-f64.",
    "loss": "Largest error of the loss over the run, measured from torch-f64.",
    "of bound": "The largest share of what rounding may explain that an error took.",
    "lines": "Printed lines that are the same as torch's up to rounding, of those compared.",
    "identical": "Printed lines that are identical.",
    "seconds": "Processor time of the script.",
}


@dataclass
class EngineRow:
    """An engine with its figures; or several that did not run for the same reason."""

    names: list[str]
    cells: list[str]
    verdict: str
    reason: str = ""  # why there are no figures


@dataclass
class Section:
    """One experiment or script."""

    name: str
    about: str  # the first paragraph of its docstring
    script: str
    steps: int
    engines: list[EngineRow]
    notes: list[str]
    problems: list[Problem]
    figures: list[tuple[Markup, str]]  # an SVG with its caption
    pictures: dict[str, list[Version]]
    document: Document | None
    same_as_torch: str  # whether minigrad's lines are torch's, beside the document's figures
    unlike: list[str]  # what the script itself notes: that it was shortened, or that its data are others

    @property
    def drawn(self) -> list[str]:
        """The engines whose lines the figures show."""
        return [row.names[0] for row in self.engines if not row.reason]

    def verdict_of(self, engine: str) -> str:
        return next((row.verdict for row in self.engines if engine in row.names), "not run")


def write_page(comparisons: Sequence[Comparison], scripts: Sequence[Path], out: Path) -> Path:
    """Write DIR/index.html beside its final place, then rename: a browser never sees half a page."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(kind=kind, good=GOOD)
    overall = summary(comparisons)
    word, _, rest = overall.partition(": ")
    text = environment.get_template("page.html").render(
        word=word, rest=rest, bad=any(problems(comparison) for comparison in comparisons),
        sections=[section(comparison, script, out / comparison.name)
                  for comparison, script in zip(comparisons, scripts, strict=True)],
        engines=list(dict.fromkeys(name for each in comparisons for name in report.those_that_ran(each))),
        checks=checks(out), columns=COLUMNS, styles=STYLES, absent=report.absent(comparisons),
        machine=report.machine(), versions=versions(comparisons), left_out=report.left_out(comparisons),
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    out.mkdir(parents=True, exist_ok=True)
    path = out / "index.html"
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
    return path


def kind(said: str) -> str:
    """How the page colours a verdict."""
    return "good" if said in GOOD else "neither" if said in NEITHER else "bad"


def section(comparison: Comparison, script: Path, folder: Path) -> Section:
    ends = {name: result.finished for name, result in comparison.results.items()}
    drawn = {name: folder / name for name, end in ends.items() if end.outcome == "finished" and not end.stopped}
    printed = {name: lines_of(folder / name) for name in ends}
    about = document(comparison.name, printed.get("minigrad", "")) if "minigrad" in ends and is_ours(script) else None
    return Section(
        comparison.name, first_paragraph(script), script.name, comparison.step, engine_rows(comparison),
        [*failures(comparison), *report.notes(comparison)], problems(comparison), figures(comparison), pictures(drawn),
        about, agreement(comparison), comparison.notes,
    )


def is_ours(script: Path) -> bool:
    return script.parent == Path(__file__).parents[1] / "experiments"


def lines_of(folder: Path) -> str:
    path = folder / PRINTED
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def first_paragraph(script: Path) -> str:
    """What the script says of itself."""
    try:
        text = ast.get_docstring(ast.parse(script.read_bytes())) or ""
    except (SyntaxError, ValueError, OSError):
        return ""
    return " ".join(text.split("\n\n")[0].split())


def engine_rows(comparison: Comparison) -> list[EngineRow]:
    rows: list[EngineRow] = []
    for name, result in comparison.results.items():
        said = verdict(comparison, name)
        if said in ("not run", "not applicable"):
            if rows and (rows[-1].verdict, rows[-1].reason) == (said, result.finished.message):
                rows[-1].names.append(name)
            else:
                rows.append(EngineRow([name], [], said, result.finished.message))
            continue
        figures = [report.figure(value) for value in report.figures_of(comparison, result)]
        lines = result.lines
        measured = name != REFERENCE and lines.compared > 0
        same = [f"{lines.same} of {lines.compared}", f"{lines.identical} of {lines.compared}"] if measured else ["", ""]
        cells = [*figures, report.percent(result.of_bound), *same, f"{result.finished.seconds:.1f}"]
        rows.append(EngineRow([name], cells, said))
    return rows


def failures(comparison: Comparison) -> list[str]:
    """Who failed, and how: "torch, minigrad: train.py:3: KeyError: 'x'"."""
    found: dict[str, list[str]] = {}
    for name, result in comparison.results.items():
        if result.finished.outcome == "failed":
            found.setdefault(result.finished.message, []).append(name)
    return [f"{', '.join(names)} failed: {message}" for message, names in found.items()]


def agreement(comparison: Comparison) -> str:
    result = comparison.results.get("minigrad")
    if result is None or not result.lines.compared:
        return ""
    lines = result.lines
    return f"{lines.identical} of the {lines.compared} lines that minigrad prints are torch's to the digit."


def figures(comparison: Comparison) -> list[tuple[Markup, str]]:
    """The curves and the heat map, of a script that trains."""
    if not comparison.losses[REFERENCE]:
        return []
    found = [
        (loss_figure(comparison), "The loss curves laid over each other, and their errors below."),
        (error_figure(comparison), "The largest error among all gradients, and among all parameters."),
        (heat_figure(comparison), "The gradients' errors, layer by layer: a row is a parameter, a column a step. "
                                  "Blank: exactly 0, or not compared."),
    ]
    return [(Markup(svg), caption) for svg, caption in found if svg]


def versions(comparisons: Sequence[Comparison]) -> dict[str, str]:
    """By engine: "torch 2.13.0, numpy 2.4.6, python 3.11.2"."""
    found: dict[str, str] = {}
    for comparison in comparisons:
        for name, result in comparison.results.items():
            if result.versions:
                found[name] = ", ".join(f"{what} {version}" for what, version in result.versions.items())
    return {name: found[name] for name in ENGINES if name in found}

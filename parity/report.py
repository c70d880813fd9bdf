"""The report: one table for the screen, and all figures as JSON."""

import json
import os
import platform
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parity import tolerances
from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE
from parity.lines import LEFT_OUT
from parity.results import EngineResult
from parity.sampling import EVERY, FULL_STEPS
from parity.tolerances import LOST, WITHOUT_JUDGES
from parity.verdict import is_judged, problems, summary, unable_judges, verdict, why_not_judged

WIDTH = 108
HEAD = (
    f"{'experiment':<12} {'engine':<12} {'weights':>8} {'grad 1':>8} {'grad run':>8} {'loss run':>8} "
    f"{'of bound':>8} {'lines same':>10} {'identical':>9} {'seconds':>7}  verdict"
)
LEGEND = (
    "weights, grad 1: largest difference of initial weights and of step 1's gradients from torch in the same "
    "precision. grad run, loss run: largest error over the run, measured from torch-f64 (where that has "
    "stopped, from torch). Gradients and losses are relative to their largest entry. of bound: the largest share "
    "of what is allowed (parity/tolerances.py). seconds: processor time of the script. same: agrees without judges."
)
PROBLEMS_SHOWN = 8
TOLERANCES = ("FIRST_GRADIENT", "JUDGES", "GROWTH", "FLOOR", "ULP", "KINKS", "WITHOUT_JUDGES", "SETTLED", "INITIAL")


def table(comparisons: Sequence[Comparison]) -> str:
    """The report as text; its last line is the overall verdict."""
    lines = [HEAD, "-" * WIDTH]
    for comparison in comparisons:
        for position, name in enumerate(those_that_ran(comparison)):
            lines.append(row(comparison, name, shorten(comparison.name, 12) if position == 0 else ""))
    lines += ["", *textwrap.wrap(LEGEND, WIDTH)]
    for reason in absent(comparisons):
        lines += textwrap.wrap(reason, WIDTH)
    lines += left_out(comparisons)
    for comparison in comparisons:
        for note in notes(comparison):
            lines += textwrap.wrap(f"{comparison.name}: {note}", WIDTH)
    lines.append("")
    wrong = [problem for comparison in comparisons for problem in problems(comparison)]
    for problem in wrong[:PROBLEMS_SHOWN]:
        lines += textwrap.wrap(problem.text, WIDTH, initial_indent="! ", subsequent_indent="  ")
        lines += textwrap.wrap(problem.hint, WIDTH, initial_indent="  ", subsequent_indent="  ")
    if len(wrong) > PROBLEMS_SHOWN:
        lines.append(f"! and {len(wrong) - PROBLEMS_SHOWN} more (--json has them all)")
    return "\n".join([*lines, summary(comparisons)])


def those_that_ran(comparison: Comparison) -> list[str]:
    """Engines with figures: torch, and all that did not say "not run"."""
    results = comparison.results.items()
    return [name for name, result in results if name == REFERENCE or result.finished.outcome != "not run"]


def row(comparison: Comparison, name: str, experiment: str) -> str:
    result = comparison.results[name]
    figures = [figure(value) for value in figures_of(comparison, result)]
    counts = result.lines
    same = identical = ""
    if name in (REFERENCE, JUDGE):
        same = str(counts.compared)
    elif counts.compared:
        same, identical = f"{counts.same}/{counts.compared}", f"{counts.identical}/{counts.compared}"
    columns = [f"{experiment:<12} {name:<12}", *(f"{text:>8}" for text in figures)]
    columns += [f"{percent(result.of_bound):>8} {same:>10} {identical:>9} {result.finished.seconds:7.1f}"]
    return f"{' '.join(columns)}  {verdict(comparison, name)}"


def figures_of(comparison: Comparison, result: EngineResult) -> list[float | None]:
    """weights, grad 1, grad run, loss run; None where the engine is itself what is measured from."""
    judged_by = JUDGE if JUDGE in comparison.results else REFERENCE
    largest = {} if result.engine.name == judged_by else result.largest
    return [result.weights, result.first_gradient, largest.get("gradient"), largest.get("loss")]


def figure(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}" if share < 100 else "> 100 x"


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def absent(comparisons: Sequence[Comparison]) -> list[str]:
    """Why engines have no figures: "torch-cuda, torch-cuda-f64 not run: no CUDA device (circles, line_l1)"."""
    found: dict[str, dict[str, None]] = {}  # ordered, and each once
    where: dict[str, dict[str, None]] = {}
    for comparison in comparisons:
        for name, result in comparison.results.items():
            if result.finished.outcome.startswith("not "):
                reason = f"{result.finished.outcome}: {result.finished.message}"
                found.setdefault(reason, {})[name] = None
                where.setdefault(reason, {})[comparison.name] = None
    return [f"{', '.join(names)} {reason} ({', '.join(where[reason])})" for reason, names in found.items()]


def notes(comparison: Comparison) -> list[str]:
    """What a reader of the figures should know: the script's own notes, what was judged, kinks that were crossed."""
    found = list(comparison.notes)
    if comparison.judged_steps is not None:
        found.append(
            f"a big model: gradients and parameters compared in the first {FULL_STEPS} steps and every {EVERY}th, "
            f"losses in every step; the float64 engines ran the first {comparison.judged_steps} steps."
        )
    if unable_judges(comparison):
        found.append(f"{why_not_judged(comparison)}. Without a judge, {WITHOUT_JUDGES:.0e} is allowed of everything.")
    if not comparison.complete_folder:
        found.append("the script's folder is too large to copy whole; the script saw only the nearest files.")
    for name, result in comparison.results.items():
        if result.engine.judged is result.engine.nudged is False and result.finished.outcome == "finished":
            why = "keeps ten bits of each factor of a product" if result.engine.tf32 else "adds in another order"
            found.append(f"{name} {why}: its errors are shown, not judged.")
        if result.excuse:
            found.append(f"{name}: {result.excuse}. Up to {WITHOUT_JUDGES:.0e} is allowed for that.")
    if any(result.engine.nudged for result in comparison.results.values()):
        lost = f" From step {comparison.lost_at} on that is more than {LOST:.0%} of the largest entry: a fault that " \
            "sets in there would not be found." if comparison.lost_at is not None else ""
        found.append("an engine disagreed, so torch ran again with errors of rounding's size added at every step. "
                     f"What that changes is rounding here, and allowed to all engines.{lost}")
    crossed = {name: result.kink_step for name, result in comparison.results.items() if result.kink_step}
    if crossed and comparison.big:
        steps = ", ".join(f"{name} from step {step}" for name, step in crossed.items())
        found.append(f"a ReLU was on the other side of its kink: {steps}. More is allowed from there (KINKS).")
    return found


def left_out(comparisons: Sequence[Comparison]) -> list[str]:
    count = sum(comparison.results[REFERENCE].lines.left_out for comparison in comparisons)
    if not count:
        return []
    text = f"{count} lines of times or versions are not compared; they match one of: {'  '.join(LEFT_OUT)}"
    return textwrap.wrap(text, WIDTH)


# ---- JSON ----
def as_json(comparisons: Sequence[Comparison], scripts: Sequence[Path]) -> dict[str, Any]:
    return {
        "verdict": summary(comparisons),
        "experiments": {
            comparison.name: {
                "script": str(script),
                "steps": comparison.step,
                "judged": is_judged(comparison),
                "judged_steps": comparison.judged_steps,
                "notes": notes(comparison),
                "problems": [vars(problem) for problem in problems(comparison)],
                "engines": {name: engine_as_json(comparison, name) for name in comparison.results},
            }
            for comparison, script in zip(comparisons, scripts, strict=True)
        },
        "tolerances": {name: getattr(tolerances, name) for name in TOLERANCES},
        "lines_left_out": list(LEFT_OUT),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "blas": {name: os.environ[name] for name in os.environ if name.startswith(("OPENBLAS_", "MKL_"))},
    }


def engine_as_json(comparison: Comparison, name: str) -> dict[str, Any]:
    result = comparison.results[name]
    return {
        "verdict": verdict(comparison, name),
        "outcome": result.finished.outcome,
        "message": result.finished.message,
        "source": result.finished.source,
        "traceback": result.finished.details,
        "versions": result.versions,
        "seconds": result.finished.seconds,
        "initial_weights": number(result.weights),
        "first_gradient": number(result.first_gradient),
        "largest_error": {kind: number(value) for kind, value in result.largest.items()},
        "of_bound": number(result.of_bound),
        "kink_step": result.kink_step,
        "lines": vars(result.lines),
        "difference": result.difference,
        "difference_step": result.difference_step,
    }


def number(value: float | None) -> float | str | None:
    """JSON has no infinity."""
    return str(value) if value in (float("inf"), float("-inf")) or value != value else value


def write_json(comparisons: Sequence[Comparison], scripts: Sequence[Path], path: Path) -> None:
    """Write beside the file, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.write_text(json.dumps(as_json(comparisons, scripts), indent=2, allow_nan=False) + "\n")
    os.replace(unfinished, path)

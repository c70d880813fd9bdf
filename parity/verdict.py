"""From figures to words: each engine's verdict, everything that is wrong, and the last line of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE, SECOND_JUDGE

BOTH_JUDGES = (JUDGE, SECOND_JUDGE)
FLOAT32_HINT = (
    "Both float64 engines agree at every step, so the rules are right: look for lost precision, or for a "
    "kink (of ReLU, of L1) that float32 crosses one step early."
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `kind` is "DISAGREE", "FAILED" or "NO VERDICT"."""

    kind: str
    step: int
    text: str
    hint: str = ""


def judges_were_asked(comparison: Comparison) -> bool:
    return all(name in comparison.results for name in BOTH_JUDGES)


def is_judged(comparison: Comparison) -> bool:
    """Both float64 engines ran and agree, and there was something to compare."""
    results = comparison.results
    something = bool(comparison.losses[REFERENCE]) or results[REFERENCE].lines.compared > 0
    return something and judges_were_asked(comparison) and all(results[name].is_sound for name in BOTH_JUDGES)


def verdict(comparison: Comparison, name: str) -> str:
    outcome = comparison.results[name].finished.outcome
    if outcome != "finished":
        return "FAILED" if outcome == "failed" else outcome
    if name == REFERENCE:
        return "reference"
    if not comparison.results[name].is_sound:
        return "PARTED" if name == JUDGE else "DISAGREES"
    if name in BOTH_JUDGES:
        return "judge"
    return "agrees" if is_judged(comparison) else "no verdict"


def problems(comparison: Comparison) -> list[Problem]:
    """Everything that is wrong, the earliest first; empty if nothing is."""
    found = []
    for name, result in comparison.results.items():
        who = f"{comparison.name}: {name}"
        kind = "NO VERDICT" if name == JUDGE else "DISAGREE"
        if result.finished.outcome == "failed":
            found.append(Problem("FAILED", 0, f"{who} failed: {result.finished.message}"))
        if result.difference is not None:
            hint = FLOAT32_HINT if not result.engine.wide and is_judged(comparison) else ""
            if hint and result.kink_step:
                hint += f" A ReLU was on the other side of its kink at step {result.kink_step}."
            found.append(Problem(kind, result.difference_step, f"{who}: {result.difference}", hint))
        elif result.lines.difference is not None:
            found.append(Problem(kind, comparison.step, f"{who}: {result.lines.difference}"))
    if not found and judges_were_asked(comparison) and not is_judged(comparison):
        text = f"{comparison.name}: the script neither calls backward nor prints: nothing to compare"
        found.append(Problem("NO VERDICT", 0, text))
    return sorted(found, key=lambda problem: problem.step)


def summary(comparisons: Sequence[Comparison]) -> str:
    """The last line of the report: the worst kind of problem with its first instance, or AGREE."""
    wrong = [problem for comparison in comparisons for problem in problems(comparison)]
    for kind in ("DISAGREE", "FAILED", "NO VERDICT"):
        for problem in wrong:
            if problem.kind == kind:
                return f"{kind}: {problem.text}"
    experiments = f"{len(comparisons)} of {len(comparisons)} experiments"
    if not all(map(is_judged, comparisons)):
        return f"NO VERDICT: nothing wrong was found in {experiments}, but the float64 judges did not run"
    steps = sum(comparison.step for comparison in comparisons)
    lines = sum(comparison.results[REFERENCE].lines.compared for comparison in comparisons)
    return f"AGREE: {experiments}, {steps} steps, {lines} printed lines"

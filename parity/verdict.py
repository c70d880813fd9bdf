"""From figures to words: each engine's verdict, everything that is wrong, and the last line of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE, SECOND_JUDGE
from parity.records import Finished
from parity.tolerances import WITHOUT_JUDGES

BOTH_JUDGES = (JUDGE, SECOND_JUDGE)
FLOAT32_HINT = (
    "Both float64 engines agree at every step, so the rules are right: look for lost precision, or for a "
    "kink (of ReLU, of L1) that float32 crosses one step early."
)
HINTS = {  # by the type of the exception
    "EOFError": "If the script asks input(): --input FILE gives every engine the same answers.",
    "FileNotFoundError": "The script runs in a copy of its own folder; what lies elsewhere needs an absolute path.",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `kind` is "DISAGREE", "FAILED" or "NO VERDICT"."""

    kind: str
    step: int
    text: str
    hint: str = ""


def is_sound(comparison: Comparison, name: str) -> bool:
    """The engine did what torch did: to the end of the script, or up to the same error."""
    result, torch = comparison.results[name], comparison.results[REFERENCE]
    alike = result.finished.outcome == torch.finished.outcome == "finished" or fails_alike(comparison, name)
    return alike and not result.broken and not result.difference and not result.lines.difference


def fails_alike(comparison: Comparison, name: str) -> bool:
    """torch fails, and this engine fails with the same type of exception at the same line of the script."""
    return comparison.results[name].finished.fails_like(comparison.results[REFERENCE].finished)


def everybody_fails_alike(comparison: Comparison) -> bool:
    ran = [name for name, result in comparison.results.items() if not result.finished.outcome.startswith("not ")]
    return len(ran) > 1 and all(fails_alike(comparison, name) for name in ran)


def judges_were_asked(comparison: Comparison) -> bool:
    return all(name in comparison.results for name in BOTH_JUDGES)


def something_was_compared(comparison: Comparison) -> bool:
    """torch trained, or printed, or failed as others did."""
    compared = bool(comparison.losses[REFERENCE]) or comparison.results[REFERENCE].lines.compared > 0
    return compared or everybody_fails_alike(comparison)


def why_not_judged(comparison: Comparison) -> str:
    """Why the float64 engines cannot tell about this script; empty if they can.

    A script may break when it is widened: because it insists on float32, or goes another way on other digits.
    """
    if not judges_were_asked(comparison):
        return "the float64 judges did not run"
    for judge, narrow in ((JUDGE, REFERENCE), (SECOND_JUDGE, "minigrad")):
        result = comparison.results[judge]
        reason = result.broken or (result.difference or result.lines.difference if judge == JUDGE else "")
        if result.finished.outcome == "failed" and not fails_alike(comparison, judge):
            sibling = comparison.results.get(narrow)
            if sibling is None or sibling.finished.outcome == "finished" or fails_alike(comparison, narrow):
                reason = f"it failed: {result.finished.message}"
        if reason:
            return f"{judge} cannot judge: {reason}"
    return ""


def is_judged(comparison: Comparison) -> bool:
    """Both float64 engines ran and agree, and there was something to compare."""
    able = not why_not_judged(comparison) and all(is_sound(comparison, name) for name in BOTH_JUDGES)
    return able and something_was_compared(comparison)


def verdict(comparison: Comparison, name: str) -> str:
    result = comparison.results[name]
    if fails_alike(comparison, name) and is_sound(comparison, name):
        return "fails alike" if everybody_fails_alike(comparison) or name != REFERENCE else "FAILED"
    if result.finished.outcome != "finished":
        return "FAILED" if result.finished.outcome == "failed" else result.finished.outcome
    if name == REFERENCE:
        return "reference"
    if not result.engine.judged:
        return "shown"
    if not is_sound(comparison, name):
        return "PARTED" if name == JUDGE or result.broken else "DISAGREES"
    if name in BOTH_JUDGES:
        return "judge"
    if is_judged(comparison):
        return "agrees"
    return "same" if why_not_judged(comparison) and something_was_compared(comparison) else "no verdict"


def problems(comparison: Comparison) -> list[Problem]:
    """Everything that is wrong, the earliest first; empty if nothing is."""
    found = []
    excused = [] if is_judged(comparison) else unable_judges(comparison)
    for name in comparison.results:
        if name not in excused:
            found += problems_of(comparison, name)
    if not found and not something_was_compared(comparison):
        text = f"{comparison.name}: the script neither calls backward nor prints: nothing to compare"
        found.append(Problem("NO VERDICT", 0, text))
    return sorted(found, key=lambda problem: problem.step)


def unable_judges(comparison: Comparison) -> list[str]:
    """The judges whose troubles come from widening the script: a note, no problem."""
    reason = why_not_judged(comparison)
    second = comparison.results.get(SECOND_JUDGE)
    if reason.startswith(SECOND_JUDGE):
        return [SECOND_JUDGE]
    if not reason.startswith(JUDGE) or second is None:
        return []
    if not second.broken and second.finished.outcome != "failed":
        return [JUDGE]
    return [name for name, result in comparison.results.items() if result.engine.wide]


def may_be_amplified_rounding(comparison: Comparison) -> bool:
    """Whether an engine disagrees, after step 1, that judges could judge: then nudged engines are asked (NUDGE)."""
    found = [problem for problem in problems(comparison) if problem.kind == "DISAGREE"]
    fit = judges_were_asked(comparison) and not comparison.big and not why_not_judged(comparison)
    return bool(found) and fit and all(problem.step > 1 for problem in found)


def problems_of(comparison: Comparison, name: str) -> list[Problem]:
    result, torch = comparison.results[name], comparison.results[REFERENCE].finished
    who = f"{comparison.name}: {name}"
    finished, lines = result.finished, result.lines
    found = []
    if finished.outcome == "failed" and not (fails_alike(comparison, name) and len(comparison.results) > 1):
        other = f"; torch failed: {torch.message}" if torch.outcome == "failed" and name != REFERENCE else ""
        text = f"{who} failed: {finished.message}{other}"
        found.append(Problem("FAILED", comparison.step, text, explain(finished)))
    if finished.outcome == "finished" and not finished.stopped and torch.outcome == "failed":
        found.append(Problem("DISAGREE", comparison.step, f"{who} goes on where torch fails: {torch.message}"))
    lines_first = lines.difference is not None and lines.difference_step < result.difference_step
    if not result.engine.judged:
        return found
    if result.difference is not None and not lines_first:
        hint = FLOAT32_HINT if not result.engine.wide and is_judged(comparison) else ""
        if hint and result.kink_step:
            hint += f" A ReLU was on the other side of its kink at step {result.kink_step}."
        found.append(Problem("DISAGREE", result.difference_step, f"{who}: {result.difference}", hint))
    elif lines.difference is not None:
        found.append(Problem("DISAGREE", lines.difference_step, f"{who}: {lines.difference}"))
    return found


def explain(finished: Finished) -> str:
    """The line of source that failed, and what may help."""
    return "  ".join(filter(None, [finished.source, HINTS.get(finished.error, "")]))


def summary(comparisons: Sequence[Comparison]) -> str:
    """The last line of the report: the worst kind of problem with its first instance, or AGREE, or SAME."""
    wrong = [problem for comparison in comparisons for problem in problems(comparison)]
    for kind in ("DISAGREE", "FAILED", "NO VERDICT"):
        for problem in wrong:
            if problem.kind == kind:
                return f"{kind}: {problem.text}"
    steps = sum(comparison.step for comparison in comparisons)
    lines = sum(comparison.results[REFERENCE].lines.compared for comparison in comparisons)
    figures = f"{steps} steps, {lines} printed lines"
    for comparison in comparisons:
        if everybody_fails_alike(comparison):
            figures += f"; {comparison.name} fails alike: {comparison.results[REFERENCE].finished.message}"
    count = f"{len(comparisons)} of {len(comparisons)}"
    if all(map(is_judged, comparisons)):
        return f"AGREE: {count} experiments, {figures}"
    reason = next(filter(None, map(why_not_judged, comparisons)), "")
    return f"SAME: {count} scripts, {figures}; to {WITHOUT_JUDGES:.0e} ({reason})"

"""What a person reads of a search: who errs first and where, every operation in a table, the growth of errors."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from parity.bisect.findings import EVERY, FIRST, Count, Finding
from parity.engines import ENGINES, JUDGE, REFERENCE
from parity.report import figure, number, shorten

if TYPE_CHECKING:
    from parity.bisect.command import Search
    from parity.bisect.growth import Quantity

WIDTH = 112
MOST_ROWS = 8  # of the growth table
MOST_OTHERS = 8
SAMPLED = f" (the first {FIRST}, each {EVERY}th, and those around a parting)"
NO_OPERATION = ("No operation errs on equal inputs: look at what is no operation (random numbers, data order, "
                "schedules, a gradient that the script changes), or at a kink")


def text(search: Search) -> str:
    """The report; its last line is the verdict."""
    parts = [growth_table(search), operations_table(search)]
    first = [finding for engine in search.engines if (finding := first_of(search, engine))]
    parts += ["\n".join(described(finding)) for finding in first]
    parts += [others(search, first), unfinished(search), verdict(search)]
    return "\n\n".join(part for part in parts if part)


def first_of(search: Search, engine: str) -> Finding | None:
    return next((finding for finding in search.findings if finding.engine == engine), None)


def at_fault(search: Search) -> list[str]:
    """The engines that err; torch, the reference, counts only if it is one of two of its kind."""
    return [engine for engine in search.engines if engine != REFERENCE and first_of(search, engine)]


def status_of(search: Search) -> int:
    """The exit status: 1 if an engine errs, the runs part or the script fails."""
    parted = any(search.growth.parted(engine) for engine in search.engines)
    return 1 if parted or at_fault(search) or search.finished.outcome != "finished" else 0


# ---- one finding ----
def described(finding: Finding) -> list[str]:
    """Everything that is known of the place where an engine errs first."""
    place = finding.place
    lines = [f"{finding.engine} ERRS first at step {place.step}, pass {finding.stage}, operation {finding.operation}"]
    lines += labelled("module", place.module)
    lines += labelled("line", f"{place.where}   {place.source}" if place.where else "")
    lines += labelled("what", f"{finding.what}, of shape {list(finding.shape)}{element(finding)}")
    if finding.message:
        lines += labelled("found", f"it {finding.message}")
    for side, value in finding.values.items():
        lines += labelled(side, f"{value!r}")
    if finding.excess:
        excess = finding.excess
        lines += labelled("error", f"{excess.error:.3g}: {ulps(excess.ulps)}, {excess.of_largest:.2g} of the largest "
                                   f"entry; rounding explains {excess.allowed:.2g} ({finding_kind(finding)})")
        lines += labelled("nearer", nearer(finding))
    if finding.rules:
        lines += labelled("rule", f"minigrad's {'; '.join(finding.rules)}: contradicts a difference quotient of the "
                                  "entry's own forward function")
    elif finding.entries:
        lines += labelled("entries", f"of minigrad's table: {', '.join(finding.entries)}")
    return lines


def labelled(label: str, said: str) -> list[str]:
    if not said:
        return []
    return textwrap.wrap(said, WIDTH, initial_indent=f"  {label:<18}", subsequent_indent=" " * 20)


def element(finding: Finding) -> str:
    return f", element {list(finding.excess.element)}" if finding.excess and finding.shape else ""


def ulps(count: float) -> str:
    return f"{count:,.1f} ulps" if count < 100 else f"{count:,.0f} ulps" if count < 1e15 else "beyond any ulps"


def finding_kind(finding: Finding) -> str:
    excess = finding.excess
    assert excess is not None
    return f'"{excess.kind}", {excess.terms:.0f} terms' if excess.terms > 1 else f'"{excess.kind}"'


def nearer(finding: Finding) -> str:
    """Who is nearer to float64 at this entry: the reference, which stands behind the judge, or the engine that errs."""
    reference = next((name for name in finding.values if name in ENGINES), finding.engine)
    if reference == finding.engine or finding.excess is None:
        return ""
    theirs = abs(finding.values[reference] - finding.excess.judged)
    if theirs >= finding.excess.error:
        return f"{finding.engine}, though {reference} is off by {theirs:.2g}"
    return f"{reference}, off by {theirs:.2g}" if theirs else f"{reference}, which is exact"


# ---- tables ----
def operations_table(search: Search) -> str:
    """Every operation that was looked at, with each engine's largest error."""
    if search.summary is None:
        return ""
    counts = search.summary.counts
    calls = sum(count.calls for count in counts.values())
    steps = f"{search.summary.steps} steps" + (SAMPLED if search.summary.steps > FIRST else "")
    lines = textwrap.wrap(f"{calls:,} operations looked at, on equal inputs, in {steps}. Largest error, measured from "
                          "torch in float64, in ulps of the largest entry:", WIDTH)
    lines += ["", f"{'operation':<52} {'pass':<9} {'calls':>7}" + "".join(f"{name:>14}" for name in search.engines)]
    lines += [row(name, stage, count, search.engines) for (name, stage), count in counts.items()]
    passed = search.summary.passed_over
    if passed:
        lines += textwrap.wrap(f"not judged: {'; '.join(f'{what} ({times})' for what, times in passed.items())}", WIDTH)
    return "\n".join(lines)


def row(name: str, stage: str, count: Count, engines: list[str]) -> str:
    cells = [cell(count.ulps.get(engine), engine in count.wrong) for engine in engines]
    return f"{shorten(name, 52):<52} {stage:<9} {count.calls:>7}" + "".join(f"{text:>14}" for text in cells)


def cell(error: float | None, wrong: bool) -> str:
    shown = "" if error is None else "0" if error == 0 else f"{error:.2f}" if error < 1000 else f"{error:.1e}"
    return f"! {shown}" if wrong else shown


def growth_table(search: Search) -> str:
    """The quantities whose errors rise the most within one step."""
    growth = search.growth
    lines = [f"{search.name}: {' and '.join(search.engines)}, {growth.step} steps of whole runs", ""]
    for engine in search.engines:
        if engine != REFERENCE:
            lines += growth_of(search, engine)
    return "\n".join(lines)


def growth_of(search: Search, engine: str) -> list[str]:
    growth = search.growth
    known = [quantity for quantity in growth.quantities.values() if quantity.errors.get(engine)]
    known.sort(key=lambda quantity: (quantity.manner(engine) != "jump", -quantity.rise(engine)[0]))
    parted = growth.parted(engine)
    together = "stays with torch: no loss, gradient, parameter or printed line is further off than rounding explains"
    apart = f"parts from torch at step {parted[0]}: {parted[1]}" if parted else together
    lines = textwrap.wrap(f"{engine} {apart}", WIDTH)
    if known:
        lines.append(f"{'':<44} {'first error':>12} {'largest':>9} {'steepest rise':>22}")
    for quantity in known[:MOST_ROWS]:
        lines.append(growth_row(quantity, engine))
    if len(known) > MOST_ROWS:
        lines.append(f"and {len(known) - MOST_ROWS} more (--json)")
    return lines


def growth_row(quantity: Quantity, engine: str) -> str:
    errors = quantity.errors[engine]
    factor, step = quantity.rise(engine)
    name = quantity.name if quantity.kind == "loss" else f"{quantity.kind} of {quantity.name}"
    rise = f"{factor:.3g} x at step {step}" if step else "none"
    columns = f"{shorten(name, 44):<44} {figure(errors[0]):>12} {figure(max(errors)):>9} {rise:>22}"
    return f"{columns}  {quantity.manner(engine)}"


def others(search: Search, first: list[Finding]) -> str:
    """What else errs: independent of the first, since every operation has equal inputs."""
    rest = [finding for finding in search.findings if not any(finding is one for one in first)]
    if not rest:
        return ""
    lines = ["Also, each on equal inputs:"]
    for finding in rest[:MOST_OTHERS]:
        rules = f" ({'; '.join(finding.rules)})" if finding.rules else ""
        lines += textwrap.wrap(f"{finding.engine}, step {finding.place.step}, {finding.stage}, {finding.operation}, "
                               f"{finding.place.where}: {finding.what}{rules}", WIDTH, initial_indent="  ",
                               subsequent_indent="    ")
    if len(rest) > MOST_OTHERS:
        lines.append(f"  and {len(rest) - MOST_OTHERS} more (--json)")
    return "\n".join(lines)


def unfinished(search: Search) -> str:
    if search.finished.outcome == "finished":
        return ""
    return f"The script did not come to its end on torch: {search.finished.message}\n{search.finished.details}"


def verdict(search: Search) -> str:
    """The last line."""
    engines = at_fault(search)
    if engines:
        finding = first_of(search, engines[0])
        assert finding is not None
        rule = f" ({finding.rules[0]})" if finding.rules else ""
        place = f"step {finding.place.step}, {finding.stage}, {finding.operation}"
        return f"FOUND: {finding.engine} errs at {place}{rule}, {finding.place.where}"
    for engine in search.engines:
        if parted := search.growth.parted(engine):
            if search.growth.results[engine].finished.outcome == "failed":
                return f"FAILED: {engine} at step {parted[0]}: {parted[1]}. No operation before that errs"
            return f"PARTED: {engine} at step {parted[0]}: {parted[1]}. {NO_OPERATION}"
    if search.finished.outcome != "finished":
        return f"FAILED: {search.finished.message}"
    return f"NOTHING FOUND: no operation of {' or '.join(e for e in search.engines if e != REFERENCE)} errs"


# ---- JSON ----
def as_json(search: Search) -> dict[str, Any]:
    growth = search.growth
    counts = search.summary.counts if search.summary else {}
    found = {
        "verdict": verdict(search),
        "script": search.name,
        "engines": search.engines,
        "judge": JUDGE,
        "steps": growth.step,
        "findings": [asdict(finding) for finding in search.findings],
        "operations": [{"operation": name, "pass": stage, "calls": count.calls, "wrong": dict(count.wrong),
                        "ulps": count.ulps} for (name, stage), count in counts.items()],
        "not judged": search.summary.passed_over if search.summary else {},
        "parted": {engine: growth.parted(engine) for engine in search.engines},
        "growth": [asdict(quantity) for quantity in growth.quantities.values()],
        "outcome": search.finished.outcome,
        "message": search.finished.message,
    }
    return finite(found)


def finite(tree: Any) -> Any:
    """The same, with words for infinities and NaN, which JSON has not."""
    if isinstance(tree, dict):
        return {key: finite(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [finite(value) for value in tree]
    return number(tree) if isinstance(tree, float) else tree

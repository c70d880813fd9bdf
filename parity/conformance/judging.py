"""What is asked of a sample, whatever it is a sample of; the three files that follow say which samples there are."""

from __future__ import annotations

from functools import cache

import torch

from parity.conformance import devices
from parity.conformance.agreement import (
    Judge,
    difference,
    difference_in_errors,
    difference_in_gradients,
    difference_in_second_order,
    difference_in_values,
    said,
)
from parity.conformance.results import Row
from parity.conformance.running import Case, Outcome, run
from parity.conformance.samples import NotApplicable

USELESS = ": the case shows nothing"


def judge_sample(row: Row, name: str, case: Case, rounded: Case | None, dtype: torch.dtype, second_order: bool) -> None:
    """Values and gradients in both precisions; second derivatives, and ties and kinks (`rounded`), in float64."""
    exact = dtype != torch.float32
    runs = both(row, case, second_order and exact)
    if runs is None:
        return
    ours, theirs = runs
    judge = None if exact else judge_of(case)
    row.checks["samples"].add(name, broken(theirs) or difference_in_values(ours, theirs, judge))
    if theirs.differentiable:
        row.checks["gradients"].add(name, difference_in_gradients(ours, theirs, judge))
        if second_order and exact:
            row.checks["second order"].add(name, difference_in_second_order(ours, theirs))
    if rounded and exact and (runs := both(row, rounded)):
        row.checks["ties"].add(name, difference(*runs))


def judge_error(row: Row, name: str, case: Case) -> None:
    """Both must raise, and the same type of exception."""
    if runs := both(row, case):
        ours, theirs = runs
        difference = difference_in_errors(ours.error, theirs.error)
        row.checks["errors"].add(name, difference if theirs.error else f"torch itself does not raise{USELESS}")


def both(row: Row, case: Case, second_order: bool = False) -> tuple[Outcome, Outcome] | None:
    """minigrad's outcome and torch's; None if the case does not apply, which is counted."""
    try:
        return run(devices.ours(), case, second_order), run(torch, case, second_order)
    except NotApplicable as reason:
        row.not_applicable[str(reason)] += 1
        return None


def judge_of(case: Case) -> Judge:
    """torch's answer in float64, worked out once and only if it is asked for."""
    return cache(lambda: run(torch, case.widened()))


def broken(theirs: Outcome) -> str | None:
    """A sample that torch itself refuses is a mistake of ours, and must not count as agreement."""
    failed = theirs.error or theirs.gradient_error
    return f"torch itself raises {said(failed)}{USELESS}" if failed else None

"""Judging one operation by torch's OpInfo."""

from __future__ import annotations

from typing import Any

import torch

import minigrad
from parity.conformance import metadata
from parity.conformance.agreement import difference
from parity.conformance.judging import both, judge_error, judge_sample
from parity.conformance.results import Row, new_row
from parity.conformance.running import FunctionCase
from parity.conformance.samples import Arguments
from parity.conformance.spellings import Spelling, is_elsewhere, main_spelling, other_spellings

# torch's result says that it requires a gradient, and its backward raises: these get inputs that require none.
WITHOUT_DERIVATIVE = ("floor_divide",)
OPEN_ORDER = "the places of equal elements, which torch leaves open without stable=True (sort, topk: values compared)"


def judge_operation(name: str, tier: str) -> Row:
    """The row of one operation of torch's metadata."""
    row = new_row("op", name, tier)
    with metadata.quietly():
        op = metadata.operations()[name]
        main = main_spelling(op)
        try:
            main.find(minigrad)
        except AttributeError:
            row.missing = main.text
            return row
        for dtype in dtypes_of(op):
            judge_samples(row, op, main, dtype)
        for spelling in other_spellings(op):
            judge_spelling(row, spelling, samples_of(op, dtypes_of(op)[0], op.supports_autograd))
        judge_errors(row, op, main)
        if elsewhere := sum(map(is_elsewhere, op.aliases)):
            row.not_applicable["aliases in torch.special and torch.linalg"] += elsewhere
    return row


def judge_samples(row: Row, op: Any, main: Spelling, dtype: torch.dtype) -> None:
    """Every sample of a dtype in the main spelling."""
    for text, arguments in samples_of(op, dtype, op.name not in WITHOUT_DERIVATIVE):
        case = FunctionCase(main, arguments)
        rounded: FunctionCase | None = case.rounded()
        if dtype == torch.float64 and order_of_ties_is_open(op.name, arguments):
            row.not_applicable[OPEN_ORDER] += 1
            rounded = FunctionCase(elements_alone(main), arguments.rounded()) if op.name != "argsort" else None
        judge_sample(row, text, case, rounded, dtype, bool(op.supports_gradgrad))


def order_of_ties_is_open(name: str, arguments: Arguments) -> bool:
    """torch promises an order of equal elements only to who asks for stable=True."""
    return name in ("sort", "argsort", "topk") and not arguments.kwargs.get("stable")


def elements_alone(spelling: Spelling) -> Spelling:
    """What is certain of a sort or topk of equal elements: the elements, not their places nor their gradient."""
    return Spelling(spelling.text, lambda library: lambda *args, **kwargs: (
        spelling.find(library)(*args, **kwargs)[0].detach()))


def dtypes_of(op: Any) -> list[torch.dtype]:
    """float64 and float32; int64 for an operation that takes no floating-point tensors."""
    return [dtype for dtype in (torch.float64, torch.float32) if dtype in op.dtypes] or [torch.int64]


def samples_of(op: Any, dtype: torch.dtype, requires_grad: bool) -> list[tuple[str, Arguments]]:
    """Every sample of a dtype, with a name for it; on demand its inputs require gradients."""
    metadata.seed_everything()
    with torch.no_grad():
        samples = list(op.sample_inputs_func(op, "cpu", dtype, requires_grad and dtype.is_floating_point))
    return [named("sample", number, sample) for number, sample in enumerate(samples)]


def named(kind: str, number: int, sample: Any) -> tuple[str, Arguments]:
    """A sample's arguments, and how to speak of it: its number in torch's metadata, and what they are."""
    arguments = Arguments((sample.input, *sample.args), dict(sample.kwargs))
    return f"{kind} {number} {arguments}", arguments


def judge_spelling(row: Row, spelling: Spelling, samples: list[tuple[str, Arguments]]) -> None:
    """Every float64 sample once more, written differently: values and gradients."""
    tally = row.checks["spellings"]
    try:
        spelling.find(minigrad)
    except AttributeError:
        tally.add(spelling.text, "missing")
        return
    for text, arguments in samples:
        if runs := both(row, FunctionCase(spelling, arguments)):
            tally.add(f"{spelling.text}, {text}", difference(*runs))


def judge_errors(row: Row, op: Any, main: Spelling) -> None:
    """Every error input: both must raise, and the same type of exception."""
    if op.error_inputs_func is None:
        return
    metadata.seed_everything()
    for number, error_input in enumerate(list(op.error_inputs_func(op, "cpu"))):
        text, arguments = named("error input", number, error_input.sample_input)
        judge_error(row, text, FunctionCase(main, arguments))

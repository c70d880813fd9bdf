"""What a mutant has to get past: torch's samples, and programs of our own for what they do not reach.

A check is prepared once, on the real engines: torch's answers are worked out and kept, and the functions of minigrad
that the check runs are noted. A mutant then meets the checks that run the function it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch

import minigrad
from parity.conformance import metadata, modules, operations, optimizers
from parity.conformance.agreement import difference, difference_in_second_order
from parity.conformance.running import Case, FunctionCase, Outcome, Ready, run
from parity.conformance.samples import Arguments, Library, NotApplicable
from parity.conformance.spellings import main_spelling
from parity.conformance.tiers import TIERS
from parity.mutants.engine import Place, caches_of_minigrad, places_run
from parity.mutants.programs import PROGRAMS

LEFT_OUT = ("empty", "empty_like", "bmm.triton_optimized", "linalg.norm", "linalg.norm.subgradients_at_zero",
            "linalg.vector_norm", "nn.functional.max_pool1d", "unique", "tile", "linspace.tensor_overload",
            "norm.nuc", "cdist", "gradient")  # no numbers of their own, or many samples and nothing new
MOST = 200  # questions in a check; of more, evenly chosen ones


@dataclass
class Question:
    """A case, and torch's answer."""

    case: Case
    second_order: bool
    answer: Outcome

    def wrong(self, library: Library) -> str | None:
        """What the library gets wrong, if anything."""
        ours = run(library, self.case, self.second_order)
        found = difference(ours, self.answer)
        return found or (difference_in_second_order(ours, self.answer) if self.second_order else None)


@dataclass
class Check:
    """Questions about one thing: an operation, a module, an optimizer, a program."""

    name: str
    questions: list[Question]
    runs: set[Place]
    seconds: float

    def wrong(self, library: Library) -> str | None:
        """The first thing that the library gets wrong."""
        with metadata.quietly():
            for question in self.questions:
                found = question.wrong(library)
                if found:
                    return found
        return None


class ProgramCase:
    """A program `f(torch)`; what it returns must be the same, or the type of what it raises."""

    def __init__(self, program: Callable[[Any], Any]) -> None:
        self.program = program

    def ready(self, library: Library) -> Ready:
        return Ready(lambda: self.program(library), [])

    def widened(self) -> ProgramCase:
        return self


def prepared(only: Callable[[str], bool] = lambda name: True) -> list[Check]:
    """All checks whose names `only` accepts, with torch's answers; the quick ones first."""
    caches, checks = caches_of_minigrad(), []
    with metadata.quietly():
        for name, cases in all_cases():
            if only(name):
                given = list(cases)
                for empty in caches:  # so that what runs on first use alone is seen to run
                    empty()
                checks.append(observed(name, given))
    return sorted(checks, key=lambda check: check.seconds)


def all_cases() -> Iterator[tuple[str, Iterator[tuple[Case, bool]]]]:
    """The checks' names, and their cases, each with whether second derivatives are to be compared."""
    for program in PROGRAMS:
        yield program.__name__, iter([(ProgramCase(program), False)])
    for tier in TIERS.values():
        for name in tier.ops:
            yield name, cases_of_operation(name)
        for name in tier.modules:
            yield name, cases_of_module(name)
        for name in tier.optimizers:
            yield name, cases_of_optimizer(name)
    for name in beyond_the_tiers():
        yield name, cases_of_operation(name)
    yield "NAdam", cases_of_optimizer("NAdam")


def beyond_the_tiers() -> Iterator[str]:
    """The operations of torch's metadata that nobody asked for, and minigrad has all the same."""
    asked_for = {name for tier in TIERS.values() for name in tier.ops}
    for name, op in metadata.operations().items():
        if name not in asked_for and name not in LEFT_OUT:
            try:
                main_spelling(op).find(minigrad)
            except AttributeError:
                continue
            yield name


def cases_of_operation(name: str) -> Iterator[tuple[Case, bool]]:
    op = metadata.operations()[name]
    for _, arguments in operations.samples_of(op, operations.dtypes_of(op)[0], bool(op.supports_autograd)):
        case = FunctionCase(main_spelling(op), arguments)
        yield case, bool(op.supports_gradgrad)
        other = FunctionCase(main_spelling(op), arguments.changed(lambda t: t * 0.75))  # the shapes are those before:
        yield other, bool(op.supports_gradgrad)  # a value that is left over from there shows
        if not operations.order_of_ties_is_open(name, arguments):
            yield case.rounded(), False


def cases_of_module(name: str) -> Iterator[tuple[Case, bool]]:
    info = metadata.modules()[name]
    for _, case, dtype in modules.cases_of(info):
        if dtype == torch.float64:
            yield case, bool(info.supports_gradgrad)


def cases_of_optimizer(name: str) -> Iterator[tuple[Case, bool]]:
    metadata.seed_everything()
    for given in metadata.optimizers()[name].optim_inputs_func(device="cpu", dtype=torch.float64):
        options = Arguments((), given.kwargs)
        yield optimizers.OptimizerCase(name, options, "float64", optimizers.several_steps), False


def observed(name: str, cases: list[tuple[Case, bool]]) -> Check:
    """A check: torch's answers to its questions, which functions of minigrad it runs, and how long it takes.

    A question that minigrad itself answers wrong, which is for `conformance` to say, is left out.
    """
    questions = [Question(case, second, answer) for case, second in cases[:: -(-len(cases) // MOST)]
                 if (answer := answer_to(case, second)) is not None]
    right: list[Question] = []
    start = perf_counter()
    runs = places_run(lambda: right.extend(question for question in questions if question.wrong(minigrad) is None))
    return Check(name, right, runs, perf_counter() - start)


def answer_to(case: Case, second_order: bool) -> Outcome | None:
    """torch's answer; None for a case that is not for minigrad."""
    try:
        case.ready(minigrad)
        return run(torch, case, second_order)
    except NotApplicable:
        return None
    except Exception:  # minigrad's, in making a module or an optimizer: `conformance` reports it
        return None

"""What torch alone refuses, although the numbers are well defined.

torch saves more than a derivative needs (the result of x ** 2, the indices of x[[0, 1]]), and so it notices writes
and freed graphs that do no harm. minigrad goes on there; what it goes on with is held against a torch that cannot
notice: it saves copies, and keeps its graphs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch

from parity.programs import machine
from parity.programs.machine import Machine, Outcome, Program

REFUSALS = {
    "modified by an inplace operation": "a saved value was overwritten of which minigrad needs nothing",
    "backward through the graph a second time": "a saved value was freed of which minigrad needs nothing",
    "some elements of the input tensor and the written-to tensor refer to a single memory location":
        "the value overlaps the place it is written to: minigrad computes it aside, before it writes",
    "A view was created in no_grad mode": "minigrad takes the view anew, with the history of its base",
    "is a view and its base or another view of its base has been modified inplace":
        "a view out of unbind, split or chunk: minigrad takes it anew, as any other view",
    "This view is the output of a function that returns multiple views": "the same, written to",
    "does not require grad": "whether a gradient that does not depend on the inputs has a graph is up to its rule",
}

# Layers and losses are one op in minigrad, several in torch: it may save an input where torch saves what is made of it.
SAVE_MORE = ("cross_entropy saved", "nll_loss saved", "abs saved its 'y'", "neg saved its 'x'")


def may_explain(ours: Outcome, theirs: Outcome) -> bool:
    """Whether the first statement at which only one of them fails is such a refusal of torch's."""
    for mine, other, said in zip(ours.errors, theirs.errors, theirs.said, strict=True):
        if mine != other:
            return mine is None and any(words in said for words in REFUSALS)
    return False


def is_cautious(ours: Outcome, theirs: Outcome) -> bool:
    """Whether the first statement at which only one of them fails is a refusal of minigrad's that is by design."""
    for mine, other, said in zip(ours.errors, theirs.errors, ours.said, strict=True):
        if mine != other:
            return other is None and any(words in said for words in (*SAVE_MORE, "does not require grad"))
    return False


def tainted(program: Program) -> set[str]:
    """The variables that come from gradients with a graph: rules differ in which of them requires grad."""
    found: set[str] = set()
    for statement in program.statements:
        names = set(re.findall(r"\bv\d+\b", statement))
        if "create_graph" in statement or names & found:
            left = statement.split(": ")[-1].partition(" = ")[0] if " = " in statement else ""
            found |= set(re.findall(r"\bv\d+\b", left))
    return found


def without_refusals(program: Program, ours: Outcome) -> Program:
    """The statements that minigrad accepts."""
    kept = [s for s, error in zip(program.statements, ours.errors, strict=True) if error is None]
    return Program(tuple(kept))


def run(program: Program, after: Callable[[Machine], None] | None = None) -> Outcome:
    """The outcome on a torch that saves copies and keeps its graphs."""
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        return machine.run(torch, Program(tuple(map(retaining, program.statements))), after)


def retaining(statement: str) -> str:
    asks = ".backward(" in statement or "autograd.grad(" in statement
    if not asks or "retain_graph" in statement:
        return statement
    return f"{statement[:-1]}{'' if statement.endswith('()') else ', '}retain_graph=True)"

"""What is let pass although the two libraries differ: every kind, with its reason, and nowhere else.

An excuse is counted whenever it is used, and it excuses no more than it says:

- Where one library alone refuses a statement, and the refusal is one of those below, that statement is left out on
  both (or torch runs on without its check), and all the rest of the program is compared.
- Where numbers differ, torch is run again with rounding errors added (see `noise`); a training loop, in which they
  grow, is held to each of its steps (see `stepwise`).

What the grammar never writes needs no excuse. Where torch leaves things open, or is wrong itself:

- a write into a gradient, which in torch may share memory with another;
- a write to a list of places of which one is not there: torch refuses that half-way;
- gradients of gradients of what a hook has changed, which are those of no function; and the gradient for a tensor in
  the midst of a graph with such a hook: torch takes it after the hook, or before it where the walk goes on from there;
- the median along a dim of an expanded tensor: torch 2.13 returns memory that nobody wrote;
- third derivatives of layer_norm and batch_norm: torch 2.13 takes mean and deviation there for constants;
- normalize with its eps of 1e-12: where a vector is 0 its gradient is 1e12, and what cancels leaves nothing but errors;
- second derivatives of BCELoss, to which torch adds 1e-12, where that shows;
- a number exactly on softplus's threshold, where torch takes the first derivative from one side and the second from
  the other; the second derivative of 0 ** y by y, which is nan in torch; ties in topk.

Where minigrad is known to differ, in little:

- relu, trunc and median of bools, all and any of uint8, unflatten of a number: minigrad answers, or answers otherwise;
- x.requires_grad_() after v = x[0]: in torch v requires grad from then on, as a view of x; in minigrad it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch

from parity.programs import machine
from parity.programs.machine import Machine, Outcome, Program

# ---- numbers ----
ROUNDING = "rounding"
BRANCHES = "rounding decides"
STEP_BY_STEP = "judged step by step"
# ---- what torch leaves to its rules ----
HISTORY = "a gradient's own history"
TORN = "gradients of a failed backward"
UNREADABLE = "unreadable in torch"

REASONS = {
    ROUNDING: "torch with rounding errors added to every number comes as far from torch",
    BRANCHES: "torch with rounding errors added raises the exceptions that minigrad raises, and comes as near",
    STEP_BY_STEP: "rounding errors grow with the steps of a training loop; from equal numbers each step agrees, and a "
                  "float32 loop agrees in float64",
    HISTORY: "whether a gradient that does not depend on the inputs has a graph is up to its rule",
    TORN: "a backward that fails on the way has added what it had come to: the order is free",
    UNREADABLE: "torch does not let one of several views be read whose base was written to",
}


@dataclass(frozen=True)
class Refusal:
    """A statement that one library refuses and the other runs: what the exception says, and why that is as it is."""

    name: str
    words: tuple[str, ...]
    reason: str
    is_a_check: bool = False  # torch need only be kept from noticing


BY_TORCH = (
    Refusal("torch: a saved value was overwritten", ("modified by an inplace operation",),
            "torch saves more than the derivative needs (the result of x ** 2); minigrad needs nothing of it",
            is_a_check=True),
    Refusal("torch: a saved value was freed", ("backward through the graph a second time",),
            "the same, of a graph that was freed", is_a_check=True),
    Refusal("torch: a value overlaps its place",
            ("some elements of the input tensor and the written-to tensor refer to a single memory location",),
            "minigrad computes the value aside, before it writes"),
    Refusal("torch: one of several views", ("A view was created in no_grad mode",
            "is a view and its base or another view of its base has been modified inplace",
            "This view is the output of a function that returns multiple views"),
            "minigrad takes a view of what was written to anew, with the history of its base, whichever made it"),
    Refusal("torch: huber_loss of two dtypes", ("Found dtype",),
            "torch's backward does not know that its forward converts"),
    Refusal("torch: no graph of a gradient", ("does not require grad",), REASONS[HISTORY]),
)
BY_MINIGRAD = (
    Refusal("minigrad: a layer is one op", ("cross_entropy saved", "nll_loss saved", "l1_loss saved",
                                            "abs saved its 'y'", "neg saved its 'x'", "add saved its 'x'"),
            "layers and losses are several ops in torch, which may save what is made of an input that we save"),
    Refusal("minigrad: repeated elements", ("more than one element of the written-to tensor",),
            "torch calls it deprecated to fill or index_put_ an expanded tensor, and warns; minigrad refuses"),
    Refusal("minigrad: no graph of a gradient", ("does not require grad",), REASONS[HISTORY]),
)
REASONS |= {refusal.name: refusal.reason for refusal in (*BY_TORCH, *BY_MINIGRAD)}


def refusal(program: Program, ours: Outcome, theirs: Outcome) -> tuple[int, Refusal] | None:
    """The first statement that only one of them refuses, if that is excused."""
    for i, (mine, other) in enumerate(zip(ours.errors, theirs.errors, strict=True)):
        if mine == other:
            continue
        if mine is not None and other is not None:
            return None
        known, said = (BY_TORCH, theirs.said[i]) if mine is None else (BY_MINIGRAD, ours.said[i])
        found = next((one for one in known if any(words in said for words in one.words)), None)
        if found and found.reason == REASONS[HISTORY] and not names_in(program.statements[i]) & with_history(program):
            return None
        return (i, found) if found else None
    return None


def with_history(program: Program) -> set[str]:
    """The variables that come from gradients with a graph of their own."""
    found: set[str] = set()
    for statement in program.statements:
        if "create_graph" in statement or names_in(statement) & found:
            left = statement.split(": ")[-1].partition(" = ")[0] if " = " in statement else ""
            found |= names_in(left)
    return found


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bv\d+\b", text))


def without(program: Program, at: int) -> Program:
    """The program without one of its statements."""
    return Program(program.statements[:at] + program.statements[at + 1 :])


def without_refused(program: Program, outcome: Outcome) -> Program:
    """The statements that were run."""
    return Program(tuple(s for s, error in zip(program.statements, outcome.errors, strict=True) if error is None))


def run_unchecked(program: Program, after: Callable[[Machine], None] | None = None) -> Outcome:
    """The outcome on a torch that saves copies and keeps its graphs: it has nothing to check."""
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        return machine.run(torch, Program(tuple(map(retaining, program.statements))), after)


def retaining(statement: str) -> str:
    asks = ".backward(" in statement or "autograd.grad(" in statement
    if not asks or "retain_graph" in statement:
        return statement
    return f"{statement[:-1]}{'' if statement.endswith('()') else ', '}retain_graph=True)"


def in_float64(program: Program) -> Program:
    """A training loop with the same draws and the rest in float64."""
    words = {".float()": ".double()", "dtype=torch.float32)": "dtype=torch.float32).double()",
             ".double().double()": ".double()", ".to(torch.float32)": ".to(torch.float64)"}
    statements = list(program.statements)
    for old, new in words.items():
        statements = [statement.replace(old, new) for statement in statements]
    return Program(tuple(statements))

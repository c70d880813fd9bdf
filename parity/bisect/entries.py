"""Which rule of minigrad's table it was: the call is made again, and every rule in it is held against a difference.

A rule for x claims: if x moves by d, the output's product with g moves by the rule's product with d. Both sides of that
can be worked out, in float64, with random g and d: no other library has to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad
from minigrad.engine import Leaf, Op, newest_first
from minigrad.ops import TABLE
from parity.bisect.calls import Call
from parity.bisect.replays import Replay, Side, random_array, replay
from parity.tolerances import OFF_KINKS, RULE_STEP, WRONG_RULE

TRIES = 3  # random directions
WIDE = Side("minigrad", minigrad, wide=True)
Run = tuple[Op, Sequence[Any]]  # an entry, and the arguments that it ran with


@dataclass(frozen=True)
class Entry:
    """An entry of the table, and the input whose rule is wrong."""

    name: str
    rule: str

    def __str__(self) -> str:
        return f"{self.name}, the rule for {self.rule}"


def wrong_rules(call: Call, stage: str = "backward") -> list[Entry]:
    """The rules that this call uses and that do not fit their own forward function, or their own derivative."""
    done = replay(call, WIDE)
    forwards = runs_of(call, ops_in(done.outputs))
    found = wrong_among(forwards, contradicts)
    if not found and stage == "double backward":
        found = wrong_in_rules(done) or wrong_among(forwards, contradicts_twice)
    return list(dict.fromkeys(found))


def wrong_in_rules(done: Replay) -> list[Entry]:
    """The entries that rules are made of have rules, too: those that are wrong, in the graph of the gradients."""
    output = next(output for output in done.outputs if output.requires_grad)
    cotangent = WIDE.tensor(random_array(tuple(output.shape), 0)).to(output.dtype).requires_grad_()

    def pull() -> list[Any]:
        return [one for one in done.pulled(output, cotangent, create_graph=True) if one is not None]

    ops = [op for op in ops_in(pull()) if op not in ops_in([output])]
    runs: list[Run] = []
    with noted(ops, runs):
        pull()
    return wrong_among(runs, contradicts)


def wrong_among(runs: list[Run], contradicts: Callable[..., bool]) -> list[Entry]:
    """The rules of the entries that ran which contradict a difference."""
    return [Entry(entry_name(op), name) for op, args in runs for i, name in enumerate(op.inputs)
            if name in op.rules and is_float(args[i]) and is_wrong(contradicts, op, args, i)]


def entries_of(call: Call) -> list[str]:
    """The names of all entries that stand in the graph of this call."""
    return list(dict.fromkeys(entry_name(op) for op in ops_in(replay(call, WIDE).outputs)))


def entry_name(op: Op) -> str:
    """Its word in the table, also for a copy under one of torch's other names."""
    exact = [name for name, entry in TABLE.items() if entry is op]
    return (exact or [name for name, entry in TABLE.items() if entry.forward is op.forward] or [op.name])[0]


def ops_in(outputs: Sequence[Any]) -> list[Op]:
    """The entries in a graph, the last one first."""
    roots = [output.node for output in outputs if output.node is not None]
    return list(dict.fromkeys(node.pullback.op for node in newest_first(roots) if not isinstance(node, Leaf)))


def runs_of(call: Call, ops: Sequence[Op]) -> list[Run]:
    """Each of these entries with the arguments that it has in the call, in float64; the last one first."""
    runs: list[Run] = []
    with noted(ops, runs):
        replay(call, WIDE)
    return runs[::-1]


@contextmanager
def noted(ops: Sequence[Op], runs: list[Run]) -> Iterator[None]:
    """Note every run of these entries, for as long as the block lasts."""
    forwards = [op.forward for op in ops]

    def noting(op: Op, forward: Any) -> Any:
        def run(*args: Any) -> Any:
            runs.append((op, [np.array(arg) if isinstance(arg, np.ndarray) else arg for arg in args]))
            return forward(*args)

        return run

    for op, forward in zip(ops, forwards, strict=True):
        op.forward = noting(op, forward)
    try:
        yield
    finally:
        for op, forward in zip(ops, forwards, strict=True):
            op.forward = forward


def is_float(arg: Any) -> bool:
    return isinstance(arg, np.ndarray) and arg.dtype == np.float64


def is_wrong(contradicts: Callable[..., bool], op: Op, args: Sequence[Any], i: int) -> bool:
    """Whether the rule for the i-th argument contradicts a difference, in each of several directions."""
    random = np.random.default_rng(0)
    at = [off_kinks(arg, random) if is_float(arg) else arg for arg in args]
    try:
        return all(contradicts(op, at, i, random) for _ in range(TRIES))
    except Exception:  # the rule cannot even be worked out
        return True


def off_kinks(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Somewhere near x where nothing is 0 and nothing is tied: a rule is right there, or it is wrong."""
    off = OFF_KINKS * random.standard_normal(x.shape)
    return np.asarray(np.where(x == 0, off, x * (1 + off)))  # of a 0-d array NumPy makes a number


def contradicts(op: Op, args: Sequence[Any], i: int, random: np.random.Generator) -> bool:
    """The gradient, against a difference of the forward function."""
    x = args[i]
    leaf = minigrad.from_numpy(x.copy()).requires_grad_()
    out = op(*args[:i], leaf, *args[i + 1 :])
    g, d = drawn(out, random), drawn(x, random)
    (pulled,) = minigrad.autograd.grad(out, leaf, minigrad.from_numpy(g))
    ahead, behind = (op.forward(*args[:i], np.asarray(x + h * d), *args[i + 1 :]) for h in (RULE_STEP, -RULE_STEP))
    return is_apart(pulled.numpy() * d, (ahead - behind) / (2 * RULE_STEP) * g)


def contradicts_twice(op: Op, args: Sequence[Any], i: int, random: np.random.Generator) -> bool:
    """The gradient's own gradient, for each input, against a difference of the gradient."""
    floats = [k for k in range(len(op.inputs)) if is_float(args[k])]
    g, ways = None, {k: drawn(args[k], random) for k in floats}

    def pulled(step: float) -> tuple[Any, list[Any]]:
        nonlocal g
        leaves = {k: minigrad.from_numpy(np.asarray(args[k] + step * ways[k])).requires_grad_() for k in floats}
        out = op(*(leaves.get(k, arg) for k, arg in enumerate(args)))
        g = drawn(out, random) if g is None else g
        (found,) = minigrad.autograd.grad(out, leaves[i], minigrad.from_numpy(g), create_graph=True)
        return found, list(leaves.values())

    here, leaves = pulled(0.0)
    (ahead, _), (behind, _) = pulled(RULE_STEP), pulled(-RULE_STEP)
    d = drawn(args[i], random)
    measured = (ahead.detach().numpy() - behind.detach().numpy()) / (2 * RULE_STEP) * d
    if not here.requires_grad:
        return is_apart(np.zeros(1), measured)
    again = minigrad.autograd.grad(here, leaves, minigrad.from_numpy(d), allow_unused=True)
    claimed = [one.numpy() * ways[k] for k, one in zip(floats, again, strict=True) if one is not None]
    return is_apart(np.concatenate([one.ravel() for one in claimed] or [np.zeros(1)]), measured)


def drawn(like: Any, random: np.random.Generator) -> np.ndarray:
    """A random array of the same shape."""
    return np.asarray(random.standard_normal(tuple(like.shape)))


def is_apart(claimed: np.ndarray, measured: np.ndarray) -> bool:
    """Whether two sums of products are further apart than the difference is inexact."""
    scale = max(np.abs(claimed).sum(), np.abs(measured).sum())
    return bool(abs(claimed.sum() - measured.sum()) > WRONG_RULE * scale)

"""Everything that can be measured: groups of cases, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmarks.engines import ENGINES
from benchmarks.loading import KINDS
from benchmarks.operations import OPERATIONS

TORCH_LIKE = ("minigrad", "torch")
STEPS_ONLY = ("minigrad-replay", "torch-compile")
EAGER = tuple(name for name in ENGINES if name not in STEPS_ONLY)


TRAINED = 20  # steps of training before losses are compared: enough for a wrong update to show


class Case(NamedTuple):
    """What a worker is asked: a method of its engine, and the arguments."""

    name: str
    method: str
    arguments: dict[str, Any]
    steps: int = 0  # before results are compared
    tolerance: float = 1e-3  # results may differ by so much of the largest number in them
    threads: int | None = None  # None: as many as the command says
    gc: bool = True
    operations: int = 1  # in a step: times are given for one of them
    quick: bool = True  # also measured with --quick


class Group(NamedTuple):
    """Cases that make one table."""

    title: str
    engines: tuple[str, ...]
    cases: list[Case]
    rounds: int  # how often each engine has its turn
    turn: float  # seconds that a turn is to take


def _training() -> Iterable[Case]:
    for name in ("line_l1", "line_mse", "blob_adam", "circles"):
        yield Case(name, "training", {"experiment": name}, TRAINED)
    for batch in (10, 64, 512):
        yield Case(f"fashion-{batch}", "training", {"experiment": "fashion", "batch": batch}, TRAINED,
                   quick=batch < 512)
    yield Case("fashion-512-2threads", "training", {"experiment": "fashion", "batch": 512}, TRAINED, threads=2,
               quick=False)


BATCHES, WIDTHS = (1, 10, 64, 512), (8, 32, 128, 512, 1024)


def _sweep() -> Iterable[Case]:
    for batch in BATCHES:
        for hidden in WIDTHS:
            yield Case(sweep_name(batch, hidden), "training",
                       {"experiment": "fashion", "batch": batch, "hidden": hidden}, TRAINED,
                       quick=batch in (1, 64) and hidden in (8, 128))


def sweep_name(batch: int, hidden: int) -> str:
    """The name of one cell of the sweep."""
    return f"batch{batch}-width{hidden}"


OP_SIZES = (10, 1000, 100_000)


def _ops() -> Iterable[Case]:
    for name in OPERATIONS:
        for size in OP_SIZES:
            for backward in (False, True):
                yield Case(op_name(name, size, backward), "op", {"name": name, "size": size, "backward": backward},
                           tolerance=1e-4, quick=name in ("add", "softmax", "max_pool2d") and size == 1000)


def op_name(name: str, size: int, backward: bool) -> str:
    """The name of one operation's case."""
    return f"{name}-{size}-{'both' if backward else 'forward'}"


LENGTHS = (10, 100, 1000, 10_000, 100_000, 1_000_000)


def _graphs() -> Iterable[Case]:
    for collector in (False, True):
        for n in LENGTHS:
            yield Case(graph_name(n, collector), "graph", {"n": n}, tolerance=1e-6, gc=collector, operations=n,
                       quick=n <= 10_000)


def graph_name(n: int, collector: bool) -> str:
    """The name of a graph of n operations, with the garbage collector on or off."""
    return f"{n}-gc-{'on' if collector else 'off'}"


def _loading() -> Iterable[Case]:
    for kind in KINDS:
        yield Case(kind, "loading", {"kind": kind}, tolerance=1e-5)


GROUPS = {
    "training": Group("Training steps", tuple(ENGINES), list(_training()), 15, 0.03),
    "sweep": Group("Batch and hidden width", (*TORCH_LIKE, "minigrad-replay", "numpy", "jax-jit"), list(_sweep()), 5,
                   0.02),
    "ops": Group("Single operations", (*TORCH_LIKE, "autograd", "mygrad", "jax"), list(_ops()), 5, 0.005),
    "graphs": Group("Long graphs", EAGER, list(_graphs()), 5, 0.02),
    "loading": Group("Data loading", TORCH_LIKE, list(_loading()), 7, 0.02),
}
FRESH = {"memory": "Peak memory", "bytes": "Memory for an operation of a graph", "import": "Import time"}
MEMORY_CASES = ("fashion-10", "fashion-512")


def names() -> list[str]:
    """What the command line takes."""
    return [*GROUPS, *FRESH, *(case.name for group in ("training",) for case in GROUPS[group].cases)]


def chosen(wanted: list[str], quick: bool) -> dict[str, list[Case]]:
    """The cases of each group that are to be measured: `wanted` names groups, or cases of the first one."""
    found = {}
    for name, group in GROUPS.items():
        cases = [case for case in group.cases if not wanted or name in wanted or case.name in wanted]
        found[name] = [case for case in cases if case.quick or not quick or case.name in wanted]
    return {name: cases for name, cases in found.items() if cases}

"""Everything that can be measured: groups of cases, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmarks.engines import on
from benchmarks.loading import KINDS
from benchmarks.operations import OPERATIONS

TORCH_LIKE = ("minigrad", "torch")
STEPS_ONLY = ("minigrad-replay", "torch-compile")
EAGER = tuple(name for name in on("cpu") if name not in STEPS_ONLY)
SMALL = ("line_l1", "line_mse", "blob_adam", "circles")  # experiments whose arrays are small


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


def _steps(batches: tuple[int, ...]) -> Iterable[Case]:
    for name in SMALL:
        yield Case(name, "training", {"experiment": name}, TRAINED)
    for batch in batches:
        yield Case(f"fashion-{batch}", "training", {"experiment": "fashion", "batch": batch}, TRAINED,
                   quick=batch < 512)


def _training() -> Iterable[Case]:
    yield from _steps((10, 64, 512))
    yield Case("fashion-512-2threads", "training", {"experiment": "fashion", "batch": 512}, TRAINED, threads=2,
               quick=False)


BATCHES, WIDTHS = (1, 10, 64, 512), (8, 32, 128, 512, 1024)
CUDA_BATCHES, CUDA_WIDTHS = (1, 8, 64, 512, 4096), (64, 256, 1024, 2048, 4096)  # to where the GPU is full


def _sweep(batches: tuple[int, ...], widths: tuple[int, ...]) -> Iterable[Case]:
    for batch in batches:
        for hidden in widths:
            yield Case(sweep_name(batch, hidden), "training",
                       {"experiment": "fashion", "batch": batch, "hidden": hidden}, TRAINED,
                       quick=batch in (1, 64) and hidden in (8, 64, 128, 256))


def sweep_name(batch: int, hidden: int) -> str:
    """The name of one cell of the sweep."""
    return f"batch{batch}-width{hidden}"


def sweep_size(name: str) -> tuple[int, int]:
    """Batch and hidden width of a cell of the sweep."""
    batch, _, hidden = name.removeprefix("batch").partition("-width")
    return int(batch), int(hidden)


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


CEILINGS = {"product": 8192, "copy": 2**28}  # of matrices of so many rows and columns; of a vector of so many entries


def _ceilings() -> Iterable[Case]:
    for kind, size in CEILINGS.items():
        yield Case(kind, "ceiling", {"kind": kind, "size": size})


GROUPS = {
    "training": Group("Training steps", on("cpu"), list(_training()), 15, 0.03),
    "sweep": Group("Batch and hidden width", (*TORCH_LIKE, "minigrad-replay", "numpy", "jax-jit"),
                   list(_sweep(BATCHES, WIDTHS)), 5, 0.02),
    "ops": Group("Single operations", (*TORCH_LIKE, "autograd", "mygrad", "jax"), list(_ops()), 5, 0.005),
    "graphs": Group("Long graphs", EAGER, list(_graphs()), 5, 0.02),
    "loading": Group("Data loading", TORCH_LIKE, list(_loading()), 7, 0.02),
}
CUDA_GROUPS = {
    "ceilings": Group("What the GPU can do at most", TORCH_LIKE, list(_ceilings()), 7, 0.1),
    "training": Group("Training steps", on("cuda"), list(_steps((10, 64, 512, 4096))), 15, 0.03),
    "sweep": Group("Batch and hidden width", (*TORCH_LIKE, "minigrad-replay", "torch-graphs"),
                   list(_sweep(CUDA_BATCHES, CUDA_WIDTHS)), 7, 0.02),
    "ops": Group("Single operations", TORCH_LIKE, list(_ops()), 5, 0.005),
}
FRESH = {"memory": "Peak memory", "bytes": "Memory for an operation of a graph", "import": "Import time"}
MEMORY_CASES = ("fashion-10", "fashion-512")


def groups(device: str) -> dict[str, Group]:
    """What is measured where training steps run on that device."""
    return CUDA_GROUPS if device == "cuda" else GROUPS


def fresh(device: str) -> dict[str, str]:
    """What needs new processes: it is about the host's memory, so measured with the CPU's groups only."""
    return {} if device == "cuda" else FRESH


def names(device: str) -> list[str]:
    """What the command line takes."""
    return [*groups(device), *fresh(device), *(case.name for case in groups(device)["training"].cases)]


def chosen(wanted: list[str], quick: bool, device: str = "cpu") -> dict[str, list[Case]]:
    """The cases of each group that are to be measured: `wanted` names groups, or training steps."""
    found = {}
    for name, group in groups(device).items():
        cases = [case for case in group.cases if not wanted or name in wanted or case.name in wanted]
        found[name] = [case for case in cases if case.quick or not quick or case.name in wanted]
    return {name: cases for name, cases in found.items() if cases}

"""It carries weight: long chains, wide trees, many steps, many threads, other processes."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg

from .promise import Outcome, in_a_process, promise

CHAPTER = "Load"
GROWTH = 2.5  # so much more may an operation of a graph cost where the graph is sixteen times as large
MB = 2**20


# ------------------------------------------------------------------------------------------------ large graphs


def chain(length: int) -> str | None:
    """One operation after the other, forward, backward and freed; what is wrong, if anything."""
    x = mg.ones(1, requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 1
    y.backward()
    del y
    return None if x.grad.item() == 1 else f"the gradient is {x.grad.item()}"


def tree(leaves: int) -> str | None:
    """The sum of so many parameters, two by two; what is wrong, if anything."""
    first = [mg.ones(1, requires_grad=True) for _ in range(leaves)]
    row = first
    while len(row) > 1:
        row = [a + b for a, b in zip(row[::2], row[1::2], strict=True)]
    total = row[0]
    del row
    total.backward()
    del total
    return None if all(leaf.grad.item() == 1 for leaf in first) else "a leaf has another gradient than 1"


def seconds(graph: Callable[[int], str | None], size: int) -> tuple[float, str | None]:
    """The processor time of a graph, and what is wrong with it."""
    gc.collect()
    start = time.process_time()
    wrong = graph(size)
    return time.process_time() - start, wrong


def linear(graph: Callable[[int], str | None], size: int) -> tuple[str, tuple[str, ...]]:
    """The time of a large graph, and of one a sixteenth as large, which must take about a sixteenth."""
    small, _ = min(seconds(graph, size // 16), seconds(graph, size // 16))
    large, wrong = seconds(graph, size)
    growth = large / 16 / small
    faults = [wrong] * bool(wrong) + [f"an operation takes {growth:.1f} times as long as in a small graph"] * (
        growth > GROWTH)
    return f"{large:.1f} s, {growth:.1f} times a sixteenth's time for each", tuple(faults)


@promise(CHAPTER, "A chain of a million operations: forward, backward, freed; no recursion, linear time")
def long_chain(quick: bool) -> Outcome:
    length = 100_000 if quick else 1_000_000
    figure, wrong = in_a_process(linear, chain, length)
    return Outcome(f"{length:,} operations in {figure}", wrong)


@promise(CHAPTER, "A tree of a million leaves: the same")
def wide_tree(quick: bool) -> Outcome:
    leaves = 2 ** (16 if quick else 20)
    figure, wrong = in_a_process(linear, tree, leaves)
    return Outcome(f"{leaves:,} leaves in {figure}", wrong)


# -------------------------------------------------------------------------------------------------- many steps


class Task:
    """A small model in training; every task of the same number is the same."""

    def __init__(self, number: int) -> None:
        mg.manual_seed(number)
        nn = mg.nn
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        self.optimizer = mg.optim.Adam(self.model.parameters(), lr=0.01)
        self.x, self.y = mg.randn(16, 4), mg.randn(16, 1)
        self.recorded: list[bool] = []

    def train(self, steps: int) -> bytes:
        """Train, with a look at the loss under no_grad in every step, and return the parameters' bytes."""
        for _ in range(steps):
            loss = ((self.model(self.x) - self.y) ** 2).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            with mg.no_grad():
                self.recorded = [self.model(self.x).requires_grad]
            self.recorded.append(self.model(self.x).requires_grad)
            if self.recorded != [False, True]:
                raise RuntimeError(f"the grad mode of another thread: {self.recorded}")
        return self.result()

    def result(self) -> bytes:
        """The parameters' bytes."""
        return b"".join(p.detach().numpy().tobytes() for p in self.model.parameters())


def resident() -> int:
    """The bytes of memory that the process holds now; 0 where the system does not tell."""
    table = Path("/proc/self/statm")
    return int(table.read_text().split()[1]) * 4096 if table.exists() else 0


def growth(steps: int) -> tuple[int, int]:
    """By how many bytes steps of training make the process grow: as Python counts them, and as the system does."""
    task = Task(0)
    task.train(steps // 10)
    gc.collect()
    before = resident()
    task.train(steps)
    gc.collect()
    of_system = resident() - before
    tracemalloc.start()
    task.train(steps // 10)
    counted = tracemalloc.get_traced_memory()[0]
    task.train(steps // 2)
    of_python = tracemalloc.get_traced_memory()[0] - counted
    tracemalloc.stop()
    return of_python, of_system


@promise(CHAPTER, "A hundred thousand steps of training with flat memory")
def flat_memory(quick: bool) -> Outcome:
    steps = 1000 if quick else 100_000
    of_python, of_system = in_a_process(growth, steps)
    wrong = [f"tracemalloc: {of_python} bytes more"] * (of_python > 20_000)
    wrong += [f"the process: {of_system} bytes more"] * (of_system > 4 * MB)
    return Outcome(f"{steps:,} steps: {max(of_system, 0) / MB:.1f} MB more in the process; over half as many "
                   f"{max(of_python, 0):,} bytes more by tracemalloc", tuple(wrong))


# ---------------------------------------------------------------------------------------- threads and processes


def trained(number: int, steps: int) -> bytes:
    return Task(number).train(steps)


def threads_and_one(threads: int, steps: int) -> tuple[list[bytes], list[bytes]]:
    """The parameters of models trained in threads of their own, all at once, and of the same one after the other."""
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns a hundred times as often
    try:
        tasks = [Task(number) for number in range(threads)]  # they draw from one random stream, so here
        with ThreadPoolExecutor(threads) as pool:
            together = list(pool.map(lambda task: task.train(steps), tasks))
    finally:
        sys.setswitchinterval(switching)
    return together, [trained(number, steps) for number in range(threads)]


@promise(CHAPTER, "Eight threads train models of their own at once, each with its own grad mode, and get a single "
                  "thread's numbers, bit for bit")
def threads(quick: bool) -> Outcome:
    steps = 50 if quick else 2000
    together, alone = in_a_process(threads_and_one, 8, steps)
    wrong = [f"thread {i} has other parameters" for i, (a, b) in enumerate(zip(together, alone, strict=True)) if a != b]
    return Outcome(f"8 threads of {steps:,} steps each: every bit the same", tuple(wrong))


def send(number: int, steps: int, queue: Any) -> None:
    """Train, and send the model's parameters to the parent, as bytes and as tensors."""
    task = Task(number)
    parameters = task.train(steps)
    queue.put((parameters, list(task.model.state_dict().values())))


def children(method: str, steps: int) -> list[str]:
    """What is wrong with two processes that train at once, started by this method from one that has trained."""
    expected = [trained(number, steps) for number in range(2)]
    system = multiprocessing.get_context(method)
    found = []
    for number in range(2):
        queue = system.Queue()
        process = system.Process(target=send, args=(number, steps, queue))
        process.start()
        parameters, tensors = queue.get(timeout=120)
        process.join()
        sent = b"".join(np.ascontiguousarray(tensor.numpy()).tobytes() for tensor in tensors)
        if parameters != expected[number] or sent != expected[number] or process.exitcode:
            found.append(f"{method}: process {number} has other parameters, or sent others")
    return found


@promise(CHAPTER, "Processes started by fork and by spawn train to the same bits, and send tensors to their parent")
def processes(quick: bool) -> Outcome:
    steps = 20 if quick else 500
    methods = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]
    wrong = [fault for method in methods for fault in in_a_child(method, steps)]
    return Outcome(f"{' and '.join(methods)}: 2 processes of {steps} steps each, every bit the same", tuple(wrong))


def in_a_child(method: str, steps: int) -> list[str]:
    """The same from a process that has no threads, which only a fork without threads is sure to survive."""
    queue = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(target=report, args=(method, steps, queue))
    process.start()
    found = queue.get(timeout=300)
    process.join()
    return list(found)


def report(method: str, steps: int, queue: Any) -> None:
    queue.put(children(method, steps))

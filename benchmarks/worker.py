"""The worker: one engine in a process of its own. Orders come on standard input, answers go to standard output.

Both are JSON, one a line. An answer is {"absent": why} where the engine takes no part, {"failed": error} where it
tried.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from itertools import repeat
from pathlib import Path
from typing import Any

from benchmarks import engines
from benchmarks.surroundings import blas_in_use
from benchmarks.workloads import Pair


class Worker:
    """Carries out orders; keeps the case that was asked for last."""

    def __init__(self, name: str, threads: int, device: str) -> None:
        if device == "cpu":  # torch walks back on a GPU in a thread of its own, and the driver has some
            use_cores(threads)
        self.bare = resident()
        self.engine = engines.load(name, device, threads)
        self.imported = resident()
        self.case: tuple[str, Pair] = "", (lambda: None, lambda: None)

    def pair(self, method: str, arguments: dict[str, Any]) -> Pair:
        """(step, result) of a case."""
        key = json.dumps([method, arguments])
        if self.case[0] != key:
            self.case = "", (lambda: None, lambda: None)  # its memory goes before the next one's comes
            self.case = key, getattr(self.engine, method)(**arguments)
            gc.collect()
        return self.case[1]

    def check(self, method: str, arguments: dict[str, Any], steps: int) -> dict[str, Any]:
        """The result after so many steps from the beginning."""
        step, result = self.pair(method, arguments)
        for _ in range(steps):
            step()
        found = result()
        return {"result": found if isinstance(found, list) else [found]}

    def time(self, method: str, arguments: dict[str, Any], loops: int, collector: bool) -> dict[str, float]:
        """Seconds for so many steps."""
        step, _ = self.pair(method, arguments)
        (gc.enable if collector else gc.disable)()
        self.engine.wait()
        start = time.perf_counter()
        for _ in repeat(None, loops):
            step()
        self.engine.wait()
        seconds = time.perf_counter() - start
        gc.enable()
        return {"seconds": seconds}

    def peak(self, method: str, arguments: dict[str, Any], steps: int) -> dict[str, int]:
        """Bytes: the process's peak, and what Python and what the library's import took of it."""
        step, _ = self.pair(method, arguments)
        for _ in range(steps):
            step()
        self.engine.wait()
        return {"peak": peak_resident(), "imported": self.imported, "bare": self.bare}

    def weigh(self, n: int, held: int) -> dict[str, float]:
        """Bytes for one operation of a graph of n, kept after the forward pass; of several, with `held` in all."""
        self.engine.pull(self.engine.chain(min(n, 100)))  # whatever is loaded on first use is loaded now
        before = resident()
        kept = [self.engine.chain(n) for _ in range(max(held // n, 1))]
        return {"bytes": (resident() - before) / (n * len(kept))}

    def about(self) -> dict[str, Any]:
        """Versions, and the BLAS in use."""
        name = self.engine.name
        return {"version": engines.version_of(name), **self.engine.about(), **blas_in_use()}


def use_cores(threads: int) -> None:
    """Keep this process to so many cores, where the system can: no engine gets more, whatever its settings."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def resident() -> int:
    """Bytes of memory that this process has now."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    return peak_resident()


def peak_resident() -> int:
    """The most that it had."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """`worker.py ENGINE THREADS DEVICE`."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes elsewhere
    worker: Worker | None = None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if worker is None:
                worker = Worker(sys.argv[1], int(sys.argv[2]), sys.argv[3])
            answer = getattr(worker, order.pop("do"))(**order)
        except engines.NotThere as reason:
            answer = {"absent": str(reason)}
        except Exception as error:  # of whatever kind: it is the engine's answer to this case
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
    os._exit(0)  # Python would take a second to tidy up after torch

"""One engine in a process of its own: reads a workload and a number of steps a line, answers with the seconds."""

from __future__ import annotations

import gc
import importlib
import sys
import time

from benchmarks.workloads import WORKLOADS


def main() -> None:
    """`worker.py minigrad` or `worker.py torch`; orders come on standard input."""
    torch = importlib.import_module(sys.argv[1])
    if sys.argv[1] == "torch":
        torch.set_num_threads(1)
    made = {}
    for order in sys.stdin:
        name, steps = order.split()
        if name not in made:
            made[name] = WORKLOADS[name](torch)
        step, result = made[name]
        gc.collect()
        start = time.perf_counter()
        for _ in range(int(steps)):
            step()
        print(time.perf_counter() - start, result(), flush=True)


if __name__ == "__main__":
    main()

"""`python -m benchmarks`: the time of a training step on minigrad and on torch, in one run.

Each engine works in a process of its own, on one thread, and they take turns, so that a slow moment of the machine
hits both. Before anything is timed both train for a while and must have arrived at the same loss.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import WORKLOADS

ENGINES = ("minigrad", "torch")
STEPS = {"line_l1": 300, "circles": 100, "blob_adam": 200, "line_mse": 300, "fashion": 20}  # a round: some 30 ms


class Engine:
    """A worker process, and one question at a time to it."""

    def __init__(self, name: str, keep_blas: bool) -> None:
        env = {**os.environ, **{f"{lib}_NUM_THREADS": "1" for lib in ("OMP", "OPENBLAS", "MKL")}}
        if not keep_blas:  # let OpenBLAS choose its kernels for this processor, as it does for users
            env.pop("OPENBLAS_CORETYPE", None)
            env.pop("OPENBLAS_L2_SIZE", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            cwd=Path(__file__).parent.parent,
        )

    def run(self, workload: str, steps: int) -> tuple[float, float]:
        """Seconds for so many steps, and the loss after them."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(workload, steps, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit(f"the {self.process.args[-1]} worker stopped")  # type: ignore[index, str-bytes-safe]
        return float(answer[0]), float(answer[1])

    def stop(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(workload: str, engines: dict[str, Engine], rounds: int) -> dict[str, Any]:
    """Microseconds a step of each engine: median and the quartiles' distance, and the ratio of the medians."""
    warm_up = {name: engine.run(workload, 3 * STEPS[workload])[1] for name, engine in engines.items()}
    if not np.isclose(warm_up["minigrad"], warm_up["torch"], rtol=1e-3):
        raise SystemExit(f"{workload}: the losses differ after warm-up: {warm_up}")
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            times[name].append(engine.run(workload, STEPS[workload])[0] / STEPS[workload] * 1e6)
    found: dict[str, Any] = {}
    for name, values in times.items():
        low, middle, high = statistics.quantiles(values, n=4)
        found[name] = {"us": middle, "spread": high - low}
    found["ratio"] = found["minigrad"]["us"] / found["torch"]["us"]
    return found


def processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
             ] if info.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"which: {', '.join(WORKLOADS)} (all)")
    parser.add_argument("--rounds", type=int, default=15, help="how often each engine has its turn (default 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--keep-blas", action="store_true", help="keep OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE as set")
    given = parser.parse_args()
    for name in given.workloads:
        if name not in WORKLOADS:
            parser.error(f"no workload {name!r}; there are {', '.join(WORKLOADS)}")
    engines = {name: Engine(name, given.keep_blas) for name in ENGINES}
    results = {name: measure(name, engines, given.rounds) for name in given.workloads or WORKLOADS}
    for engine in engines.values():
        engine.stop()
    versions = f"NumPy {np.__version__}, torch {version('torch')}"
    print(f"one training step, one thread, float32; {processor()}; {versions}")
    print(f"{'workload':10}{'minigrad':>18}{'torch':>18}{'minigrad / torch':>20}")
    for name, found in results.items():
        cells = [f"{found[e]['us']:.1f} ± {found[e]['spread'] / 2:.1f} µs" for e in ENGINES]
        print(f"{name:10}{cells[0]:>18}{cells[1]:>18}{found['ratio']:>20.2f}")
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

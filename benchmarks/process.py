"""The other end of worker.py: starts an engine's process, and asks it one thing at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they choose BLAS kernels; users have not set them
THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR")
ROOT = Path(__file__).parent.parent
PATIENCE = 180  # seconds for one answer
# Products round to float32 in every library, and JAX leaves memory to the others.
ON_CUDA = {"NVIDIA_TF32_OVERRIDE": "0", "CUPY_TF32": "0", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class Process:
    """A worker process. An answer is a dict; {"absent": ...} or {"failed": ...} where there is none."""

    def __init__(self, engine: str, threads: int, device: str, keep_blas: bool) -> None:
        self.engine = engine
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", engine, str(threads), device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment(threads, device, keep_blas), cwd=ROOT)

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """The answer; {"failed": ...} too if the process ends, or takes more than PATIENCE."""
        assert self.process.stdin is not None and self.process.stdout is not None
        alarm = threading.Timer(PATIENCE, self.process.kill)
        alarm.start()
        try:
            print(json.dumps({"do": do, **arguments}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            alarm.cancel()
        if not line:
            return {"failed": f"stopped (status {self.process.wait()}; an answer may take {PATIENCE} s)"}
        return dict(json.loads(line))

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """End the process."""
        self.process.communicate()


def environment(threads: int, device: str, keep_blas: bool) -> dict[str, str]:
    """The same threads for all; the kernels that each BLAS chooses for this processor, unless told to keep others."""
    env = {**os.environ, **{f"{library}_NUM_THREADS": str(threads) for library in THREADS}}
    if not keep_blas:
        for name in PINNED:
            env.pop(name, None)
    env.update(ON_CUDA if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""})
    if threads == 1:
        env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return env

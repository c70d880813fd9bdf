"""Where a measurement was made: processor, system, Python, and the BLAS that each process uses."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np

KEPT = ("cpu_model_name", "cpu_count", "platform", "python_implementation", "python_version", "load_avg_1min")


def blas_in_use() -> dict[str, str]:
    """The BLAS of NumPy in this process: its name, version, the core that it chose kernels for, its threads."""
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library["user_api"] == "blas":
            name = f"{library['internal_api']} {library['version']}"
            threads = library["num_threads"]
            return {"blas": f"{name}, kernels for {library.get('architecture', 'an unknown core')}, {threads} thread"
                    + "s" * (threads > 1)}
    return {"blas": str(np.show_config("dicts")["Build Dependencies"]["blas"]["name"])}  # type: ignore[index]  # None for "stdout" alone


def of_this_machine() -> dict[str, Any]:
    """What pyperf finds out about processor and system, less what names this machine or its folders."""
    import pyperf

    found = pyperf.Run([1.0]).get_metadata()
    kept = {name: found[name] for name in KEPT if name in found}
    kept.setdefault("cpu_model_name", platform.processor() or platform.machine())
    return {**kept, "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()}

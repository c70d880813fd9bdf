"""What needs a process in which nothing has happened yet: peak memory, the weight of a graph, the time of an import."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.cases import EAGER, GROUPS, MEMORY_CASES
from benchmarks.engines import ENGINES
from benchmarks.measure import Field, Found, Row, benchmark
from benchmarks.process import ROOT, environment

WEIGHED = (10, 1000, 100_000, 1_000_000)  # operations in a graph
# The longest graph that is weighed, where a longer one takes minutes.
MOST_BYTES = {"autograd": 100_000, "mygrad": 100_000, "micrograd": 100_000, "jax": 1000, "tinygrad": 100}
HELD = 200_000  # operations in the graphs that are weighed together; fewer of the slowest engines'
STEPS = 20  # before the peak is read
ROUNDS = 8  # imports


def memory(field: Field, quick: bool, progress: Any) -> dict[str, Row]:
    """Peak memory after some training steps, less what the process had before the library was imported, and after."""
    rows = {}
    for case in GROUPS["training"].cases:
        if case.name not in MEMORY_CASES:
            continue
        progress(f"Peak memory: {case.name}")
        there, row = field.taking_part(tuple(name for name in ENGINES if name != "torch-compile"))  # compiles for long
        answers = {engine: _ask_fresh(field, engine, "peak", method=case.method, arguments=case.arguments, steps=STEPS)
                   for engine in there}
        for name, before in ((case.name, "bare"), (f"{case.name}, after import", "imported")):
            rows[name] = dict(row)
            for engine, answer in answers.items():
                rows[name][engine] = _found(answer, f"peak/{name}/{engine}", before)
    return rows


def weight(field: Field, quick: bool, progress: Any) -> dict[str, Row]:
    """Bytes that one operation of a graph keeps alive between forward and backward."""
    rows = {}
    for n in WEIGHED:
        if quick and n > 10_000:
            continue
        progress(f"Bytes for an operation: {n}")
        there, row = field.taking_part(EAGER)
        for engine in there:
            most = MOST_BYTES.get(engine, WEIGHED[-1])
            if n > most:
                row[engine] = Found(None, f"stops at {most:,}: more takes minutes")
            else:
                answer = _ask_fresh(field, engine, "weigh", n=n, held=min(HELD, 20 * most))
                row[engine] = _found(answer, f"bytes/{n}/{engine}")
        rows[str(n)] = row
    return rows


def imports(field: Field, quick: bool, progress: Any) -> dict[str, Row]:
    """Seconds of `import X` in a new Python: all in turns. The first round fills the caches, and is not counted."""
    progress("Import time")
    there, row = field.taking_part(tuple(engine for engine in ENGINES if "-" not in engine))
    times: dict[str, list[float]] = {engine: [] for engine in there}
    with tempfile.TemporaryDirectory() as bytecode:
        for i in range((3 if quick else ROUNDS) + 1):
            for engine in there:
                seconds = _import_seconds(engine, field, bytecode)
                if i:
                    times[engine].append(seconds)
    return {"import": row | {engine: Found(benchmark(f"import/{engine}", values, "second"))
                             for engine, values in times.items()}}


def _import_seconds(engine: str, field: Field, bytecode: str) -> float:
    """With the compiled bytecode kept in that folder: the environment may say that Python is not to write any."""
    module = "micrograd.engine" if engine == "micrograd" else ENGINES[engine].package  # micrograd itself is empty
    code = f"from time import perf_counter as now; start = now(); import {module}; print(now() - start)"
    given = field.settings
    env = environment(given.threads, given.device, given.keep_blas) | {"PYTHONPYCACHEPREFIX": bytecode}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env, cwd=ROOT)
    return float(done.stdout)


def _ask_fresh(field: Field, engine: str, do: str, **arguments: Any) -> dict[str, Any]:
    process = field.fresh(engine)
    try:
        return process.ask(do, **arguments)
    finally:
        process.stop()


def _found(answer: dict[str, Any], name: str, before: str = "") -> Found:
    """The bytes of an answer, or its peak less what there was `before`."""
    if "absent" in answer or "failed" in answer:
        return Found(None, answer.get("absent") or f"failed: {answer['failed']}")
    value = answer["peak"] - answer[before] if before else answer["bytes"]
    return Found(benchmark(name, [max(value, 1)], "byte"))


MEASURES = {"memory": memory, "bytes": weight, "import": imports}

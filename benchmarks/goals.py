"""What the figures must show, and whether they do."""

from __future__ import annotations

import math
from typing import NamedTuple

from benchmarks.cases import SMALL, graph_name, sweep_name
from benchmarks.measure import Found, Row

Results = dict[str, dict[str, Row]]

EAGER_TO_TORCH = {"line_l1": 0.45, "line_mse": 0.60, "blob_adam": 0.50, "circles": 0.60, "fashion-10": 0.75,
                  "fashion-64": 0.70, "fashion-512": 0.60, "fashion-512-2threads": 0.60}
REPLAY_TO_NUMPY = {"line_l1": 1.5, "line_mse": 1.5, "blob_adam": 1.5, "circles": 1.2, "fashion-10": 1.1,
                   "fashion-64": 1.1, "fashion-512": 1.05, "fashion-512-2threads": 1.05}
EXPERIMENTS = ("line_l1", "line_mse", "blob_adam", "circles", "fashion-10")
PEERS = ("autograd", "mygrad", "tinygrad")
SHORT, LONG = 1000, 1_000_000  # operations in a graph
LARGEST = sweep_name(4096, 4096)  # where a GPU is full


class Goal(NamedTuple):
    """A figure and what it may be at most; nan where the run did not measure it."""

    text: str
    value: float
    most: float

    @property
    def verdict(self) -> str:
        return "not measured" if math.isnan(self.value) else "met" if self.value <= self.most else "MISSED"


def goals(results: Results, device: str = "cpu") -> list[Goal]:
    """All goals that belong to the groups of this run."""
    return _cuda_goals(results) if device == "cuda" else _cpu_goals(results)


def _cuda_goals(results: Results) -> list[Goal]:
    training, sweep = results.get("training", {}), results.get("sweep", {})
    found = []
    for name in (name for name in SMALL if name in training):
        found += [Goal(f"{name}: replayed / torch", ratio(training, name, "minigrad-replay", "torch"), 0.25),
                  Goal(f"{name}: minigrad / torch", ratio(training, name, "minigrad", "torch"), 2.0)]
    found += [Goal(f"{name}: replayed / torch with CUDA graphs",
                   ratio(training, name, "minigrad-replay", "torch-graphs"), 1.2) for name in training]
    if sweep:
        text = f"{len(sweep)} cells of the sweep: replayed / torch with CUDA graphs, the largest"
        everywhere = [ratio(sweep, name, "minigrad-replay", "torch-graphs") for name in sweep]
        found += [Goal(text, math.nan if any(map(math.isnan, everywhere)) else max(everywhere), 1.2),
                  Goal(f"{LARGEST}: minigrad / torch", ratio(sweep, LARGEST, "minigrad", "torch"), 1.1)]
    return found


def _cpu_goals(results: Results) -> list[Goal]:
    found = []
    training = results.get("training", {})
    for name in training:
        found.append(Goal(f"{name}: minigrad / torch", ratio(training, name, "minigrad", "torch"),
                          EAGER_TO_TORCH[name]))
    for name in training:
        found.append(Goal(f"{name}: replayed / NumPy by hand", ratio(training, name, "minigrad-replay", "numpy"),
                          REPLAY_TO_NUMPY[name]))
    if training:
        found += [Goal("five experiments, geometric mean: minigrad / torch", mean_ratio(training, "minigrad", "torch"),
                       0.55),
                  Goal("five experiments, geometric mean: replayed / JAX jit",
                       mean_ratio(training, "minigrad-replay", "jax-jit"), 1.5)]
        found += [Goal(f"every training step: minigrad / {peer}, the largest", largest(training, "minigrad", peer), 0.6)
                  for peer in PEERS]
    if "graphs" in results:
        for collector, most in ((False, 1.3), (True, 4.0)):
            short, long = (of(results["graphs"], graph_name(n, collector), "minigrad").median for n in (SHORT, LONG))
            found.append(Goal(f"time for an operation in a graph of {LONG:,} / of {SHORT:,}, collector "
                              + ("on" if collector else "off"), long / short, most))
    if "bytes" in results:
        short, long = (of(results["bytes"], str(n), "minigrad").median for n in (SHORT, LONG))
        found.append(Goal(f"bytes for an operation in a graph of {LONG:,} / of {SHORT:,}", long / short, 1.1))
    if "import" in results:
        milliseconds = [1000 * of(results["import"], "import", engine).median for engine in ("minigrad", "numpy")]
        found.append(Goal("import minigrad, longer than import numpy by (ms)", milliseconds[0] - milliseconds[1], 60))
    if "loading" in results:
        found += [Goal(f"loading {kind}: minigrad / torch", ratio(results["loading"], kind, "minigrad", "torch"), 1.0)
                  for kind in results["loading"]]
    return found


def of(rows: dict[str, Row], name: str, engine: str) -> Found:
    """An engine's figures for a case, empty if there are none."""
    return rows.get(name, {}).get(engine, Found(None, "not measured"))


def ratio(rows: dict[str, Row], name: str, ours: str, theirs: str) -> float:
    """Of two engines' medians."""
    return of(rows, name, ours).median / of(rows, name, theirs).median


def mean_ratio(rows: dict[str, Row], ours: str, theirs: str) -> float:
    """The geometric mean over the five experiments."""
    return math.prod(ratio(rows, name, ours, theirs) for name in EXPERIMENTS) ** (1 / len(EXPERIMENTS))


def largest(rows: dict[str, Row], ours: str, theirs: str) -> float:
    """The largest ratio of all cases that both have; nan if there are none."""
    return max((found for name in rows if not math.isnan(found := ratio(rows, name, ours, theirs))), default=math.nan)

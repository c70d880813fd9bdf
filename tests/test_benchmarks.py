"""The benchmark's own machinery: it compares before it times, and reports what it has measured and nothing else."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pyperf = pytest.importorskip("pyperf", reason="not run: pip install pyperf (the extra 'bench')")
pytest.importorskip("threadpoolctl", reason="not run: pip install threadpoolctl (the extra 'bench')")

from benchmarks import cases, goals, measure, operations, report  # noqa: E402
from benchmarks.engines import ENGINES, Engine, NotThere, load  # noqa: E402
from benchmarks.measure import Field, Found, Settings  # noqa: E402
from benchmarks.peers import programs  # noqa: E402
from benchmarks.process import PINNED, Process, environment  # noqa: E402
from benchmarks.surroundings import of_this_machine  # noqa: E402
from benchmarks.workloads import STARTS, WORKLOADS, start  # noqa: E402
from minigrad import cuda as minigrad_on_cuda  # noqa: E402

QUICK = Settings(engines=["minigrad", "numpy"], device="cpu", threads=1, keep_blas=False, rounds=3, quick=True)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Engines set them; the tests that follow have them back."""
    import torch

    import minigrad as mg

    before = [library.get_num_threads() for library in (torch, mg)]
    yield
    for library, count in zip((torch, mg), before, strict=True):
        library.set_num_threads(count)


@pytest.fixture
def minigrad() -> Iterator[Process]:
    process = Process("minigrad", threads=1, device="cpu", keep_blas=False)
    yield process
    process.stop()


def row(**medians: float) -> dict[str, Found]:
    """What `measure` returns, with these figures."""
    return {name.replace("_", "-"): Found(measure.benchmark(name, [value, value], "second"))
            for name, value in medians.items()}


# ---- processes ----


def test_a_worker_answers_and_says_what_failed(minigrad: Process) -> None:
    line = {"method": "training", "arguments": {"experiment": "line_l1"}}
    first = minigrad.ask("check", steps=5, **line)["result"]
    again = minigrad.ask("check", steps=5, **line)["result"]  # the same case goes on where it was
    assert again[0] < first[0]
    assert minigrad.ask("time", loops=3, collector=True, **line)["seconds"] > 0
    assert minigrad.ask("check", method="training", arguments={"experiment": "nothing"}, steps=0) == {
        "failed": "KeyError: 'nothing'"}
    assert "minigrad" not in minigrad.ask("about")["blas"]


def test_a_worker_that_dies_is_an_answer_and_not_a_crash(minigrad: Process) -> None:
    minigrad.process.kill()
    minigrad.process.wait()
    assert minigrad.ask("about")["failed"].startswith("stopped")


def test_inherited_settings_of_the_blas_are_dropped_unless_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PINNED:
        monkeypatch.setenv(name, "Haswell")
    assert not set(PINNED) & environment(2, "cpu", keep_blas=False).keys()
    assert set(PINNED) < environment(2, "cpu", keep_blas=True).keys()
    env = environment(2, "cpu", keep_blas=False)
    assert env["OMP_NUM_THREADS"] == env["OPENBLAS_NUM_THREADS"] == env["MKL_NUM_THREADS"] == "2"


@pytest.mark.skipif(minigrad_on_cuda.is_available(), reason="there is a GPU here")
def test_cuda_without_a_device_says_not_run() -> None:
    process = Process("minigrad", threads=1, device="cuda", keep_blas=False)
    assert process.ask("about")["absent"].startswith("not run: no GPU here: CuPy")
    process.stop()


def test_no_engine_but_torch_loads_torch() -> None:
    """One after the other in one process, torch last: it takes two seconds."""
    code = ("import sys, benchmarks.worker, pyperf; from benchmarks.engines import load\n"
            "for name in sys.argv[1:]: load(name, 'cpu', 1).chain(3); print(name, 'torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code, "minigrad", "numpy", "torch"], capture_output=True, text=True,
                          check=True, env=os.environ, cwd=Path(__file__).parent.parent)
    assert done.stdout.splitlines() == ["minigrad False", "numpy False", "torch True"]


# ---- results are compared before they are timed ----


class Wrong(Process):
    """Answers with another number than it should."""

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        answer = super().ask(do, **arguments)
        return {"result": [1.01 * x for x in answer["result"]]} if "result" in answer else answer


def test_a_wrong_result_is_not_timed_and_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    field = Field(QUICK)
    field.processes["minigrad", 1] = Wrong("minigrad", 1, "cpu", False)
    group = cases.GROUPS["graphs"]
    found = measure.measure(group.cases[0], group, field, {})
    field.stop()
    assert found["numpy"].median > 0
    assert found["minigrad"].benchmark is None and found["minigrad"].wrong
    assert "WRONG: 11.11 where numpy has 11" in found["minigrad"].note


@pytest.mark.parametrize(("ours", "same"), [([1.0, 100.0], True), ([1.05, 100.0], True), ([1.0, 100.2], False),
                                            ([1.0], False), ([math.nan, 100.0], False)])
def test_same(ours: list[float], same: bool) -> None:
    assert measure.same(ours, [1.0, 100.0], tolerance=1e-3) == same


class Timed(Process):
    """Says how long a step took, and takes none."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds = seconds

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        return {"seconds": arguments["loops"] * (self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0])}


def test_a_step_of_seconds_is_timed_twice_and_a_short_one_in_many_loops() -> None:
    million = next(case for case in cases.GROUPS["graphs"].cases if case.operations == 1_000_000)
    long = measure.Turns(Timed([6.0, 8.0]), million, turn=0.02)
    assert (long.values, long.most_rounds, long.loops) == ([6e-6], 1, 1)
    long.take()
    assert long.values == [6e-6, 8e-6]
    short = measure.Turns(Timed([1e-4]), cases.GROUPS["training"].cases[0], turn=0.02)
    assert (short.values, short.most_rounds, short.loops) == ([], 10**6, 200)


def test_who_is_slow_stops_and_the_table_says_where() -> None:
    case = next(case for case in cases.GROUPS["graphs"].cases if case.operations == 10_000)
    found = Found(measure.benchmark("slow", [40e-6, 40e-6], "second"))
    assert measure.too_slow(found, case) == "stops at 10,000: that takes 0.4 s"
    assert report.cell(Found(None, measure.too_slow(found, case)), "µs") == "stops at 10,000"
    assert measure.too_slow(Found(None, "failed: RecursionError"), case) == "not run: failed at 10,000 operations"
    assert not measure.too_slow(Found(measure.benchmark("quick", [1e-6, 1e-6], "second")), case)


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_engine_at_hand_trains_alike(name: str) -> None:
    """A few steps, in this process: minigrad's against torch's, NumPy's and the peers' that are installed."""
    size = {"batch": 10, "hidden": 16} if name == "fashion" else {}
    expected = _trained(load("torch", "cpu", 1), name, size)
    for engine in ENGINES:
        if engine in ("torch", "torch-compile") or "cpu" not in ENGINES[engine].computes:
            continue
        try:
            found = _trained(load(engine, "cpu", 1), name, size)
        except (ImportError, NotThere):
            continue
        assert found == pytest.approx(expected, rel=1e-4), engine


def _trained(engine: Engine, name: str, size: dict[str, int]) -> float:
    step, result = engine.training(name, **size)
    before = result() if name == "blob_adam" else None  # the others note it in a step
    for _ in range(5):
        step()
    assert result() != before
    return float(result())


@pytest.mark.parametrize("name", operations.OPERATIONS)
@pytest.mark.parametrize("backward", [False, True])
def test_single_operations_agree(name: str, backward: bool) -> None:
    results = []
    for engine in ("minigrad", "torch"):
        step, result = load(engine, "cpu", 1).op(name, 50, backward)
        step()
        results.append(result())
    assert measure.same(*results, tolerance=1e-5)


@pytest.mark.parametrize("engine", ["minigrad", "torch", "numpy"])
def test_a_chain_has_the_gradient_that_it_must_have(engine: str) -> None:
    step, result = load(engine, "cpu", 1).graph(37)
    assert step() == result() == 38


LOSSES = {"line_l1": "L1Loss", "line_mse": "MSELoss", "blob_adam": "MSELoss", "circles": "BCEWithLogitsLoss",
          "fashion": "CrossEntropyLoss"}


@pytest.mark.parametrize("name", LOSSES)
def test_the_programs_of_the_peers_are_the_experiments(name: str) -> None:
    """In plain NumPy: what they predict at first, and the loss of it."""
    import minigrad as mg

    size = {"batch": 10, "hidden": 16} if name == "fashion" else {}
    program, begun = programs.PROGRAMS[name], STARTS[name](mg, **size)
    (x, y, _, _), parameters = start(name, **size)
    out = program.predict(np, parameters, x)
    expected = begun.model(begun.x_train).detach().squeeze()
    assert np.allclose(np.squeeze(out), expected.numpy(), rtol=1e-5, atol=1e-6)
    loss = getattr(mg.nn, LOSSES[name])()(expected.reshape(y.shape), begun.y_train)
    assert float(program.loss(np, out, y)) == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_the_updates_of_the_peers_are_the_optimizers(name: str) -> None:
    import minigrad as mg

    program = programs.PROGRAMS[name]
    ours = np.array([1.0, -2.0, 3.0], np.float32)
    theirs = mg.nn.Parameter(mg.from_numpy(ours.copy()))
    make = {"sgd": mg.optim.SGD, "adam": mg.optim.Adam,
            "momentum": lambda parameters, lr: mg.optim.SGD(parameters, lr, momentum=0.9)}[program.update]
    optimizer, update = make([theirs], program.lr), programs.updater(program, [ours])
    for i in range(3):
        gradient = np.array([0.1, -0.2, 0.3 * i], np.float32)
        theirs.grad = mg.from_numpy(gradient.copy())
        optimizer.step()
        update([gradient])
    assert np.allclose(ours, theirs.detach().numpy(), rtol=1e-6)


# ---- what is written ----


def test_goals_are_met_missed_or_not_measured() -> None:
    results = {"training": {"line_l1": row(minigrad=0.4, torch=1.0, numpy=0.1)}}
    verdicts = {goal.text: goal.verdict for goal in goals.goals(results)}
    assert verdicts["line_l1: minigrad / torch"] == "met"
    assert verdicts["line_l1: replayed / NumPy by hand"] == "not measured"
    results["training"]["line_l1"] |= row(minigrad_replay=0.2, autograd=0.5)
    verdicts = {goal.text: goal.verdict for goal in goals.goals(results)}
    assert verdicts["line_l1: replayed / NumPy by hand"] == "MISSED"
    assert verdicts["every training step: minigrad / autograd, the largest"] == "MISSED"
    assert verdicts["five experiments, geometric mean: minigrad / torch"] == "not measured"


def test_the_mean_is_a_geometric_one() -> None:
    rows = {name: row(minigrad=ratio, torch=1.0)
            for name, ratio in zip(goals.EXPERIMENTS, (0.5, 2.0, 1.0, 1.0, 1.0), strict=True)}
    assert goals.mean_ratio(rows, "minigrad", "torch") == pytest.approx(1)


def test_the_page_and_the_plots(tmp_path: Path) -> None:
    some = row(minigrad=2e-6, torch=4e-6) | {"numpy": Found(None, "not there: by_hand")}
    results = {"training": {"line_l1": some}, "sweep": {cases.sweep_name(1, 8): some},
               "ops": {cases.op_name("add", 10, True): some}, "graphs": {cases.graph_name(10, True): some},
               "loading": {"tensors": some}, "import": {"import": some}}
    around = report.Surroundings(QUICK, of_this_machine(), {"minigrad": {"version": "1", "blas": "openblas"}})
    page = report.write_page(results, around, tmp_path)
    text = page.read_text()
    assert "| line_l1 | 2.00 (0.50) | 4.00 |" in text
    assert "numpy: not there: by_hand (training line_l1 and 5 more)" in text
    assert text.count("openblas") == 1 and "float32" in text and "1 thread unless" in text
    for picture in ("training", "crossover", "graphs"):
        assert f"(benchmarks/{picture}.svg)" in text
        assert (tmp_path / "benchmarks" / f"{picture}.svg").read_text().startswith("<?xml")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    assert "2.00 (0.50)" in report.as_text(results, around)


def test_the_command(tmp_path: Path) -> None:
    """One workload, small: its JSON is pyperf's, and holds every value."""
    file = tmp_path / "values.json"
    done = subprocess.run([sys.executable, "-m", "benchmarks", "line_mse", "--engines", "minigrad", "torch", "--quick",
                           "--json", str(file)], capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
    assert "line_mse" in done.stdout and "line_mse: minigrad / torch" in done.stdout
    suite = pyperf.BenchmarkSuite.load(str(file))
    assert sorted(suite.get_benchmark_names()) == ["Training steps/line_mse/minigrad", "Training steps/line_mse/torch"]
    assert all(benchmark.get_nvalue() == 3 for benchmark in suite)
    metadata = suite.get_benchmark("Training steps/line_mse/minigrad").get_metadata()
    assert metadata["threads"] == 1 and metadata["dtype"] == "float32" and "openblas" in metadata["engine_blas"]
    assert str(Path(__file__).parent.parent) not in file.read_text()


def test_a_name_that_is_not_there_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "fashions"], capture_output=True, text=True,
                          cwd=Path(__file__).parent.parent)
    assert done.returncode == 2 and "no workload 'fashions'" in done.stderr


def test_every_name_chooses_something() -> None:
    for name in cases.names("cpu"):
        assert name in cases.FRESH or cases.chosen([name], quick=True), name
    everything = cases.chosen([], quick=False)
    assert {group: len(found) for group, found in everything.items()} == {
        group: len(cases.GROUPS[group].cases) for group in cases.GROUPS}

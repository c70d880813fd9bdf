"""The benchmark on a GPU, without one: the strict array module (strict.py) is the device, and figures are made up.

What is timed here says nothing about a GPU and is written nowhere.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyperf", reason="not run: pip install pyperf (the extra 'bench')")
pytest.importorskip("threadpoolctl", reason="not run: pip install threadpoolctl (the extra 'bench')")

from benchmarks import cases, engines, goals, gpu_page, measure, report, roofline, worker
from benchmarks.cuda_graphs import WARM_UP, Captured
from benchmarks.measure import Field, Found, Settings
from benchmarks.process import environment
from benchmarks.workloads import WORKLOADS
from minigrad.device import cuda_library

ROOT = Path(__file__).parent.parent
ON_CUDA = Settings(None, "cuda", threads=1, keep_blas=False, rounds=3, quick=True)
NO_GPU = pytest.mark.skipif(cuda_library() is not None, reason="there is a GPU here")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Engines set them; the tests that follow have them back."""
    import torch

    import minigrad

    before = [library.get_num_threads() for library in (torch, minigrad)]
    yield
    for library, count in zip((torch, minigrad), before, strict=True):
        library.set_num_threads(count)


def made_up(**seconds: float) -> dict[str, Found]:
    """What `measure` returns, with these figures."""
    return {name.replace("_", "-"): Found(measure.benchmark(name, [value, value], "second"))
            for name, value in seconds.items()}


# ---- who takes part, and where ----


@NO_GPU
def test_without_a_gpu_the_command_says_so_and_measures_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "line_l1", "--device", "cuda", "--out", str(tmp_path)],
                          capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stdout.count("not run: no GPU here") == 2 and done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_engine_that_has_no_gpu_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--device", "cuda", "--engines", "autograd"],
                          capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and "no engine 'autograd' on cuda" in done.stderr


def test_engines_on_the_cpu_stand_beside_those_on_the_gpu() -> None:
    there = {name: engines.ENGINES[name].computes["cuda"] for name in engines.on("cuda")}
    assert {name for name, device in there.items() if device == "cpu"} == {
        "numpy", "minigrad-cpu", "minigrad-replay-cpu", "torch-cpu"}
    assert {"minigrad", "minigrad-replay", "torch", "torch-compile", "torch-graphs"} < there.keys()
    assert not {"torch-graphs", "torch-cpu"} & set(engines.on("cpu"))


def test_products_are_float32_in_every_library() -> None:
    on_gpu, on_cpu = environment(1, "cuda", False), environment(1, "cpu", False)
    assert on_gpu["NVIDIA_TF32_OVERRIDE"] == on_gpu["CUPY_TF32"] == "0"
    assert on_cpu["CUDA_VISIBLE_DEVICES"] == ""


# ---- minigrad's engine on the stand-in ----


class InThisProcess:
    """A worker without a process of its own: only this one has the stand-in."""

    running = True

    def __init__(self, engine: str, threads: int, device: str, keep_blas: bool) -> None:
        self.engine, self.threads, self.device = engine, threads, device

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        try:
            self.worker = getattr(self, "worker", None) or worker.Worker(self.engine, self.threads, self.device)
            return getattr(self.worker, do)(**arguments)
        except engines.NotThere as reason:
            return {"absent": str(reason)}
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}

    def stop(self) -> None:
        """Nothing to end."""


@pytest.fixture
def field(strict_device: None, monkeypatch: pytest.MonkeyPatch) -> Field:
    monkeypatch.setattr(measure, "Process", InThisProcess)
    monkeypatch.setattr(worker, "use_cores", lambda threads: None)
    return Field(ON_CUDA)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("ours", ["minigrad", "minigrad-replay"])
def test_every_step_on_the_device_arrives_where_torch_does(ours: str, name: str, strict_device: None) -> None:
    size = {"batch": 10, "hidden": 128} if name == "fashion" else {}
    results = []
    for engine, device in ((ours, "cuda"), ("torch", "cpu")):
        step, result = engines.load(engine, device, 1).training(name, **size)
        for _ in range(10):
            step()
        results.append(result())
    assert results[0] == pytest.approx(results[1], rel=1e-4)


def test_results_are_compared_before_they_are_timed_and_absent_engines_say_so(field: Field) -> None:
    group = cases.CUDA_GROUPS["training"]._replace(
        engines=("minigrad", "torch", "torch-graphs", "numpy", "minigrad-cpu", "torch-cpu"), turn=0.002)
    found = measure.measure(group.cases[0], group, field, {})
    for engine in ("minigrad", "numpy", "minigrad-cpu", "torch-cpu"):
        assert found[engine].median > 0, found[engine].note
    if cuda_library().__name__ == "StrictLibrary" and not field.process("torch").ask("about").get("device"):
        assert found["torch"].note.startswith("not run: no GPU here: torch")
        assert found["torch-graphs"].note == found["torch"].note
    about = field.process("minigrad").ask("about")
    assert about["device"] == "strict array module" and about["TF32"] == "off"


def test_a_wrong_result_on_the_device_is_not_timed(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = InThisProcess.ask

    def wrong(self: InThisProcess, do: str, **arguments: Any) -> dict[str, Any]:
        answer = ask(self, do, **arguments)
        off = self.device == "cuda" and "result" in answer
        return {"result": [1.01 * x for x in answer["result"]]} if off else answer

    monkeypatch.setattr(InThisProcess, "ask", wrong)
    group = cases.CUDA_GROUPS["training"]._replace(engines=("minigrad", "numpy"), turn=0.002)
    found = measure.measure(group.cases[0], group, field, {})
    assert found["minigrad"].wrong and found["minigrad"].benchmark is None and found["numpy"].median > 0


@pytest.mark.parametrize("kind", cases.CEILINGS)
def test_the_ceilings_on_the_device(kind: str, strict_device: None) -> None:
    results = []
    for engine, device in (("minigrad", "cuda"), ("torch", "cpu")):
        step, result = engines.load(engine, device, 1).ceiling(kind, 40)
        step()
        results.append(result())
    assert measure.same(*results, tolerance=1e-5) and results[0][1] > 0


# ---- CUDA graphs ----


class Recording:
    """torch.cuda, as far as a capture needs it: what runs while a graph is captured is kept and not done."""

    def __init__(self) -> None:
        self.kept: list[Any] | None = None
        self.Stream = self.current_stream = lambda: SimpleNamespace(wait_stream=lambda other: None)
        self.CUDAGraph = lambda: SimpleNamespace(launches=[], replay=lambda: [launch() for launch in self.done])
        self.done: list[Any] = []

    def launch(self, work: Any) -> None:
        """A kernel: at once, or kept for the graph."""
        if self.kept is None:
            work()
        else:
            self.kept.append(work)

    @contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        yield

    @contextmanager
    def graph(self, graph: Any, stream: Any) -> Iterator[None]:
        self.kept = self.done = []
        yield
        self.kept = None


def test_a_captured_step_is_one_step_at_each_call_and_reads_what_it_is_given() -> None:
    cuda, total, out = Recording(), np.zeros(1), np.zeros(1)

    class Batch:
        def __init__(self, value: float) -> None:
            self.value = value

        def copy_(self, other: Batch) -> None:
            self.value = other.value

    def step(x: Batch) -> np.ndarray:
        def work() -> None:
            total[0] += x.value
            out[0] = 10 * total[0]

        cuda.launch(work)
        return out

    captured = Captured(SimpleNamespace(cuda=cuda), step)
    batches = [Batch(float(i)) for i in range(1, WARM_UP + 5)]
    expected = 0.0
    for batch in batches:
        expected += batch.value
        assert captured(batch)[0] == 10 * expected and total[0] == expected
    assert len(cuda.done) == 1  # captured once


# ---- the sweep: floors, borders ----

PEAKS = roofline.Peaks(flops=5e13, bytes=4e12)


def test_the_work_of_a_step_is_counted_as_it_is_written_down() -> None:
    work = roofline.work(batch=2, hidden=3)
    assert work.flops == 2 * 2 * (784 * 3 * 2 + 9 * 3 + 30 * 3)
    assert work.bytes == 4 * (8 * (784 * 3 + 9 + 30) + 2 * 784 * 2 + 10 * 2 * 3 * 2)
    large, thin = roofline.work(4096, 4096), roofline.work(1, 4096)
    assert large.is_arithmetic(PEAKS) and large.floor(PEAKS) == large.flops / PEAKS.flops
    assert not thin.is_arithmetic(PEAKS) and thin.floor(PEAKS) == thin.bytes / PEAKS.bytes


def test_the_ceilings_come_from_the_engine_that_came_closest() -> None:
    found = roofline.peaks({"product": made_up(minigrad=0.03, torch=0.02), "copy": made_up(minigrad=1e-3, torch=2e-3)})
    assert found == roofline.Peaks(2 * 8192**3 / 0.02, 2 * 4 * 2**28 / 1e-3)
    assert math.isnan(roofline.peaks({}).flops)


@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_the_border_is_found_where_flat_and_rising_meet(noise: float) -> None:
    random = np.random.default_rng(3)
    floors = list(random.permutation(np.geomspace(1e-6, 5e-3, 25)))
    seconds = [max(60e-6, 1.5 * x) * math.exp(noise * random.standard_normal()) for x in floors]
    fit = roofline.border(floors, seconds)
    assert fit.at == pytest.approx(40e-6, rel=1e-9 if not noise else 0.3)
    assert fit.launch == pytest.approx(60e-6, rel=0.15) and fit.factor == pytest.approx(1.5, rel=0.15)
    assert (fit.region(2e-6), fit.region(2e-3)) == ("launch-bound", "compute-bound")


def test_no_border_where_all_points_are_on_one_side() -> None:
    random = np.random.default_rng(4)
    floors = list(np.geomspace(1e-6, 5e-3, 25))
    wobble = [math.exp(0.15 * random.standard_normal()) for _ in floors]
    flat = roofline.border(floors, [60e-6 * w for w in wobble])
    assert math.isnan(flat.at) and math.isnan(flat.factor) and flat.region(1.0) == "launch-bound"
    rising = roofline.border(floors, [2 * x * w for x, w in zip(floors, wobble, strict=True)])
    assert math.isnan(rising.at) and math.isnan(rising.launch) and rising.region(0.0) == "compute-bound"


# ---- goals and the page ----


def sweep(replayed: float = 50e-6) -> dict[str, dict[str, Found]]:
    """A made-up sweep: 50 or 100 µs of launches, and 1.2 times what the card needs."""
    rows = {}
    for case in cases.CUDA_GROUPS["sweep"].cases:
        least = 1.2 * roofline.work_of(case.name).floor(PEAKS)
        rows[case.name] = made_up(minigrad=max(150e-6, least), torch=max(100e-6, least),
                                  minigrad_replay=max(replayed, least), torch_graphs=max(50e-6, least))
    return rows


def test_the_goals_on_a_gpu() -> None:
    training = {"circles": made_up(minigrad=1.5, torch=1.0, minigrad_replay=0.3, torch_graphs=0.25),
                "fashion-10": made_up(minigrad=1.5, torch=1.0, minigrad_replay=0.35, torch_graphs=0.25)}
    verdicts = {goal.text: goal.verdict for goal in goals.goals({"training": training, "sweep": sweep()}, "cuda")}
    assert verdicts["circles: replayed / torch"] == "MISSED"
    assert verdicts["circles: minigrad / torch"] == "met"
    assert verdicts["circles: replayed / torch with CUDA graphs"] == "met"
    assert verdicts["fashion-10: replayed / torch with CUDA graphs"] == "MISSED"
    assert "fashion-10: replayed / torch" not in verdicts  # it is not one of the small ones
    everywhere = "25 cells of the sweep: replayed / torch with CUDA graphs, the largest"
    assert verdicts[everywhere] == verdicts["batch4096-width4096: minigrad / torch"] == "met"
    slow = sweep(replayed=70e-6)
    assert {goal.text: goal.verdict for goal in goals.goals({"sweep": slow}, "cuda")}[everywhere] == "MISSED"
    del slow["batch1-width64"]["torch-graphs"]
    assert {goal.text: goal.verdict for goal in goals.goals({"sweep": slow}, "cuda")}[everywhere] == "not measured"


def test_the_page_of_a_gpu_and_its_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="not run: pip install matplotlib (the extra 'bench')")
    ceilings = {"product": made_up(torch=2 * 8192**3 / PEAKS.flops, minigrad=1.0),
                "copy": made_up(torch=2 * 4 * 2**28 / PEAKS.bytes, minigrad=1.0)}
    absent = {"torch-compile": Found(None, "not run: no compiler")}
    results = {"ceilings": ceilings, "training": {"circles": made_up(minigrad=2.5e-4, torch=1e-4) | absent},
               "sweep": sweep(), "ops": {cases.op_name("add", 10, True): made_up(minigrad=2e-6, torch=1e-6)}}
    about = {"minigrad": {"version": "1", "device": "NVIDIA Made Up 9", "TF32": "off", "CuPy": "14"},
             "jax-jit": {"absent": "not installed"}}
    around = report.Surroundings(ON_CUDA, {"cpu_model_name": "a CPU", "cores": 2, "platform": "Linux",
                                           "python_version": "3"}, about)
    page = gpu_page.write_gpu_page(results, around, tmp_path, "Parity was found.")
    text = page.read_text()
    assert page.name == "made-up-9.md" and text.startswith("# NVIDIA Made Up 9\n") and "Parity was found." in text
    assert "TF32 off; CuPy 14" in text and "50.0 TFLOP/s" in text and "4000 GB/s" in text
    assert "| batch4096-width4096 | 41.7 (83.3%) |" in text  # 1.2 times the least time
    assert "| torch | 100 µs | 83.3 µs at the ceilings | 1.20 times" in text
    assert "torch-compile: not run: no compiler" in text and "| MISSED |" in text and "| met |" in text
    for name in ("training", "crossover", "roofline"):
        assert f"(made-up-9/{name}.svg)" in text and (tmp_path / "made-up-9" / f"{name}.svg").exists()
    assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|"))


def test_the_plot_names_both_regions() -> None:
    pytest.importorskip("matplotlib", reason="not run: pip install matplotlib (the extra 'bench')")
    from benchmarks.plots import plt
    from benchmarks.roofline_plot import roofline as plot

    figure = plot(sweep(), PEAKS)
    assert len(figure.axes) == 4
    for axes in figure.axes:
        words = [text.get_text() for text in axes.texts]
        assert {"launch-bound", "compute-bound"} < set(words) and any(word.endswith(" µs") for word in words)
    plt.close(figure)


def test_every_name_on_a_gpu_chooses_something() -> None:
    for name in cases.names("cuda"):
        assert cases.chosen([name], quick=True, device="cuda"), name
    largest = cases.CUDA_GROUPS["sweep"].cases[-1]
    assert largest.name == goals.LARGEST and cases.sweep_size(largest.name) == (4096, 4096)

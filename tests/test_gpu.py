"""`make gpu`: nothing is taken for a pass that was not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyperf", reason="not run: pip install pyperf (the extra 'bench')")
pytest.importorskip("threadpoolctl", reason="not run: pip install threadpoolctl (the extra 'bench')")

from benchmarks import gpu
from benchmarks.measure import Found
from benchmarks.run import failures
from minigrad.device import cuda_library

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(cuda_library() is not None, reason="there is a GPU here")
def test_without_a_gpu_it_is_one_line_and_no_pass() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1 and done.stdout.count("\n") == 1
    assert done.stdout.startswith("make gpu: not run, ")


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu, "find_spec", lambda name: None if name in ("cupy", "pyperf") else object())
    assert gpu.main([]) == 1
    assert "without cupy, pyperf" in capsys.readouterr().out


def test_where_all_is_there_but_no_gpu_the_engines_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "find_spec", lambda name: object())
    if cuda_library() is None:
        missing = gpu.what_is_missing()
        assert any("not run: no GPU here" in reason for reason in missing)


@pytest.mark.parametrize(("parity_wrong", "benchmarks_wrong", "status"), [
    (False, False, 0), (True, False, 1), (False, True, 1)])
def test_its_status_is_that_of_both_parts(parity_wrong: bool, benchmarks_wrong: bool, status: int, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def timed(said: str, folder: Path, quick: bool) -> bool:
        asked.append((said, folder, quick))
        return benchmarks_wrong

    monkeypatch.setattr(gpu, "what_is_missing", list)
    monkeypatch.setattr(gpu, "parity", lambda: ("said", parity_wrong))
    monkeypatch.setattr(gpu, "benchmarks", timed)
    assert gpu.main(["--out", str(tmp_path)]) == status
    assert gpu.main(["--out", str(tmp_path), "--parts", "parity"]) == int(parity_wrong)
    assert asked == [("said", tmp_path, False)]


def test_what_the_page_says_of_parity() -> None:
    said = gpu.parity_text("a table\nNo disagreement.\n", "page: x\nrecorded: /somewhere/parity-h200.md\n", 0)
    assert "status 0: No disagreement." in said and "[parity-h200.md](parity-h200.md)" in said
    said = gpu.parity_text("", "Traceback\nValueError: no\n", 1)
    assert "status 1: ValueError: no" in said and "No page of it was recorded" in said


def test_parity_without_all_its_engines_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "a table\nminigrad-cuda not run: no CUDA device (circles)\nNo disagreement.\n"
    monkeypatch.setattr(gpu.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, printed, ""))
    said, wrong = gpu.parity()
    assert wrong and "Not all engines were run: minigrad-cuda not run" in said
    assert not gpu.not_run("a table\nNo disagreement.\n")


def test_what_minigrad_fails_at_is_a_failure_and_an_absent_engine_is_none() -> None:
    found = {"minigrad": Found(None, "failed: TypeError: no"), "torch-compile": Found(None, "failed: no compiler"),
             "minigrad-replay": Found(None, "not run: no GPU here")}
    assert failures({"training": {"circles": found}}, ("minigrad", "minigrad-replay")) == [
        "training circles: minigrad failed: TypeError: no"]


def test_make_has_the_target_and_its_help() -> None:
    done = subprocess.run(["make", "help"], capture_output=True, text=True, cwd=ROOT)
    assert "make gpu" in done.stdout and "make proof" in done.stdout

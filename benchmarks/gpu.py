"""`python -m benchmarks.gpu` (make gpu): parity and benchmarks on this machine's GPU, as docs/results/<gpu>.md.

Without a GPU, or without a package that it takes, it says in one line that nothing was run and what is missing, and
ends with status 1: nobody is to take that for a pass. A goal that is missed stands in the page, and is no failure.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
KEPT = ROOT / "bench-report"  # for what is no page: pyperf's values, parity's figures and the scripts' folders
PACKAGES = ("torch", "cupy", "pyperf", "threadpoolctl", "matplotlib", "tqdm", "jinja2")
PARTS = ("parity", "benchmarks")


def main(arguments: list[str] | None = None) -> int:
    """Run, write, and return the exit status: 0 if all was run, and nothing disagreed, was wrong or failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="which of them (both)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="for the page and its plots")
    parser.add_argument("--quick", action="store_true", help="few cases and rounds: to see that all works")
    given = parser.parse_args(arguments)
    missing = what_is_missing()
    if missing:
        print(f"make gpu: not run, not passed: {'; '.join(missing)}")
        return 1
    said, wrong = "", False
    if "parity" in given.parts:
        said, wrong = parity()
        print(said)
    if "benchmarks" in given.parts:
        wrong |= benchmarks(said, given.out, given.quick)
    return int(wrong)


def what_is_missing() -> list[str]:
    """Packages, or else the GPU itself as minigrad and torch see it; empty if all is there."""
    packages = [name for name in PACKAGES if find_spec(name) is None]
    if packages:
        return [f"without {', '.join(packages)} (pip install -e '.[parity,bench,cuda]'; and it takes an NVIDIA GPU)"]
    from benchmarks.run import without_gpu

    return without_gpu(_settings(quick=True))


def parity() -> tuple[str, bool]:
    """Every step of the five experiments, all engines: what the page says of it; whether something is wrong with it."""
    command = [sys.executable, "-m", "parity", "--record", "--json", str(KEPT / "parity.json"), "--out",
               str(KEPT / "parity")]
    print("parity: five experiments on all engines; this takes minutes", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    print(done.stdout)
    wrong = done.returncode != 0 or bool(not_run(done.stdout))
    return parity_text(done.stdout, done.stderr, done.returncode), wrong


def not_run(printed: str) -> str:
    """The line of parity's report that names engines on the GPU that were not run; "" if all were."""
    return next((line for line in printed.splitlines() if "not run" in line and "cuda" in line), "")


def parity_text(printed: str, remarks: str, status: int) -> str:
    """The verdict, the last line that was printed, who was not run, and where the page with every figure is."""
    verdict = (printed.strip() or remarks.strip() or "nothing was printed").splitlines()[-1]
    recorded = re.search(r"recorded: .*?(parity-[\w-]+\.md)", remarks)
    where = f" All figures: [{recorded[1]}]({recorded[1]})." if recorded else " No page of it was recorded."
    return ("`python -m parity --record` trains the five experiments on minigrad and torch, on the GPU and on the CPU, "
            f"and compares every step. It ended with status {status}: {verdict}{where}"
            + (f" Not all engines were run: {absent}" if (absent := not_run(printed)) else ""))


def benchmarks(parity_said: str, folder: Path, quick: bool) -> bool:
    """Everything that --device cuda measures; whether an engine was wrong, or minigrad failed."""
    from benchmarks import report
    from benchmarks.gpu_page import write_gpu_page
    from benchmarks.run import any_wrong, failures, measure_all, write_json
    from benchmarks.surroundings import of_this_machine

    settings = _settings(quick)
    results, about = measure_all([], settings)
    surroundings = report.Surroundings(settings, of_this_machine(), about)
    print(report.as_text(results, surroundings))
    KEPT.mkdir(exist_ok=True)
    write_json(results, surroundings, KEPT / "gpu.json")
    print(f"written: {write_gpu_page(results, surroundings, folder, parity_said)}")
    return any_wrong(results) or bool(failures(results, ("minigrad", "minigrad-replay")))


def _settings(quick: bool) -> Any:
    from benchmarks.measure import Settings

    return Settings(None, "cuda", threads=1, keep_blas=False, rounds=None, quick=quick)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was reported", file=sys.stderr)
        sys.exit(130)

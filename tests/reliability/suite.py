"""The suite itself: no test hangs on the order in which they run, and together they run all of minigrad."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from .promise import ROOT, Outcome, promise, shown

CHAPTER = "The suite"
RUNS = 5
ENOUGH = 98  # per cent of lines and branches
# Whole commands and long trainings, in processes of their own, are left out: they take minutes.
LEFT_OUT = ("test_bisect", "test_conformance", "test_documents", "test_experiments", "test_mutants", "test_parity_*",
            "test_programs", "test_readme", "test_reliability", "test_report", "test_runner", "test_scripts")


TESTS = ["-m", "pytest", "-q", "-n", "2", "tests", "minigrad", *(f"--ignore-glob=*/{name}.py" for name in LEFT_OUT)]


@dataclass(frozen=True)
class Run:
    """The tests in an order drawn from a seed: pytest's last line, and what failed."""

    seed: int
    last: str
    failed: tuple[str, ...]


def shuffled(seed: int, *before: str) -> Run:
    """Run the tests in the order of this seed; `before` stands before them in Python's arguments."""
    command = [sys.executable, *before, *TESTS, "-p", "tests.reliability.shuffle", "--shuffle", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]]
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    wrong = [f"seed {seed}: {name}" for name in failed or [lines[-1]]] if done.returncode else []
    return Run(seed, lines[-1], tuple(wrong))


@promise(CHAPTER, "Whatever the order of the tests, they pass, in two processes", by_name_only=True)
def any_order(quick: bool) -> Outcome:
    if quick:
        return Outcome("only in the long form", not_run=True)
    runs = [shuffled(seed) for seed in shown(range(RUNS), "orders")]
    return Outcome(f"{RUNS} orders; the last: {runs[-1].last}", tuple(fault for run in runs for fault in run.failed))


SETTINGS = """
[run]
branch = true
source = minigrad
parallel = true
patch = subprocess
data_file = {folder}/data
[report]
exclude_also =
    if TYPE_CHECKING:
    raise NotImplementedError
    ^ *\\.\\.\\.$
"""


@promise(CHAPTER, f"The tests pass in an order that the day draws, and run {ENOUGH} % of minigrad's lines and branches")
def coverage(quick: bool) -> Outcome:
    if quick or find_spec("coverage") is None:
        return Outcome("only in the long form, and with the package 'coverage'", not_run=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings")
        settings.write_text(SETTINGS.format(folder=folder))
        run = shuffled(date.today().toordinal(), "-m", "coverage", "run", f"--rcfile={settings}")
        for command in (["combine", "--quiet"], ["json", "--quiet", "-o", f"{folder}/report.json"]):
            subprocess.run([sys.executable, "-m", "coverage", command[0], f"--rcfile={settings}", *command[1:]],
                           cwd=ROOT, check=True)
        report = json.loads(Path(folder, "report.json").read_text())
    total = report["totals"]["percent_covered"]
    least = sorted(report["files"].items(), key=lambda item: item[1]["summary"]["percent_covered"])[:6]
    files = ", ".join(f"{name} {found['summary']['percent_covered']:.0f} %" for name, found in least)
    return Outcome(f"{total:.1f} % of lines and branches; least in {files}; seed {run.seed}: {run.last}",
                   (*run.failed, *([f"less than {ENOUGH} %"] if total < ENOUGH else [])))

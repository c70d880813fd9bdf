"""Ctrl-C ends every command of the project with one line, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

from .promise import ROOT, Outcome, promise, shown

CHAPTER = "Load"
COMMANDS = ("parity circles --out {folder}", "parity bisect circles --out {folder}", "parity conformance",
            "parity programs --count 10000", "parity mutants", "parity.bisect.proof", "benchmarks",
            "tests.reliability torch_files")
STATUSES = (130, -signal.SIGINT)  # as shells report it, and as the system does


def processes_of(group: int) -> bool:
    """Whether a group still has processes."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def fault(command: str, seconds: float) -> str | None:
    """Start a command, press Ctrl-C after so many seconds, and say what is wrong with its end."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", *command.format(folder=folder).split()]
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        time.sleep(seconds)
        if process.poll() is not None:
            return f"{command}: it ended by itself, with status {process.returncode}"
        os.killpg(process.pid, signal.SIGINT)  # to all of them, as a terminal does
        try:
            said, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return f"{command}: it went on"
        deadline = time.monotonic() + 10
        while processes_of(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        if processes_of(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
            return f"{command}: it left processes behind"
    if process.returncode not in STATUSES or "Traceback" in said or "interrupted" not in said:
        return f"{command}: status {process.returncode}, {said[-200:]!r}"
    return None


@promise(CHAPTER, "Ctrl-C ends every command with a line, not with a wall of traces, and leaves no process behind")
def ctrl_c(quick: bool) -> Outcome:
    if quick:  # tests/test_parity_command.py has the most important one
        return Outcome("only in the long form", not_run=True)
    found = [fault(command, 12) for command in shown(COMMANDS, "Ctrl-C")]
    return Outcome(f"{len(COMMANDS)} commands", tuple(one for one in found if one))

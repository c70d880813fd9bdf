"""What becomes of a mutant: the checks that reach it are run on it, in a process of its own, until one notices."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]

import minigrad
from parity.conformance.devices import OnDevice
from parity.mutants.checks import Check
from parity.mutants.engine import Base, Mutant
from parity.mutants.equivalent import EQUIVALENT

LIMIT = 5  # seconds of computing for one check, which takes 1 at most
MEMORY = 4 << 30  # bytes that a mutant may take beyond what is in use


@dataclass
class Fate:
    """What became of a mutant."""

    mutant: Mutant
    killer: str  # the check that noticed it; "" for a survivor
    reason: str
    equivalent: str = ""  # why it computes the same numbers, if it does

    @property
    def is_so(self) -> str:
        return "killed" if self.killer else "equivalent" if self.equivalent else "survived"

    def __str__(self) -> str:
        return f"{self.is_so.upper()} {self.mutant.key} (line {self.mutant.change.line}; {self.killer} {self.reason})"


class Hung(BaseException):
    """A check runs for too long. Not an Exception: what it runs must not catch it."""


def fates(mutants: Sequence[Mutant], checks: Sequence[Check], jobs: int, device: str = "cpu") -> list[Fate]:
    """Judge all, several at a time, each in a process forked for it alone."""
    base = Base.made(mutants)
    context = multiprocessing.get_context("fork")
    found: dict[int, Fate] = {}
    running: dict[Any, tuple[int, Any]] = {}
    waiting = iter(range(len(mutants)))
    gc.freeze()  # so that the processes' garbage collectors leave the memory that they share alone
    bar = tqdm(desc="mutants", total=len(mutants), leave=False, unit="", file=sys.stderr, mininterval=1)
    while len(found) < len(mutants):
        for i in itertools.islice(waiting, jobs - len(running)):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=send_judgement, args=(sender, mutants[i], checks, base, device))
            process.start()
            sender.close()
            running[receiver] = i, process
        for receiver in wait(list(running)):
            i, process = running.pop(receiver)
            try:
                judgement = receiver.recv()  # type: ignore[attr-defined]
            except EOFError:
                judgement = "the system", "the process died", ""
            found[i] = Fate(mutants[i], *judgement)
            process.join()
            bar.update()
            if found[i].is_so == "survived":
                bar.write(str(found[i]), file=sys.stderr)
    bar.close()
    gc.unfreeze()
    return [found[i] for i in range(len(mutants))]


def send_judgement(sender: Any, mutant: Mutant, checks: Sequence[Check], base: Base, device: str) -> None:
    sender.send(judge(mutant, relevant(mutant, checks), base, device))


def judge(mutant: Mutant, checks: Sequence[Check], base: Base, device: str = "cpu") -> tuple[str, str, str]:
    """The check that notices a mutant ("" if none does), what it says, and why the mutant is none, if it is none.

    In a process of its own: minigrad is not itself after.
    """
    equivalent = EQUIVALENT.get(mutant.key)
    if device == "cpu":
        limit_memory()  # CUDA takes addresses for all its memory at once
    try:
        numbers = equivalent.on_random_inputs(minigrad) if equivalent else None
        library = base.changed(mutant)
        subject = library if device == "cpu" else OnDevice(library, device)
        for check in checks:
            found = within(LIMIT, check, subject)
            if found:
                return check.name, found, ""
        if equivalent is not None and numbers == equivalent.on_random_inputs(library):
            return "", f"{len(checks)} checks passed", equivalent.reason
    except Hung:
        return "the clock", f"a check still ran after {LIMIT} s", ""
    except Exception as error:  # outside of a case: minigrad cannot even be imported, or its tensors cannot be read
        return "any program", f"{type(error).__name__}: {error}"[:200], ""
    return "", f"{len(checks)} checks passed", ""


def relevant(mutant: Mutant, checks: Sequence[Check]) -> list[Check]:
    """The checks that run the function which the mutant is in; for what is in no function, those that run the file."""
    place = mutant.file, mutant.change.function
    if mutant.change.function:
        return [check for check in checks if place in check.runs]
    return [check for check in checks if any(file == mutant.file for file, _ in check.runs)]


def within(seconds: float, check: Check, library: Any) -> str | None:
    """What a check finds. Hung if it computes for longer."""
    def hung(*_: Any) -> None:
        raise Hung

    signal.signal(signal.SIGPROF, hung)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of computing: on a busy machine nothing else is fair
    try:
        return check.wrong(library)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory() -> None:
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, -1))

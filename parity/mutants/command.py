"""`python -m parity mutants`: changes minigrad in one place after another, and says which changes nobody noticed."""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]

from parity.mutants.checks import Check, prepared
from parity.mutants.engine import FILES, Base, Mutant, all_mutants
from parity.mutants.equivalent import EQUIVALENT

LIMIT = 60  # seconds for one mutant
MEMORY = 4 << 30  # bytes that a mutant may take beyond what is in use


@dataclass
class Fate:
    """What became of a mutant."""

    mutant: Mutant
    killer: str  # the check that noticed it; "" for a survivor
    reason: str

    @property
    def killed(self) -> bool:
        return bool(self.killer)


class Hung(BaseException):
    """The mutant has run for too long. Not an Exception: what it runs must not catch it."""


DESCRIPTION = """\
Scores the checks. minigrad is changed in one place after another: a rule of the table becomes zero, gets the
other sign, a factor 2, another input's rule or a stale value; in rules, engine, losses, optimizers, schedules and
the random stream a constant, a sign or an operator is another one, a term or a factor is missing. Each such mutant
runs the checks that reach it: torch's own samples, in value, gradient and second derivative, and the programs of
parity/mutants/programs.py. Killed means that a check noticed.

One that survives is a gap in the checks, or it is equivalent, which means that it computes the same numbers: each
of these stands in parity/mutants/equivalent.py with the reason.
"""
EXAMPLES = """\
examples:
  python -m parity mutants                    all of them
  python -m parity mutants --ops tanh,pow     two entries of the table
  python -m parity mutants --sample 60        a random sample

exit status: 0 all killed, 1 some survived, 2 a wrong command line
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parity mutants", description=DESCRIPTION, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", metavar="A,B", help="only mutants in these entries, functions or methods")
    parser.add_argument("--files", metavar="F,G", help=f"only mutants in these files: {', '.join(FILES)}")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0, help="which sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="processes at a time (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every mutant's fate to FILE")
    options = parser.parse_args(arguments)
    options.mutants = chosen(parser, options)
    return options


def chosen(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Mutant]:
    """The mutants that the command line asks for."""
    mutants = list(all_mutants())
    if options.files:
        files = options.files.split(",")
        if unknown := set(files) - set(FILES):
            parser.error(f"no mutants are made of {', '.join(unknown)}; files: {', '.join(FILES)}")
        mutants = [m for m in mutants if m.file in files]
    if options.ops:
        names = set(options.ops.split(","))
        mutants = [m for m in mutants if names & {m.change.scope.split(",")[0], *m.change.scope.split(".")}]
        if not mutants:
            parser.error(f"nothing is called {options.ops}: give entries of the table (tanh), functions or methods")
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    return mutants


def judge(mutant: Mutant, checks: Sequence[Check], base: Base) -> tuple[str, str]:
    """Run the checks that reach a mutant, until one notices: its name ("" if none does), and what it says.

    In a process of its own: minigrad is not itself after.
    """
    def hung(*_: Any) -> None:
        raise Hung

    signal.signal(signal.SIGALRM, hung)
    signal.alarm(LIMIT)
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, -1))
    try:
        library = base.changed(mutant)
        for check in checks:
            found = check.wrong(library)
            if found:
                return check.name, found
    except Hung:
        return "the clock", f"it still ran after {LIMIT} s"
    except Exception as error:  # outside of a case: minigrad cannot even be imported, or its tensors cannot be read
        return "any program", f"{type(error).__name__}: {error}"[:200]
    finally:
        signal.alarm(0)
    return "", f"{len(checks)} checks passed"


def relevant(mutant: Mutant, checks: Sequence[Check]) -> list[Check]:
    """The checks that run the function which the mutant is in; for what is in no function, those that run the file."""
    place = mutant.file, mutant.change.function
    if mutant.change.function:
        return [check for check in checks if place in check.runs]
    return [check for check in checks if any(file == mutant.file for file, _ in check.runs)]


def fates(mutants: Sequence[Mutant], checks: Sequence[Check], jobs: int) -> list[Fate]:
    """Judge all, several at a time, each in a process forked for it alone."""
    base = Base.made(mutants)
    context = multiprocessing.get_context("fork")
    found: dict[int, tuple[str, str]] = {}
    running: dict[Any, tuple[int, Any]] = {}
    waiting = iter(range(len(mutants)))
    gc.freeze()  # so that the processes' garbage collectors leave the memory that they share alone
    bar = tqdm(desc="mutants", total=len(mutants), leave=False, unit="", file=sys.stderr, mininterval=1)
    while len(found) < len(mutants):
        for i in itertools.islice(waiting, jobs - len(running)):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=send_judgement, args=(sender, mutants[i], checks, base))
            process.start()
            sender.close()
            running[receiver] = i, process
        for receiver in wait(list(running)):
            i, process = running.pop(receiver)
            try:
                found[i] = receiver.recv()  # type: ignore[attr-defined]
            except EOFError:
                found[i] = "the system", "the process died"
            process.join()
            bar.update()
    bar.close()
    gc.unfreeze()
    return [Fate(mutant, *found[i]) for i, mutant in enumerate(mutants)]


def send_judgement(sender: Any, mutant: Mutant, checks: Sequence[Check], base: Base) -> None:
    sender.send(judge(mutant, relevant(mutant, checks), base))


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    start = time.perf_counter()
    print("working out torch's answers …", file=sys.stderr)
    checks = prepared()
    print(f"{len(options.mutants)} mutants, {len(checks)} checks", file=sys.stderr)
    found = fates(options.mutants, checks, options.jobs)
    equivalent = [fate for fate in found if not fate.killed and fate.mutant.key in EQUIVALENT]
    survivors = [fate for fate in found if not fate.killed and fate.mutant.key not in EQUIVALENT]
    for file in FILES:
        of_file = [fate for fate in found if fate.mutant.file == file]
        if of_file:
            same = sum(fate in equivalent for fate in of_file)
            print(f"{file:32}{sum(f.killed for f in of_file):5} of {len(of_file) - same} killed"
                  + (f", {same} equivalent" if same else ""))
    for fate in survivors:
        print(f"SURVIVED {fate.mutant.key} (line {fate.mutant.change.line}; {fate.reason})")
    killed = sum(fate.killed for fate in found)
    judged = len(found) - len(equivalent)
    share = f" ({killed / judged:.1%})" if judged else ""
    print(f"{killed} of {judged} mutants killed{share}, {len(equivalent)} equivalent; "
          f"{time.perf_counter() - start:.0f} s")
    if options.json:
        rows = [{"mutant": f.mutant.key, "line": f.mutant.change.line, "killed by": f.killer, "because": f.reason,
                 "equivalent": EQUIVALENT.get(f.mutant.key)} for f in found]
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if survivors else 0

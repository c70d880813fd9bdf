"""`python -m parity mutants`: changes minigrad in one place after another, and says which changes nobody noticed."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from parity.conformance.devices import add_device, check_device
from parity.mutants.checks import prepared
from parity.mutants.engine import FILES, Mutant, all_mutants
from parity.mutants.equivalent import EQUIVALENT
from parity.mutants.judging import Fate, fates

DESCRIPTION = """\
Scores the checks. minigrad is changed in one place after another: a rule of the table becomes zero, gets the
other sign, a factor 2, another input's rule or a stale value; in rules, engine, losses, optimizers, schedules and
the random stream a constant, a sign or an operator is another one, a term or a factor is missing; eps stands inside
the root, gradients share a buffer, an error is not raised, and more such slips (slips.py). Each such mutant
runs the checks that reach it: torch's own samples, in value, gradient and second derivative, and the programs of
parity/mutants/programs/. Killed means that a check noticed.

One that survives is a gap in the checks, or it is equivalent, which means that it computes the same numbers: each
of these stands in parity/mutants/equivalent.py with the reason, and only counts as such if no check notices it and
it gives what minigrad gives on 10,000 random inputs.
"""
EXAMPLES = """\
examples:
  python -m parity mutants                    all of them
  python -m parity mutants --ops tanh,pow     two entries of the table
  python -m parity mutants --kinds "sign,= for +="   some kinds, named as in the table that is printed
  python -m parity mutants --equivalents      those that are said to compute the same numbers
  python -m parity mutants --sample 60        a random sample

exit status: 0 all killed, 1 some survived, 2 a wrong command line
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parity mutants", description=DESCRIPTION, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", metavar="A,B", help="only mutants in these entries, functions or methods")
    parser.add_argument("--files", metavar="F,G", help=f"only mutants in these files: {', '.join(FILES)}")
    parser.add_argument("--kinds", metavar="K,L", help="only mutants of these kinds")
    parser.add_argument("--equivalents", action="store_true", help="only those that should compute the same numbers")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0, help="which sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="processes at a time (default: %(default)s)")
    add_device(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every mutant's fate to FILE")
    options = parser.parse_args(arguments)
    options.mutants = chosen(parser, options)
    check_device(parser, options.device)
    return options


def chosen(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Mutant]:
    """The mutants that the command line asks for."""
    mutants = list(all_mutants())
    if options.files:
        files = options.files.split(",")
        if unknown := set(files) - set(FILES):
            parser.error(f"no mutants are made of {', '.join(unknown)}; files: {', '.join(FILES)}")
        mutants = [m for m in mutants if m.file in files]
    if options.kinds:
        kinds = options.kinds.split(",")
        if unknown := set(kinds) - {m.change.kind for m in mutants}:
            parser.error(f"no mutants are of the kind {', '.join(unknown)}")
        mutants = [m for m in mutants if m.change.kind in kinds]
    if options.equivalents:
        mutants = [m for m in mutants if m.key in EQUIVALENT]
    if options.ops:
        names = set(options.ops.split(","))
        mutants = [m for m in mutants if names & {m.change.scope.split(",")[0], *m.change.scope.split(".")}]
        if not mutants:
            parser.error(f"nothing is called {options.ops}: give entries of the table (tanh), functions or methods")
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    return mutants


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    start = time.perf_counter()
    print("working out torch's answers …", file=sys.stderr)
    checks = prepared()
    print(f"{len(options.mutants)} mutants, {len(checks)} checks", file=sys.stderr)
    found = fates(options.mutants, checks, options.jobs, options.device)
    seconds = round(time.perf_counter() - start)
    print(report(found, seconds))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_data(found, seconds), indent=1) + "\n")
    return 1 if any(fate.is_so == "survived" for fate in found) else 0


def report(found: Sequence[Fate], seconds: int) -> str:
    """The score by file and by kind, the survivors, and the total."""
    tables = [table("file", counts(found, lambda fate: fate.mutant.file)),
              table("kind", counts(found, lambda fate: fate.mutant.change.kind))]
    survivors = [str(fate) for fate in found if fate.is_so == "survived"]
    return "\n\n".join([*tables, "\n".join([*survivors, total(found, seconds)])])


def total(found: Sequence[Fate], seconds: int) -> str:
    count = Counter(fate.is_so for fate in found)
    judged = count["killed"] + count["survived"]
    share = f" ({count['killed'] / judged:.1%})" if judged else ""
    return (f"{count['killed']} of {judged} mutants killed{share}, {count['equivalent']} equivalent; "
            f"{seconds // 60} min {seconds % 60} s")


Counts = dict[str, dict[str, int]]


def counts(found: Iterable[Fate], of: Callable[[Fate], str]) -> Counts:
    """How many were killed, survived and are equivalent, by file or by kind."""
    result: Counts = {}
    for fate in found:
        row = result.setdefault(of(fate), {"killed": 0, "survived": 0, "equivalent": 0})
        row[fate.is_so] += 1
    return result


def table(name: str, rows: Counts) -> str:
    lines = [f"{name:30}{'killed':>8}{'survived':>10}{'equivalent':>12}"]
    lines += [f"{key:30}{row['killed']:8}{row['survived'] or '-':>10}{row['equivalent'] or '-':>12}"
              for key, row in rows.items()]
    return "\n".join(lines)


def as_data(found: Sequence[Fate], seconds: int) -> dict[str, Any]:
    """For --json: the score in whole and by kind, and every mutant's fate."""
    rows = [{"mutant": f.mutant.key, "kind": f.mutant.change.kind, "line": f.mutant.change.line,
             "killed by": f.killer, "because": f.reason, "equivalent": f.equivalent or None} for f in found]
    return {"score": total(found, seconds), "kinds": counts(found, lambda fate: fate.mutant.change.kind),
            "mutants": rows}

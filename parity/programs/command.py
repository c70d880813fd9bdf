"""The command: `python -m parity programs [--count N] [--seed S] [--json FILE] [--out DIR]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tqdm import tqdm  # type: ignore[import-untyped]

from parity.conformance.report import versions
from parity.programs.agreement import difference, judge
from parity.programs.machine import Program, run
from parity.programs.shrinking import shrunk
from parity.programs.training import trainings
from parity.programs.writing import programs

ONE_IN = 10  # so many programs for each training loop, which takes ten times as long
MOST_SHRUNK = 20  # of the programs that differ
HELP = """\
Writes random programs in torch's language and runs each on torch and on minigrad. Values, gradients, shapes, dtypes,
requires_grad and the types of exceptions must agree; floating-point numbers as far as rounding lets them, which is
measured: torch runs again with rounding errors added.

A program has shared subexpressions, views, writes into them, broadcasting, reductions, indexing, detach, no_grad,
hooks, several outputs, gradients of gradients, float64, float32 and integers, and tensors without elements. One in
ten is a training loop: a model, a loss, an optimizer with options, a schedule, batches, dropout, several epochs.

A program that differs is made short and printed as a script to run.
"""
EXAMPLES = """\
examples:
  python -m parity programs                       1000 programs, half a minute
  python -m parity programs --count 10000 --seed 1
  python -m parity programs --kind training       training loops alone

The same seed writes the same programs (with the same versions of Hypothesis and torch).

exit status: 0 no difference, 1 a difference, 2 a wrong command line
"""


@dataclass
class Found:
    """What a search came to."""

    tried: int = 0
    excused: Counter[str] = field(default_factory=Counter)  # agreements that took more than a look, by reason
    differing: list[tuple[Program, str]] = field(default_factory=list)  # the shrunken program, and the difference


class EnoughFound(BaseException):
    """Ends the search. Hypothesis would hold an Exception for a failure, and try it again."""


def search(kind: st.SearchStrategy[Program], count: int, start: int, progress: Callable[[], Any] = lambda: None,
           enough: int | None = None) -> Found:
    """Let Hypothesis write `count` programs, from a seed, and run each on both libraries, until `enough` differ."""
    found = Found()

    @seed(start)
    @settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))
    @given(kind)
    def try_one(program: Program) -> None:
        found.tried += 1
        judged = judge(program)
        if judged.excuse:
            found.excused[judged.excuse] += 1
        if judged.difference:
            found.differing.append((program, judged.difference))
        progress()
        if enough is not None and len(found.differing) >= enough:
            raise EnoughFound

    with suppress(EnoughFound):
        try_one()
    return found


def made_short(program: Program) -> tuple[Program, str]:
    """A program that differs, without what it can do without, and the difference."""
    short = shrunk(program, lambda shorter: difference(shorter) is not None)
    return short, str(difference(short))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parity programs", description=HELP, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--count", type=int, default=1000, metavar="N", help="how many programs (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="S", help="where to start (default: %(default)s)")
    add("--kind", choices=("both", "expressions", "training"), default="both", help="default: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write counts and every program that differs to FILE")
    add("--out", type=Path, metavar="DIR", help="write every program that differs to DIR, as a script")
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error("--count must be at least 1")
    return options


def counts(kind: str, count: int) -> list[tuple[st.SearchStrategy[Program], int]]:
    loops = {"both": -(-count // ONE_IN), "expressions": 0, "training": count}[kind]
    return [(strategy, n) for strategy, n in ((programs(), count - loops), (trainings(), loops)) if n]


def scripts(found: Sequence[Found]) -> list[str]:
    """The first programs that differ, made short, as scripts that begin with what differs."""
    short = [made_short(program) for each in found for program, _ in each.differing[:MOST_SHRUNK]]
    return [f'"""minigrad and torch part here: {text}"""\n\n{program.script(run(torch, program).errors)}'
            for program, text in short]


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)  # the tensors are small: threads only wait for each other
    with tqdm(total=options.count, unit=" programs", leave=False, file=sys.stderr, disable=None) as bar:
        found = [search(strategy, n, options.seed, bar.update) for strategy, n in counts(options.kind, options.count)]
    texts = scripts(found)
    for text in texts:
        print(text, end="\n\n")
    tried, differ = sum(each.tried for each in found), sum(len(each.differing) for each in found)
    excused = sum((each.excused for each in found), Counter[str]())
    print(f"{tried} programs, {differ} differ (seed {options.seed})")
    print(f"agreed within rounding, as torch with errors added shows: {excused['rounding']}")
    print(f"torch alone refuses (it saves more than it needs, or memory overlaps): {excused['torch refuses']}")
    print(f"minigrad alone refuses, by design: {excused['minigrad refuses']}")
    if options.json:
        result = {"versions": versions(), "seed": options.seed, "programs": tried, "differ": differ,
                  "excused": excused, "scripts": texts}
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for i, text in enumerate(texts, start=1):
            (options.out / f"difference_{i}.py").write_text(text)
    return 1 if texts else 0

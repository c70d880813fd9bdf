"""The command: `python -m parity programs [--count N] [--seed S] [--jobs N] [--json FILE] [--out DIR]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm  # type: ignore[import-untyped]

from parity.conformance.devices import add_device, check_device
from parity.conformance.report import versions
from parity.programs.excuses import REASONS
from parity.programs.machine import Program, run
from parity.programs.searching import KINDS, Found, all_made_short, search_all

ONE_IN = 10  # so many programs for each training loop, which takes ten times as long
HELP = """\
Writes random programs in torch's language and runs each on torch and on minigrad. Values, gradients, shapes, dtypes,
requires_grad and the types of exceptions must agree; floating-point numbers as far as rounding lets them, which is
measured: torch runs again with rounding errors added.

A program has shared subexpressions, views, writes into them, broadcasting, reductions, indexing, detach, no_grad,
hooks, several outputs, gradients of gradients, float64, float32 and integers, and tensors without elements. One in
ten is a training loop: a model, a loss, an optimizer with options, a schedule, batches, dropout, several epochs.

A program that differs is made short and printed as a script to run. Where a program agrees only because something is
let pass, it is counted under an excuse; parity/programs/excuses.py holds them all, each with its reason.
"""
EXAMPLES = """\
examples:
  python -m parity programs                       1000 programs, half a minute
  python -m parity programs --count 10000 --seed 1
  python -m parity programs --kind training       training loops alone

The same seed writes the same programs (with the same versions of Hypothesis, torch and minigrad).

exit status: 0 no difference, 1 a difference or a crash, 2 a wrong command line, 130 interrupted (--json is written)
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parity programs", description=HELP, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--count", type=int, default=1000, metavar="N", help="how many programs (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="S", help="where to start (default: %(default)s)")
    add("--kind", choices=("both", *KINDS), default="both", help="default: %(default)s")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
        help="how many processes at a time (default: %(default)s, one a core)")
    add_device(parser)
    add("--json", type=Path, metavar="FILE", help="write counts and every program that differs to FILE")
    add("--out", type=Path, metavar="DIR", help="write every program that differs to DIR, as a script")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.jobs < 1:
        parser.error("--count and --jobs must be at least 1")
    check_device(parser, options.device)
    return options


def counts(kind: str, count: int) -> dict[str, int]:
    """How many programs of each kind."""
    loops = {"both": -(-count // ONE_IN), "expressions": 0, "training": count}[kind]
    return {"expressions": count - loops, "training": loops}


def follow(found: Found, options: argparse.Namespace) -> bool:
    """Search, and show how far it has come. Returns whether it was interrupted."""
    shown, often = 0, 0.1 if sys.stderr.isatty() else 30.0  # seconds; a log is not to be filled with bars
    with tqdm(total=options.count, unit=" programs", leave=False, file=sys.stderr, mininterval=often) as bar:
        try:
            for _ in search_all(found, counts(options.kind, options.count), options.seed, options.jobs):
                bar.set_postfix(differ=len(found.differing), excused=found.excused_programs, refresh=False)
                bar.update()
                if len(found.differing) > shown:
                    bar.write(f"differs: {found.differing[shown][1]}", file=sys.stderr)
                    shown += 1
        except KeyboardInterrupt:
            return True
    return False


def scripts(differing: Sequence[tuple[Program, str]]) -> list[str]:
    """Programs that differ, as scripts that begin with what differs."""
    return [f'"""minigrad and torch part here: {text}"""\n\n{program.script(run(torch, program).errors)}'
            for program, text in differing]


def summary(found: Found, options: argparse.Namespace, seconds: float, interrupted: bool) -> str:
    """The counts, and every excuse that was used."""
    kinds = " and ".join(f"{n} {'training loops' if kind == 'training' else 'programs'}"
                         for kind, n in found.tried.items())
    ran = f"seed {options.seed}; {seconds:.0f} seconds, {options.jobs} processes"
    lines = [f"{kinds}, {len(found.differing)} differ ({ran})"]
    if interrupted:
        lines.insert(0, f"interrupted: {found.tried.total()} of {options.count} programs were tried")
    lines += [f"a process died: {text}" for text in found.died]
    if found.excused:
        lines.append(f"{found.excused_programs} of them agree with an excuse:")
        lines += [f"{n:6}  {name}: {REASONS[name]}" for name, n in found.excused.most_common()]
    return "\n".join(lines)


def as_json(found: Found, options: argparse.Namespace, seconds: float, interrupted: bool,
            texts: Sequence[str]) -> dict[str, Any]:
    return {"versions": versions(), "seed": options.seed, "asked for": options.count, "interrupted": interrupted,
            "programs": found.tried.total(), "kinds": found.tried, "differ": len(found.differing), "died": found.died,
            "programs with an excuse": found.excused_programs, "excused": found.excused,
            "reasons": {name: REASONS[name] for name in found.excused}, "seconds": round(seconds, 1), "scripts": texts}


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)  # the tensors are small: threads only wait for each other
    begin, found = time.monotonic(), Found()
    interrupted = follow(found, options)
    texts = scripts(found.differing if interrupted else all_made_short(found, options.jobs))
    seconds = time.monotonic() - begin
    for text in texts:
        print(text, end="\n\n")
    print(summary(found, options, seconds, interrupted))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_json(found, options, seconds, interrupted, texts), indent=1) + "\n")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for i, text in enumerate(texts, start=1):
            (options.out / f"difference_{i}.py").write_text(text)
    return 130 if interrupted else 1 if texts or found.died else 0

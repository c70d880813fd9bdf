"""The command: `python -m parity conformance [--tier core|common] [--ops A,B,…] [--json FILE] [--out FILE]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from tqdm import tqdm  # type: ignore[import-untyped]

from parity.conformance import metadata, report
from parity.conformance.devices import add_device, check_device
from parity.conformance.modules import judge_module
from parity.conformance.operations import judge_operation
from parity.conformance.optimizers import judge_optimizer
from parity.conformance.results import Row
from parity.conformance.tiers import TIERS

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "conformance.md"
JUDGES = {"op": judge_operation, "module": judge_module, "optimizer": judge_optimizer}
Job = tuple[str, str, str]  # kind, name, tier
HELP = """\
Runs the samples of torch's own test metadata (op_db, module_db, optim_db in torch.testing._internal) through torch
and minigrad, in one process and from the same seed, and compares what comes out.

A row of the report is FULL when every sample, in float64 and float32, gives torch's value, shape, dtype and
requires_grad, for a random cotangent torch's gradient for every input, and leaves its inputs as torch does.
It is STRICT when its other spellings (method, operator, in-place, aliases), its second derivatives, inputs with
ties and kinks, and the types of the exceptions for wrong inputs agree as well.
"""
EXAMPLES = """\
examples:
  python -m parity conformance                   everything; writes docs/conformance.md
  python -m parity conformance --tier core       the core tier alone: a few seconds
  python -m parity conformance --ops add         one operation, with every case that fails
  python -m parity conformance --ops 'max*,nn.functional.*_loss,nn.Conv2d,optim.SGD'
                                                 some, by pattern; operations outside the tiers, too

A case that fails is named by its number in torch's metadata and its arguments: float64[3, 2] is a tensor.
"missing" is what minigrad has not got; "left out by design" is what it will not have (complex numbers, say).

exit status: 0 every core row is strict and every common row full, 1 one is not, 2 a wrong command line
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parity conformance", description=HELP, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--tier", choices=list(TIERS), help="this tier alone (default: both)")
    add("--ops", metavar="A,B,…", help="these rows alone: names or patterns, as the report writes them")
    add_device(parser)
    add("--json", type=Path, metavar="FILE", help="write every count and every failure to FILE")
    add("--out", type=Path, metavar="FILE",
        help="write the report as markdown to FILE (default: docs/conformance.md when everything is run, else nowhere)")
    options = parser.parse_args(arguments)
    try:
        options.jobs = chosen(options.ops, options.tier) if options.ops else in_tiers(options.tier)
    except ValueError as error:
        parser.error(str(error))
    check_device(parser, options.device)
    if options.out is None and not options.ops and not options.tier and options.device == "cpu":
        options.out = DOCUMENT
    return options


def in_tiers(only: str | None) -> list[Job]:
    """Every row of the tiers, in the order of their lists."""
    jobs = []
    for tier in TIERS.values():
        if only in (None, tier.name):
            jobs += [("op", name, tier.name) for name in tier.ops]
            jobs += [("module", name, tier.name) for name in tier.modules]
            jobs += [("optimizer", name, tier.name) for name in tier.optimizers]
    return jobs


def chosen(text: str, tier: str | None) -> list[Job]:
    """The rows that the patterns match: for each those of the tiers, or else those of all the metadata."""
    found: list[Job] = []
    for pattern in [part.strip() for part in text.split(",") if part.strip()]:
        matching = [job for job in in_tiers(tier) if is_called(job, pattern)]
        if not matching and tier is None:
            matching = [job for job in outside_the_tiers() if is_called(job, pattern)]
        if not matching:
            raise ValueError(f"no row is called {pattern!r}; the names are in docs/conformance.md")
        found += matching
    return list(dict.fromkeys(found))


def is_called(job: Job, pattern: str) -> bool:
    """Whether a pattern means this row: "max" means max.binary and the others, "nn.Linear" the module."""
    kind, name, _ = job
    names = {"op": (name, name.split(".")[0]), "module": (name, f"nn.{name}"), "optimizer": (name, f"optim.{name}")}
    return any(fnmatchcase(known, pattern) for known in names[kind])


def outside_the_tiers() -> list[Job]:
    known = {"op": metadata.operations(), "module": metadata.modules(), "optimizer": metadata.optimizers()}
    return [(kind, name, "extended") for kind, names in known.items() for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        options = parse(arguments)
        metadata.operations()
    except ModuleNotFoundError as error:
        print(f"torch's test metadata needs the package {error.name!r}, which is not installed", file=sys.stderr)
        return 2
    torch.set_num_threads(1)  # the samples are small: threads only wait for each other
    try:
        rows = judge_all(options.jobs)
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was written", file=sys.stderr)
        return 130
    print(report.on_screen(rows, every_failure=bool(options.ops)))
    if options.json:
        report.write(options.json, report.as_json(rows))
    if options.out:
        report.write(options.out, report.markdown(rows))
    return 0 if all(row.wanted for row in rows) else 1


def judge_all(jobs: Sequence[Job]) -> list[Row]:
    """Every row, behind a progress bar."""
    rows = []
    with tqdm(jobs, unit=" rows", leave=False, file=sys.stderr, disable=None) as bar:
        for kind, name, tier in bar:
            bar.set_description(name)
            rows.append(JUDGES[kind](name, tier))
    return rows

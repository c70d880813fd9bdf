"""The process in which a script runs on torch while every operation is judged: `python -m parity.bisect.process`.

Started by `command`, never by hand, in a directory that holds a copy of the script; the first argument is a JSON of
`Order`. Its standard output carries findings, not text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from parity.bisect.findings import Finding, Order, Summary
from parity.engines import ENGINES
from parity.records import Sender
from parity.sampling import Enough
from parity.surroundings import PRINTED
from parity.worker import load, run, seed, take_over_stdout


def perform(order: Order, sender: Sender, script: str, arguments: Sequence[str]) -> None:
    """Run the script, and send findings, steps and a summary."""
    if order.mutant is not None:
        plant(order.mutant)
    wide = all(ENGINES[name].wide for name in order.engines)
    torch = load(ENGINES["torch-f64" if wide else "torch"])
    from parity.bisect.replays import side_of  # here: it imports torch and minigrad, which must be ready
    from parity.bisect.watcher import Plan, Watcher

    seed(torch)
    reference = side_of("torch-f64" if wide else "torch")
    sides = [reference if name == reference.name else side_of(name) for name in order.engines]

    def found(finding: Finding) -> None:
        sender.send(finding)
        if order.stop and finding.engine != reference.name:
            raise Enough

    plan = Plan(order.first, order.every, order.around, order.last)
    watcher = Watcher(sides, reference, plan, Path.cwd(), found, sender.send)
    with open(PRINTED, "w", encoding="utf-8") as printed, watcher:
        sys.stdout = printed
        finished = run(script, arguments)
        sys.stdout = sys.__stdout__
    watcher.finish()
    sender.send(Summary(watcher.steps_done, watcher.counts, dict(watcher.passed_over)))
    sender.send(finished)


def plant(number: int) -> None:
    """Import minigrad with one of the changes that `parity.mutants` makes."""
    from parity.mutants.engine import all_mutants, import_changed

    import_changed(next(islice(all_mutants(), number, None)))


def main(order: str, script: str, *arguments: str) -> None:
    sender = take_over_stdout()
    given = json.loads(order)
    perform(Order(**{**given, "engines": tuple(given["engines"])}), sender, script, arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`python -m parity.bisect.proof`: plants wrong rules in minigrad, and counts how many of them the finder names.

A rule is chosen at random among those that the experiments use, and a wrong rule for it among all mutants of the table
(`parity.mutants`). Which step first feels it is worked out without the finder (`oracle`). Named means: the right entry
and input, the right pass, the right step.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from parity.bisect.findings import Finding, Order, Use
from parity.bisect.oracle import first_difference
from parity.ending import exit_status
from parity.engines import ENGINES, Engine, EngineProcess, Run
from parity.mutants.engine import TABLE, Mutant, all_mutants, import_changed
from parity.programs.processes import in_a_fork
from parity.records import Finished

STEPS = 3
EXAMPLE = Path(__file__).parent / "example.py"
EXPERIMENTS = Path(__file__).parent.parent / "experiments"
NAMES = ("blob_adam", "circles", "fashion", "line_l1", "line_mse")
SCRIPTS = [*(EXPERIMENTS / f"{name}.py" for name in NAMES), EXAMPLE]
# These have no part in the numbers of a first backward: a detached value counts for second derivatives alone, and what
# a stale one gives hangs on what was called before.
LEFT_OUT = ("with a detached ", "with a stale ")


@dataclass(frozen=True)
class Try:
    """A wrong rule in a script's way, and what the finder must say."""

    script: Path
    mutant: int  # its number among all mutants: two of the same text may stand in one entry
    change: str
    entry: str
    rule: str
    step: int

    @property
    def expected(self) -> str:
        return f"{self.entry}, the rule for {self.rule}"


@dataclass(frozen=True)
class Outcome:
    planted: Try
    found: Finding | None

    @property
    def named(self) -> bool:
        """Whether entry, rule, pass and step are right."""
        if self.found is None:
            return False
        said = self.found.engine, self.found.stage, self.found.place.step, self.found.rules
        return said == ("minigrad", "backward", self.planted.step, (self.planted.expected,))


def uses_of(script: Path, folder: Path) -> list[Use]:
    """What each rule is given while the script trains for a few steps on minigrad."""
    process = EngineProcess(Engine("minigrad", "minigrad"), Run(script), folder,
                            ("parity.bisect.oracle", str(STEPS)))
    try:
        uses, finished = process.records()
    except ValueError:
        raise RuntimeError(f"{script} does not run on minigrad") from None
    finally:
        process.stop()
    assert isinstance(finished, Finished) and isinstance(uses, list)
    if finished.outcome != "finished":
        raise RuntimeError(f"{script} does not run on minigrad: {finished.message}\n{finished.details}")
    return uses


@cache
def mutants_of_rules() -> dict[str, list[tuple[int, Mutant]]]:
    """By entry, all mutants that change a rule of it, with their numbers."""
    found: dict[str, list[tuple[int, Mutant]]] = {}
    trees: dict[int, set[int]] = {}
    for number, mutant in enumerate(all_mutants()):
        if mutant.file in TABLE and not mutant.change.after.startswith(LEFT_OUT):
            inside = trees.setdefault(id(mutant.tree), nodes_of_rules(mutant.tree))
            if id(mutant.change.owner) in inside:
                found.setdefault(mutant.change.scope.split(",")[0].split(":")[0], []).append((number, mutant))
    return found


def nodes_of_rules(tree: ast.Module) -> set[int]:
    """The ids of all nodes that are part of a rule, and of what holds one."""
    keywords = [keyword for call in ast.walk(tree) if isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name) and call.func.id == "Op" for keyword in call.keywords]
    return {id(node) for keyword in keywords if isinstance(keyword.value, ast.Lambda) for node in ast.walk(keyword)}


def planted(script: Path, uses: Sequence[Use], chooser: random.Random) -> Try:
    """A wrong rule that this script feels, chosen at random: first the entry, then the change."""
    entries = sorted({use.entry for use in uses} & mutants_of_rules().keys())
    while True:
        entry = chooser.choice(entries)
        number, mutant = chooser.choice(mutants_of_rules()[entry])
        felt = in_a_fork(effect, mutant, [use for use in uses if use.entry == entry])
        if felt is not None:
            return Try(script, number, mutant.key.partition(": ")[2], entry, *felt)


def effect(mutant: Mutant, uses: Sequence[Use]) -> tuple[str, int] | None:
    """Which rule the mutant changes, and at which step that is first felt."""
    return first_difference(uses, import_changed(mutant).ops.TABLE)


def attempt(planted: Try, folder: Path) -> Outcome:
    """Let the finder look, and take its first finding."""
    order = Order(("torch", "minigrad"), first=STEPS, last=STEPS, mutant=planted.mutant, stop=True)
    process = EngineProcess(ENGINES["torch"], Run(planted.script), folder,
                            ("parity.bisect.process", json.dumps(vars(order))))
    try:
        found = [record for record in process.records() if isinstance(record, Finding) and record.engine == "minigrad"]
    finally:
        process.stop()
    return Outcome(planted, found[0] if found else None)


def prove(tries: int, seed: int, jobs: int, scripts: Sequence[Path] = SCRIPTS) -> list[Outcome]:
    """Plant so many wrong rules, and look for each."""
    chooser = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        of_script = [uses_of(script, Path(folder) / f"uses-{script.stem}") for script in scripts]
        planned = [planted(scripts[i % len(scripts)], of_script[i % len(scripts)], chooser) for i in range(tries)]
        running = [pool.submit(attempt, one, Path(folder) / f"try-{i}") for i, one in enumerate(planned)]
        return [one.result() for one in tqdm(running, "tries", leave=False, file=sys.stderr)]


def described(outcome: Outcome) -> str:
    planted, found = outcome.planted, outcome.found
    said = "nothing" if found is None else (f"step {found.place.step}, {found.stage}, {found.operation}: "
                                            f"{'; '.join(found.rules) or found.message or 'no rule'}")
    mark = "named " if outcome.named else "MISSED"
    return f"{mark} {planted.script.stem}: {planted.change}\n         step {planted.step}; found: {said}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parity.bisect.proof", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--tries", type=int, default=50, metavar="N", help="how many wrong rules to plant (default: %(default)s)")
    add("--seed", type=int, default=0, help="which ones (default: %(default)s)")
    add("--jobs", type=int, default=2, metavar="N", help="how many at a time (default: %(default)s)")
    options = parser.parse_args(arguments)
    os.environ.setdefault("FASHION_IMAGES", "100")  # three steps need no more
    outcomes = prove(options.tries, options.seed, options.jobs)
    for outcome in outcomes:
        print(described(outcome))
    named = sum(outcome.named for outcome in outcomes)
    print(f"{named} of {len(outcomes)} wrong rules named, with pass and step")
    return 0 if named == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(exit_status(main))

"""The command: `python -m parity bisect NAME|SCRIPT [--engines A,B] [--steps N] [--out DIR] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from parity.bisect.findings import Finding, Order, Summary
from parity.bisect.growth import Growth, plot, progress_to, until
from parity.bisect.report import as_json, status_of, text
from parity.ending import exit_status
from parity.engines import ENGINES, JUDGE, REFERENCE, Engine, EngineProcess, Run
from parity.lockstep import follow
from parity.records import Finished

HELP = """\
Finds the first operation at which two engines part. The script runs on torch; each call of torch's API is made again,
at once and on equal inputs, by the engines and by torch in float64, which judges. When backward reaches the call's
result, the gradient that arrives goes through all of them, too; so does every step of an optimizer. An engine errs
where it is further from float64 than rounding explains (parity/tolerances.py). Since each operation starts from equal
numbers, an error is seen where it is made and not where it shows.

Beside this the script runs on each engine as a whole, as in `python -m parity`, for the growth of every error.
"""
EXAMPLES = """\
examples:
  python -m parity bisect circles                    one of the experiments
  python -m parity bisect my_training.py             your own script
  python -m parity bisect my_training.py --steps 20  only its first 20 steps
  python -m parity bisect my_training.py -- --epochs 3
                                                     a script with arguments
  python -m parity bisect circles --engines torch-f64,minigrad-f64
                                                     in float64, where a wrong rule has no rounding to hide behind

reading the report:
  forward, backward, update   the pass: computing results, gradients, or the step of an optimizer
  ulps    the error in units of the last place of the right number; a few are rounding, millions are a wrong formula
  growth  growth.svg in --out: the error of each quantity over the steps; rounding drifts, a bug jumps

In the first 100 steps every operation is looked at, then in each 100th, and around the step at which whole runs part.

exit status: 0 nobody errs, 1 an engine errs or the runs part, 2 a wrong command line
"""


@dataclass
class Search:
    """What came of it."""

    name: str
    engines: list[str]
    growth: Growth
    findings: list[Finding] = field(default_factory=list)
    summary: Summary | None = None
    finished: Finished = field(default_factory=lambda: Finished("failed", "it never started"))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    from parity.__main__ import experiments, find_scripts

    split = list(arguments).index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m parity bisect", description=HELP, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("script", metavar="NAME|SCRIPT", help=f"one of {', '.join(experiments())}, or a path")
    add("--engines", default="torch,minigrad", metavar="A,B", help="which two (default: %(default)s)")
    add("--steps", type=int, default=1000, metavar="N", help="stop after so many steps (default: %(default)s)")
    add("--out", type=Path, default=Path("parity-report"), metavar="DIR",
        help="for the plot and the scripts' working directories (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write everything to FILE")
    add("--input", type=Path, metavar="FILE", help="what the script's input() is to read, a line for each call")
    options = parser.parse_args(arguments[:split])
    try:
        (options.name, options.script), = find_scripts([options.script]).items()
        options.engines = two_engines(options.engines)
        if options.steps < 1:
            raise ValueError("--steps must be at least 1")
        if options.input is not None and not options.input.is_file():
            raise ValueError(f"no such file: {options.input}")
    except ValueError as error:
        parser.error(str(error))
    options.run = Run(options.script, tuple(arguments[split + 1 :]), options.input)
    return options


def two_engines(text: str) -> list[str]:
    asked = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in ENGINES]:
        raise ValueError(f"no engine is called {unknown[0]!r}; engines: {', '.join(ENGINES)}")
    if len(set(asked)) != 2:
        raise ValueError("--engines takes two different ones: torch,minigrad")
    return [name for name in ENGINES if name in asked]


def whole_runs(name: str, run: Run, engines: Sequence[str], steps: int, out: Path) -> Growth:
    """Run the script on each engine, and on the judge, and follow them for so many steps."""
    taking_part = [engine for engine in ENGINES if engine in (REFERENCE, JUDGE, *engines)]
    growth = Growth(name, taking_part)
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(desc=f"{name}: whole runs", unit=" steps", leave=False, file=sys.stderr))
        processes = {}
        for engine in taking_part:
            processes[engine] = EngineProcess(ENGINES[engine], run, out / engine)
            stack.callback(processes[engine].stop)
        records = {engine: until(process.records(), steps) for engine, process in processes.items()}
        follow(growth, records, progress=progress_to(bar, growth, steps))
    return growth


@contextmanager
def watching(run: Run, order: Order, out: Path) -> Iterator[EngineProcess]:
    """The process in which the script runs while every operation is judged."""
    cuda = any(ENGINES[name].cuda for name in order.engines)
    worker = ("parity.bisect.process", json.dumps(vars(order)))
    process = EngineProcess(Engine("bisect", "torch", cuda=cuda), run, out / "judged", worker)
    try:
        yield process
    finally:
        process.stop()


def judge_operations(search: Search, run: Run, order: Order, out: Path) -> None:
    """Run the script once more, on torch, and collect who errs where."""
    with watching(run, order, out) as process:
        with tqdm(desc=f"{search.name}: operations", unit=" steps", total=order.last, leave=False,
                  file=sys.stderr) as bar:
            for record in process.records():
                match record:
                    case int() as step:
                        bar.update(min(step - 1, order.last or step) - bar.n)
                    case Finding() as finding:
                        search.findings.append(finding)
                    case Summary() as summary:
                        search.summary = summary
                    case Finished() as finished:
                        search.finished = finished


def bisect(name: str, run: Run, engines: list[str], steps: int, out: Path) -> Search:
    """Look for the first operation at which an engine errs."""
    growth = whole_runs(name, run, engines, steps, out)
    search = Search(name, engines, growth)
    parted = [found[0] for engine in engines if (found := growth.parted(engine))]
    order = Order(tuple(engines), around=min(parted, default=None), last=steps)
    judge_operations(search, run, order, out)
    return search


def marks(search: Search) -> dict[str, int]:
    """The steps that the plot points at."""
    found = {f"{finding.engine} errs": finding.place.step for finding in search.findings[:1]}
    for engine in search.engines:
        if parted := search.growth.parted(engine):
            found[f"{engine} parts"] = parted[0]
    return found


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    return exit_status(lambda: look_for(options))


def look_for(options: argparse.Namespace) -> int:
    """Look for who errs, and report. Returns the exit status."""
    out = options.out / f"{options.name}-bisect"
    search = bisect(options.name, options.run, options.engines, options.steps, out)
    plot(search.growth, search.engines, marks(search), out / "growth.svg")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_json(search), indent=2, allow_nan=False) + "\n")
    print(text(search))
    print(f"growth: {out / 'growth.svg'}", file=sys.stderr)
    return status_of(search)

"""`python -m parity explain SCRIPT [--step N] [-o page.html]`: minigrad's page of a training step, and torch's numbers.

Beside each value, each gradient and each updated parameter that minigrad shows stands what real torch computed there.
The script runs twice, each time in a process and a copy of its folder of its own, from the same seed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parity.engines import ENGINES, EngineProcess, Run
from parity.surroundings import ERRORS


@dataclass
class Seen:
    """A tensor of torch's, and the gradient that came to it."""

    grad_fn: str  # "" for a leaf
    line: int  # of the script, or of a file beside it
    value: np.ndarray
    gradient: np.ndarray | None = None
    after: np.ndarray | None = None  # of a parameter: its value after the update
    number: int | None = None  # of a parameter: which of the optimizer's


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    from parity.__main__ import experiments, find_scripts

    split = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m parity explain", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="What follows -- are the script's own arguments.")
    parser.add_argument("script", metavar="NAME|SCRIPT", help=f"one of {', '.join(experiments())}, or a path")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="which training step (default: the first)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page (default: SCRIPT-torch.html)")
    options = parser.parse_args(arguments[:split])
    options.arguments = tuple(arguments[split + 1 :])
    try:
        (options.script,) = find_scripts([options.script]).values()
    except ValueError as error:
        parser.error(str(error))
    options.output = (options.output or Path(f"{options.script.stem}-torch.html")).resolve()
    if options.step < 1 or options.output.suffix != ".html":
        parser.error("steps are counted from 1, and the page's name ends in .html")
    return options


def main(arguments: Sequence[str]) -> int:
    options = parse(list(arguments))
    with tempfile.TemporaryDirectory() as scratch:
        seen = Path(scratch) / "seen"
        for name, page in (("torch", "-"), ("minigrad", str(options.output))):
            worker = ("parity.explain_worker", name, str(options.step), str(seen), page)
            process = EngineProcess(ENGINES[name], Run(options.script, options.arguments), Path(scratch) / name, worker)
            try:
                status = process.end()
            finally:
                process.stop()
            lines = (process.directory / ERRORS).read_text(errors="replace").strip().splitlines()
            if status:
                print(f"on {name}: {lines[-1] if lines else 'it ended without a word'}", file=sys.stderr)
                return 1
    print(f"torch's numbers stand beside {lines[-1]}: {options.output}")
    return 0

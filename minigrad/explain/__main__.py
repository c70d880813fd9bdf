"""Runs an unmodified PyTorch script on minigrad up to one of its training steps, and writes a page that goes through
that step: every value forward, every gradient backward with the rule that made it, and the optimizer's update. A
training step ends with optimizer.step(); in a script without an optimizer, with backward().
"""

from __future__ import annotations

import argparse
import runpy
import sys
import tempfile
from contextlib import chdir, suppress
from pathlib import Path

from .drawing import Drawing, text
from .page import Page
from .record import EndOfStep, Recording
from .step import Step, step_of

EXPERIMENTS = Path(__file__).parents[2] / "parity" / "experiments"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m minigrad.explain", description=__doc__,
                                     epilog="What follows -- are the script's own arguments.",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    trainings = [path.stem for path in sorted(EXPERIMENTS.glob("*.py")) if ".backward()" in path.read_text()]
    names = ", ".join(trainings) or "none in this installation"
    parser.add_argument("script", metavar="SCRIPT_OR_EXPERIMENT", help=f"a script, or one of: {names}")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="which training step (default: the first)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help="where to: .html for the page, .svg or .dot for a drawing, .txt for text "
                             "(default: the script's name and .html)")
    parser.add_argument("--text", action="store_true", help="print the step as text, and write no page")
    words = sys.argv[1:] if arguments is None else arguments
    split = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:split])
    given.args = words[split + 1 :]
    given.script, named = Path(given.script), given.script
    if not given.script.is_file():
        given.script = EXPERIMENTS / f"{named}.py"
    if not given.script.is_file():
        parser.error(f"no such script, and no such experiment: {named}")
    given.output = given.output or Path(f"{given.script.stem}.html")
    if given.output.suffix not in (".html", ".svg", ".dot", ".txt"):
        parser.error(f"-o takes a name that ends in .html, .svg, .dot or .txt, not {given.output.name}")
    if given.step < 1:
        parser.error("steps are counted from 1")
    return given


def recording_of(script: Path, number: int) -> Recording:
    """Run a script up to the end of a training step. ValueError if it ends earlier."""
    with Recording(number) as recording:
        with suppress(EndOfStep):
            runpy.run_path(str(script.resolve()), run_name="__main__")
    if recording.steps_done < number:
        raise ValueError(f"{script.name} ends after {recording.steps_done} training steps: there is no step {number}")
    return recording


def recorded(script: Path, number: int, arguments: list[str]) -> Step:
    """The step of a script that runs on minigrad, with these arguments.

    An experiment runs in a directory of its own: what it draws on the way is thrown away.
    """
    import minigrad.as_torch  # noqa: F401  # from here on `torch` is minigrad

    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch if script.parent == EXPERIMENTS else "."):
        recording = recording_of(script, number)
    return step_of(recording, f"{script.name}, step {number}", number)


def write(step: Step, output: Path) -> None:
    """Write a step as its file's name says."""
    if output.suffix == ".html":
        Page(step).save(output)
    elif output.suffix == ".txt":
        output.write_text(text(step), encoding="utf-8")
    else:
        Drawing(step).save(output)


def main() -> None:
    given = parse()
    try:
        step = recorded(given.script, given.step, given.args)
    except ValueError as error:
        sys.exit(str(error))
    if given.text:
        print(text(step), end="")
    else:
        write(step, given.output)
        print(f"{step['title']}: {len(step['nodes'])} nodes, {len(step['events'])} steps to go through: {given.output}")


if __name__ == "__main__":
    main()

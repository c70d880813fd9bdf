"""The command: `python -m parity [NAME|SCRIPT …] [--engines A,B] [--json FILE] [--out DIR] [-- ARGUMENTS]`."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm  # type: ignore[import-untyped]

from parity.compare import Comparison
from parity.ending import exit_status
from parity.engines import DEFAULT_ENGINES, ENGINES, NO_GPU, NUDGED, REFERENCE, EngineProcess, Run, may_have_a_gpu
from parity.lockstep import follow
from parity.records import Finished, Record
from parity.report import table, write_json
from parity.verdict import may_be_amplified_rounding, problems

EXPERIMENTS = Path(__file__).parent / "experiments"
HELPERS = ("drawn_shapes", "toy_data")  # what experiments import; they train nothing
# Steps of the experiments that do not print "… steps in all", for the progress bar.
LENGTHS = {"blob_adam": 1000, "circles": 1100, "line_l1": 1010, "line_mse": 1019}
HELP = """\
Trains the same unmodified PyTorch script on minigrad and on torch, each in a process of its own, from the
same seed and without copying weights, and compares initial weights, every loss, gradient, parameter and
printed line.

A script is an ordinary one: with any number of models and optimizers, or none (w -= lr * w.grad), or one that
only prints. It runs in a copy of its folder, finds the files beside it, and writes there and not over yours.
What follows -- are its own arguments. If it sets no seed, torch, NumPy and Python all start from seed 0.
"""
EXAMPLES = """\
examples:
  python -m parity                        all experiments, all engines
  python -m parity circles                one experiment
  python -m parity my_training.py         your own script
  python -m parity --engines torch,minigrad my_training.py
                                          a quick look: without the float64 judges, numbers may be 1e-3 off
  python -m parity my_training.py -- --epochs 3 --lr 0.1
                                          a script with arguments
  python -m parity my_quiz.py --input answers.txt
                                          a script that asks: each input() takes the next line of the file

  python -m parity conformance --help     another check: torch's own test samples through both
  python -m parity mutants --help         what the checks notice when minigrad is made wrong
  python -m parity programs --help        random programs and random training loops on both
  python -m parity bisect --help          finds the operation at which two engines part
  python -m parity explain --help         a page that steps through one training step, with torch's numbers

engines:
  torch, minigrad            float32 on the CPU; torch is the reference
  torch-f64, minigrad-f64    float64, from weights drawn in float32; they judge, and must agree to 1e-10
  torch-cuda, minigrad-cuda  float32 on a GPU, for scripts that ask for one; "not run" where there is none
  torch-cuda-f64, minigrad-cuda-f64, torch-cuda-tf32
                             the same in float64, and with products in TF32, whose errors are shown, not judged
  torch-reordered            torch as on a processor without AVX: as right, but it adds in another order. Shown, not
                             judged: how far torch is from torch, and so what its figures are worth. By name only
  minigrad-ordered           minigrad that adds in the order of torch's kernels for AVX-512, with their exp and log:
                             what is left of its distance from torch. Shown, not judged; by name only, on Linux
  torch-nudged, torch-f64-nudged
                             torch with errors of rounding's size added at every step: asked of themselves where an
                             engine disagrees, to see whether the script amplifies rounding

the page: DIR/index.html, one file without anything beside it. It shows the other checks as well, once they are run:
  python -m parity conformance --json parity-report/conformance.json
  python -m parity mutants --json parity-report/mutants.json
  python -m parity programs --json parity-report/programs.json

verdicts:
  agrees        every loss, gradient, parameter and printed line is as near to torch-f64 as rounding explains
  same          equal to 1e-3 of torch, where the judges did not run, or the script breaks in float64
  fails alike   torch fails, and this engine with the same exception at the same line; this counts as same
  DISAGREES, FAILED    the first difference, or the error, stands below the table, with the script's line

exit status: 0 no disagreement, 1 a disagreement or a script that failed, 2 a wrong command line
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    given = list(sys.argv[1:] if arguments is None else arguments)
    split = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(
        prog="python -m parity", description=HELP, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("scripts", nargs="*", metavar="NAME|SCRIPT", help=f"one of {', '.join(experiments())}, or a path")
    add("--engines", default=",".join(DEFAULT_ENGINES), metavar="A,B", help="which engines (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write all figures, versions and the machine to FILE")
    add("--out", type=Path, default=Path("parity-report"), metavar="DIR",
        help="for the page, plots and the scripts' working directories (default: %(default)s)")  # fmt: skip
    add("--record", action="store_true", help="keep a run with torch-cuda as docs/results/parity-<gpu>.md")
    add("--input", type=Path, metavar="FILE", help="what the script's input() is to read, a line for each call")
    options = parser.parse_args(given[:split])
    options.arguments = tuple(given[split + 1 :])
    try:
        options.scripts = find_scripts(options.scripts or list(experiments()))
        options.engines = find_engines(options.engines)
        if options.input is not None and not options.input.is_file():
            raise ValueError(f"no such file: {options.input}")
    except ValueError as error:
        parser.error(str(error))
    return options


def experiments() -> dict[str, Path]:
    """The experiments of this folder: every script that trains something."""
    return {path.stem: path for path in sorted(EXPERIMENTS.glob("*.py")) if path.stem not in HELPERS}


def find_scripts(names: Sequence[str]) -> dict[str, Path]:
    known = experiments()
    found: dict[str, Path] = {}
    for name in names:
        path = known.get(name, Path(name)).resolve()
        if not path.is_file():
            raise ValueError(f"no experiment and no file is called {name!r}; experiments: {', '.join(known)}")
        if path.stem in found:
            raise ValueError(f"two scripts are called {path.stem!r}: one would overwrite the other's results")
        found[path.stem] = path
    return found


def find_engines(text: str) -> list[str]:
    asked = [name.strip() for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in ENGINES:
            raise ValueError(f"no engine is called {name!r}; engines: {', '.join(ENGINES)}")
    if REFERENCE not in asked:
        raise ValueError(f"the engines must include {REFERENCE!r}: the others are compared with it")
    return [name for name in ENGINES if name in asked]


def run_script(name: str, run: Run, engines: Sequence[str], out: Path, position: str = "") -> Comparison:
    """Run one script on all engines at once and compare as they go; the progress bar says "circles (2 of 5)"."""
    comparison = Comparison(name, engines)
    if run.script.parent == EXPERIMENTS:
        comparison.length = LENGTHS.get(name)
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(desc=f"{name}{position}", unit=" steps", leave=False, file=sys.stderr))

        def show(step: int) -> None:
            bar.total = comparison.length
            bar.update(step - bar.n)

        records: dict[str, Iterator[Record]] = {}
        for engine in engines:
            if ENGINES[engine].cuda and not may_have_a_gpu():
                records[engine] = iter([Finished("not run", NO_GPU)])
                continue
            process = EngineProcess(ENGINES[engine], run, out / name / engine)
            stack.callback(process.stop)
            records[engine] = process.records()
            comparison.complete_folder = comparison.complete_folder and process.surroundings.complete
        follow(comparison, records, progress=show)
    return comparison


def draw(comparison: Comparison, out: Path) -> None:
    from parity.plots import plot_curves, plot_figures  # here: matplotlib takes half a second to import

    results = comparison.results
    ends = {name: result.finished for name, result in results.items()}
    directories = {name: out / name for name in ends if ends[name].outcome == "finished" and not ends[name].stopped}
    if comparison.losses[REFERENCE]:
        plot_curves(comparison, out / "curves.png")
    if REFERENCE in directories:
        plot_figures(directories, out)


def show_page(comparisons: Sequence[Comparison], options: argparse.Namespace) -> Path:
    from parity.page.build import write_page

    return write_page(comparisons, list(options.scripts.values()), options.out)


def keep_record(comparisons: Sequence[Comparison]) -> str:
    from parity.page.record import write_record

    return write_record(comparisons)


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["conformance"]:
        from parity.conformance.command import main as conformance  # here: it imports torch

        return conformance(given[1:])
    if given[:1] == ["mutants"]:
        from parity.mutants.command import main as mutants

        return mutants(given[1:])
    if given[:1] == ["programs"]:
        from parity.programs.command import main as programs

        return programs(given[1:])
    if given[:1] == ["bisect"]:
        from parity.bisect.command import main as bisect

        return bisect(given[1:])
    if given[:1] == ["explain"]:
        from parity.explain import main as explain

        return explain(given[1:])
    options = parse(given)
    return exit_status(lambda: compare_scripts(options))


def compare_scripts(options: argparse.Namespace) -> int:
    """Run and compare every script, and report. Returns the exit status."""
    comparisons = []
    for number, (name, script) in enumerate(options.scripts.items(), start=1):
        position = f" ({number} of {len(options.scripts)})"
        run = Run(script, options.arguments, options.input)
        comparison = run_script(name, run, options.engines, options.out, position)
        if may_be_amplified_rounding(comparison):
            comparison = run_script(name, run, [*options.engines, *NUDGED], options.out, position)
        comparisons.append(comparison)
        draw(comparisons[-1], options.out / name)
    if options.json:
        write_json(comparisons, list(options.scripts.values()), options.json)
    print(table(comparisons))
    print(f"page: {show_page(comparisons, options)}", file=sys.stderr)
    if options.record:
        print(keep_record(comparisons), file=sys.stderr)
    return 1 if any(problems(comparison) for comparison in comparisons) else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the engines, as Ctrl-C does
    sys.exit(exit_status(main))  # also where a command below is interrupted while it gets ready

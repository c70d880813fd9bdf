"""`python -m benchmarks`: how long things take on minigrad and elsewhere, measured in one run.

Each engine works in a process of its own, with the same threads and the same float32. Before a case is timed the
engines must have arrived at the same result; then they take turns, so that a slow moment of the machine hits all.

With --device cuda they compute on a GPU, and engines on the CPU stand beside them. Without a GPU it says so and
measures nothing. `python -m benchmarks.gpu` (make gpu) does that, and parity on the card.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import report
from benchmarks.cases import TORCH_LIKE, names
from benchmarks.engines import ENGINES, on
from benchmarks.goals import Results
from benchmarks.gpu_page import write_gpu_page
from benchmarks.measure import Settings
from benchmarks.run import any_wrong, measure_all, without_gpu, write_json
from benchmarks.surroundings import of_this_machine


def main() -> int:
    """Measure, print, write; 1 if an engine computed something else than the others, or if there is no GPU to ask."""
    given = parse()
    began = time.monotonic()
    settings = Settings(given.engines, given.device, given.threads, given.keep_blas, given.rounds, given.quick)
    if given.device == "cuda" and len(reasons := without_gpu(settings)) == len(TORCH_LIKE):
        print("; ".join(reasons))
        return 1

    results, about = measure_all(given.workloads, settings)
    surroundings = report.Surroundings(settings, of_this_machine(), about)
    print(report.as_text(results, surroundings))
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
    if given.json:
        write_json(results, surroundings, given.json)
    if given.out:
        print(f"written: {write_page(results, surroundings, given.out)}", file=sys.stderr)
    return int(any_wrong(results))


def parse() -> argparse.Namespace:
    """The command line; workloads and engines must be there on the device."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"which: {', '.join(names('cpu'))} (all)")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, metavar="ENGINE",
                        help=f"which: {', '.join(ENGINES)} (all that are installed)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where tensors live")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of each engine (1)")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each engine has its turn (15, 7 or 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there, for pyperf to read")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="write DIR/benchmarks.md and its plots; of a GPU, DIR/results/<gpu>.md")
    parser.add_argument("--quick", action="store_true", help="few cases and rounds: to see that all works")
    parser.add_argument("--keep-blas", action="store_true", help="keep OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE as set")
    given = parser.parse_args()
    for kind, asked, there in (("workload", given.workloads, names(given.device)),
                               ("engine", given.engines or (), on(given.device))):
        for name in asked:
            if name not in there:
                parser.error(f"no {kind} {name!r} on {given.device}; there are {', '.join(there)}")
    return given


def write_page(results: Results, surroundings: report.Surroundings, folder: Path) -> Path:
    """The page of this machine's processor, or of its GPU."""
    if surroundings.settings.device == "cuda":
        return write_gpu_page(results, surroundings, folder / "results")
    return report.write_page(results, surroundings, folder)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was reported", file=sys.stderr)
        sys.exit(130)

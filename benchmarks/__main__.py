"""`python -m benchmarks`: how long things take on minigrad and elsewhere, measured in one run.

Each engine works in a process of its own, with the same threads and the same float32. Before a case is timed the
engines must have arrived at the same result; then they take turns, so that a slow moment of the machine hits all.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pyperf

from benchmarks import report
from benchmarks.cases import FRESH, GROUPS, chosen, names
from benchmarks.engines import ENGINES, installed
from benchmarks.fresh import MEASURES
from benchmarks.measure import Field, Row, Settings, measure_group
from benchmarks.surroundings import of_this_machine


def main() -> int:
    """Measure, print, write; 1 if an engine computed something else than the others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"which: {', '.join(names())} (all)")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, metavar="ENGINE",
                        help=f"which: {', '.join(ENGINES)} (all that are installed)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where training steps run")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of each engine (1)")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each engine has its turn (15, 7 or 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there, for pyperf to read")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write DIR/benchmarks.md and its plots")
    parser.add_argument("--quick", action="store_true", help="few cases and rounds: to see that all works")
    parser.add_argument("--keep-blas", action="store_true", help="keep OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE as set")
    given = parser.parse_args()
    for name in given.workloads:
        if name not in names():
            parser.error(f"no workload {name!r}; there are {', '.join(names())}")
    began = time.monotonic()
    settings = Settings(given.engines, given.device, given.threads, given.keep_blas, given.rounds, given.quick)

    results, about = measure_all(given.workloads, settings)
    surroundings = report.Surroundings(settings, of_this_machine(), about)
    print(report.as_text(results, surroundings))
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
    if given.json:
        write_json(results, surroundings, given.json)
    if given.out:
        print(f"written: {report.write_page(results, surroundings, given.out)}", file=sys.stderr)
    return int(any(found.wrong for rows in results.values() for row in rows.values() for found in row.values()))


def measure_all(wanted: list[str], settings: Settings) -> tuple[dict[str, dict[str, Row]], dict[str, dict[str, str]]]:
    """The rows of every group that is wanted, and what each engine says about itself."""
    field = Field(settings)
    results: dict[str, dict[str, Row]] = {}
    about: dict[str, dict[str, str]] = {}
    try:
        for name, cases in chosen(wanted, settings.quick).items():
            results[name] = measure_group(GROUPS[name], cases, field, progress)
            field.stop()  # each group begins with new processes
        for name in FRESH:
            if not wanted or name in wanted:
                results[name] = MEASURES[name](field, settings.quick, progress)
        for engine in settings.engines or ENGINES:
            about[engine] = field.process(engine).ask("about") if installed(engine) else {"absent": "not installed"}
    finally:
        field.stop()
    return results, about


def write_json(results: dict[str, dict[str, Row]], surroundings: report.Surroundings, file: Path) -> None:
    """Every value, as a suite of pyperf's, with where it was measured."""
    suite = []
    for rows in results.values():
        for row in rows.values():
            for engine, found in row.items():
                if found.benchmark:
                    known = found.benchmark.get_metadata()
                    around = surroundings.metadata(engine)
                    found.benchmark.update_metadata({key: around[key] for key in around if key not in known})
                    suite.append(found.benchmark)
    pyperf.BenchmarkSuite(suite).dump(str(file), replace=True)


def progress(text: str) -> None:
    """Say what is going on, on one line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted: nothing was reported", file=sys.stderr)
        sys.exit(130)

"""`python -m tests.reliability`: puts every promise of reliability to the test, and writes docs/reliability.md.

What a run finds of a promise is kept in docs/reliability.json, from which the page is written; so a promise can be run
alone, and the page is whole. Exit status 0 if every promise is kept, 1 if one is broken, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from .page import note, page, table
from .promise import PROMISES, ROOT, Promise, surroundings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch comes in
for name in ("checkpoints", "resuming", "strangers", "downloads", "load", "commands", "packages", "suite"):
    import_module(f"{__package__}.{name}")  # each enters its promises into PROMISES

PAGE = ROOT / "docs" / "reliability.md"
RECORD = PAGE.with_suffix(".json")


def run(promise: Promise, quick: bool) -> dict[str, Any]:
    """What came of a promise, as the page and the JSON file tell it."""
    start = time.monotonic()
    outcome = promise.test(quick)
    result = {"name": promise.name, "chapter": promise.chapter, "sentence": promise.sentence, "figure": outcome.figure,
              "verdict": outcome.verdict, "wrong": list(outcome.wrong), "seconds": round(time.monotonic() - start, 1),
              **surroundings()}
    note(f"{result['verdict']:8} {promise.name}: {outcome.figure}")
    return result


def keep(result: dict[str, Any]) -> None:
    """Put a result in the place of the older one of the same promise, and write the page anew."""
    known = json.loads(RECORD.read_text()) if RECORD.exists() else []
    results = {one["name"]: one for one in [*known, result]}
    kept = [results[name] for name in PROMISES if name in results]
    RECORD.write_text(json.dumps(kept, indent=1) + "\n")
    PAGE.write_text(page(kept))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    rare = [name for name, promise in PROMISES.items() if promise.by_name_only]
    add("names", nargs="*", metavar="NAMES",
        help=f"promises to test: {', '.join(PROMISES)} (default: all, but of {', '.join(rare) or 'them'} not any)")
    add("--quick", action="store_true", help="the short form that `make test` runs; the page stays as it is")
    add("--json", type=Path, metavar="FILE", help="write the results there, too")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in PROMISES]
    if unknown:
        parser.error(f"no promise is called {', '.join(unknown)}; there are {', '.join(PROMISES)}")
    # A shell starts what it puts into the background deaf to Ctrl-C, and the processes that are to hear it inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = []
    try:
        for name in options.names or [name for name in PROMISES if name not in rare]:
            results.append(run(PROMISES[name], options.quick))
            if not options.quick:
                keep(results[-1])
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    print(table(results))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    broken = sum(result["verdict"] == "BROKEN" for result in results)
    print(f"{broken} of {len(results)} promises broken" if broken else f"all {len(results)} promises kept or not run")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())

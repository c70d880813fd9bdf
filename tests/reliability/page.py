"""docs/reliability.md, written from what the command found, and by it alone."""

from __future__ import annotations

import sys
from typing import Any

HEAD = """\
# Does it break?

Each promise, the figure that a run found, and the verdict. This page is written by `python -m tests.reliability`, which
`make proof` runs; `make test` runs the same functions in short (`tests/test_reliability.py`). A name in the first
column, given to the command, runs that promise alone; `any_order` (half an hour) and `torches` (10 GB of packages) run
only if they are named.

"""
LIMITS = """
## What is not promised

- A file that a process was writing when it was killed stays beside the old one, as `.minigrad-….tmp`, until somebody
  saves into the folder an hour later or more.
- `weights_only=False` runs what the file says: that is its purpose.
- A dict with tens of thousands of large whole numbers as keys, made to have the same hash, takes longer than a second.
- A server that sends the head of its answer byte by byte can hold a download up for long. Ctrl-C ends it.
- Ctrl-C in the moment in which another Ctrl-C is cleaned up after can leave the temporary file.
"""


def page(results: list[dict[str, Any]]) -> str:
    """The page's text."""
    lines = ["Run with:\n", *dict.fromkeys(
        f"- {result['date']}: {result['system']}, {result['processors']} processors, Python {result['python']}, "
        f"NumPy {result['numpy']}, torch {result['torch']}" for result in results)]
    for chapter in dict.fromkeys(result["chapter"] for result in results):
        lines += [f"\n## {chapter}\n", "| | promise | figure | verdict |", "|---|---|---|---|"]
        for result in results:
            if result["chapter"] == chapter:
                wrong = "".join(f"<br>{fault}" for fault in result["wrong"])
                cells = [f"`{result['name']}`", result["sentence"], result["figure"] + wrong, result["verdict"]]
                lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    kept = sum(result["verdict"] == "kept" for result in results)
    lines.append(f"\n{kept} of {len(results)} promises kept, in {sum(r['seconds'] for r in results) / 60:.0f} minutes.")
    return HEAD + "\n".join(lines) + "\n" + LIMITS


def table(results: list[dict[str, Any]]) -> str:
    """What the command prints in the end."""
    width = max(len(result["name"]) for result in results)
    lines = []
    for result in results:
        lines.append(f"{result['name']:{width}} {result['verdict']:8} {result['seconds']:5.0f} s  {result['figure']}")
        lines += [f"{'':{width}}   {fault}" for fault in result["wrong"]]
    return "\n".join(lines)


def note(text: str) -> None:
    """Say what is going on, beside the progress bars."""
    print(text, file=sys.stderr, flush=True)

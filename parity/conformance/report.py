"""The report: docs/conformance.md, JSON, and what the screen shows."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import minigrad
from parity.conformance.results import CHECKS, Row

TITLES = {"op": "Operations", "module": "Modules", "optimizer": "Optimizers"}
INTRODUCTION = """\
# minigrad under torch's own test metadata

Written by `python -m parity conformance`; do not edit. PyTorch's package contains the tables that its own tests run
on: `op_db`, `module_db`, `optim_db`. Every sample in them goes through torch and through minigrad in one process, from
the same seed, and the two must agree. The names are the metadata's; `python -m parity conformance --help` says more.
(torch has no samples of Dropout, Flatten, Identity and Sequential: those four have samples of our own.)

- **samples**: value, shape, dtype and `requires_grad` of everything that comes out, in float64 and float32, and the
  tensors that went in, which the call must leave as torch leaves them. float64 within 1e-7 relative (1e-10 absolute),
  float32 within 1.3e-5 relative and 1e-4 absolute; a float32 number outside of that is judged by torch in float64.
  For a module also its initial weights, the names of its state, and its buffers after the call, in train and in eval
  mode; for an optimizer the parameters after each of eight steps.
- **gradients**: from a random cotangent, for every input and parameter that requires one, in both precisions. Zeros
  will do where torch has None, but not the other way round.
- **spellings**: method, operator, in-place form, aliases (`torch.absolute`, `F.tanh`): values and gradients again.
- **second order**: gradients of gradients, from random cotangents, where torch has them.
- **ties**: the samples rounded to -2, -1, 0, 1, 2: values and gradients at ties and kinks.
- **state**: an optimizer's state_dict, and how training goes on when another optimizer has loaded it.
- **errors**: every input that must raise raises the same type of exception.

A row is **full** if samples and gradients agree in every case, **strict** if all the rest does, too. `12/14`: 12 of 14
cases agree; `–`: there is no such case.
"""


def markdown(rows: Sequence[Row]) -> str:
    parts = [INTRODUCTION, f"Run with {versions()}.", "", *totals(rows)]
    for kind, title in TITLES.items():
        of_kind = [row for row in rows if row.kind == kind]
        if of_kind:
            parts += ["", f"## {title}", "", *table(of_kind, kind)]
    parts += ["", "## What is not strict, and why", "", *explained(rows)]
    parts += ["", "## Left out by design", "", *left_out(rows)]
    return "\n".join(parts) + "\n"


def versions() -> str:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return (f"torch {torch.__version__}, minigrad {minigrad.version.RELEASE}, NumPy {np.__version__}, "
            f"Python {platform.python_version()} on {machine}")


def counts(rows: Sequence[Row]) -> list[tuple[str, str, int, int, int]]:
    """For each tier and kind: how many rows, how many of them full, how many strict."""
    found = []
    for tier, kind in dict.fromkeys((row.tier, row.kind) for row in rows):
        chosen = [row for row in rows if (row.tier, row.kind) == (tier, kind)]
        full, strict = sum(row.full for row in chosen), sum(row.strict for row in chosen)
        found.append((tier, TITLES[kind].lower(), len(chosen), full, strict))
    return found


def totals(rows: Sequence[Row]) -> list[str]:
    lines = ["| tier | | rows | full | strict |", "|---|---|--:|--:|--:|"]
    return lines + [f"| {tier} | {kind} | {n} | {full} | {strict} |" for tier, kind, n, full, strict in counts(rows)]


def table(rows: Sequence[Row], kind: str) -> list[str]:
    checks = CHECKS[kind]
    lines = [f"| {kind} | tier | {' | '.join(checks)} | full | strict |", f"|---|---|{'--:|' * len(checks)}---|---|"]
    for row in rows:
        tallies = " | ".join(str(row.checks[check]) for check in checks)
        lines.append(f"| `{row.name}` | {row.tier} | {tallies} | {mark(row.full)} | {mark(row.strict)} |")
    return lines


def mark(right: bool) -> str:
    return "yes" if right else "**no**"


def explained(rows: Sequence[Row]) -> list[str]:
    lines = [f"- `{row.name}`: {'; '.join(row.reasons)}" for row in rows if not row.strict]
    return [in_markdown(line) for line in lines] or ["Every row is strict."]


def in_markdown(line: str) -> str:
    return line.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def left_out(rows: Sequence[Row]) -> list[str]:
    """The reasons why cases do not apply, each with its count and rows."""
    count: Counter[str] = Counter()
    where: dict[str, list[str]] = {}
    for row in rows:
        for reason, cases in row.not_applicable.items():
            count[reason] += cases
            where.setdefault(reason, []).append(f"`{row.name}`")
    lines = [f"- {reason}: {cases} cases ({', '.join(where[reason])})" for reason, cases in count.most_common()]
    return lines or ["Nothing: every case applies."]


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps({"versions": versions(), "rows": [row_as_json(row) for row in rows]}, indent=1) + "\n"


def row_as_json(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind, "name": row.name, "tier": row.tier, "full": row.full, "strict": row.strict,
        "reasons": row.reasons, "not_applicable": dict(row.not_applicable),
        "checks": {name: {"passed": tally.passed, "total": tally.total, "failures": tally.failures}
                   for name, tally in row.checks.items()},
    }


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"written: {path}", file=sys.stderr)


def on_screen(rows: Sequence[Row], every_failure: bool) -> str:
    """Every row that is not strict with its reasons (or every case that failed), then the totals."""
    lines = []
    for row in rows:
        if not row.strict:
            lines.append(f"{row.name} ({row.tier}): {'full, not strict' if row.full else 'NOT FULL'}")
            lines += [f"    {reason}" for reason in (row.failures if every_failure else row.reasons)]
    lines += ["", *(f"left out by design: {line[2:]}" for line in left_out(rows) if line.startswith("- ")), ""]
    lines += [f"{tier:<8} {kind:<11} {n:>3}   full {full:>3}   strict {strict:>3}"
              for tier, kind, n, full, strict in counts(rows)]
    return "\n".join(lines)

"""The other checks' results, as their commands left them in --out: conformance, mutants, random programs."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MOST_SHOWN = 12  # rows or mutants that a reader has to know of


@dataclass
class Check:
    """One check: its verdict in a line, a small table, and what is not as it should be."""

    title: str
    command: str
    meaning: str
    ran: bool = False
    good: bool = False
    verdict: str = "not run"
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    wrong: list[str] = field(default_factory=list)
    date: str = ""


def checks(out: Path) -> list[Check]:
    return [
        read(out / "conformance.json", conformance, "Conformance", "Every sample of torch's own test metadata, "
             "through torch and minigrad: values, gradients, second order, errors."),
        read(out / "mutants.json", mutants, "Mutants", "Wrong engines, made from minigrad's table by the hundred: how "
             "many do the checks notice?"),
        read(out / "programs.json", programs, "Random programs", "Random programs and training loops on both: values, "
             "gradients and exceptions must agree."),
    ]


def read(path: Path, fill: Callable[[Check, Any], None], title: str, meaning: str) -> Check:
    check = Check(title, f"python -m parity {path.stem} --json {path.as_posix()}", meaning)
    if path.exists():
        try:
            fill(check, json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            check.verdict = f"{path.name} cannot be read ({type(error).__name__}); run the command again"
        else:
            check.ran = True
            check.date = f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
    return check


def conformance(check: Check, found: dict[str, Any]) -> None:
    rows = found["rows"]
    groups = dict.fromkeys((row["tier"], row["kind"]) for row in rows)
    of_group = {group: [row for row in rows if (row["tier"], row["kind"]) == group] for group in groups}
    check.head = ("tier", "kind", "rows", "full", "strict")
    check.rows = [(*group, len(some), sum(row["full"] for row in some), sum(row["strict"] for row in some))
                  for group, some in of_group.items()]
    unwanted = [row for row in rows if not row["strict" if row["tier"] == "core" else "full"]]
    cases = sum(tally["total"] for row in rows for tally in row["checks"].values())
    check.good = bool(rows) and not unwanted
    check.verdict = (f"{len(rows) - len(unwanted)} of {len(rows)} rows as promised (core strict, common full), "
                     f"{cases:,} cases")
    check.wrong = shown([f"{row['name']}: {'; '.join(row['reasons'])}" for row in unwanted])


def mutants(check: Check, found: dict[str, Any]) -> None:
    """A mutant is named "file:place: change"; it is killed, equivalent (with a reason), or a survivor."""
    fates = {row["mutant"]: fate(row) for row in found["mutants"]}
    total, count = Counter(map(file_of, fates)), Counter((file_of(name), is_so) for name, is_so in fates.items())
    check.head = ("file", "mutants", "killed", "equivalent", "survived")
    check.rows = [(file, total[file], *(count[file, is_so] for is_so in ("killed", "equivalent", "survived")))
                  for file in total]
    survivors = [name for name, is_so in fates.items() if is_so == "survived"]
    killed = sum(is_so == "killed" for is_so in fates.values())
    judged = killed + len(survivors)
    check.good = bool(judged) and not survivors
    check.verdict = f"{killed} of {judged} mutants killed" + (f" ({killed / judged:.1%})" if judged else "")
    if len(fates) > judged:
        check.verdict += f", {len(fates) - judged} equivalent"
    check.wrong = shown([f"survived: {name}" for name in survivors])


def fate(row: dict[str, Any]) -> str:
    return "killed" if row["killed by"] else "equivalent" if row["equivalent"] else "survived"


def file_of(mutant: str) -> str:
    return mutant.split(":")[0]


def programs(check: Check, found: dict[str, Any]) -> None:
    check.good = 0 < found["programs"] == found["asked for"] and found["differ"] == 0 and not found["died"]
    check.verdict = f"{found['programs']:,} programs (seed {found['seed']}), {found['differ']} differ"
    check.head = ("agrees with an excuse", "programs", "why it is one")
    check.rows = [(name, count, found["reasons"][name]) for name, count in sorted(found["excused"].items())]
    check.wrong = shown(found["died"] + [script.strip().splitlines()[0].strip('"') for script in found["scripts"]])


def shown(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_SHOWN
    return lines[:MOST_SHOWN] + ([f"and {more} more"] if more > 0 else [])

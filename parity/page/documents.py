"""Figures that documents printed, beside what our experiments print: which digits reproduce, which cannot, and why."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIGURES = tomllib.loads(Path(__file__).with_name("documents.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Cell:
    printed: str  # by the document
    ours: str  # empty: no such line

    @property
    def same(self) -> bool:
        return self.printed == self.ours


@dataclass(frozen=True)
class FigureTable:
    """One of a document's tables; a row is its name ("epoch 10") and its cells."""

    caption: str
    key: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]

    @property
    def same(self) -> int:
        """Rows in which every digit is the document's."""
        return sum(all(cell.same for cell in cells) for _, cells in self.rows)


@dataclass(frozen=True)
class Document:
    name: str
    why: str
    tables: Sequence[FigureTable]


def document(experiment: str, printed: str) -> Document | None:
    """The document of an experiment, held against what it printed here; None for other scripts."""
    known = FIGURES.get(experiment)
    if known is None:
        return None
    lines = printed.splitlines()
    return Document(known["document"], known["why"].strip(), [table(each, lines) for each in known.get("tables", [])])


def table(known: dict[str, Any], lines: list[str]) -> FigureTable:
    """Takes each row's line from those that are still to come."""
    keys = known.get("keys", 1)
    key, *columns = known["columns"]
    rows = []
    for row in known["rows"]:
        ours = next_line(known["pattern"], row[:keys], lines) or [""] * len(row)
        cells = [Cell(printed, found) for printed, found in zip(row[keys:], ours[keys:], strict=True)]
        rows.append((row[0] if keys else known["name"], cells))
    return FigureTable(known["caption"], key, columns, rows)


def next_line(pattern: str, keys: Sequence[str], lines: list[str]) -> list[str] | None:
    """The numbers of the next line that is the row's. It goes, and so do those before it, which no document has."""
    for number, line in enumerate(lines):
        if (found := re.fullmatch(pattern, line.rstrip())) and list(found.groups()[: len(keys)]) == list(keys):
            del lines[: number + 1]
            return list(found.groups())
    return None

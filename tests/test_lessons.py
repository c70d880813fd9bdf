"""The five lessons: each prints what it says, on torch and on minigrad, and draws the figures that it shows."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure

from docs.tools import literate

LESSONS = [path for path in literate.pages() if path.parent.name == "lessons"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("on_minigrad", [False, True], ids=["torch", "minigrad"])
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_lesson_prints_what_it_says(path: Path, on_minigrad: bool, monkeypatch: Any) -> None:
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **options: saved.append(f"figures/{file.name}"))
    monkeypatch.setattr(sys, "path", sys.path[:])  # a lesson's plots.py sets path and style: for this lesson only
    sys.modules.pop("plots", None)
    with matplotlib.rc_context():
        _, printed = literate.run(path, on_minigrad)
    assert [found.actual for found in printed] == [found.stated for found in printed]
    assert saved == re.findall(r"!\[.*?\]\((figures/\w+\.png)\)", path.read_text())


def test_there_are_five_and_their_figures_are_made() -> None:
    assert len(LESSONS) == 5
    for path in LESSONS:
        for figure in re.findall(r"\]\((figures/\w+\.png)\)", path.read_text()):
            assert (path.parent / figure).exists(), figure

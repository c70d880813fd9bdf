"""The bug museum: every exhibit breaks, gives itself away and is mended, on torch and on minigrad."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.tools import literate

EXHIBITS = [path for path in literate.pages() if path.parent.name == "museum"]


@pytest.mark.filterwarnings("ignore")  # torch warns of some
@pytest.mark.parametrize("on_minigrad", [False, True], ids=["torch", "minigrad"])
@pytest.mark.parametrize("path", EXHIBITS, ids=lambda path: path.stem)
def test_the_bug_shows_and_its_test_catches_it(path: Path, on_minigrad: bool) -> None:
    names, printed = literate.run(path, on_minigrad)
    assert [found.actual for found in printed] == [found.stated for found in printed]
    assert len(printed) == 1 and not path.read_text().endswith("```\n")
    with literate.in_folder_of(path):
        names["test"](names["fixed"])
        with pytest.raises(AssertionError):
            names["test"](names["broken"])


def test_there_are_at_least_twelve() -> None:
    assert len(EXHIBITS) >= 12

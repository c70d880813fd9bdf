"""Every promise of docs/reliability.md, in short. The long form: python -m tests.reliability."""

from __future__ import annotations

import json

import pytest
from reliability import __main__ as command
from reliability.promise import PROMISES, Outcome, Promise

LONG = ("package", "torches", "any_order", "coverage", "ctrl_c")  # these have only a long form
SHORT = [name for name in PROMISES if name not in LONG]


@pytest.mark.parametrize("name", SHORT)
def test_promise(name: str) -> None:
    outcome = PROMISES[name].test(True)
    assert outcome.verdict == "kept", outcome


def test_the_command(tmp_path, monkeypatch, capsys) -> None:
    """What it prints and writes of a promise kept, one broken and one that could not be tested."""
    made = {"kept": Outcome("3 | 4"), "broken": Outcome("5", ("seven went wrong",)),
            "absent": Outcome("no", not_run=True)}
    monkeypatch.setattr(command, "PROMISES", {
        name: Promise(name, "Chapter", f"It is {name}", lambda quick, outcome=outcome: outcome)
        for name, outcome in made.items()})
    monkeypatch.setattr(command, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(command, "RECORD", tmp_path / "record.json")
    assert command.main(["--json", str(tmp_path / "results.json")]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 3 promises broken"
    results = json.loads((tmp_path / "results.json").read_text())
    assert [result["verdict"] for result in results] == ["kept", "BROKEN", "not run"]
    page = (tmp_path / "page.md").read_text()
    assert "| `kept` | It is kept | 3 \\| 4 | kept |" in page and "5<br>seven went wrong | BROKEN" in page
    # One is mended and run again; the others stay as they were.
    monkeypatch.setitem(command.PROMISES, "broken", Promise("broken", "Chapter", "", lambda quick: Outcome("6")))
    assert command.main(["broken"]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "seven" not in page and "| 3 \\| 4 | kept |" in page and "2 of 3 promises kept" in page
    (tmp_path / "page.md").unlink()
    assert command.main(["kept", "--quick"]) == 0 and not (tmp_path / "page.md").exists()
    with pytest.raises(SystemExit):
        command.main(["nothing"])
    assert "no promise is called nothing" in capsys.readouterr().err


def test_an_interrupt_is_one_line(monkeypatch, capsys) -> None:
    def interrupted(quick: bool) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "PROMISES", {"one": Promise("one", "", "", interrupted)})
    assert command.main([]) == 130 and capsys.readouterr().err == "\ninterrupted\n"

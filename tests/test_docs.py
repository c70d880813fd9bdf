"""The site's pages: their examples are true, their links lead somewhere, and the guide to adding an op works."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.tools import literate, reference, site

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "guides" / "add_an_op.md").read_text()
MARKDOWN = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.stem)
def test_the_examples_print_what_stands_there(path: Path) -> None:
    text = "\n".join(re.findall(r"```py(?:con|thon)\n(>>> .*?)```", path.read_text(), re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    assert doctest.DocTestRunner(verbose=False).run(examples).failed == 0


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.stem)
def test_the_programs_run(path: Path) -> None:
    names: dict[str, object] = {"__name__": path.stem}
    for program in re.findall(r"```python\n((?!>>> ).*?)```", path.read_text(), re.DOTALL):
        exec(program, names)


# Commands that the pages show, by how they begin, and who runs them.
RUN_BY = {
    "python -m pytest docs/tour/exercises": "tests/test_tour.py, with and without the solutions",
    "python -m pytest tests/test_ops.py": "the test of the guide, below",
    "python -c": "the test of the guide, below",
    "python -q -i": "the test of the prompt, below",
    "python -m parity": "make parity, make proof",
    "python -m tests.": "make proof",
    "python -m benchmarks": "make bench",
    "make ": "make itself: `make test` and `make proof` are how all of this is run",
}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.stem)
def test_every_command_is_run_somewhere(path: Path) -> None:
    for command in re.findall(r"^\$ (.*)$", path.read_text(), re.MULTILINE):
        assert command.startswith(tuple(RUN_BY)), command


def test_the_prompt_of_a_chapter_answers_as_shown() -> None:
    page = (ROOT / "docs" / "tour" / "index.md").read_text()
    [(command, typed)] = re.findall(r"^\$ (python -q -i .*)\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    lines = "".join(line[4:] + "\n" for line in typed.splitlines() if line.startswith(">>> "))
    answers = "".join(line + "\n" for line in typed.splitlines() if not line.startswith(">>> "))
    done = subprocess.run([sys.executable, *command.split()[1:]], input=lines, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == answers


@pytest.mark.parametrize("path", [*MARKDOWN, *literate.pages()], ids=lambda path: path.stem)
def test_links_lead_to_files(path: Path) -> None:
    text = path.read_text()
    if path.suffix == ".py":
        text = "\n".join(part.text for part in literate.parts(text) if part.is_prose)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http", "reference/", "../reference/")):  # the reference is made with the site
            assert (path.parent / target).exists(), target


def test_every_page_is_in_the_menu_and_the_menu_leads_to_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "PAGES", tmp_path)
    site.build()
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")}
    menu = re.findall(r"^ +- (?:[\w ]+: )?([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    menu += re.findall(r"^  - Start: (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert set(menu) == made
    for page in made:
        for target in re.findall(r"\]\(([^)#\s]+\.md)[^)]*\)", (tmp_path / page).read_text()):
            assert target.startswith("http") or ((tmp_path / page).parent / target).exists(), (page, target)


def test_the_reference_has_the_names() -> None:
    assert "### backward" in reference.page("tensor")
    assert "### Linear" in reference.page("nn")
    assert "g * (1 - out * out)" in reference.page("table")
    assert "### tanh" in reference.page("torch")


def blocks(title: str) -> list[str]:
    """The guide's code blocks with a title: what is to be written into which file."""
    return re.findall(rf'```python title="{re.escape(title)}"\n(.*?)```', GUIDE, re.DOTALL)


def write(path: Path, before: str, new: str, instead_of: str = "") -> None:
    """Put a line before another one, or in the place of a line."""
    text = path.read_text()
    assert text.count(instead_of or before) == 1
    path.write_text(text.replace(instead_of, new) if instead_of else text.replace(before, new + before))


def test_an_op_is_added_as_the_guide_says_and_a_wrong_rule_is_found(tmp_path: Path) -> None:
    """In a copy of the tree: the guide's three blocks, its commands, and then its wrong rule."""
    for folder in ("minigrad", "tests", "parity"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "scripts"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    rules, function, sample = (tmp_path / name for name in (
        "minigrad/nn/rules.py", "minigrad/nn/functional.py", "tests/layer_samples.py"))
    [entry], [last_line], [line], [wrong] = map(blocks, (
        "minigrad/nn/rules.py", "minigrad/nn/functional.py", "tests/layer_samples.py", "a wrong rule"))
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}

    def run(command: str) -> tuple[int, str]:
        words = [sys.executable if word == "python" else word for word in shlex.split(command)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=env)
        return done.returncode, done.stdout + done.stderr

    def printed(command: str) -> str:
        """What the guide says that a command prints."""
        return re.search(rf"^\$ {re.escape(command)}\n(.*?)```", GUIDE, re.DOTALL | re.MULTILINE)[1]  # type: ignore[index]

    tests, formulas, tests_again = re.findall(r"^\$ (.*)$", GUIDE, re.MULTILINE)
    write(rules, "log_sigmoid = Op(", entry)
    write(function, "", last_line, instead_of="    return input / (input.abs() + 1)\n")
    write(sample, '    "log_sigmoid": activation(', line)
    assert run(formulas) == (0, printed(formulas))
    code, output = run(tests)
    assert code == 0, output[-3000:]

    write(rules, "", wrong, instead_of=entry)
    code, output = run(tests_again)
    failed = re.findall(r"^FAILED .*::(\w+)\[softsign", output, re.MULTILINE)
    assert sorted(failed) == ["test_against_finite_differences", "test_against_torch", "test_against_torch"]

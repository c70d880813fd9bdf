"""The README and the site's pages: every block in them is run or checked, links lead somewhere, the guide works."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.tools import figures, literate, reference, site

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
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


# Commands that the README and the pages show, by how they begin, and who runs them.
RUN_BY = {
    "python -m pytest docs/tour/exercises": "tests/test_tour.py, with and without the solutions",
    "python -m pytest tests/test_ops.py": "the test of the guide, below",
    "python -m minigrad.explain soft.py": "the test of the guide, below",
    "python -m parity bisect soft.py": "the test of the guide, below",
    "python -c": "the test of the guide, below",
    "python -q -i": "the test of the prompt, below",
    "python -m minigrad.explain circles --step 101": "tests/test_explain_page.py, and make docs",
    "python -m minigrad.explain my_training.py": "tests/test_explain_page.py, on scripts of its own",
    "python -m parity explain circles --step 101": "the test below",
    "python -m parity conformance": "make proof",
    "python -m parity mutants": "make proof",
    "python -m parity programs --count 10000": "make proof",
    "python -m tests.test_scripts": "make proof",
    "python -m venv .venv": "make, the first time",
    ". .venv/bin/activate": "nobody: it changes the shell that it is typed in",
    ".venv/bin/python -m pip install": "make, the first time",
    ".venv/bin/python -m parity": "make parity",
    ".venv/bin/python -m pytest -n auto": "make test",
    "make ": "make itself; that the target is there is seen below",
}

# Blocks that show what a command prints, by how they begin: which command, and who sees to it that they are true.
PRINTED_BY = {
    "experiment   engine ": "make parity; what agrees is in tests/test_experiments.py",
    "50 of 50 wrong rules named": "python -m parity.bisect.proof, in make proof",
    "file                            killed": "python -m parity mutants, in make proof",
    "DISAGREE: circles: ": "nobody again: it is what a trial printed, and tests/test_bisect.py plants rules like it",
    "µs  ": "make bench: the rows of docs/benchmarks.md, see below",
    "def run(x0, x1):": "the test of the replayed step, below",
}


def blocks_of(text: str) -> list[tuple[str, str]]:
    """Every fenced block: what stands behind the fence, and what is in it."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands_of(text: str) -> list[str]:
    """The commands of a page: after a $ in any block, and each line of a block of nothing but commands."""
    found = []
    for kind, block in blocks_of(text):
        lines = block.splitlines()
        if any(line.startswith("$ ") for line in lines):
            found += [line[2:] for line in lines if line.startswith("$ ")]
        elif kind == "" and lines[0].startswith(tuple(RUN_BY)):
            found += lines
    return found


@pytest.mark.parametrize("path", [README, *MARKDOWN], ids=lambda path: path.stem)
def test_every_command_is_run_somewhere(path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in commands_of(path.read_text()):
        assert command.startswith(tuple(RUN_BY)), command
        if command.startswith("make "):
            assert command.split()[1] in targets


@pytest.mark.parametrize("path", [README, *MARKDOWN], ids=lambda path: path.stem)
def test_no_block_is_left_out(path: Path) -> None:
    """Python is run by the tests above, the README's by tests/test_readme.py; commands and their output as listed."""
    text = path.read_text()
    commands = commands_of(text)
    for kind, block in blocks_of(text):
        title = re.fullmatch(r'python title="(.*)"', kind)
        if kind in ("python", "pycon"):
            continue
        if title:
            assert text == GUIDE and title[1] in TITLES
        elif block.removeprefix("$ ").splitlines()[0] not in commands:
            assert kind in ("", "text") and block.startswith(tuple(PRINTED_BY)), block


def test_torchs_numbers_stand_beside_ours_as_the_readme_says(tmp_path: Path) -> None:
    [command] = [line for line in commands_of(README.read_text()) if line.startswith("python -m parity explain")]
    words = shlex.split(command, comments=True)
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    assert re.match(r"torch's numbers stand beside (\d+) of \1 nodes: .*circles-torch\.html$", done.stdout), done.stderr


def test_the_tables_of_the_readme_are_those_of_the_reports() -> None:
    readme = README.read_text()
    counted = re.findall(r"^(\w+) +(\w+) +(\d+)  +full +(\d+)  +strict +(\d+)$", readme, re.MULTILINE)
    assert len(counted) == 6
    report = (ROOT / "docs" / "conformance.md").read_text()
    for row in counted:
        assert f"| {' | '.join(row)} |" in report
    assert f"| {sum(int(row[4]) for row in counted)} of {sum(int(row[2]) for row in counted)} strict |" in readme
    assert f"lessons of {len(list((ROOT / 'tests' / 'scripts').glob('*.py')))} kinds" in readme
    [timed] = [block for _, block in blocks_of(readme) if block.startswith("µs")]
    measured = (ROOT / "docs" / "benchmarks.md").read_text()
    for line in timed.splitlines()[1:]:
        name, *cells = re.split(r"\s{2,}|(?<=\)) ", line.strip())
        [row] = re.findall(rf"^\| {name} \| (.* ± .*) \|$", measured, re.MULTILINE)
        assert set(cells) <= set(row.split(" | ")), name


def test_the_replayed_step_is_the_one_that_is_shown() -> None:
    """Its lines, without the remarks and what is left out, stand in the program in that order."""
    page = (ROOT / "docs" / "replay.md").read_text()
    [program] = [block for kind, block in blocks_of(page) if kind == "python"]
    [shown] = [block for kind, block in blocks_of(page) if kind == "text"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(program, {"__name__": "replay"})
    lines = iter(printed.getvalue().splitlines())
    for line in shown.splitlines():
        if line.strip() != "...":
            assert re.sub(r"\s+# .*", "", line) in lines, line


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


def test_every_figure_is_there_and_what_makes_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = figures.figures()
    assert len(shown) > 12
    for figure in shown:
        assert (ROOT / figure).exists(), figure
        assert figures.maker(figure)
    assert {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.png")} <= set(shown)
    run: list[str] = []
    monkeypatch.setattr(figures, "figures", lambda: [Path("docs/pictures/one.png"), Path("docs/pictures/two.png")])
    monkeypatch.setattr(figures.subprocess, "run", lambda command, **options: run.append(command))
    with pytest.raises(SystemExit, match=r"still missing: docs/pictures/one\.png, docs/pictures/two\.png"):
        figures.make_missing()
    assert len(run) == 1 and run[0].startswith("make pictures ")


# The blocks of the guide with a title: into which file each is written, and before which line, or in place of which.
TITLES = {
    "minigrad/nn/rules.py": ("before", "log_sigmoid = Op("),
    "minigrad/nn/functional.py": ("instead of", "    return input / (input.abs() + 1)\n"),
    "tests/layer_samples.py": ("before", '    "log_sigmoid": activation('),
    "soft.py": ("new", ""),
    "a wrong rule": ("later", ""),
    "minigrad/ops.py": ("before", "sinh = Op("),
    "minigrad/functions/pointwise.py": ("before", "sinh = _elementwise("),
    "minigrad/tensor.py": ("before", "    cos, cosh, div, eq, erf = pointwise.cos,"),
    "tests/samples.py": ("before", '    "expm1": ('),
}


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which all that the guide says has been written, but not the wrong rule."""
    copy = tmp_path_factory.mktemp("followed")
    for folder in ("minigrad", "tests", "parity"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "scripts"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for title, (where, line) in TITLES.items():
        if where == "new":
            (copy / title).write_text(block_of_the_guide(title))
        elif where != "later":
            write(copy / title, block_of_the_guide(title), line, instead=where == "instead of")
    start = "from .functions.pointwise import ("
    write(copy / "minigrad/__init__.py", f"{start}sinc, ", start, instead=True)
    return copy


def block_of_the_guide(title: str) -> str:
    [block] = [block for kind, block in blocks_of(GUIDE) if kind == f'python title="{title}"']
    return block


def write(path: Path, new: str, line: str, instead: bool = False) -> None:
    """Put a line before another one, or in the place of it."""
    text = path.read_text()
    assert text.count(line) == 1
    path.write_text(text.replace(line, new if instead else new + line))


def run_in(folder: Path, command: str) -> tuple[int, str, str]:
    """How a command of the guide ends, what it prints, and what the guide says that it prints."""
    [said] = re.findall(rf"^\$ {re.escape(command)}\n(.*?)```", GUIDE, re.DOTALL | re.MULTILINE)
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, env={
        **os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"})
    return done.returncode, done.stdout + done.stderr, said


def test_ops_are_added_as_the_guide_says_and_a_wrong_rule_is_found(followed: Path) -> None:
    tests, formulas, page, tests_again, bisect, tests_of_sinc = commands_of(GUIDE)
    for command in (formulas, page):
        code, output, said = run_in(followed, command)
        assert (code, output) == (0, said)
    for command in (tests, tests_of_sinc):
        code, output, _ = run_in(followed, command)
        assert code == 0, output[-3000:]

    entry, wrong = map(block_of_the_guide, ("minigrad/nn/rules.py", "a wrong rule"))
    write(followed / "minigrad/nn/rules.py", wrong, entry, instead=True)
    _, output, _ = run_in(followed, tests_again)
    failed = re.findall(r"^FAILED .*::(\w+)\[softsign", output, re.MULTILINE)
    assert sorted(failed) == ["test_against_finite_differences", "test_against_torch", "test_against_torch"]
    code, output, said = run_in(followed, bisect)
    assert code == 1 and said.splitlines()[1] in output.splitlines()

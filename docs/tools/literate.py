"""Prose and code in one Python file: how the tour, the lessons and the museum are written, run and shown.

In such a file a string that stands alone at the top level is prose, in Markdown; the rest is code. In the prose,

    >>> 1 + 1
    2

is an example that is checked, and a block fenced with ```text holds what the code has printed since the last one.

    python -m docs.tools.literate           run every page, and say where what is printed is not what stands there
    python -m docs.tools.literate --write   the same, and put what was printed into the ```text blocks
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import os
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"```text\n(.*?)```", re.DOTALL)
EXAMPLE = re.compile(r"^>>> .*?(?=^\s*$|\Z)", re.DOTALL | re.MULTILINE)
IMPORTS = [
    (r"^import torch$", "import minigrad as torch"),
    (r"^from torch(\.[\w.]+)? import", r"from minigrad\1 import"),
]


@dataclass
class Part:
    """A stretch of a page: its text, and the line on which it starts."""

    is_prose: bool
    text: str
    line: int


def pages() -> list[Path]:
    """Every page that is a Python file, in reading order."""
    return [path for folder in ("tour", "lessons", "museum") for path in sorted((DOCS / folder).glob("[a-z][0-9]*.py"))]


def parts(source: str) -> list[Part]:
    """The page's prose and code, in turn."""
    lines = source.splitlines(keepends=True)
    found: list[Part] = []
    done = 0  # lines that are in a part already
    for node in ast.parse(source).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.append(Part(False, "".join(lines[done : node.lineno - 1]), done))
            found.append(Part(True, inspect.cleandoc(node.value.value), node.lineno))
            done = node.end_lineno or node.lineno
    found.append(Part(False, "".join(lines[done:]), done))
    return [part for part in found if part.text.strip()]


def markdown(source: str) -> str:
    """The page as the site shows it."""
    shown = []
    for part in parts(source):
        if part.is_prose:
            shown.append(EXAMPLE.sub(lambda example: f"```pycon\n{example[0].strip()}\n```\n", part.text))
        else:
            shown.append(f"```python\n{part.text.strip()}\n```")
    return "\n\n".join(shown) + "\n"


@dataclass
class Printed:
    """What a stretch of code has printed, and the ```text block that says so."""

    actual: str
    stated: str


def run(path: Path, on_minigrad: bool = False) -> tuple[dict[str, Any], list[Printed]]:
    """Run a page from its first line to its last: its names at the end, and what it printed.

    On torch, unless `on_minigrad`: then `import torch` gives minigrad, as under `python -m minigrad`. An
    example that does not give what stands there is an AssertionError.
    """
    source = path.read_text()
    if on_minigrad:
        for pattern, replacement in IMPORTS:
            source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    names: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    printed: list[Printed] = []
    output = io.StringIO()
    with in_folder_of(path), contextlib.redirect_stdout(output), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # museum pieces are warned of, and rightly
        for part in parts(source):
            if not part.is_prose:
                exec(compile("\n" * part.line + part.text, str(path), "exec"), names)
                continue
            for stated in FENCE.findall(part.text):
                printed.append(Printed(output.getvalue(), stated))
                output.truncate(output.seek(0))
            check_examples(part, names, path)
    return names, printed


def check_examples(part: Part, names: dict[str, Any], path: Path) -> None:
    """The examples of a stretch of prose, run with the names that the page has defined so far."""
    examples = doctest.DocTestParser().get_doctest(part.text, names, path.name, str(path), part.line - 1)
    examples.globs = names  # the same dictionary, so that an example may define what a later one uses
    report = io.StringIO()
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed = doctest.DocTestRunner(verbose=False, optionflags=options).run(
        examples, out=report.write, clear_globs=False).failed
    assert not failed, report.getvalue()


@contextlib.contextmanager
def in_folder_of(path: Path) -> Iterator[None]:
    """What Python does for `python path`: modules beside it can be imported; and figures are saved beside it."""
    before = os.getcwd()
    sys.path.insert(0, str(path.parent))
    os.chdir(path.parent)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path.remove(str(path.parent))


def main() -> None:
    """Run all pages (or those named) on torch, and compare or rewrite what they print."""
    named = [Path(name).resolve() for name in sys.argv[1:] if name != "--write"]
    wrong = 0
    for path in named or pages():
        _, printed = run(path)
        different = [found for found in printed if found.actual != found.stated]
        print(f"{path.relative_to(DOCS)}: {len(printed)} outputs, {len(different)} not as stated")
        if different and "--write" in sys.argv:
            source = path.read_text()
            for found in different:
                source = source.replace(f"```text\n{found.stated}```", f"```text\n{found.actual}```", 1)
            path.write_text(source)
        else:
            wrong += len(different)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

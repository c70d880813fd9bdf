"""Lays out the site's pages in build/pages, as Markdown: a site generator makes HTML of them (`make docs`).

The tour, the lessons and the museum are Python files and become pages; the exercises and the reference are collected.
In the sources links lead to files, so that they work wherever the sources are read; on the site they lead to pages.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docs.tools import figures, literate, reference

PAGES = literate.DOCS.parent / "build" / "pages"
EXERCISES = literate.DOCS / "tour" / "exercises"
COPIED = ("*.md", "*.png", "*.svg", "*.css")


def build() -> None:
    """Write all pages anew."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for source in (path for pattern in COPIED for path in literate.DOCS.rglob(pattern)):
        target = PAGES / source.relative_to(literate.DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            target.write_text(linked(source.read_text()))
        else:
            shutil.copy(source, target)
    for path in literate.pages():
        name = path.relative_to(literate.DOCS)
        (PAGES / name).with_suffix(".md").write_text(linked(literate.markdown(path.read_text())) + how_to_run(name))
    (PAGES / "tour" / "exercises.md").write_text(exercises())
    (PAGES / "reference").mkdir()
    for name in reference.PAGES:
        (PAGES / "reference" / f"{name}.md").write_text(reference.page(name))


def linked(markdown: str) -> str:
    """Links to Python files, made to lead to their pages."""
    markdown = re.sub(r"\]\(exercises/(\w+)\.py\)", r"](exercises.md#\1)", markdown)
    return re.sub(r"\]\(([\w./]*\w)\.py\)", r"](\1.md)", markdown)


def how_to_run(name: Path) -> str:
    """The line at the end of a page that says which file it is."""
    if name.parts[0] == "tour":
        return f"\n---\n\nThis page is the file `docs/{name}`. To play with it: `python -i docs/{name}`.\n"
    return (f"\n---\n\nThis page is the file `docs/{name}`. On torch: `python docs/{name}`; "
            f"on minigrad: `python -m minigrad docs/{name}`.\n")


def exercises() -> str:
    """A page with every exercise, and its solution folded up."""
    page = "# Exercises\n\nThe files are in `docs/tour/exercises/`; a test says when you are done.\n"
    for path in sorted(EXERCISES.glob("x*.py")):
        solution = (EXERCISES / "solutions" / path.name).read_text()
        page += f"\n## {path.stem}\n\n```python\n{path.read_text()}```\n\n"
        page += '??? success "Solution"\n\n' + indented(f"```python\n{solution}```") + "\n"
    return page


def indented(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))


if __name__ == "__main__":
    figures.make_missing()
    build()

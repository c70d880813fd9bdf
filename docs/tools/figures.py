"""The figures that the README and the pages show: which they are, what makes each, and how to make those not there.

    python -m docs.tools.figures           make the figures that are missing, as `make docs` does, too
    python -m docs.tools.figures --list    only say what makes each

What the lessons draw and how the step-through page looks is quickly drawn, and `make docs` always draws it anew. The
pictures of training and of the benchmarks are the results of long runs. They stay as they are until they are asked
for, by `make pictures` and `make bench`, or deleted.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from docs.tools.literate import DOCS, pages

ROOT = DOCS.parent
THIS_PYTHON = f"PYTHON={shlex.quote(sys.executable)} VENV="  # of make: no environment of its own

# The beginning of a figure's path, and the command that makes it. The first that fits holds.
MADE_BY = {
    "docs/lessons/figures/": f"{shlex.quote(sys.executable)} -m docs.tools.literate --write",
    "docs/pictures/explain-": f"{shlex.quote(sys.executable)} -m parity.explain_pictures",
    "docs/pictures/": f"make pictures {THIS_PYTHON}",
    "docs/benchmarks/": f"make bench {THIS_PYTHON}",
}


def figures() -> list[Path]:
    """Every picture that the README or a page shows."""
    found = set()
    for page in [ROOT / "README.md", *DOCS.rglob("*.md"), *pages()]:
        for target in re.findall(r'!\[[^]]*\]\(([^)#\s]+)|src(?:set)?="([^"#]+)"', page.read_text()):
            found.add((page.parent / "".join(target)).resolve().relative_to(ROOT))
    return sorted(found)


def maker(figure: Path) -> str:
    """The command that makes a figure."""
    return next(command for start, command in MADE_BY.items() if figure.as_posix().startswith(start))


def make_missing() -> None:
    """Run what makes the figures that are not there; end the program if one is missing afterwards."""
    missing = [figure for figure in figures() if not (ROOT / figure).exists()]
    for command in dict.fromkeys(map(maker, missing)):
        print(f"missing: {', '.join(str(f) for f in missing if maker(f) == command)}\n{command}", flush=True)
        subprocess.run(command, shell=True, cwd=ROOT, check=False)
    left = [str(figure) for figure in missing if not (ROOT / figure).exists()]
    if left:
        sys.exit(f"still missing: {', '.join(left)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        for each in figures():
            print(f"{each}: {maker(each)}")
    else:
        make_missing()

"""`python -m minigrad script.py`: runs an unmodified torch script on minigrad."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run the script named on the command line, with the arguments after it, as Python would."""
    parser = argparse.ArgumentParser(
        prog="python -m minigrad",
        description="Run an unmodified PyTorch script on minigrad: every `import torch` in it, and in what it imports, "
        "gives minigrad. NumPy, matplotlib, scikit-learn and the rest are the real ones.",
        epilog="example: python -m minigrad parity/experiments/line_l1.py",
    )
    parser.add_argument("script", help="the script to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its own arguments")
    given = parser.parse_args()
    if not Path(given.script).is_file():
        parser.error(f"no such script: {given.script}")

    import minigrad.as_torch  # noqa: F401  # from here on `torch` is minigrad

    sys.argv = [given.script, *given.args]
    sys.path[0] = str(Path(given.script).resolve().parent)
    runpy.run_path(given.script, run_name="__main__")


if __name__ == "__main__":
    main()

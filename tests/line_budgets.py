"""Run by `make lint`: the engine must stay readable in one sitting, minigrad in a week's evenings."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent / "minigrad"
BUDGETS = {
    "engine + ops": ([ROOT / "engine.py", ROOT / "ops.py"], 700),
    "minigrad": (sorted(ROOT.rglob("*.py")), 6000),
}


def main() -> int:
    """Print each budget and what is used of it; 1 if one is overdrawn."""
    overdrawn = False
    for name, (files, limit) in BUDGETS.items():
        lines = sum(len(file.read_text().splitlines()) for file in files)
        print(f"{name}: {lines} of {limit} lines")
        overdrawn |= lines > limit
    return int(overdrawn)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m minigrad` without a script: a worked example whose numbers are torch's, and where to go next."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import torch

from minigrad.__main__ import EXAMPLE, NEXT

ROOT = Path(__file__).parent.parent


def test_the_worked_example_shows_torchs_gradients() -> None:
    done = subprocess.run([sys.executable, "-m", "minigrad"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert EXAMPLE.splitlines()[0] in done.stdout and done.stdout.endswith(NEXT)
    names = {"torch": torch}
    exec(EXAMPLE, names)
    for leaf in ("w", "b"):
        [shown] = re.findall(rf"^  {leaf}\.grad .*\n.*\n +\.grad +(\S+)$", done.stdout, re.MULTILINE)
        assert abs(float(shown) - names[leaf].grad.item()) < 1e-4
    assert f"falls by {-names['w'].grad.item():.4f}" in NEXT


def test_what_it_points_to_exists() -> None:
    for path in re.findall(r"[\w/]+/\w+\.py", NEXT):
        assert (ROOT / path).exists(), path

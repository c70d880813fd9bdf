"""The README's Python runs, prints what it says, and the training loop prints the same on both libraries."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

from parity_engines import records_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_examples_print_what_stands_there() -> None:
    examples = "".join(block for block in BLOCKS if ">>>" in block)
    parsed = doctest.DocTestParser().get_doctest(examples, {}, "README", "README.md", 0)
    assert len(parsed.examples) > 12
    assert doctest.DocTestRunner(verbose=False).run(parsed).failed == 0


def test_the_training_loop_prints_the_same_on_both(tmp_path: Path) -> None:
    [loop] = [block for block in BLOCKS if "import torch\n" in block and ">>>" not in block]
    script = tmp_path / "loop.py"
    script.write_text(loop)
    renamed = tmp_path / "renamed.py"
    as_minigrad = loop.replace("import torch\n", "import minigrad as torch\n").replace("from torch", "from minigrad")
    renamed.write_text(as_minigrad)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    *_, finished = records_of("torch", script, tmp_path)
    assert finished.outcome == "finished", finished.details
    printed = [(tmp_path / "torch" / "stdout.txt").read_text()]
    printed += [
        subprocess.run([sys.executable, *command], capture_output=True, text=True, env=env, check=True).stdout
        for command in (["-m", "minigrad", str(script)], [str(renamed)])
    ]
    assert printed[0].count("epoch") == 5
    assert printed[0] == printed[1] == printed[2]


def test_what_it_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target

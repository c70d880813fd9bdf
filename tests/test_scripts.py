"""Every script in scripts/ does on minigrad what it does on torch: the same lines, weights, gradients and losses.

`python -m tests.test_scripts [NAME...]` prints how many steps each takes and how many lines are alike to the last
digit. What counts as the same is parity's to say (`parity.tolerances`): initial weights to the bit, or a few ulps if
they are computed; numbers to 1e-4 without the float64 judges; text to the character. `python -m parity
tests/scripts/NAME.py` asks the judges, too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from parity.compare import Comparison
from parity.engines import REFERENCE
from parity.pairs import Pair
from parity.verdict import problems

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "tests" / "scripts").glob("*.py"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("scripts"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_script_does_the_same(script: Path, pair: Pair) -> None:
    comparison = pair.compare(script)
    torch, ours = comparison.results[REFERENCE], comparison.results["minigrad"]
    assert torch.finished.outcome == "finished", torch.finished.details
    assert torch.lines.compared > 0, "a script that prints nothing shows nothing"
    assert not problems(comparison), "\n".join([*(problem.text for problem in problems(comparison)),
                                                ours.finished.details])


def test_the_scripts_are_many_short_and_seeded() -> None:
    assert len(SCRIPTS) >= 44
    for script in SCRIPTS:
        source = script.read_text()
        assert "manual_seed" in source or "rand" not in source, f"{script.name} draws without a seed"
        assert 20 <= len(source.splitlines()) <= 110, script.name


def main(names: list[str]) -> int:
    """Run the named scripts, or all, and print what came of each. Exit status 1 if one is not the same."""
    chosen = [script for script in SCRIPTS if script.stem in names or not names]
    wrong = steps = identical = lines = 0
    with tempfile.TemporaryDirectory() as directory:
        pair = Pair(Path(directory))
        for script in chosen:
            comparison = pair.compare(script)
            print(line_about(comparison), flush=True)
            counts = comparison.results["minigrad"].lines
            wrong += bool(problems(comparison))
            steps += comparison.step
            identical += counts.identical
            lines += counts.compared
    print(f"{len(chosen) - wrong} of {len(chosen)} scripts do the same: {steps} steps, "
          f"{identical} of {lines} lines identical to the last digit")
    return int(wrong > 0)


def line_about(comparison: Comparison) -> str:
    counts = comparison.results["minigrad"].lines
    found = problems(comparison)
    verdict = found[0].text if found else "same"
    return (f"{comparison.name:30} {comparison.step:5} steps, "
            f"{counts.identical:3} of {counts.compared:3} lines identical: {verdict}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

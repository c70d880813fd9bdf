"""Keeps a run on a real GPU: docs/results/parity-<gpu>.md, written by `python -m parity --record`, never by hand."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from parity.compare import Comparison
from parity.engines import ENGINES
from parity.report import machine, table

RESULTS = Path(__file__).parents[2] / "docs" / "results"
TEXT = """\
# Parity on {gpu}

Written by `python -m parity --record` on {date}; do not edit. `torch-cuda` and `minigrad-cuda` (with CuPy) compute in
float32 with TF32 off, torch with deterministic algorithms; `torch-cuda-tf32` lets products round each factor to ten
bits (its errors are shown, not judged); names in `-f64` are float64.

{versions}

```
{table}
```
"""


def write_record(comparisons: Sequence[Comparison], folder: Path = RESULTS) -> str:
    """Write the file; return a line that says so, or why there is nothing to keep."""
    versions = versions_on_cuda(comparisons)
    if "device" not in versions:
        reasons = sorted({f"{name} {result.finished.outcome}: {result.finished.message}" for comparison in comparisons
                          for name, result in comparison.results.items() if result.engine.cuda})
        return f"nothing recorded; {'; '.join(reasons) or 'no engine with cuda was asked for'}"
    path = folder / f"parity-{file_name(versions['device'])}.md"
    lines = [f"- {name}: {value}" for name, value in (versions | machine()).items()]
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT.format(gpu=versions["device"], date=f"{datetime.now(UTC):%Y-%m-%d}",
                                versions="\n".join(lines), table=table(comparisons)), encoding="utf-8")
    return f"recorded: {path}"


def file_name(gpu: str) -> str:
    """A GPU's name as a part of a file's: "NVIDIA H200" is "h200"."""
    return re.sub(r"[^a-z0-9]+", "-", gpu.lower().replace("nvidia", "")).strip("-")


def versions_on_cuda(comparisons: Sequence[Comparison]) -> dict[str, str]:
    """What the engines on CUDA say of themselves."""
    found: dict[str, str] = {}
    for comparison in comparisons:
        for name, result in comparison.results.items():
            if ENGINES[name].cuda:
                library = ENGINES[name].library
                found |= {library if what == "torch" else what: text for what, text in result.versions.items()}
    return found

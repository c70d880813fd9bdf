"""Many small scripts, on torch and on minigrad, one after the other.

    pair = Pair(out)
    comparison = pair.compare(script)
    assert not problems(comparison)

Without float64 judges among the engines, "same" means equal to WITHOUT_JUDGES (`tolerances`).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Timer

from parity.compare import Comparison
from parity.engines import ENGINES, REFERENCE, EngineProcess, Run
from parity.lockstep import follow

SECONDS = 60  # a script that takes longer is ended


class Pair:
    """torch and minigrad, to run scripts on; `out` gets a directory for each script, as with the command."""

    def __init__(self, out: Path, engines: Sequence[str] = (REFERENCE, "minigrad")):
        self.out = out
        self.engines = engines

    def compare(self, script: Path, arguments: Sequence[str] = (), answers: Path | None = None) -> Comparison:
        """Run one script on both and compare everything it does."""
        run = Run(script, tuple(arguments), answers)
        comparison = Comparison(script.stem, list(self.engines))
        records = {}
        with ExitStack() as stack:
            for name in self.engines:
                process = EngineProcess(ENGINES[name], run, self.out / script.stem / name)
                stack.callback(process.stop)
                alarm = Timer(SECONDS, process.process.kill)
                alarm.start()
                stack.callback(alarm.cancel)
                records[name] = process.records()
            follow(comparison, records, progress=lambda step: None)
        return comparison

"""The engines, and how one is started: its own process, one thread, its own working directory."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parity.records import Finished, Record, receive

ROOT = Path(__file__).resolve().parent.parent  # where `parity` and `minigrad` are imported from

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PRINTED, ERRORS = "stdout.txt", "stderr.txt"  # what a script wrote, kept in its working directory


@dataclass(frozen=True)
class Engine:
    name: str
    library: str  # "torch" or "minigrad"
    wide: bool = False  # computes in float64, from weights drawn in float32
    cuda: bool = False

    @property
    def dtype(self) -> str:
        return "float64" if self.wide else "float32"


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("torch", "torch"),
        Engine("torch-f64", "torch", wide=True),
        Engine("minigrad", "minigrad"),
        Engine("minigrad-f64", "minigrad", wide=True),
        Engine("torch-cuda", "torch", cuda=True),
    )
}
REFERENCE = "torch"  # whose numbers the others must have
JUDGE, SECOND_JUDGE = "torch-f64", "minigrad-f64"  # who must agree before anybody is judged


class WorkingDirectoryError(Exception):
    """The directory in which a script would run holds files that are not ours."""


def fresh_directory(path: Path) -> Path:
    """An empty directory; what an earlier run left there goes, what anybody else left there stays."""
    if path.exists() and any(path.iterdir()):
        if not (path / PRINTED).exists():
            raise WorkingDirectoryError(f"{path} holds files that no parity run made; choose another --out")
        shutil.rmtree(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def environment(engine: Engine) -> dict[str, str]:
    variables = dict(os.environ)
    variables.update(dict.fromkeys(ONE_THREAD, "1"))
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    variables["PYTHONHASHSEED"] = "0"
    variables["MPLBACKEND"] = "Agg"
    if engine.cuda:
        variables["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # what cuBLAS needs to be deterministic
    else:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    return variables


class EngineProcess:
    """One engine running one script."""

    def __init__(self, engine: Engine, script: Path, directory: Path):
        self.engine = engine
        self.directory = fresh_directory(directory)
        (directory / PRINTED).touch()
        with open(directory / ERRORS, "wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "parity.worker", engine.name, str(script)],
                cwd=directory,
                env=environment(engine),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # the records; what the script prints goes to the recorder
                stderr=errors,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends this process
            )

    def records(self) -> Iterator[Record]:
        """The engine's records; the last one is always a Finished, however the process ended."""
        assert self.process.stdout is not None
        for record in receive(self.process.stdout):
            yield record
            if isinstance(record, Finished):
                return
        status = self.process.wait()
        errors = (self.directory / ERRORS).read_text(errors="replace").strip()
        last = errors.splitlines()[-1] if errors else f"see {self.directory / ERRORS}"
        yield Finished("failed", f"the process died (exit status {status}): {last}", details=errors)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

"""The engines, and how one is started: its own process, one thread, its own working directory."""

import glob
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from parity import forks
from parity.records import Finished, Record, receive
from parity.surroundings import ERRORS, copy_surroundings, prepare

ROOT = Path(__file__).resolve().parent.parent  # where `parity` and `minigrad` are imported from

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Engine:
    name: str
    library: str  # "torch" or "minigrad"
    wide: bool = False  # computes in float64, from weights drawn in float32
    cuda: bool = False
    tf32: bool = False  # may round the factors of products to ten bits
    reordered: bool = False  # adds in another order: torch as on another processor, minigrad as torch
    nudged: bool = False  # errors as small as rounding's are added at every step (`nudging`)

    @property
    def judged(self) -> bool:
        """Whether it must agree. What others differ by is shown: it says what torch's own figures are worth."""
        return not (self.tf32 or self.reordered or self.nudged)

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
        Engine("minigrad-cuda", "minigrad", cuda=True),
        Engine("minigrad-cuda-f64", "minigrad", wide=True, cuda=True),
        Engine("torch-cuda", "torch", cuda=True),
        Engine("torch-cuda-f64", "torch", wide=True, cuda=True),
        Engine("torch-cuda-tf32", "torch", cuda=True, tf32=True),
        Engine("torch-reordered", "torch", reordered=True),
        Engine("minigrad-ordered", "minigrad", reordered=True),
        Engine("torch-nudged", "torch", nudged=True),
        Engine("torch-f64-nudged", "torch", wide=True, nudged=True),
    )
}
DEFAULT_ENGINES = [name for name, engine in ENGINES.items() if not (engine.reordered or engine.nudged)]
NUDGED = [name for name, engine in ENGINES.items() if engine.nudged]  # asked only where somebody disagrees
REFERENCE = "torch"  # whose numbers the others must have
JUDGE, SECOND_JUDGE = "torch-f64", "minigrad-f64"  # who must agree before anybody is judged

GPU_DEVICES = ("/dev/nvidia*", "/dev/nvhost*", "/dev/dxg", "/dev/kfd")  # NVIDIA's, on a board, in WSL; AMD's
NO_GPU = "no CUDA device"


def may_have_a_gpu() -> bool:
    """Whether there is a device of a graphics driver: without one, no library need be loaded to find that out."""
    return sys.platform != "linux" or any(glob.glob(pattern) for pattern in GPU_DEVICES)


def has_avx512() -> bool:
    """Whether this processor has what minigrad-ordered needs. Only Linux is asked."""
    processors = Path("/proc/cpuinfo")
    return processors.exists() and "avx512bw" in processors.read_text()


def environment(engine: Engine) -> dict[str, str]:
    variables = dict(os.environ)
    variables.update(dict.fromkeys(ONE_THREAD, "1"))
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    variables["PYTHONHASHSEED"] = "0"
    variables["MPLBACKEND"] = "module://parity.shown"
    if engine.cuda:
        variables["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # what cuBLAS needs to be deterministic
        variables["CUPY_TF32"] = "0"  # CuPy's products round no factors
    else:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    if engine.reordered and engine.library == "torch":  # kernels for processors without AVX: as right, other last bits
        variables.update({"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"})
    elif engine.reordered and has_avx512():  # kernels that add up a product's terms one by one
        variables["OPENBLAS_CORETYPE"] = "SkylakeX"
    return variables


@dataclass(frozen=True)
class Run:
    """What is to be run: a script, its arguments, and the file (if any) that answers its `input()`."""

    script: Path
    arguments: tuple[str, ...] = ()
    answers: Path | None = None


class EngineProcess:
    """One engine running one script, in a working directory with a copy of the script's folder."""

    def __init__(self, engine: Engine, run: Run, directory: Path, worker: Sequence[str] = ()):
        """`worker`: another module than parity.worker, to run in the process, and its own arguments."""
        self.engine = engine
        self.directory = prepare(directory)
        self.surroundings = copy_surroundings(run.script, self.directory)
        module, *words = *(worker or ("parity.worker", engine.name)), run.script.name, *run.arguments
        with open(self.directory / ERRORS, "wb") as errors, open(run.answers or os.devnull, "rb") as answers:
            self.process = self.fork(run.script, module, words, answers, errors) or subprocess.Popen(
                [sys.executable, "-P", "-m", module, *words],
                cwd=self.directory,
                env=environment(engine),
                stdin=answers,
                stdout=subprocess.PIPE,  # the records; what the script prints goes to the recorder
                stderr=errors,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends this process
            )

    def fork(
        self, script: Path, module: str, words: Sequence[str], stdin: IO[bytes], stderr: IO[bytes]
    ) -> forks.Fork | None:
        """The same process, forked from one that has the library loaded; None where that cannot be."""
        if not forks.AVAILABLE or self.engine.cuda or self.engine.reordered:
            return None
        variables = environment(self.engine)
        request = forks.Request(module, words, str(self.directory), variables, forks.company_of(script))
        with suppress(forks.OriginLostError):
            return forks.origin(self.engine.library, variables).fork(request, stdin, stderr)
        return None

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

    def end(self) -> int:
        """Wait until it ends, whatever it reports; its exit status."""
        assert self.process.stdout is not None
        self.process.stdout.read()
        return self.process.wait()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.surroundings.remove_unchanged()

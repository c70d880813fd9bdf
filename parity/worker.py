"""The process in which one engine runs one script: `python -m parity.worker ENGINE SCRIPT [ARGUMENTS]`.

Started by `engines.EngineProcess`, never by hand, in a directory that holds a copy of the script: its standard
output carries records, not text.
"""

import importlib.util
import itertools
import os
import platform
import random
import runpy
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time as clock
from typing import Any

import numpy as np

from parity import nudging
from parity.engines import ENGINES, NO_GPU, Engine, has_avx512
from parity.recorder import LineWriter, Recorder
from parity.records import Finished, Sender, Started
from parity.sampling import Enough
from parity.surroundings import PRINTED
from parity.widening import widen

SEED = 0  # for scripts that set none: every engine starts from the same one


def take_over_stdout() -> Sender:
    """Keep the pipe for records; what anybody else writes to standard output goes to standard error."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Sender(pipe)


def load(engine: Engine) -> Any:
    """The engine's library, under the name that scripts import it by."""
    if engine.library == "minigrad":
        import minigrad.as_torch  # noqa: F401  (from here on, `import torch` gives minigrad)

        if engine.reordered:
            from parity import ordered

            ordered.install()
    import torch

    if engine.cuda and torch.cuda.is_available():
        torch.use_deterministic_algorithms(True)
        torch.backends.cuda.matmul.allow_tf32 = engine.tf32
        torch.backends.cudnn.allow_tf32 = engine.tf32
    if engine.nudged:
        nudging.install(torch, engine.dtype)
    if engine.wide:
        widen(torch)
    if engine.library == "minigrad" or importlib.util.find_spec("torchvision") is None:
        offer_torchvision(torch)
    return torch


def seed(torch: Any) -> None:
    """For a script that sets no seed: torch's, Python's and NumPy's random streams begin alike on every engine."""
    torch.manual_seed(SEED)
    random.seed(SEED)
    np.random.seed(SEED)
    seeds = itertools.count(SEED)
    fresh_generator = np.random.default_rng
    np.random.default_rng = lambda seed=None: fresh_generator(next(seeds) if seed is None else seed)


def offer_torchvision(torch: Any) -> None:
    """Let `import torchvision` give minigrad's subset of it, which makes tensors of this torch."""
    if "torchvision" not in sys.modules:
        import minigrad.vision

        minigrad.vision.build(torch)


def run(script: str, arguments: Sequence[str]) -> Finished:
    """Run the script as `python script.py` would, from the directory that it is in, and say how that went."""
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.getcwd())
    sys.dont_write_bytecode = True
    try:
        runpy.run_path(os.path.abspath(script), run_name="__main__")
    except Enough:
        return Finished("finished", stopped=True)
    except BaseException as error:
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return Finished("finished")
        return failure(error)
    return Finished("finished")


def failure(error: BaseException) -> Finished:
    """What went wrong, and at which line of the script, or of a module beside it: the last that led to the error."""
    what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    where, source = place_of(error)
    message = f"{where}: {what}" if where else what
    details = "".join(traceback.format_exception(error))
    return Finished("failed", message, details, error=type(error).__name__, where=where, source=source)


def place_of(error: BaseException) -> tuple[str, str]:
    """The place, as "train.py:12", and the line of source that stands there."""
    folder = f"{os.getcwd()}{os.sep}"
    if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(folder):
        return f"{error.filename.removeprefix(folder)}:{error.lineno}", (error.text or "").strip()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(folder):
            return f"{frame.filename.removeprefix(folder)}:{frame.lineno}", (frame.line or "").strip()
    return "", ""


def perform(engine: Engine, torch: Any, sender: Sender, script: str, arguments: Sequence[str]) -> None:
    """Run the script that lies in the current directory, and send what it does, from Started to Finished."""
    if engine.cuda and not torch.cuda.is_available():
        sender.send(Finished("not run", NO_GPU))
        return
    versions = {"torch": str(torch.__version__), "numpy": np.__version__, "python": platform.python_version()}
    if engine.cuda:
        versions["device"] = torch.cuda.get_device_name()
    sender.send(Started(versions))

    seed(torch)
    recorder = Recorder(torch, sender, stops_early=engine.wide)
    recorder.install()
    if "matplotlib.use" in Path(script).read_text(encoding="utf-8", errors="replace"):
        from parity.shown import keep_this_backend

        keep_this_backend()
    with open(PRINTED, "w", encoding="utf-8") as printed:
        sys.stdout = writer = LineWriter(recorder, printed)
        start = clock()
        finished = run(script, arguments)
        seconds = clock() - start
        writer.finish()
        sys.stdout = sys.__stdout__
    recorder.finish()
    if finished.outcome == "finished" and engine.cuda and "cuda" not in recorder.devices:
        finished = Finished("not applicable", "the script trained nothing on CUDA")
    sender.send(replace(finished, seconds=seconds))


def main(name: str, script: str, *arguments: str) -> None:
    sender = take_over_stdout()
    if ENGINES[name].library == "minigrad" and ENGINES[name].reordered and not has_avx512():
        sender.send(Finished("not run", "no processor with AVX-512"))
        return
    try:
        torch = load(ENGINES[name])
    except Exception as reason:
        sender.send(Finished("failed", f"{type(reason).__name__}: {reason}", traceback.format_exc()))
        return
    perform(ENGINES[name], torch, sender, script, arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The process in which one engine runs one script: `python -m parity.worker ENGINE SCRIPT`.

Started by `engines.EngineProcess`, never by hand: its standard output carries records, not text.
"""

import importlib.util
import os
import platform
import random
import runpy
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.engines import ENGINES, PRINTED, Engine
from parity.recorder import LineWriter, Recorder
from parity.records import Finished, Sender, Started
from parity.sampling import Enough
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
    import torch

    if engine.cuda and torch.cuda.is_available():
        torch.use_deterministic_algorithms(True)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    if engine.wide:
        widen(torch)
    if engine.library == "minigrad" or importlib.util.find_spec("torchvision") is None:
        offer_torchvision(torch)
    torch.manual_seed(SEED)
    random.seed(SEED)
    np.random.seed(SEED)
    return torch


def offer_torchvision(torch: Any) -> None:
    """Let `import torchvision` give minigrad's subset of it, which makes tensors of this torch."""
    if "torchvision" not in sys.modules:
        import minigrad.vision

        minigrad.vision.build(torch)


def run(script: str) -> Finished:
    """Run the script as `python script.py` would, and say how that went."""
    sys.argv = [script]
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except Enough:
        return Finished("finished", stopped=True)
    except SystemExit as stop:
        if stop.code not in (None, 0):
            return Finished("failed", f"SystemExit: {stop.code}")
    except BaseException as error:
        return Finished("failed", where_and_what(error, script), traceback.format_exc())
    return Finished("finished")


def where_and_what(error: BaseException, script: str) -> str:
    """In words: "line 12: ValueError: …", with the last line of the script that led to the error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return f"line {lines[-1]}: {what}" if lines else what


def main(name: str, script: str) -> None:
    engine = ENGINES[name]
    sender = take_over_stdout()
    try:
        torch = load(engine)
    except Exception as reason:
        sender.send(Finished("failed", f"{type(reason).__name__}: {reason}", traceback.format_exc()))
        return
    if engine.cuda and not torch.cuda.is_available():
        sender.send(Finished("not run", "no CUDA device"))
        return
    versions = {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()}
    if engine.cuda:
        versions["device"] = torch.cuda.get_device_name()
    sender.send(Started(versions))

    recorder = Recorder(torch, sender, stops_early=engine.wide)
    recorder.install()
    with open(PRINTED, "w", encoding="utf-8") as printed:
        sys.stdout = LineWriter(recorder, printed)
        start = time.process_time()
        finished = run(script)
        seconds = time.process_time() - start
        sys.stdout.finish()
        sys.stdout = sys.__stdout__
    if finished.outcome == "finished" and engine.cuda and "cuda" not in recorder.devices:
        finished = Finished("not applicable", "the script trained nothing on CUDA")
    sender.send(replace(finished, seconds=seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])

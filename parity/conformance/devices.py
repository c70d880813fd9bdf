"""Running minigrad's side of a case on another device than the CPU."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import minigrad
from parity.conformance.samples import Library


class OnDevice:
    """minigrad with tensors on a device: those made of NumPy's arrays, and (see `home_of`) those that it makes itself.

    All draws come from one stream, as they do in torch on the CPU, with which it is compared.
    """

    def __init__(self, library: Library, where: str) -> None:
        self.library, self.home = library, where

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)

    def from_numpy(self, array: np.ndarray) -> Any:
        return self.library.from_numpy(array).to(self.home)


_ours: Any = minigrad  # on the CPU, or OnDevice


def judge_on(where: str) -> None:
    """Let minigrad's tensors live on a device from now on: "cpu" or "cuda". torch's stay on the CPU."""
    global _ours
    _ours = minigrad if where == "cpu" else OnDevice(minigrad, where)


def ours() -> Any:
    """minigrad, as the checks are to run it."""
    return _ours


def has_gpu() -> bool:
    """Whether minigrad finds a GPU. Asked in a process of its own: CUDA does not outlive a fork."""
    ask = "import minigrad; raise SystemExit(not minigrad.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", ask]).returncode == 0


def add_device(parser: argparse.ArgumentParser) -> None:
    """The option --device of the commands whose checks run on a GPU, too."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu",
                        help="where minigrad's tensors live (torch's: on the CPU); default: %(default)s")


def check_device(parser: argparse.ArgumentParser, where: str) -> None:
    """End the command in a line where there is no such device: what was not run is not to look like a pass."""
    if where == "cuda" and not has_gpu():
        parser.error("--device cuda: not run, for there is no GPU here, or no CuPy")
    judge_on(where)


@contextmanager
def home_of(library: Any) -> Iterator[None]:
    """While a case runs, let its library make tensors on its device."""
    if not isinstance(library, OnDevice):
        yield
        return
    lib = library.library
    lib.set_default_device(library.home)
    generators = lib.random._of_gpus
    before, generators[lib.get_default_device()] = dict(generators), lib.default_generator
    try:
        yield
    finally:
        generators.clear()
        generators.update(before)
        lib.set_default_device(None)


def check_home(library: Any, tensors: list[Any]) -> None:
    """Results stay on the device: AssertionError for one that came back to the host unasked."""
    if isinstance(library, OnDevice):
        for tensor in tensors:
            if tensor.device.type != library.home:
                raise AssertionError(f"a tensor of shape {list(tensor.shape)} left {library.home} for {tensor.device}")

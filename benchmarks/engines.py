"""The engines, by name; and what one must be able to do to take part.

An engine's class is imported only in the process that runs it: the others never load its library.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, NamedTuple

from benchmarks.workloads import Pair


class NotThere(Exception):
    """An engine takes no part in a case; the text says why."""


class Engine:
    """What the worker asks of an engine. Each of these may raise NotThere; an engine defines what it can do.

    `training`, `op`, `loading` and `ceiling` return (step, result): step() is timed, result() is compared.
    """

    name: str

    def training(self, experiment: str, **size: int) -> Pair:
        """A training step of one of the experiments in workloads.py."""
        raise NotThere("has no training steps here")

    def op(self, name: str, size: int, backward: bool) -> Pair:
        """A single operation of operations.py, with or without the gradients of its inputs."""
        raise NotThere("has no single operations here")

    def chain(self, n: int) -> Any:
        """A graph of n multiplications x * x * x ..., kept as it is after the forward pass."""
        raise NotThere("has no long graphs here")

    def pull(self, chain: Any) -> float:
        """Backward through such a graph: the gradient with respect to x, n + 1 at x = 1."""
        raise NotThere("has no long graphs here")

    def graph(self, n: int) -> Pair:
        """Such a graph forward and backward."""

        def step() -> float:
            return self.pull(self.chain(n))

        return step, step

    def loading(self, kind: str) -> Pair:
        """A pass over a DataLoader of loading.py."""
        raise NotThere("has no loader")

    def ceiling(self, kind: str, size: int) -> Pair:
        """The most that the device can do: a large "product", or a large "copy"."""
        raise NotThere("is not asked what the device can do")

    def wait(self) -> None:
        """Return when everything that was asked for is done: some engines work on while Python goes on."""

    def about(self) -> dict[str, str]:
        """What else to print with the results, beside versions."""
        return {}


ANYWHERE = {"cpu": "cpu", "cuda": "cuda"}
CPU = {"cpu": "cpu"}
CUDA = {"cuda": "cuda"}
BESIDE = {"cuda": "cpu"}  # on the CPU, to be seen beside the GPU
ALWAYS_CPU = CPU | BESIDE


class Entry(NamedTuple):
    """An engine's place in the list: where it is defined, what must be installed, what it is, where it computes.

    `computes` says for each --device where the engine then works. It takes no part where there is no entry.
    """

    where: str
    package: str
    what: str
    computes: dict[str, str]


ENGINES = {
    "minigrad": Entry("torch_engine", "minigrad", "this library, eager", ANYWHERE),
    "minigrad-replay": Entry("torch_engine", "minigrad", "this library, the step recorded once by `minigrad.replay`",
                             ANYWHERE),
    "torch": Entry("torch_engine", "torch", "PyTorch, eager: what the ratios refer to", ANYWHERE),
    "torch-compile": Entry("torch_engine", "torch", "model and loss in `torch.compile`; the optimizer is eager",
                           ANYWHERE),
    "torch-graphs": Entry("torch_engine", "torch", "PyTorch, the whole step captured once in a `torch.cuda.CUDAGraph`",
                          CUDA),
    "numpy": Entry("numpy_engine", "numpy", "the step written out in NumPy by hand, without autograd: the floor",
                   ALWAYS_CPU),
    "autograd": Entry("peers.autograd_engine", "autograd", "HIPS autograd", CPU),
    "mygrad": Entry("peers.mygrad_engine", "mygrad", "MyGrad", CPU),
    "micrograd": Entry("peers.micrograd_engine", "micrograd", "micrograd: one node a number", CPU),
    "tinygrad": Entry("peers.tinygrad_engine", "tinygrad", "tinygrad, the step in `TinyJit`", CPU),
    "jax": Entry("peers.jax_engine", "jax", "JAX, not compiled", ANYWHERE),
    "jax-jit": Entry("peers.jax_engine", "jax", "JAX, the whole step in `jax.jit`", ANYWHERE),
    "minigrad-cpu": Entry("torch_engine", "minigrad", "this library on the CPU, eager", BESIDE),
    "minigrad-replay-cpu": Entry("torch_engine", "minigrad", "this library on the CPU, replayed", BESIDE),
    "torch-cpu": Entry("torch_engine", "torch", "PyTorch on the CPU, eager", BESIDE),
}


def on(device: str) -> tuple[str, ...]:
    """The engines that take part when the training steps are to run there."""
    return tuple(name for name, entry in ENGINES.items() if device in entry.computes)


def installed(name: str) -> bool:
    """Whether the engine's library can be imported; it is not."""
    return find_spec(ENGINES[name].package) is not None


def version_of(name: str) -> str:
    """The version of an engine's library."""
    try:
        return version(ENGINES[name].package)
    except PackageNotFoundError:  # a checkout that was never installed
        return "not installed as a package"


def load(name: str, device: str, threads: int) -> Engine:
    """The engine, with its library imported: only for the worker process."""
    engine: Engine = importlib.import_module(f"benchmarks.{ENGINES[name].where}").make(name, device, threads)
    engine.name = name
    return engine

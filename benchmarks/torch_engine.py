"""minigrad and torch: the same torch programs run on both, eager, compiled, replayed, or captured in a CUDA graph."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.cuda_graphs import Captured
from benchmarks.engines import Engine, NotThere
from benchmarks.loading import loader_pass
from benchmarks.operations import OPERATIONS, checksum, cotangent, inputs
from benchmarks.workloads import WORKLOADS, Pair, Way


class TorchEngine(Engine):
    """A library with torch's interface. `steps_only`: compiling or recording one operation is nobody's use."""

    def __init__(self, way: Way, steps_only: bool) -> None:
        self.way, self.torch, self.device, self.steps_only = way, way.torch, way.device, steps_only

    def training(self, experiment: str, **size: int) -> Pair:
        return WORKLOADS[experiment](self.way, **size)

    def op(self, name: str, size: int, backward: bool) -> Pair:
        self._only_eager()
        torch, operation = self.torch, OPERATIONS[name]
        xs = [torch.from_numpy(x).to(self.device).requires_grad_() for x in inputs(operation, size)]
        g = torch.from_numpy(cotangent(tuple(operation.torch(torch, *xs).shape))).to(self.device)

        def forward() -> Any:
            return operation.torch(torch, *xs)

        def both() -> Any:
            out = operation.torch(torch, *xs)
            return out, *torch.autograd.grad(out, xs, g)

        def result() -> list[float]:
            return checksum([t.detach().cpu().numpy() for t in both()])

        return (both if backward else forward), result

    def chain(self, n: int) -> Any:
        self._only_eager()
        x = self.torch.ones(1, device=self.device, requires_grad=True)
        y = x
        for _ in range(n):
            y = y * x
        return x, y

    def pull(self, chain: Any) -> float:
        x, y = chain
        y.backward()
        return float(x.grad.item())

    def loading(self, kind: str) -> Pair:
        self._only_eager()
        return loader_pass(self.torch, kind)

    def ceiling(self, kind: str, size: int) -> Pair:
        """What the device can do at most: a product of two size x size matrices, or a copy of size entries."""
        self._only_eager()
        torch, random = self.torch, np.random.default_rng(0)
        shape = (size, size) if kind == "product" else (size,)
        x, y = (torch.from_numpy(random.random(shape, np.float32) - np.float32(0.5)).to(self.device) for _ in range(2))

        def step() -> Any:
            return x @ y if kind == "product" else y.copy_(x)

        return step, lambda: checksum([step()[:: max(size // 16, 1)].cpu().numpy()])

    def wait(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def about(self) -> dict[str, str]:
        torch, found = self.torch, {}
        if torch.__name__ == "torch":
            found = {"kernels": torch.backends.cpu.get_cpu_capability(), "threads": str(torch.get_num_threads())}
        if self.device == "cuda":
            found |= {"device": torch.cuda.get_device_name(), "TF32": "off", **_cuda_versions(torch)}
        return found

    def _only_eager(self) -> None:
        if self.steps_only:
            raise NotThere("takes part in training steps only")


def make(name: str, device: str, threads: int) -> TorchEngine:
    """The engine of that name; NotThere without a CUDA device where one is asked for."""
    library, *manner = name.removesuffix("-cpu").split("-")
    torch = importlib.import_module(library)
    torch.set_num_threads(threads)
    if device == "cuda":
        if not torch.cuda.is_available():
            raise NotThere(f"not run: no GPU here: {_why_no_gpu(torch)}")
        if library == "torch":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    way = Way(torch, device)
    if manner == ["compile"]:
        way = way._replace(forward=torch.compile)
    if manner == ["replay"]:
        way = way._replace(step=torch.replay)
    if manner == ["graphs"]:
        way = way._replace(step=partial(Captured, torch), adam={"capturable": True})
    return TorchEngine(way, steps_only=bool(manner))


def _why_no_gpu(torch: Any) -> str:
    """What is missing: a library that is built for one, or the GPU itself."""
    if torch.__name__ == "minigrad":
        return "CuPy finds none" if find_spec("cupy") else "CuPy is not installed"
    return f"torch {torch.__version__} {'finds none' if torch.version.cuda else 'is built without CUDA'}"


def _cuda_versions(torch: Any) -> dict[str, str]:
    """Of CUDA, or of what reaches it."""
    if torch.__name__ == "torch":
        return {"CUDA": str(torch.version.cuda)}
    return {"CuPy": str(getattr(sys.modules["cupy"], "__version__", "unknown"))}

"""minigrad and torch: the same torch programs run on both, eager, compiled, or replayed."""

from __future__ import annotations

import importlib
from typing import Any

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

    def wait(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def about(self) -> dict[str, str]:
        if self.torch.__name__ != "torch":
            return {}
        on = {"kernels": self.torch.backends.cpu.get_cpu_capability(), "threads": str(self.torch.get_num_threads())}
        return {**on, "device": self.torch.cuda.get_device_name()} if self.device == "cuda" else on

    def _only_eager(self) -> None:
        if self.steps_only:
            raise NotThere("takes part in training steps only")


def make(name: str, device: str, threads: int) -> TorchEngine:
    """The engine of that name; NotThere without a CUDA device where one is asked for, or without `replay`."""
    torch = importlib.import_module(name.partition("-")[0])
    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise NotThere("not run: no CUDA device")
    way = Way(torch, device)
    if name == "torch-compile":
        way = way._replace(forward=torch.compile)
    if name == "minigrad-replay":
        if not callable(getattr(torch, "replay", None)):
            raise NotThere("not there: this minigrad has no replay")
        way = way._replace(step=torch.replay)
    return TorchEngine(way, steps_only="-" in name)

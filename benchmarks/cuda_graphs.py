"""torch with CUDA graphs: a whole training step captured once, and launched as one from then on.

What torch's documentation advises for a step of static shape: a few steps on a stream of their own, then the capture,
with the optimizer's own counters on the GPU (`capturable`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

WARM_UP = 3  # steps before the capture: the optimizer's state is made in the first, cuBLAS's memory too


class Captured:
    """A step that trains and returns tensors. Each call is one step, also the calls before the capture.

    The arguments of the call that is captured become the graph's inputs. What other calls bring is copied into them,
    so a batch that stays the same costs no copy. The tensors returned are the graph's own: read them before the next
    step.
    """

    def __init__(self, torch: Any, step: Callable[..., Any]) -> None:
        self.torch, self.step = torch, step
        self.stream = torch.cuda.Stream()
        self.calls = 0
        self.graph: Any = None
        self.inputs: tuple[Any, ...] = ()
        self.results: Any = None

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        if self.calls <= WARM_UP:
            return self._aside(args)
        if self.graph is None:
            self._capture(args)
        for own, given in zip(self.inputs, args, strict=True):
            if own is not given:
                own.copy_(given)
        self.graph.replay()
        return self.results

    def _aside(self, args: tuple[Any, ...]) -> Any:
        """The step as it is, on the stream that will be captured."""
        cuda = self.torch.cuda
        self.stream.wait_stream(cuda.current_stream())
        with cuda.stream(self.stream):
            results = self.step(*args)
        cuda.current_stream().wait_stream(self.stream)
        return results

    def _capture(self, args: tuple[Any, ...]) -> None:
        """Record what the step launches; nothing is computed yet."""
        cuda = self.torch.cuda
        self.inputs, self.graph = args, cuda.CUDAGraph()
        with cuda.graph(self.graph, stream=self.stream):
            self.results = self.step(*args)

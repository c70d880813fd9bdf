"""A program on a GPU: its calls there are captured once as a CUDA graph, and launched together from then on.

Each call of the program does what the host has to do (numbers, random draws, copying the arguments to where the graph
expects them), launches the graph, and does what remains (gradients put in place, checks, the result).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..device import cuda_library
from .standin import ReplayError


class Captured:
    """`before(*arrays)`, then the GPU's calls, then `after(*arrays)`, which returns the step's result.

    The first time the calls run one by one: that compiles kernels and takes memory, which a capture must not. The
    second time they are captured, in memory of their own, which stays theirs as long as the program lives.
    """

    def __init__(self, before: Callable[..., None], calls: Callable[[], None], after: Callable[..., Any]) -> None:
        self.before, self.calls, self.after = before, calls, after
        library = cuda_library()
        self.using_allocator, self.pool = library.cuda.using_allocator, library.cuda.MemoryPool()
        self.stream = library.cuda.Stream()  # waits for the default stream, and that for it
        self.graph: Any = None
        self.warm = False

    def __call__(self, *arrays: Any) -> Any:
        self.before(*arrays)
        if self.graph is None:
            self._begin()
        else:
            self.graph.launch()
        return self.after(*arrays)

    def _begin(self) -> None:
        with self.using_allocator(self.pool.malloc), self.stream:
            if not self.warm:
                self.calls()
                self.warm = True
                return
            self.stream.begin_capture()
            try:
                self.calls()
            except Exception as error:
                raise ReplayError(f"the step can't be captured as a CUDA graph: {error}") from error
            finally:
                self.graph = self.stream.end_capture()
        self.graph.launch()

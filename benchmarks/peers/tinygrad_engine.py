"""tinygrad: lazy tensors; the training step in `TinyJit`, which records its kernels and runs them again."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DEV", "CPU")

from tinygrad import Context, Tensor, TinyJit
from tinygrad.nn.optim import SGD, Adam

from benchmarks.engines import Engine, NotThere
from benchmarks.operations import OPERATIONS, checksum, cotangent, inputs
from benchmarks.peers.programs import PROGRAMS, count_right
from benchmarks.workloads import Pair, start

LONGEST = 100  # operations in a graph: scheduling longer ones takes minutes


class Words:
    """NumPy's functions on tinygrad's tensors: what the programs use of them."""

    abs = staticmethod(lambda x: x.abs())
    exp = staticmethod(lambda x: x.exp())
    log = staticmethod(lambda x: x.log())
    tanh = staticmethod(lambda x: x.tanh())
    round = staticmethod(lambda x: x.round())
    maximum = staticmethod(lambda x, y: x.maximum(y))
    where = staticmethod(lambda condition, x, y: condition.where(x, y))
    sum = staticmethod(lambda x, axis=None: x.sum(axis))
    mean = staticmethod(lambda x, axis=None: x.mean(axis))
    max = staticmethod(lambda x, axis=None: x.max(axis))


class Tinygrad(Engine):
    """Computes when it is asked to `realize`."""

    def training(self, experiment: str, **size: int) -> Pair:
        program = PROGRAMS[experiment]
        arrays, first = start(experiment, **size)
        x, y, x_test, y_test = map(Tensor, arrays)
        parameters = [Tensor(p).is_param_() for p in first]
        optimizer = Adam(parameters, lr=program.lr) if program.update == "adam" else SGD(
            parameters, lr=program.lr, momentum=0.9 if program.update == "momentum" else 0.0)

        def shown(loss: Any, out: Any, y: Any) -> list[Any]:
            return [loss, count_right(Words, out, y)] if program.counts else [loss]

        @TinyJit
        @Context(TRAINING=1)
        def train() -> list[Any]:
            out = program.predict(Words, parameters, x)
            loss = program.loss(Words, out, y)
            for p, gradient in zip(parameters, loss.gradient(*parameters), strict=True):
                p.grad = gradient
            found = shown(loss, out, y)
            Tensor.realize(*found, *optimizer.schedule_step())
            return found

        @TinyJit
        def evaluate() -> list[Any]:
            out = program.predict(Words, parameters, x_test)
            found = shown(program.loss(Words, out, y_test), out, y_test)
            Tensor.realize(*found)
            return found

        def step() -> None:
            found = train()
            if program.notes or program.counts:
                found[-1].item()
            if program.tests:
                found = evaluate()
                if program.notes or program.counts:
                    found[-1].item()

        return step, lambda: float(program.loss(Words, program.predict(Words, parameters, x_test), y_test).item())

    def op(self, name: str, size: int, backward: bool) -> Pair:
        operation = OPERATIONS[name]
        if operation.numpy is None:
            raise NotThere("NumPy has no word for it")
        word = operation.numpy
        xs = [Tensor(x).realize() for x in inputs(operation, size)]
        g = Tensor(cotangent(word(Words, *xs).shape)).realize()

        def forward() -> Any:
            return word(Words, *xs).contiguous().realize()

        def both() -> Any:
            out = word(Words, *xs)
            found = out.contiguous(), *out.gradient(*xs, gradient=g)
            return [t.contiguous().realize() for t in found]

        return (both if backward else forward), lambda: checksum([t.numpy() for t in both()])

    def chain(self, n: int) -> Any:
        if n > LONGEST:
            raise NotThere(f"longer than {LONGEST} operations: takes minutes")
        x = Tensor.ones(1).contiguous().realize()
        y = x
        for _ in range(n):
            y = y * x
        return x, y

    def pull(self, chain: Any) -> float:
        x, y = chain
        return float(y.sum().gradient(x)[0].item())


def make(name: str, device: str, threads: int) -> Tinygrad:
    """NotThere without the compiler that it needs. This benchmark runs tinygrad on the CPU only."""
    try:
        (Tensor([1.0]) + 1).realize()
    except (FileNotFoundError, RuntimeError) as error:
        raise NotThere(f"not run: tinygrad finds no compiler ({error})") from None
    return Tinygrad()

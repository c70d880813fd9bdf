"""MyGrad: tensors over NumPy with `backward()`."""

from __future__ import annotations

from typing import Any

import mygrad as mg
import numpy as np

from benchmarks.engines import Engine, NotThere
from benchmarks.operations import OPERATIONS, checksum, cotangent, inputs
from benchmarks.peers.programs import PROGRAMS, count_right, updater
from benchmarks.workloads import Pair, start


class MyGrad(Engine):
    """Eager, with a tape of tensors."""

    def training(self, experiment: str, **size: int) -> Pair:
        program = PROGRAMS[experiment]
        (x, y, x_test, y_test), first = start(experiment, **size)
        parameters = [mg.tensor(p) for p in first]
        arrays = [p.data for p in parameters]
        update = updater(program, arrays)

        def step() -> None:
            out = program.predict(mg, parameters, x)
            loss = program.loss(mg, out, y)
            if program.counts:
                count_right(np, out.data, y)
            loss.backward()
            update([p.grad for p in parameters])
            for p in parameters:
                p.null_grad()
            if program.notes:
                float(loss.data)
            if program.tests:
                out = program.predict(np, arrays, x_test)
                program.loss(np, out, y_test)
                if program.counts:
                    count_right(np, out, y_test)

        return step, lambda: float(program.loss(np, program.predict(np, arrays, x_test), y_test))

    def op(self, name: str, size: int, backward: bool) -> Pair:
        operation = OPERATIONS[name]
        if operation.numpy is None:
            raise NotThere("NumPy has no word for it")
        word = operation.numpy
        xs = [mg.tensor(x) for x in inputs(operation, size)]
        g = cotangent(word(np, *(x.data for x in xs)).shape)

        def forward() -> Any:
            return word(mg, *xs)

        def both() -> Any:
            out = forward()
            for x in xs:
                x.null_grad()
            out.backward(g)
            return out.data, *(x.grad for x in xs)

        return (both if backward else forward), lambda: checksum(list(both()))

    def chain(self, n: int) -> Any:
        x = mg.tensor(np.ones(1, np.float32))
        y = x
        for _ in range(n):
            y = y * x
        return x, y

    def pull(self, chain: Any) -> float:
        x, y = chain
        y.backward()
        return float(x.grad[0])


def make(name: str, device: str, threads: int) -> MyGrad:
    """The engine; it knows no device but the CPU."""
    return MyGrad()

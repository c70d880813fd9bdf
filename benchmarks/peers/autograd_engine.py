"""HIPS autograd: `value_and_grad` of the loss, NumPy for the rest."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import make_vjp, value_and_grad

from benchmarks.engines import Engine, NotThere
from benchmarks.operations import OPERATIONS, checksum, cotangent, inputs
from benchmarks.peers.programs import PROGRAMS, count_right, updater
from benchmarks.workloads import Pair, start


class Autograd(Engine):
    """Gradients of functions: the graph lives inside of one call."""

    def training(self, experiment: str, **size: int) -> Pair:
        program = PROGRAMS[experiment]
        (x, y, x_test, y_test), parameters = start(experiment, **size)
        update = updater(program, parameters)
        test_loss: Any = None

        def loss(parameters: list[Any], x: Any, y: Any) -> Any:
            return program.loss(anp, program.predict(anp, parameters, x), y)

        value_and_gradients = value_and_grad(loss)

        def step() -> None:
            nonlocal test_loss
            value, gradients = value_and_gradients(parameters, x, y)
            if program.counts:
                count_right(np, program.predict(np, parameters, x), y)
            update(gradients)
            if program.tests:
                out = program.predict(np, parameters, x_test)
                test_loss = program.loss(np, out, y_test)
                if program.counts:
                    count_right(np, out, y_test)

        return step, lambda: float(loss(parameters, x_test, y_test))

    def op(self, name: str, size: int, backward: bool) -> Pair:
        operation = OPERATIONS[name]
        if operation.numpy is None:
            raise NotThere("NumPy has no word for it")
        xs = tuple(inputs(operation, size))
        recorded = make_vjp(lambda xs: operation.numpy(anp, *xs))  # type: ignore[misc]  # the decorator has no types
        g = cotangent(np.shape(operation.numpy(np, *xs)))

        def both() -> Any:
            pull, out = recorded(xs)
            return out, *pull(g)

        return (both if backward else lambda: recorded(xs)), lambda: checksum(list(both()))

    def chain(self, n: int) -> Any:
        def power(x: Any) -> Any:
            y = x
            for _ in range(n):
                y = y * x
            return y

        return make_vjp(power)(np.ones(1, np.float32))

    def pull(self, chain: Any) -> float:
        return float(chain[0](np.ones(1, np.float32))[0])


def make(name: str, device: str, threads: int) -> Autograd:
    """The engine; it knows no device but the CPU."""
    return Autograd()

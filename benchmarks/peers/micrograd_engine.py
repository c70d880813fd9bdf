"""micrograd: one node a number, so only the two lines with their 40 points, and long graphs of numbers."""

from __future__ import annotations

from typing import Any

from micrograd.engine import Value

from benchmarks.engines import Engine, NotThere
from benchmarks.workloads import Pair, start


class Micrograd(Engine):
    """Python floats: float64, where the others compute in float32."""

    def training(self, experiment: str, **size: int) -> Pair:
        if experiment not in ("line_l1", "line_mse"):
            raise NotThere("one node a number: only the two lines")
        data, parameters = start(experiment, **size)
        x, y, x_test, y_test = ([float(number) for number in part.ravel()] for part in data)
        w, b = (Value(float(p.ravel()[0])) for p in parameters)
        test_loss = 0.0

        def loss_on(x: list[float], y: list[float]) -> Any:
            errors = [w * number + b - target for number, target in zip(x, y, strict=True)]
            if experiment == "line_mse":
                return sum(error * error for error in errors) / len(errors)
            return sum(error.relu() + (-error).relu() for error in errors) / len(errors)

        def step() -> None:
            nonlocal test_loss
            loss = loss_on(x, y)
            w.grad = b.grad = 0
            loss.backward()
            w.data -= 0.01 * w.grad
            b.data -= 0.01 * b.grad
            test_loss = loss_on(x_test, y_test).data

        return step, lambda: test_loss

    def chain(self, n: int) -> Any:
        x = Value(1.0)
        y = x
        for _ in range(n):
            y = y * x
        return x, y

    def pull(self, chain: Any) -> float:
        x, y = chain
        y.backward()
        return float(x.grad)


def make(name: str, device: str, threads: int) -> Micrograd:
    """The engine; it knows no device but the CPU."""
    return Micrograd()

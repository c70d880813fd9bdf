"""Single operations: each in torch's language, and in NumPy's where it has a word for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]


class Operation(NamedTuple):
    """`shapes(n)`: the inputs' shapes so that the first has about n entries."""

    torch: Callable[..., Any]  # torch(library, *tensors)
    numpy: Callable[..., Any] | None  # numpy(library, *arrays)
    shapes: Callable[[int], list[Shape]]
    low: float = -1.0  # inputs are drawn between low and 1


def one(n: int) -> list[Shape]:
    """One vector."""
    return [(n,)]


def two(n: int) -> list[Shape]:
    """Two vectors."""
    return [(n,), (n,)]


def square(n: int) -> list[Shape]:
    """A square matrix."""
    return [(_side(n), _side(n))]


def squares(n: int) -> list[Shape]:
    """Two square matrices."""
    return square(n) * 2


def row(n: int) -> list[Shape]:
    """A square matrix and a row, which is broadcast over it."""
    return [(_side(n), _side(n)), (_side(n),)]


def layer(n: int) -> list[Shape]:
    """Inputs, weight and bias of a linear layer."""
    return [(_side(n), _side(n)), (_side(n), _side(n)), (_side(n),)]


def picture(n: int) -> list[Shape]:
    """A picture with four channels."""
    return [(1, 4, max(_side(n // 4), 4), max(_side(n // 4), 4))]


def _side(n: int) -> int:
    return max(round(n**0.5), 1)


OPERATIONS = {
    "add": Operation(lambda torch, x, y: x + y, lambda np, x, y: x + y, two),
    "add a row": Operation(lambda torch, x, y: x + y, lambda np, x, y: x + y, row),
    "mul": Operation(lambda torch, x, y: x * y, lambda np, x, y: x * y, two),
    "div": Operation(lambda torch, x, y: x / y, lambda np, x, y: x / y, two, low=0.1),
    "exp": Operation(lambda torch, x: x.exp(), lambda np, x: np.exp(x), one),
    "log": Operation(lambda torch, x: x.log(), lambda np, x: np.log(x), one, low=0.1),
    "tanh": Operation(lambda torch, x: x.tanh(), lambda np, x: np.tanh(x), one),
    "sigmoid": Operation(lambda torch, x: x.sigmoid(), None, one),
    "relu": Operation(lambda torch, x: x.relu(), lambda np, x: np.maximum(x, 0), one),
    "where": Operation(lambda torch, x, y: torch.where(x > y, x, y), lambda np, x, y: np.where(x > y, x, y), two),
    "sum": Operation(lambda torch, x: x.sum(), lambda np, x: np.sum(x), one),
    "mean of rows": Operation(lambda torch, x: x.mean(1), lambda np, x: np.mean(x, axis=1), square),
    "max of rows": Operation(lambda torch, x: x.amax(1), lambda np, x: np.max(x, axis=1), square),
    "softmax": Operation(lambda torch, x: x.softmax(1), None, square),
    "transpose": Operation(lambda torch, x: x.T, lambda np, x: x.T, square),
    "slice": Operation(lambda torch, x: x[1:], lambda np, x: x[1:], one),
    "matmul": Operation(lambda torch, x, y: x @ y, lambda np, x, y: x @ y, squares),
    "linear": Operation(lambda torch, x, w, b: torch.nn.functional.linear(x, w, b), lambda np, x, w, b: x @ w.T + b,
                        layer),
    "mse_loss": Operation(lambda torch, x, y: torch.nn.functional.mse_loss(x, y),
                          lambda np, x, y: np.mean((x - y) ** 2), two),
    "max_pool2d": Operation(lambda torch, x: torch.nn.functional.max_pool2d(x, 2), None, picture),
}


def inputs(operation: Operation, size: int) -> list[np.ndarray]:
    """The same random float32 arrays in every process."""
    random = np.random.RandomState(0)
    return [random.uniform(operation.low, 1, shape).astype(np.float32) for shape in operation.shapes(size)]


def cotangent(shape: Shape) -> np.ndarray:
    """What arrives from the loss: random, so that no wrong gradient hides behind a symmetry."""
    return np.random.RandomState(1).uniform(-1, 1, shape).astype(np.float32)


def checksum(arrays: list[Any]) -> list[float]:
    """Two numbers for each array: its product with a fixed random one, and its norm."""
    numbers = []
    for array in arrays:
        values = np.asarray(array, np.float64)
        numbers += [float((values * cotangent(values.shape)).sum()), float(np.sqrt((values**2).sum()))]
    return numbers

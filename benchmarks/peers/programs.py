"""The five experiments in NumPy's language, for every library that speaks it: what to predict, the loss, the update.

A program's functions take the library, `np`, as their first argument. `train` says how the loop goes on from the
loss's gradient; each engine writes that in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Program(NamedTuple):
    """One experiment: see workloads.py, whose steps these are."""

    predict: Callable[[Any, list[Any], Any], Any]  # (np, parameters, x)
    loss: Callable[[Any, Any, Any], Any]  # (np, prediction, y)
    update: str  # "sgd", "momentum" (0.9) or "adam"
    lr: float
    tests: bool = False  # each step ends with the loss on the test set
    counts: bool = False  # each step counts the points on the right side, on both sets
    notes: bool = False  # each step reads the losses as Python numbers


def line(np: Any, parameters: list[Any], x: Any) -> Any:
    w, b = parameters
    return w * x + b


def mlp(np: Any, parameters: list[Any], x: Any) -> Any:
    """Linear layers with ReLU between them."""
    *hidden, w, b = parameters
    for i in range(0, len(hidden), 2):
        x = np.maximum(x @ hidden[i].T + hidden[i + 1], 0)
    return x @ w.T + b


def flat_mlp(np: Any, parameters: list[Any], x: Any) -> Any:
    return mlp(np, parameters, x.reshape(len(x), -1))


def column_mlp(np: Any, parameters: list[Any], x: Any) -> Any:
    return mlp(np, parameters, x).reshape(-1)


def l1(np: Any, out: Any, y: Any) -> Any:
    return np.mean(np.abs(out - y))


def mse(np: Any, out: Any, y: Any) -> Any:
    return np.mean((out - y) ** 2)


def bce_with_logits(np: Any, z: Any, y: Any) -> Any:
    return np.mean(np.maximum(z, 0) - z * y + np.log(1 + np.exp(-np.abs(z))))


def cross_entropy(np: Any, logits: Any, y: Any) -> Any:
    """On one-hot targets. The logits of these runs are small: nothing is subtracted from them before exp."""
    normalizer = np.log(np.sum(np.exp(logits), axis=1))
    return np.mean(normalizer - np.sum(logits * y, axis=1))


PROGRAMS = {
    "line_l1": Program(mlp, l1, "sgd", 0.01, tests=True),
    "line_mse": Program(line, mse, "sgd", 0.01, tests=True, notes=True),
    "blob_adam": Program(mlp, mse, "adam", 0.01, notes=True),
    "circles": Program(column_mlp, bce_with_logits, "sgd", 0.1, tests=True, counts=True),
    "fashion": Program(flat_mlp, cross_entropy, "momentum", 0.001),
}


def updater(program: Program, parameters: list[Any]) -> Callable[[list[Any]], None]:
    """A function that updates NumPy arrays in place by their gradients, with the program's rule."""
    lr = program.lr
    first = [0 * p for p in parameters]
    second = [0 * p for p in parameters]
    steps = 0

    def sgd(gradients: list[Any]) -> None:
        for p, g in zip(parameters, gradients, strict=True):
            p -= lr * g

    def momentum(gradients: list[Any]) -> None:
        for p, g, m in zip(parameters, gradients, first, strict=True):
            m *= 0.9
            m += g
            p -= lr * m

    def adam(gradients: list[Any]) -> None:
        nonlocal steps
        steps += 1
        for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
            m += 0.1 * (g - m)
            v *= 0.999
            v += 0.001 * g * g
            p -= lr / (1 - 0.9**steps) * m / ((v / (1 - 0.999**steps)) ** 0.5 + 1e-8)

    return {"sgd": sgd, "momentum": momentum, "adam": adam}[program.update]


def count_right(np: Any, logits: Any, y: Any) -> Any:
    """How many logits lie on the label's side, as the experiment counts them."""
    return np.sum(np.round(1 / (1 + np.exp(-logits))) == y)

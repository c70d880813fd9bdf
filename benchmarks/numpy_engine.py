"""NumPy by hand: what a training step costs when nobody records anything. The engines cannot come below it by much."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import by_hand
from benchmarks.engines import Engine
from benchmarks.workloads import Pair


class ByHand(Engine):
    """The steps of by_hand.py; a chain is the list of its intermediate results."""

    def training(self, experiment: str, **size: int) -> Pair:
        return by_hand.WORKLOADS[experiment](**size)

    def chain(self, n: int) -> Any:
        x = np.ones(1, np.float32)
        results = [x]
        for _ in range(n):
            results.append(results[-1] * x)
        return results

    def pull(self, chain: Any) -> float:
        x = chain[0]
        g, gradient = np.ones(1, np.float32), np.zeros(1, np.float32)
        for y in chain[-2::-1]:  # y * x: one product for the gradient of each
            gradient += g * y
            g = g * x
        return float((gradient + g)[0])


def make(name: str, device: str, threads: int) -> ByHand:
    """The engine; it knows no device but the CPU."""
    return ByHand()

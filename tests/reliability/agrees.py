"""What must hold beside every torch: run with one installed, it prints the versions and the largest difference.

The same draws bit for bit, layers that start alike, files that pass both ways, and the losses of 200 training steps.
"""

from __future__ import annotations

import io
import platform
from typing import Any

import numpy as np
import torch

import minigrad

STEPS = 200
MOST = 1e-5  # relative; float32 over 200 steps


def draws(lib: Any) -> list[bytes]:
    """Of each kind of random number a few, as bytes."""
    lib.manual_seed(7)
    made = [lib.rand(5), lib.randn(40), lib.rand(3, dtype=lib.float64), lib.randint(9, (4,)), lib.randperm(9),
            lib.bernoulli(lib.full((6,), 0.5)), lib.zeros(3).uniform_(-1, 2), lib.nn.Linear(3, 4).weight,
            lib.nn.Conv2d(1, 2, 3).weight, lib.nn.Embedding(3, 2).weight]
    return [x.detach().numpy().tobytes() for x in made]


def losses(lib: Any, optimizer: str) -> Any:
    """The losses of a small network that learns to tell points inside a circle from those outside."""
    lib.manual_seed(1)
    x = lib.randn(100, 2)
    y = ((x**2).sum(1) < 1).long()
    model = lib.nn.Sequential(lib.nn.Linear(2, 16), lib.nn.BatchNorm1d(16), lib.nn.ReLU(), lib.nn.Dropout(0.2),
                              lib.nn.Linear(16, 2))
    optim = getattr(lib.optim, optimizer)(model.parameters(), lr=0.02)
    schedule = lib.optim.lr_scheduler.CosineAnnealingLR(optim, STEPS)
    found = []
    for _ in range(STEPS):
        loss = lib.nn.functional.cross_entropy(model(x), y)
        optim.zero_grad()
        loss.backward()
        optim.step()
        schedule.step()
        found.append(loss.item())
    return np.array(found)


def passes(source: Any, target: Any) -> bool:
    """Whether a model's parameters that one library saves are loaded by the other as they were."""
    state, file = source.nn.Linear(3, 2).state_dict(), io.BytesIO()
    source.save(state, file)
    file.seek(0)
    loaded = target.load(file)
    return all(loaded[name].numpy().tobytes() == state[name].numpy().tobytes() for name in state)


def main() -> None:
    assert draws(minigrad) == draws(torch), "random numbers differ"
    assert passes(minigrad, torch) and passes(torch, minigrad), "a file changes on its way"
    largest = 0.0
    for optimizer in ("SGD", "Adam", "AdamW", "RMSprop"):
        ours, theirs = losses(minigrad, optimizer), losses(torch, optimizer)
        largest = max(largest, float(np.max(np.abs(ours - theirs) / theirs)))
    assert largest < MOST, f"losses differ by {largest:.0e}"
    print(f"torch {torch.__version__} on Python {platform.python_version()} (losses within {largest:.0e})")


if __name__ == "__main__":
    main()

"""The training steps in hand-written NumPy, which replay is measured against, train as minigrad does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from benchmarks import by_hand, workloads


@pytest.mark.parametrize("step", [workloads.unchanged, minigrad.replay], ids=["eager", "replayed"])
@pytest.mark.parametrize("name, size", [
    ("line_l1", {}), ("line_mse", {}), ("blob_adam", {}), ("circles", {}), ("fashion", {"batch": 3, "hidden": 30}),
    ("fashion", {"batch": 10, "hidden": 200}), ("fashion", {"batch": 64, "hidden": 20})])
def test_by_hand(name: str, size: Any, step: Any) -> None:
    train, result = by_hand.WORKLOADS[name](**size)
    train_ours, our_result = workloads.WORKLOADS[name](workloads.Way(minigrad, step=step), **size)
    before = result()
    for _ in range(20):
        train()
        train_ours()
    np.testing.assert_allclose(result(), our_result(), rtol=1e-4)
    assert abs(result() - before) > 1e-4 * abs(before)

"""Two functions of scikit-learn in plain NumPy, so that the experiments need neither it nor a download.

Both take every random number from `numpy.random.RandomState` in scikit-learn's order, so the same
`random_state` gives the same points and the same split, bit for bit (tests/test_experiments.py).
"""

import math
from typing import Any

import numpy as np


def make_circles(
    n_samples: int = 100, noise: float | None = None, random_state: int | None = None, factor: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    """Points on a circle of radius 1 (label 0) and on one of radius `factor` inside it (label 1), shuffled.

    `noise` is the standard deviation of the Gaussian noise added to every coordinate.
    """
    outer = n_samples // 2
    inner = n_samples - outer
    outer_angle = np.linspace(0, 2 * np.pi, outer, endpoint=False)
    inner_angle = np.linspace(0, 2 * np.pi, inner, endpoint=False)
    x = np.concatenate([np.cos(outer_angle), np.cos(inner_angle) * factor])
    y = np.concatenate([np.sin(outer_angle), np.sin(inner_angle) * factor])
    points = np.stack([x, y], axis=1)
    labels = np.repeat([0, 1], [outer, inner])

    random = np.random.RandomState(random_state)
    order = np.arange(n_samples)
    random.shuffle(order)
    points, labels = points[order], labels[order]
    if noise is not None:
        points = points + random.normal(scale=noise, size=points.shape)
    return points, labels


def train_test_split(*arrays: Any, test_size: float, random_state: int | None = None) -> list[Any]:
    """Split arrays (or tensors) of equal length at random: [train, test] of the first, of the second, …

    `test_size` is a fraction; the number of test samples is rounded up.
    """
    if not arrays:
        raise ValueError("train_test_split needs at least one array")
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) != 1:
        raise ValueError(f"train_test_split needs arrays of equal length, got lengths {lengths}")
    if not 0 < test_size < 1:
        raise ValueError(f"test_size is a fraction between 0 and 1, got {test_size}")
    samples = lengths[0]
    n_test = math.ceil(test_size * samples)
    if n_test >= samples:
        raise ValueError(f"no training sample is left: {n_test} of {samples} would be test samples")
    order = np.random.RandomState(random_state).permutation(samples)
    test, train = order[:n_test], order[n_test:]
    return [part for array in arrays for part in (array[train], array[test])]

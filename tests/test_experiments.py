"""The experiments: their data against scikit-learn, their printed figures from torch and from minigrad."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import sklearn.model_selection
import torch

ROOT = Path(__file__).parent.parent
EXPERIMENTS = ROOT / "parity" / "experiments"
sys.path.insert(0, str(EXPERIMENTS))  # the scripts find their helper in the same way

from toy_data import make_circles, train_test_split  # noqa: E402

# ---- data ----


@pytest.mark.parametrize("samples", [1, 2, 3, 10, 101, 1000])
@pytest.mark.parametrize("noise", [None, 0.0, 0.05])
def test_make_circles_has_the_bits_of_scikit_learn(samples, noise):
    for seed in range(25):
        points, labels = make_circles(samples, noise=noise, random_state=seed)
        expected_points, expected_labels = sklearn.datasets.make_circles(samples, noise=noise, random_state=seed)
        assert points.tobytes() == expected_points.tobytes()
        assert labels.dtype == expected_labels.dtype
        assert np.array_equal(labels, expected_labels)


def test_make_circles_takes_the_radius_of_the_inner_circle():
    points, labels = make_circles(100, factor=0.3, random_state=0)
    expected_points, expected_labels = sklearn.datasets.make_circles(100, factor=0.3, random_state=0)
    assert points.tobytes() == expected_points.tobytes()
    assert np.array_equal(labels, expected_labels)


@pytest.mark.parametrize("test_size", [0.01, 0.2, 0.25, 0.5, 0.9])
def test_train_test_split_is_that_of_scikit_learn(test_size):
    for samples in (2, 3, 7, 10, 50, 1000):
        if np.ceil(test_size * samples) == samples:
            continue
        x, y = np.arange(2.0 * samples).reshape(samples, 2), np.arange(samples)
        for seed in range(25):
            parts = train_test_split(x, y, test_size=test_size, random_state=seed)
            expected = sklearn.model_selection.train_test_split(x, y, test_size=test_size, random_state=seed)
            assert all(map(np.array_equal, parts, expected))


def test_train_test_split_splits_tensors_too():
    x = torch.arange(20.0).reshape(10, 2)
    train, test = train_test_split(x, test_size=0.2, random_state=42)
    expected_train, expected_test = sklearn.model_selection.train_test_split(x.numpy(), test_size=0.2, random_state=42)
    assert isinstance(train, torch.Tensor)
    assert np.array_equal(train.numpy(), expected_train)
    assert np.array_equal(test.numpy(), expected_test)


@pytest.mark.parametrize(
    ("arrays", "test_size", "message"),
    [
        ([], 0.2, "at least one array"),
        ([range(3), range(4)], 0.2, r"equal length, got lengths \[3, 4\]"),
        ([range(3)], 5, "a fraction between 0 and 1, got 5"),
        ([range(3)], 0.9, "no training sample is left: 3 of 3"),
    ],
)
def test_train_test_split_says_what_is_wrong(arrays, test_size, message):
    with pytest.raises(ValueError, match=message):
        train_test_split(*arrays, test_size=test_size)


# ---- printed figures ----

LINE_L1 = [  # epoch, training loss, testing loss: the published output of the chapter, all 28 lines
    *[(0, 0.524, 0.557), (1, 0.511, 0.545), (2, 0.498, 0.533), (3, 0.485, 0.522), (4, 0.473, 0.510)],
    *[(5, 0.460, 0.498), (6, 0.447, 0.486), (7, 0.434, 0.474), (8, 0.422, 0.463), (9, 0.409, 0.451)],
    *[(0, 0.396, 0.439), (1, 0.383, 0.427), (2, 0.370, 0.415), (3, 0.358, 0.403), (4, 0.345, 0.392)],
    *[(5, 0.332, 0.380), (6, 0.319, 0.368), (7, 0.307, 0.356), (8, 0.294, 0.344), (9, 0.281, 0.333)],
    (200, 0.034, 0.044),
    *[(epoch, 0.009, 0.004) for epoch in range(300, 1000, 100)],
]


def run(script, library, folder):
    """What a script prints: under real torch, or under minigrad through its own command."""
    command = [sys.executable] + (["-m", "minigrad"] if library == "minigrad" else [])
    done = subprocess.run(
        [*command, EXPERIMENTS / f"{script}.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_line_l1_prints_the_published_lines_digit_for_digit(library, tmp_path):
    expected = [
        f"Epoch: {epoch} | Training loss: {train:.3f} | Testing loss: {test:.3f}" for epoch, train, test in LINE_L1
    ]
    assert run("line_l1", library, tmp_path).splitlines() == expected
    assert (tmp_path / "predictions.png").stat().st_size > 5000


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_circles_trains_as_known(library, tmp_path):
    lines = run("circles", library, tmp_path).splitlines()
    numbers = [[float(number) for number in re.findall(r"\d+\.?\d*", line)] for line in lines]
    linear, relu = numbers[:5], numbers[5:]
    assert [row[0] for row in linear] == [0, 20, 40, 60, 80]
    assert [row[0] for row in relu] == list(range(0, 1000, 10))
    assert all(40 < row[2] < 60 for row in linear), "a linear model cannot do better than chance"
    assert relu[0][1] == 0.69468
    epoch, train_loss, train_accuracy, _, test_accuracy = relu[-1]
    assert (epoch, round(train_loss, 4), train_accuracy, test_accuracy) == (990, 0.3820, 94.38, 92.50)
    for name in ("boundary_linear.png", "boundary_relu.png"):
        assert (tmp_path / name).stat().st_size > 5000

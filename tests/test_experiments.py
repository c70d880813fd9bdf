"""The experiments: their data against scikit-learn, their printed figures from torch and from minigrad."""

import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import sklearn.datasets
import sklearn.metrics
import sklearn.model_selection
import torch
from parity_engines import records_of

from parity import __main__ as command
from parity.records import Update

ROOT = Path(__file__).parent.parent
EXPERIMENTS = ROOT / "parity" / "experiments"
sys.path.insert(0, str(EXPERIMENTS))  # the scripts find their helper in the same way

from drawn_shapes import NAMES, DrawnShapes  # noqa: E402
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


def test_drawn_shapes_are_the_same_every_time():
    whole = lambda x: x  # noqa: E731
    shapes, again, others = (DrawnShapes(200, seed, whole, whole) for seed in (1, 1, 2))
    assert np.array_equal(shapes.images, again.images)
    assert not np.array_equal(shapes.images, others.images)
    assert set(shapes.labels) == set(range(10)) == set(range(len(NAMES)))
    image, label = shapes[3]
    assert (image.dtype, image.shape, type(label)) == (np.uint8, (28, 28), int)
    assert 0.1 < (np.array(shapes.images) > 100).mean() < 0.5


# ---- printed figures ----

LINE_L1 = [  # epoch, training loss, testing loss: the published output of the chapter, all 28 lines
    *[(0, 0.524, 0.557), (1, 0.511, 0.545), (2, 0.498, 0.533), (3, 0.485, 0.522), (4, 0.473, 0.510)],
    *[(5, 0.460, 0.498), (6, 0.447, 0.486), (7, 0.434, 0.474), (8, 0.422, 0.463), (9, 0.409, 0.451)],
    *[(0, 0.396, 0.439), (1, 0.383, 0.427), (2, 0.370, 0.415), (3, 0.358, 0.403), (4, 0.345, 0.392)],
    *[(5, 0.332, 0.380), (6, 0.319, 0.368), (7, 0.307, 0.356), (8, 0.294, 0.344), (9, 0.281, 0.333)],
    (200, 0.034, 0.044),
    *[(epoch, 0.009, 0.004) for epoch in range(300, 1000, 100)],
]


def run(script, library, folder, **variables):
    """What a script prints: under real torch, as parity runs it, or under minigrad through its own command."""
    path = EXPERIMENTS / f"{script}.py"
    with patch.dict(os.environ, variables):
        return run_on_torch(path, folder) if library == "torch" else run_on_minigrad(path, folder)


def run_on_torch(path, folder):
    *records, finished = records_of("torch", path, folder)
    assert finished.outcome == "finished", finished.details
    steps = sum(isinstance(record, Update) for record in records)
    assert steps == command.LENGTHS.get(path.stem, steps), "the progress bar goes by that"
    for picture in folder.glob("torch/*.png"):
        picture.rename(folder / picture.name)
    return (folder / "torch" / "stdout.txt").read_text()


def run_on_minigrad(path, folder):
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", path],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
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


def numbers_in(text):
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+\.?\d*", text)]


LINE_MSE = """\
SGD, learning rate .01
Start: weight 0.3367, bias 0.1288
Epoch   0: train loss 0.0922, validation loss 0.1935
Epoch  20: train loss 0.0390, validation loss 0.1012
Epoch  40: train loss 0.0174, validation loss 0.0577
Epoch  60: train loss 0.0086, validation loss 0.0361
Epoch  80: train loss 0.0050, validation loss 0.0249
End:   weight 0.4398 (true: 0.7), bias 0.3607 (true: 0.3)
x = 0.25: predicted 0.4707, true 0.4750
x = 0.50: predicted 0.5806, true 0.6500
x = 0.75: predicted 0.6906, true 0.8250
"""
FINAL_LOSSES = {  # after 100 epochs from seed 42
    "SGD, lr 0.01": "0.003579",
    "SGD, lr 0.1": "0.000699",
    "Adam, lr 0.01": "0.000256",
    "RMSprop, lr 0.01": "0.000004",
    "Adagrad, lr 0.01": "0.010813",
}


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_line_mse_prints_the_known_figures_digit_for_digit(library, tmp_path):
    text = run("line_mse", library, tmp_path)
    assert text.startswith(LINE_MSE)
    for name, loss in FINAL_LOSSES.items():
        assert f"\n{name}: loss {loss}, weight" in text
    assert "Adam, lr 0.1: stopped after 19 epochs, best at 8" in text
    metrics = {name: numbers_in(line) for name, line in re.findall(r"^(\w+): (MSE.*)$", text, re.MULTILINE)}
    for name, part in (("train", slice(35)), ("validation", slice(35, 42)), ("test", slice(42, 50))):
        x = np.arange(50)[part] * 0.02
        true, predicted = 0.7 * x + 0.3, 0.4398 * x + 0.3607
        mse, mae = ((true - predicted) ** 2).mean(), abs(true - predicted).mean()
        expected = [mse, mae, sklearn.metrics.r2_score(true, predicted)]
        assert metrics[name][:2] == pytest.approx(expected[:2], abs=2e-4)
        assert metrics[name][2] == pytest.approx(expected[2], rel=1e-2)
    at_the_end = [float(lr) for lr in re.findall("lr at the end (.*)", text)]
    assert at_the_end == [0.1, 0.003125, 0.00625], "the last was halved on four plateaus"
    for name in ("losses.png", "predictions.png"):
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_blob_adam_predicts_the_same_after_saving_and_loading(library, tmp_path):
    lines = run("blob_adam", library, tmp_path).splitlines()
    losses = [numbers_in(line)[1] for line in lines[:10]]
    assert losses[0] == 0.685290
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.005
    test, other, loaded = (line.split()[-1] for line in lines[10:13])
    assert test == loaded != other
    assert float(test) < 0.005
    assert lines[13] == "The same predictions: True"
    assert (tmp_path / "predictions.png").stat().st_size > 5000


# ---- fashion ----

needs_fashion = pytest.mark.skipif(
    not (Path(os.environ.get("MINIGRAD_DATA", "")) / "fashion-mnist").is_dir(),
    reason="not run: no Fashion-MNIST (MINIGRAD_DATA names no folder that holds fashion-mnist)",
)


def table_of(text):
    """[epoch, average loss, the course's accuracy, true accuracy] for each epoch."""
    rows = text.split("true accuracy\n")[-1].splitlines()
    return [numbers_in(row) for row in rows if re.match(r" +\d", row)]


@needs_fashion
@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_fashion_shortened_trains_as_known(library, tmp_path):
    text = run("fashion", library, tmp_path, FASHION_IMAGES="1000", FASHION_EPOCHS="2")
    assert "Fashion-MNIST: 1000 images, 2 epochs, 200 steps in all" in text
    first_loss = float(re.search(r"loss: (\S+)", text)[1])
    assert first_loss == pytest.approx(2.295251, abs=1e-5)
    for row, expected in zip(table_of(text), SHORTENED, strict=True):
        assert row[1] == pytest.approx(expected[0], abs=1e-3)
        assert row[2] == pytest.approx(expected[1], abs=1)
        assert row[3] == pytest.approx(expected[2], abs=0.11)
    assert table_of(text)[0][2] > 100, "the mistake that the output names"
    assert "compares (10,) with (10, 10)" in text
    for name in ("losses.png", "predictions.png"):
        assert (tmp_path / name).stat().st_size > 5000


SHORTENED = [(2.174340, 327.3, 51.70), (1.921725, 283.4, 54.60)]  # average loss, the course's and the true accuracy


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_without_fashion_mnist_it_trains_on_shapes_and_says_so(library, tmp_path):
    text = run("fashion", library, tmp_path, FASHION_IMAGES="300", FASHION_EPOCHS="1", MINIGRAD_DATA=str(tmp_path))
    lines = text.splitlines()
    assert lines[0] == "Note: Fashion-MNIST was not found, so these are the figures of drawn shapes."
    assert lines[2] == "drawn shapes: 300 images, 1 epochs, 30 steps in all"
    assert "drawn shapes, seed 42, tested on the training images" in lines
    assert table_of(text)[0][3] > 10


FULL = [  # torch, seed 42: average loss, true accuracy
    *[(0.474684, 83.39), (0.413644, 85.40), (0.373900, 86.58), (0.348691, 87.42), (0.328329, 88.13)],
]


@pytest.mark.parametrize("engine", ["torch", "minigrad"])
def test_the_full_fashion_run_of_the_last_parity_report(engine):
    """A minute's training is too long for a test, so this looks at what `make parity` printed.

    torch reproduces to the digit on this machine's kind. Another order of summation crosses a ReLU's kink some
    hundred steps later, and from there the curves part: `python -m parity fashion --engines torch,torch-reordered`
    shows torch .0016 away from itself; with pixels and neurons in three other orders it was up to .0029 and .09 %.
    """
    printed = ROOT / "parity-report" / "fashion" / engine / "stdout.txt"
    text = printed.read_text() if printed.exists() else ""
    if "60000 images, 5 epochs" not in text or "images never seen" not in text:
        pytest.skip(f"not run: {printed} holds no full run; `make parity` with Fashion-MNIST at hand makes one")
    assert float(re.search(r"loss: (\S+)", text)[1]) == pytest.approx(2.295251, abs=1e-5)
    for row, (loss, accuracy) in zip(table_of(text), FULL, strict=True):
        assert row[1] == pytest.approx(loss, abs=1e-3 if engine == "torch" else 3e-3)
        assert row[3] == pytest.approx(accuracy, abs=0.1)

"""What is timed first: one training step of each experiment as its script does it, with its evaluation pass.

A workload is a function of a `Way` that returns (step, result): step() trains once, result() gives a number by which
the engines are compared before they are timed. The programs are torch's; `start` gives the same beginning, data and
first parameters, as arrays to the engines that speak no torch.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parity.experiments.toy_data import make_circles, train_test_split

Pair = tuple[Callable[[], Any], Callable[[], Any]]


def unchanged(function: Any) -> Any:
    """What an eager engine does with a function: nothing."""
    return function


class Way(NamedTuple):
    """How an engine runs a torch program: the library, and what it does with the program's functions."""

    torch: Any
    device: str = "cpu"
    step: Callable[[Any], Any] = unchanged  # a function that trains and evaluates, and returns tensors: minigrad.replay
    forward: Callable[[Any], Any] = unchanged  # the part of it from x and y to the loss: torch.compile
    adam: dict[str, Any] = {}  # more arguments for Adam: a captured one counts its steps on the GPU


class Start(NamedTuple):
    """Where an experiment begins; `x_test` and `y_test` are the training batch where the script has no other."""

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any
    model: Any

    def to(self, device: str) -> Start:
        return self if device == "cpu" else Start(*(part.to(device) for part in self))


# ---- data and models ----


def line_l1_start(torch: Any) -> Start:
    """40 + 10 points on a line, and one neuron."""
    torch.manual_seed(32)
    x = torch.arange(0, 1, 0.02).unsqueeze(1)
    x_train, x_test, y_train, y_test = train_test_split(x, 0.2 + 0.5 * x, test_size=0.2, random_state=46)
    return Start(x_train, y_train, x_test, y_test, torch.nn.Linear(1, 1))


def line_mse_start(torch: Any) -> Start:
    """35 + 7 points on a line, and a weight and a bias."""
    nn = torch.nn
    x = torch.arange(0, 1, 0.02).unsqueeze(1)
    y = 0.7 * x + 0.3
    torch.manual_seed(42)

    class Model(nn.Module):  # type: ignore[misc, name-defined]  # a module that is an argument
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(1))
            self.bias = nn.Parameter(torch.randn(1))

        def forward(self, x: Any) -> Any:
            return self.weight * x + self.bias

    return Start(x[:35], y[:35], x[35:42], y[35:42], Model())


def blob_adam_start(torch: Any) -> Start:
    """80 + 20 points of a curved function of two features, and 2-3-1 neurons."""
    nn = torch.nn
    torch.manual_seed(42)
    x = 2 * torch.rand(100, 2) - 1
    y = (x[:, 0] ** 2 + x[:, 1] / 2).unsqueeze(1)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    return Start(x_train, y_train, x_test, y_test, nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))


def circles_start(torch: Any) -> Start:
    """800 + 200 points on two circles, and 2-10-10-1 neurons."""
    nn = torch.nn
    points, labels = make_circles(1000, noise=0.05, random_state=23)
    x, y = torch.from_numpy(points).float(), torch.from_numpy(labels).float()
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    torch.manual_seed(32)

    class Model(nn.Module):  # type: ignore[misc, name-defined]  # a module that is an argument
        def __init__(self) -> None:
            super().__init__()
            self.layer1 = nn.Linear(2, 10)
            self.layer2 = nn.Linear(10, 10)
            self.layer3 = nn.Linear(10, 1)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.layer3(self.relu(self.layer2(self.relu(self.layer1(x)))))

    return Start(x_train, y_train, x_test, y_test, Model())


def fashion_start(torch: Any, batch: int = 10, hidden: int = 512) -> Start:
    """A batch of images, one-hot targets, and 784-hidden-hidden-10 neurons."""
    nn = torch.nn
    pixels, labels = images(batch)
    x = torch.from_numpy(pixels)
    y = torch.zeros(batch, 10).scatter_(1, torch.from_numpy(labels).unsqueeze(1), value=1)
    torch.manual_seed(42)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                          nn.Linear(hidden, 10))
    return Start(x, y, x, y, model)


def images(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The first n images of Fashion-MNIST, float32 (n, 1, 28, 28) from 0 to 1, and their labels, int64.

    Without the data set random ones, which take as long. Read up to there only, for the sake of the peak of memory.
    """
    folder = Path(os.environ.get("MINIGRAD_DATA", "data"), "fashion-mnist")
    try:
        pixels = _first_bytes(folder / "train-images-idx3-ubyte.gz", 16, 784 * n).reshape(n, 1, 28, 28)
        labels = _first_bytes(folder / "train-labels-idx1-ubyte.gz", 8, n)
    except FileNotFoundError as error:
        print(f"fashion: random images ({error})", file=sys.stderr)
        random = np.random.RandomState(0)
        pixels, labels = random.randint(256, size=(n, 1, 28, 28)), random.randint(10, size=n)
    return pixels.astype(np.float32) / np.float32(255), labels.astype(np.int64)


def _first_bytes(file: Path, header: int, size: int) -> np.ndarray:
    with gzip.open(file) as unpacked:
        return np.frombuffer(unpacked.read(header + size), np.uint8, offset=header)


# ---- training steps ----


def line_l1(way: Way) -> Pair:
    """40 points, Linear(1, 1), L1, SGD; then the loss on 10 test points."""
    torch = way.torch
    x_train, y_train, x_test, y_test, model = line_l1_start(torch).to(way.device)
    loss_fn = torch.nn.L1Loss()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    loss_of = way.forward(lambda x, y: loss_fn(model(x), y))
    test_loss = torch.zeros(())

    @way.step
    def train_and_test() -> Any:
        model.train()
        loss = loss_of(x_train, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.inference_mode():
            return loss_of(x_test, y_test)

    def step() -> None:
        nonlocal test_loss
        test_loss = train_and_test()

    return step, lambda: test_loss.item()


def line_mse(way: Way) -> Pair:
    """35 points, two bare parameters, MSE, SGD; then the loss on 7 validation points. Both losses are noted."""
    torch = way.torch
    x_train, y_train, x_val, y_val, model = line_mse_start(torch).to(way.device)
    loss_fn = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = way.forward(lambda x, y: loss_fn(model(x), y))
    val_loss = 0.0

    @way.step
    def train_and_validate() -> tuple[Any, Any]:
        model.train()
        loss = loss_of(x_train, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            return loss, loss_of(x_val, y_val)

    def step() -> None:
        nonlocal val_loss
        loss, found = train_and_validate()
        loss.item()
        val_loss = found.item()

    return step, lambda: val_loss


def blob_adam(way: Way) -> Pair:
    """80 points, Linear(2, 3), ReLU, Linear(3, 1), MSE, Adam. The loss is noted."""
    torch = way.torch
    x_train, y_train, x_test, y_test, model = blob_adam_start(torch).to(way.device)
    loss_fn = torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, **way.adam)
    loss_of = way.forward(lambda x, y: loss_fn(model(x), y))

    @way.step
    def train(x: Any, y: Any) -> Any:
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    def step() -> None:
        train(x_train, y_train).item()

    def result() -> float:
        with torch.no_grad():
            return float(loss_fn(model(x_test), y_test).item())

    return step, result


def circles(way: Way) -> Pair:
    """800 points, 2-10-10-1 with ReLU, BCE with logits, SGD; loss and accuracy on both sets."""
    torch = way.torch
    x_train, y_train, x_test, y_test, model = circles_start(torch).to(way.device)
    loss_fn = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    test_loss = torch.zeros(())

    @way.forward
    def loss_of(x: Any, y: Any) -> tuple[Any, Any]:
        logits = model(x).squeeze()
        return loss_fn(logits, y), logits

    def right(logits: Any, y: Any) -> Any:
        return torch.eq(y, torch.round(torch.sigmoid(logits))).sum()

    @way.step
    def train_and_test() -> tuple[Any, Any, Any]:
        model.train()
        loss, logits = loss_of(x_train, y_train)
        correct = right(logits, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.inference_mode():
            test_loss, logits = loss_of(x_test, y_test)
            return correct, test_loss, right(logits, y_test)

    def step() -> None:
        nonlocal test_loss
        correct, test_loss, test_correct = train_and_test()
        correct.item() / len(y_train) * 100
        test_correct.item() / len(y_test) * 100

    return step, lambda: test_loss.item()


def fashion(way: Way, batch: int = 10, hidden: int = 512) -> Pair:
    """One batch of images, the same at every step: ReLU, cross entropy on one-hot targets, SGD with momentum."""
    torch = way.torch
    x_train, y_train, _, _, model = fashion_start(torch, batch, hidden).to(way.device)
    loss_fn = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    loss_of = way.forward(lambda x, y: loss_fn(model(x), y))

    @way.step
    def train(x: Any, y: Any) -> None:
        loss = loss_of(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def result() -> float:
        with torch.no_grad():
            return float(loss_fn(model(x_train), y_train).item())

    return lambda: train(x_train, y_train), result


WORKLOADS: dict[str, Callable[..., Pair]] = {f.__name__: f for f in (line_l1, line_mse, blob_adam, circles, fashion)}
STARTS = {"line_l1": line_l1_start, "line_mse": line_mse_start, "blob_adam": blob_adam_start,
          "circles": circles_start, "fashion": fashion_start}


def start(name: str, **size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The same beginning as NumPy arrays, by minigrad, which draws torch's numbers: the data, the parameters."""
    import minigrad

    *data, model = STARTS[name](minigrad, **size)
    return [part.numpy().copy() for part in data], [p.detach().numpy().copy() for p in model.parameters()]

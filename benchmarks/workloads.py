"""What is timed: one training step of each experiment as its script does it, with its evaluation pass.

A workload is a function of the library that returns (step, result): step() trains once, result() gives a number by
which the engines are compared before they are timed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.vision.datasets import FashionMNIST
from parity.experiments.toy_data import make_circles, train_test_split

Workload = tuple[Callable[[], None], Callable[[], float]]


def line_l1(torch: Any) -> Workload:
    """40 points, Linear(1, 1), L1, SGD; then the loss on 10 test points."""
    nn = torch.nn
    torch.manual_seed(32)
    x = torch.arange(0, 1, 0.02).unsqueeze(1)
    x_train, x_test, y_train, y_test = train_test_split(x, 0.2 + 0.5 * x, test_size=0.2, random_state=46)
    model = nn.Linear(1, 1)
    loss_fn = nn.L1Loss()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    test_loss = torch.zeros(())

    def step() -> None:
        nonlocal test_loss
        model.train()
        loss = loss_fn(model(x_train), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.inference_mode():
            test_loss = loss_fn(model(x_test), y_test)

    return step, lambda: test_loss.item()


def circles(torch: Any) -> Workload:
    """800 points, 2-10-10-1 with ReLU, BCE with logits, SGD; loss and accuracy on both sets."""
    nn = torch.nn
    points, labels = make_circles(1000, noise=0.05, random_state=23)
    x, y = torch.from_numpy(points).float(), torch.from_numpy(labels).float()
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    torch.manual_seed(32)

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer1 = nn.Linear(2, 10)
            self.layer2 = nn.Linear(10, 10)
            self.layer3 = nn.Linear(10, 1)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.layer3(self.relu(self.layer2(self.relu(self.layer1(x)))))

    model = Model()
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    test_loss = torch.zeros(())

    def accuracy(logits: Any, y: Any) -> float:
        return torch.eq(torch.round(torch.sigmoid(logits)), y).sum().item() / len(y) * 100

    def step() -> None:
        nonlocal test_loss
        model.train()
        logits = model(x_train).squeeze()
        loss = loss_fn(logits, y_train)
        accuracy(logits, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.inference_mode():
            logits = model(x_test).squeeze()
            test_loss = loss_fn(logits, y_test)
            accuracy(logits, y_test)

    return step, lambda: test_loss.item()


def blob_adam(torch: Any) -> Workload:
    """80 points, Linear(2, 3), ReLU, Linear(3, 1), MSE, Adam."""
    nn = torch.nn
    torch.manual_seed(42)
    x = 2 * torch.rand(100, 2) - 1
    y = (x[:, 0] ** 2 + x[:, 1] / 2).unsqueeze(1)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def step() -> None:
        loss = loss_fn(model(x_train), y_train)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()

    def result() -> float:
        with torch.no_grad():
            return float(loss_fn(model(x_test), y_test).item())

    return step, result


def line_mse(torch: Any) -> Workload:
    """35 points, two bare parameters, MSE, SGD; then the loss on 7 validation points."""
    nn = torch.nn
    x = torch.arange(0, 1, 0.02).unsqueeze(1)
    y = 0.7 * x + 0.3
    x_train, y_train, x_val, y_val = x[:35], y[:35], x[35:42], y[35:42]
    torch.manual_seed(42)

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(1))
            self.bias = nn.Parameter(torch.randn(1))

        def forward(self, x: Any) -> Any:
            return self.weight * x + self.bias

    model = Model()
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    val_loss = 0.0

    def step() -> None:
        nonlocal val_loss
        model.train()
        loss = loss_fn(model(x_train), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        model.eval()
        with torch.no_grad():
            val_loss = loss_fn(model(x_val), y_val).item()

    return step, lambda: val_loss


def fashion(torch: Any) -> Workload:
    """One batch of 10 images, the same at every step: 784-512-512-10 with ReLU, cross entropy, SGD with momentum."""
    nn = torch.nn
    images, labels = ten_images()
    x = torch.from_numpy(images).float().div(255)
    y = torch.zeros(10, 10).scatter_(1, torch.from_numpy(labels).unsqueeze(1), value=1)
    torch.manual_seed(42)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)

    def step() -> None:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def result() -> float:
        with torch.no_grad():
            return float(loss_fn(model(x), y).item())

    return step, result


def ten_images() -> tuple[np.ndarray, np.ndarray]:
    """The first ten images of Fashion-MNIST and their labels; without it, random ones, which take as long."""
    try:
        data = FashionMNIST(os.environ.get("MINIGRAD_DATA", "data"))
    except RuntimeError as error:
        print(f"fashion: random images ({error})", file=sys.stderr)
        random = np.random.RandomState(0)
        return random.randint(256, size=(10, 1, 28, 28)).astype(np.uint8), random.randint(10, size=10)
    return data.data[:10].numpy()[:, None].copy(), data.targets[:10].numpy().copy()


WORKLOADS = {f.__name__: f for f in (line_l1, circles, blob_adam, line_mse, fashion)}

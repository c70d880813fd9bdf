"""What is timed: one training step of each experiment as its script does it, with its evaluation pass.

A workload is a function of the library that returns (step, result): step() trains once, result() gives a number by
which the engines are compared before they are timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

    class Model(nn.Module):  # type: ignore[misc]
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


WORKLOADS = {"line_l1": line_l1, "circles": circles}

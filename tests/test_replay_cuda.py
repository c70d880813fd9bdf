"""Replay on a GPU: the step's calls are captured once as a CUDA graph, and give the eager step's numbers bit for bit.

The strict array module stands in for CuPy, its streams and its graphs (strict.py): while a graph is captured nothing is
computed, new memory holds 77, and whatever asks for a value raises, as on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minigrad
from minigrad import nn, optim
from minigrad.replay import ReplayError
from minigrad.replay.graph import Captured

STEPS = 12

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.05, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05, amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1), "NAdam": lambda p: optim.NAdam(p, lr=0.01),
}
MODELS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)),
    "conv": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                                  nn.Flatten(), nn.Linear(36, 3)),
    "smooth": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 3)),
}


def train(model_name: str, optimizer_name: str, replayed: bool) -> tuple[list[float], list[Any], Any]:
    """Losses, the state at the end, and the step."""
    minigrad.manual_seed(0)
    model = MODELS[model_name]().to("cuda")
    minigrad.cuda.manual_seed(4)
    optimizer = OPTIMIZERS[optimizer_name](model.parameters())
    schedule = optim.lr_scheduler.StepLR(optimizer, 4, 0.5)

    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x.to("cuda")), y.to("cuda"))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    run: Any = minigrad.replay(step) if replayed else step
    draws = minigrad.Generator().manual_seed(3)
    losses = [run(minigrad.randn(10, 1, 6, 6, generator=draws), minigrad.randint(0, 3, (10,), generator=draws)).item()
              for _ in range(STEPS)]
    state = [t.tolist() for t in model.state_dict().values()]
    state += [p.grad.tolist() for p in model.parameters()]
    state += [t.tolist() for kept in optimizer.state_dict()["state"].values() for t in kept.values() if t is not None]
    return losses, state, run


@pytest.mark.parametrize(("model", "optimizer"),
                         [("mlp", name) for name in OPTIMIZERS] + [("conv", "SGD"), ("smooth", "Adam")])
def test_a_captured_step_gives_the_eager_numbers_bit_for_bit(model: str, optimizer: str, strict_device: None) -> None:
    eager, replayed = train(model, optimizer, False), train(model, optimizer, True)
    assert eager[:2] == replayed[:2]
    (program,) = replayed[2].programs
    assert isinstance(program.run, Captured) and program.run.graph is not None, "it was captured"


def test_a_program_on_a_gpu_is_printed_in_its_three_parts(strict_device: None) -> None:
    text = str(train("mlp", "Adam", True)[2].programs[0])
    before, calls, after = text.split("def ")[1:]
    assert before.startswith("before(x0, x1)") and "_numbers(adam0" in before and "bernoulli(" in before
    assert calls.startswith("calls()") and "bernoulli" not in calls and "x0" not in calls and "n0" not in calls
    assert after.startswith("after(x0, x1)") and ".grad = " in after and "return wrap(" in after


def test_a_new_learning_rate_reaches_the_graph(strict_device: None) -> None:
    weight = minigrad.ones(3, device="cuda", requires_grad=True)
    optimizer = optim.SGD([weight], lr=1.0)

    @minigrad.replay
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    x = minigrad.ones(3, device="cuda")
    for _ in range(6):
        step(x)
    assert weight.tolist() == [-5.0] * 3
    optimizer.param_groups[0]["lr"] = 10.0
    step(2 * x)
    assert weight.tolist() == [-25.0] * 3


@pytest.mark.parametrize("look", [lambda loss: loss.item(), lambda loss: loss.cpu(), lambda loss: bool(loss > 0)])
def test_looking_at_values_inside_the_step_is_refused(look: Callable[[Any], Any], strict_device: None) -> None:
    weight = minigrad.ones(3, device="cuda", requires_grad=True)

    @minigrad.replay
    def step() -> Any:
        loss = (weight * weight).sum()
        look(loss)
        return loss

    with pytest.raises(ReplayError):
        step()


def test_a_class_out_of_range_is_noticed_when_replayed(strict_device: None) -> None:
    weight = minigrad.zeros(4, 3, device="cuda")

    @minigrad.replay
    def step(x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(x @ weight, y)

    x, y = minigrad.ones(2, 4, device="cuda"), minigrad.tensor([0, 2], device="cuda")
    for _ in range(6):
        step(x, y)
    assert step.programs
    with pytest.raises(ReplayError, match="no class"):
        step(x, y + 1)

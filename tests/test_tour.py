"""The tour: every chapter runs and says what is true, and gives torch's numbers; its exercises can be solved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from docs.tools import literate

TOUR = Path(literate.DOCS) / "tour"
EXERCISES = TOUR / "exercises"
CHAPTERS = sorted(TOUR.glob("c*.py"))
RNG = np.random.default_rng(0)


def chapter(name: str) -> Any:
    """A chapter as a module."""
    if str(TOUR) not in sys.path:
        sys.path.insert(0, str(TOUR))
    return __import__(name)


def leaves(*arrays: Any) -> list[Any]:
    return [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]


def same(ours: Any, theirs: torch.Tensor) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_and_its_examples_are_true(path: Path) -> None:
    literate.run(path)


def test_chapter_1_against_torch() -> None:
    w, b = leaves(0.3, 0.1)
    loss = ((w * 2 + b).tanh() - 1) ** 2
    loss.backward()
    for ours, theirs in zip(chapter("c1_chain_rule").backward(0.3, 0.1), (w.grad, b.grad), strict=True):
        same(ours, theirs)


def test_chapter_2_against_torch() -> None:
    c2 = chapter("c2_tape")
    x, y = leaves(0.7, -0.4)
    middle = x * y
    (middle * middle + middle.tanh() * middle * x + y).backward()
    a, b = c2.Number(0.7), c2.Number(-0.4)
    middle = a * b
    c2.backward(middle * middle + middle.tanh() * middle * a + b)
    same(a.grad, x.grad)
    same(b.grad, y.grad)


def test_chapter_3_against_torch() -> None:
    c3 = chapter("c3_broadcasting")
    values = [RNG.normal(size=shape) for shape in ((4, 3), (3, 2), (2,), (4, 1))]
    x, w, b, scale = leaves(*values)
    ((x @ w + b).tanh() * scale).sum().backward()
    ours = [c3.Tensor(value) for value in values]
    c3.backward(((ours[0] @ ours[1] + ours[2]).tanh() * ours[3]).sum())
    for mine, theirs in zip(ours, (x, w, b, scale), strict=True):
        same(mine.grad, theirs.grad)


UNARY = {"exp": torch.exp, "log": torch.log, "tanh": torch.tanh, "relu": torch.relu, "t": torch.t}
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "mm": torch.mm}


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_chapter_4_every_rule_against_torch_to_second_order(name: str) -> None:
    """The rules of chapter 4, run on arrays there and on tensors in chapter 8, from a random cotangent."""
    c4, c8 = chapter("c4_table"), chapter("c8_second_order")
    inputs = 1 if name in UNARY else 2
    values = [RNG.uniform(0.3, 2, (3, 3)) for _ in range(inputs)]
    function = (UNARY | BINARY)[name]

    xs = leaves(*values)
    out = function(*xs)
    cotangent, way = RNG.normal(size=(2, 3, 3))
    first = torch.autograd.grad(out, xs, torch.tensor(cotangent), create_graph=True)
    direction = sum((g * g * torch.tensor(way)).sum() for g in first)
    second = torch.autograd.grad(direction, xs, allow_unused=True) if direction.requires_grad else [None] * inputs

    ours = [c4.Tensor(value, requires_grad=True) for value in values]
    loss = c4.fit(getattr(c4, name)(*ours) * cotangent, ())
    mine = c8.gradients(loss, ours, create_graph=True)
    for a, b in zip(mine, first, strict=True):
        same(a.value, b)
    total = sum((c4.fit(g * g * way, ()) for g in mine), c4.Tensor(0.0))
    expected = [(leaf, b) for leaf, b in zip(ours, second, strict=True) if b is not None and b.any()]
    assert bool(expected) == (total.node is not None)  # what is linear has a constant gradient, for torch and here
    if expected:
        for a, (_, b) in zip(c8.gradients(total, [leaf for leaf, _ in expected]), expected, strict=True):
            same(a, b)


def test_chapter_5_against_torch() -> None:
    c5 = chapter("c5_modules")
    network = c5.Network(np.random.default_rng(3))
    model = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)).double()
    with torch.no_grad():
        for theirs, (_, mine) in zip(model.parameters(), network.parameters(), strict=True):
            theirs.copy_(torch.tensor(mine.value.T))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    x, y = map(torch.tensor, c5.saddle())
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert c5.train(network, 20) == pytest.approx(losses, rel=1e-10)


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_chapter_6_against_torch(size: float) -> None:
    c4, c6 = chapter("c4_table"), chapter("c6_losses")
    values, y = size * RNG.normal(size=(5, 3)), np.eye(3)[[0, 2, 1, 1, 0]]
    (logits,) = leaves(values)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    ours = c4.Tensor(values, requires_grad=True)
    mine = c6.cross_entropy(ours, c4.Tensor(y))
    c4.backward(mine)
    same(mine.value, loss)
    same(ours.grad, logits.grad)


@pytest.mark.parametrize("name, options", [("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9}),
                                           ("Adam", {"lr": 0.01}), ("Adam", {"lr": 0.1, "betas": (0.5, 0.8)})])
def test_chapter_7_against_torch(name: str, options: dict[str, Any]) -> None:
    c4, c7 = chapter("c4_table"), chapter("c7_optimizers")
    start = RNG.normal(size=4)
    (theirs,) = leaves(start)
    ours = c4.Tensor(start, requires_grad=True)
    optimizer, mine = getattr(torch.optim, name)([theirs], **options), getattr(c7, name)([ours], **options)
    for gradient in RNG.normal(size=(20, 4)):
        theirs.grad, ours.node.grad = torch.tensor(gradient), gradient
        optimizer.step()
        mine.step()
        same(ours.value, theirs)


def test_chapter_8_against_torch() -> None:
    """A network's gradient, differentiated again."""
    c4, c8 = chapter("c4_table"), chapter("c8_second_order")
    values = [RNG.normal(size=shape) for shape in ((4, 3), (3, 2), (2,))]

    x, w, b = leaves(*values)
    first = torch.autograd.grad((x @ w + b).tanh().sum(), [w, b], create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), [x, w, b])

    ours = [c4.Tensor(value, requires_grad=True) for value in values]
    loss = c4.fit(c4.tanh(ours[0] @ ours[1] + ours[2]), ())
    g_w, g_b = c8.gradients(loss, ours[1:], create_graph=True)
    for mine, theirs in zip(c8.gradients(c4.fit(g_w * g_w, ()) + c4.fit(g_b * g_b, ()), ours), second, strict=True):
        same(mine, theirs)


def run_exercises(solutions: str) -> list[str]:
    """The results of the exercises' tests: ['PASSED', 'FAILED', ...]."""
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--tb=no", str(EXERCISES)]
    env = {**os.environ, "SOLUTIONS": solutions}
    printed = subprocess.run(command, capture_output=True, text=True, env=env, cwd=TOUR.parent.parent).stdout
    return [line.split()[0] for line in printed.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))]


def test_the_solutions_turn_every_exercise_green() -> None:
    assert run_exercises(solutions="1") == ["PASSED"] * 13


def test_without_them_all_are_red_but_the_one_to_be_broken() -> None:
    assert sorted(run_exercises(solutions="")) == ["FAILED"] * 10 + ["PASSED"] * 3


def test_wrong_walk_orders_fail_as_the_solution_says() -> None:
    c2 = chapter("c2_tape")
    names = {}
    exec((EXERCISES / "solutions" / "x2_walk_order.py").read_text(), names)

    def gradient(f: Any, order: Any) -> float:
        x = c2.Number(0.5)
        c2.backward(f(x), order)
        return round(x.grad, 12)

    def with_square(f: Any) -> Any:
        return lambda x: f(x * x)

    programs = [with_square(f) for f in (lambda m: m.tanh(), lambda m: m.tanh() + m * m, lambda m: m + m.tanh() * m)]
    right = [gradient(f, names["order"]) for f in programs]
    for order, fails in (("oldest_first", [True] * 3), ("as_found", [False, False, True]),
                         ("depth_first", [False, True, True])):
        found = [gradient(f, names[order]) for f in programs]
        assert [a != b for a, b in zip(found, right, strict=True)] == fails, order


def test_every_exercise_has_a_solution_and_a_chapter_that_sends_you_there() -> None:
    told = "".join(path.read_text() for path in CHAPTERS)
    names = [path.name for path in sorted(EXERCISES.glob("x*.py"))]
    assert names == [path.name for path in sorted((EXERCISES / "solutions").glob("x*.py"))]
    assert len(names) == 9 and all(f"(exercises/{name})" in told for name in names)

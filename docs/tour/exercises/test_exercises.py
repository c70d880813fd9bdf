"""Turn these green: one test, or a few, for each exercise of the tour.

    python -m pytest docs/tour/exercises                 all of them
    python -m pytest docs/tour/exercises -k softplus     one
    SOLUTIONS=1 python -m pytest docs/tour/exercises     the solutions, instead of what you wrote
"""

import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # the chapters

from c1_chain_rule import slope
from c2_tape import Number, backward
import c3_broadcasting as c3
import c4_table as c4


def exercise(name):
    """What an exercise's file defines: yours, or the solution's."""
    folder = HERE / "solutions" if os.environ.get("SOLUTIONS") else HERE
    return SimpleNamespace(**runpy.run_path(str(folder / f"{name}.py")))


def measured(f, x, step=1e-6):
    """The gradient of f at the array x, one element at a time: chapter 1's slope, for arrays."""
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[i] = step
        found[i] = (f(x + nudge) - f(x - nudge)) / (2 * step)
    return found


def test_chain_rule():
    x1 = exercise("x1_chain_rule")
    g_w, g_b = x1.backward(0.3, -0.2, 2.0)
    assert g_w == pytest.approx(slope(lambda w: x1.loss(w, -0.2, 2.0), 0.3), rel=1e-6)
    assert g_b == pytest.approx(slope(lambda b: x1.loss(0.3, b, 2.0), -0.2), rel=1e-6)


def gradient_of(f, at):
    x = Number(at)
    backward(f(x), exercise("x2_walk_order").order)
    return x.grad


def test_walk_order_of_one_chain():
    assert gradient_of(lambda x: x.tanh().tanh(), 0.5) == pytest.approx(
        slope(lambda x: np.tanh(np.tanh(x)), 0.5), rel=1e-6)


def test_walk_order_of_two_paths_of_the_same_length():
    def two_paths(x):
        middle = x * x
        return middle.tanh() + middle * middle

    assert gradient_of(two_paths, 0.5) == pytest.approx(slope(lambda x: np.tanh(x**2) + x**4, 0.5), rel=1e-6)


def test_walk_order_of_two_paths_of_different_lengths():
    def two_paths(x):
        middle = x * x
        return middle + middle.tanh() * middle

    assert gradient_of(two_paths, 0.5) == pytest.approx(
        slope(lambda x: x**2 + np.tanh(x**2) * x**2, 0.5), rel=1e-6)


def test_division():
    divide = exercise("x3_division").divide
    x, y = Number(3.0), Number(-2.0)
    out = divide(x, y)
    assert out.value == -1.5
    backward(out * out)
    assert x.grad == pytest.approx(slope(lambda x: (x / -2) ** 2, 3.0), rel=1e-6)
    assert y.grad == pytest.approx(slope(lambda y: (3 / y) ** 2, -2.0), rel=1e-6)


def test_mean():
    mean_of_rows = exercise("x4_mean").mean_of_rows
    start = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]])
    x = c3.Tensor(start)
    c3.backward(mean_of_rows(x).tanh().sum())
    assert x.grad == pytest.approx(measured(lambda x: np.tanh(x.mean(0)).sum(), start), rel=1e-5)


def test_softsign():
    softsign = exercise("x5_softsign").softsign
    start = np.array([-30.0, -0.5, 0.0, 2.0])
    x = c4.Tensor(start, requires_grad=True)
    c4.backward(c4.fit(softsign(x) * np.array([1.0, 2.0, 3.0, 4.0]), ()))
    assert x.grad == pytest.approx(np.array([1.0, 2.0, 3.0, 4.0]) / (1 + np.abs(start)) ** 2)


def test_softsign_twice():
    """The rule runs on tensors: the second derivative of softsign at 2 is -2 / 3³."""
    from c8_second_order import gradients

    x = c4.Tensor(2.0, requires_grad=True)
    (first,) = gradients(exercise("x5_softsign").softsign(x), [x], create_graph=True)
    (second,) = gradients(first, [x])
    assert float(second) == pytest.approx(-2 / 27)


def test_sequential():
    from c5_modules import Linear

    rng = np.random.default_rng(0)
    first, last = Linear(2, 3, rng), Linear(3, 1, rng)
    model = exercise("x6_sequential").Sequential(first, c4.tanh, last)
    assert [name for name, _ in model.parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    x = c4.Tensor([[1.0, -1.0]])
    assert model(x).value == pytest.approx(last(c4.tanh(first(x))).value)


def test_softplus():
    softplus = exercise("x7_softplus").softplus
    x = c4.Tensor([-1000.0, -1.0, 0.0, 1.0, 1000.0], requires_grad=True)
    out = softplus(x)
    assert out.value == pytest.approx([0, np.log1p(np.exp(-1)), np.log(2), np.log1p(np.exp(1)), 1000])
    c4.backward(c4.fit(out, ()))
    assert x.grad == pytest.approx([0, 1 / (1 + np.exp(1)), 0.5, 1 / (1 + np.exp(-1)), 1])


def test_softplus_makes_a_loss():
    bce_with_logits = exercise("x7_softplus").bce_with_logits
    x = c4.Tensor([1000.0, -1000.0, 1000.0], requires_grad=True)
    loss = bce_with_logits(x, c4.Tensor([1.0, 0.0, 0.0]))
    assert float(loss.value) == pytest.approx(1000 / 3)
    c4.backward(loss)
    assert x.grad == pytest.approx([0, 0, 1 / 3])


def test_rmsprop():
    p = c4.Tensor([5.0, -5.0], requires_grad=True)
    optimizer = exercise("x8_rmsprop").RMSprop([p], lr=0.01)
    p.node.grad = np.array([1e-3, 1e3])
    optimizer.step()
    assert p.value == pytest.approx([4.9, -5.1], abs=1e-5)
    optimizer.step()
    assert p.value == pytest.approx([4.9 - 0.01 / np.sqrt(0.0199), -5.1 - 0.01 / np.sqrt(0.0199)], abs=1e-4)


def test_curvature():
    """The loss sum(exp(x)) + (x1 x2) has the matrix diag(exp(x)), with a 1 at either side of the diagonal."""
    at, direction = np.array([0.5, -1.0]), np.array([2.0, 1.0])
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])

    def loss(x):
        return c4.fit(c4.exp(x), ()) + c4.fit(x * c4.mm(x, swap), ()) / 2

    x = c4.Tensor(at, requires_grad=True)
    found = exercise("x9_curvature").hessian_times(loss, x, direction)
    assert found == pytest.approx((np.diag(np.exp(at)) + swap) @ direction)

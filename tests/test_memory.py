"""What the tape keeps alive: one array a layer, the same for every operation, and nothing from step to step."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

import minigrad as mg
from minigrad import nn

BATCH, WIDTH, LAYERS = 500, 200, 6
ACTIVATION = BATCH * WIDTH * 4  # bytes


def held_after(make: Callable[[], Any]) -> int:
    """Bytes that what `make` returns keeps alive."""
    tracemalloc.start()
    try:
        kept = make()
        held = tracemalloc.get_traced_memory()[0]
        del kept
    finally:
        tracemalloc.stop()
    return held


def test_linear_and_relu_hold_one_activation_a_layer() -> None:
    """The product's own array goes: ReLU's rule reads its output, and the next Linear's its input, the same array."""
    model = nn.Sequential(*[layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH), nn.ReLU())])
    x = mg.randn(BATCH, WIDTH)
    model(x)
    held = held_after(lambda: model(x))
    assert LAYERS * ACTIVATION <= held < LAYERS * ACTIVATION + 50_000


def test_evaluation_holds_the_last_activation_alone() -> None:
    model = nn.Sequential(*[layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH), nn.ReLU())])
    x = mg.randn(BATCH, WIDTH)
    with mg.no_grad():
        assert held_after(lambda: model(x)) < ACTIVATION + 20_000


def test_bytes_for_an_operation_do_not_depend_on_the_graphs_length() -> None:
    """Long ones, both: the first few thousand small tuples come out of Python's own stock, and are not counted."""

    def chain(n: int) -> Any:
        y = x
        for _ in range(n):
            y = y * x
        return y

    x = mg.ones(1, requires_grad=True)
    chain(10)
    short, long = held_after(lambda: chain(10_000)) / 10_000, held_after(lambda: chain(40_000)) / 40_000
    assert long == pytest.approx(short, rel=0.05)


def test_backward_frees_a_graph_whose_loss_is_still_held() -> None:
    w = mg.randn(WIDTH, WIDTH, requires_grad=True)
    x = mg.randn(BATCH, WIDTH)
    w.grad = mg.zeros(WIDTH, WIDTH)

    def trained() -> Any:
        loss = (x @ w).tanh().sum()
        loss.backward()
        return loss

    trained()
    assert held_after(trained) < ACTIVATION / 10


@pytest.mark.parametrize("collector", [True, False])
def test_no_growth_over_10_000_steps(collector: bool) -> None:
    """Counted in Python's blocks of memory, of which every array has some. Also with the garbage collector off: no step
    leaves a cycle behind."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
    optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
    scheduler = mg.optim.lr_scheduler.StepLR(optimizer, step_size=1000)
    x, y = mg.randn(10, 3), mg.randn(10, 1)

    def steps(n: int) -> None:
        for _ in range(n):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()

    was_on = gc.isenabled()
    try:
        (gc.enable if collector else gc.disable)()
        steps(1000)  # Python keeps some freed objects for later: their number settles
        before = sys.getallocatedblocks()
        steps(10_000)
        grown = sys.getallocatedblocks() - before
    finally:
        (gc.enable if was_on else gc.disable)()
    assert grown < 1000  # a tenth of a block a step

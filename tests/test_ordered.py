"""The engine minigrad-ordered: added up in torch's order, minigrad's numbers are torch's, bit for bit."""

from contextlib import contextmanager
from itertools import zip_longest

import numpy as np
import pytest
import torch
from parity_engines import write_script

from parity import engines, ordered
from parity.engines import ENGINES, EngineProcess, Run, environment
from parity.records import Backward, Line, Update

STEPS, FEW = 300, 20
FASHION = f"""
import hashlib
import sys
import torch
from torch import nn

torch.manual_seed(42)
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
for step in range(int(sys.argv[1])):
    images = torch.rand(10, 1, 28, 28)
    images = images * (images > 0.4)
    targets = torch.zeros(10, 10)
    targets[range(10), torch.randint(0, 10, (10,))] = 1
    loss = loss_fn(model(images), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step + 1 in ({FEW}, {STEPS}):
        for p in model.parameters():
            print(hashlib.sha256(p.detach().numpy().tobytes()).hexdigest())
"""


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def meeting(columns, i, j):
    """How many of 512 products are added up where torch's i-th and j-th meet: the ones that 2**60 swallows."""
    x = np.ones((10, 512), np.float32)
    x[:, i], x[:, j] = 2.0**60, -(2.0**60)
    return 512 - int(torch.from_numpy(x).matmul(torch.ones(columns, 512).T)[0, 0])


def needs_these_orders():
    """Skip, and say why, where torch's kernels are not those whose orders parity/ordered.py knows."""
    if not engines.has_avx512() or torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("not run: torch uses no AVX-512 here, and adds in an order that ordered.py doesn't know")
    found = [meeting(512, 0, 1), meeting(512, 0, 191), meeting(512, 0, 192), meeting(10, 0, 4), meeting(10, 0, 2)]
    if found != [2, 192, 384, 2, 256]:
        pytest.skip(f"not run: MKL's products on this processor have an order that ordered.py doesn't know: {found}")


@contextmanager
def running(engine, script, steps):
    """An engine's records as they come: kept, the gradients of 300 steps are half a gigabyte."""
    process = EngineProcess(ENGINES[engine], Run(script, (str(steps),)), script.parent / engine)
    try:
        yield process.records()
    finally:
        process.stop()


def test_300_steps_of_fashions_network_are_torchs_bit_for_bit(tmp_path):
    needs_these_orders()
    script = write_script(tmp_path, "fashion_net", FASHION)
    steps, parameters = 0, []
    with running("torch", script, STEPS) as theirs, running("minigrad-ordered", script, STEPS) as ours:
        for our, their in zip_longest(ours, theirs):
            assert type(our) is type(their)
            if isinstance(their, Backward):
                assert our.loss == their.loss
                steps += 1
            if isinstance(their, Update):
                for a, b in zip([*our.gradients, *our.values], [*their.gradients, *their.values], strict=True):
                    np.testing.assert_array_equal(a, b, strict=True)
            if isinstance(their, Line):  # a parameter after the first few steps, or after the last
                assert our.text == their.text
                parameters.append(their.text)
    assert steps == STEPS and len(parameters) == 12

    with running("minigrad", script, FEW) as usual:  # were this equal, the engine would show nothing
        hashes = [record.text for record in usual if isinstance(record, Line)]
    assert len(hashes) == 6 and not set(hashes) & set(parameters[:6])


@pytest.mark.parametrize("classes", [2, 3, 9, 10, 15])
def test_log_softmax_and_its_gradient_are_torchs_bit_for_bit(classes):
    needs_these_orders()
    x = 5 * random(20_000, classes)
    ours = ordered.log_softmax(x)
    np.testing.assert_array_equal(ours, torch.from_numpy(x).log_softmax(1).numpy())

    y = np.eye(classes, dtype=np.float32)[np.random.default_rng(1).integers(0, classes, len(x))]
    logits = torch.from_numpy(x).requires_grad_()
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(y)).backward()
    np.testing.assert_array_equal(ordered.cross_entropy_rule(np.float32(1), x, y, (1,), len(x)), logits.grad.numpy())


def test_sums_are_torchs_bit_for_bit():
    needs_these_orders()
    for rows in range(1, 17):
        for columns in (8, 10, 31, 32, 45, 512):
            x = random(rows, columns, seed=rows)
            np.testing.assert_array_equal(ordered.sum_of_rows(x), torch.from_numpy(x).sum(0).numpy())
    for size in (1, 3, 8, 10, 32, 90, 100, 255, 500):
        x = random(size, seed=size)
        assert ordered.total(x) == torch.from_numpy(x).sum().item()


def test_what_is_in_no_known_order_is_right_all_the_same():
    """Shapes and dtypes beyond fashion's: the numbers of float64, within rounding."""
    for rows, inner, columns in ((1, 512, 10), (2, 30, 7), (33, 100, 40), (10, 512, 1), (100, 8, 16), (5, 16, 11)):
        for dtype in (np.float32, np.float64):
            x, w, b = (random(*shape).astype(dtype) for shape in ((rows, inner), (columns, inner), (columns,)))
            ours = ordered.linear(x, w, b)
            assert ours.dtype == dtype and ours.shape == (rows, columns)
            exact = x.astype(np.float64) @ w.T + b
            np.testing.assert_allclose(ours, exact, rtol=0, atol=inner * 4 * np.finfo(dtype).eps)
            np.testing.assert_allclose(ordered.sum_of_rows(x), x.sum(0), rtol=0, atol=rows * 4 * np.finfo(dtype).eps)


def test_without_avx512_its_kernels_are_not_asked_for(monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    for available in (True, False):
        monkeypatch.setattr(engines, "has_avx512", lambda available=available: available)
        assert ("OPENBLAS_CORETYPE" in environment(ENGINES["minigrad-ordered"])) is available
        assert "OPENBLAS_CORETYPE" not in environment(ENGINES["minigrad"])


def test_it_is_shown_and_not_judged():
    assert not ENGINES["minigrad-ordered"].judged and "minigrad-ordered" not in engines.DEFAULT_ENGINES

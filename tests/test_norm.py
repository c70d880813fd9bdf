"""Batch and layer normalisation against torch: running statistics, modes, state, repr, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same, same_error
from test_conv import agree, tensor, value_and_gradients

import minigrad as mg

BATCH_NORMS = [
    ("BatchNorm1d", (5, 3), {}),
    ("BatchNorm1d", (4, 3, 2), {"momentum": 0.5}),
    ("BatchNorm2d", (2, 3, 4, 5), {}),
    ("BatchNorm2d", (2, 3, 4, 5), {"momentum": None, "eps": 0.01}),
    ("BatchNorm1d", (5, 3), {"affine": False}),
    ("BatchNorm1d", (5, 3), {"bias": False}),
    ("BatchNorm1d", (5, 3), {"track_running_stats": False}),
]


def trained(lib: Any, name: str, shape: Any, options: Any) -> Any:
    """A layer in float64 with weights of its own, after three batches."""
    layer = getattr(lib.nn, name)(shape[1], **options).double()
    if layer.affine:
        layer.weight.data.copy_(tensor(lib, shape[1], seed=5))
    for seed in range(3):
        layer(tensor(lib, *shape, seed=seed) * (seed + 1) + seed)
    return layer


@pytest.mark.parametrize(("name", "shape", "options"), BATCH_NORMS)
def test_batch_norm(name: str, shape: Any, options: Any) -> None:
    def run(lib: Any) -> list[Any]:
        layer = trained(lib, name, shape, options)
        found = list(layer.state_dict().values())
        for mode in (layer.train, layer.eval):
            mode()
            found += value_and_gradients(lib, layer, tensor(lib, *shape, seed=7))
            found += [p.grad for p in layer.parameters()]
        return found

    agree(run, 1e-8)
    same(lambda lib: [repr(trained(lib, name, shape, options)), list(trained(lib, name, shape, options).state_dict())])
    same(lambda lib: trained(lib, name, shape, options)(lib.ones(*shape, requires_grad=True).double()).grad_fn.name())


def test_a_state_moves_between_the_libraries_and_can_be_forgotten() -> None:
    theirs = trained(torch, "BatchNorm1d", (5, 3), {})
    ours = mg.nn.BatchNorm1d(3).double()
    ours.load_state_dict({name: mg.from_numpy(value.numpy()) for name, value in theirs.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(ours.eval()(mg.from_numpy(x)).detach().numpy(),
                               theirs.eval()(torch.from_numpy(x)).detach().numpy(), rtol=1e-12)
    ours.reset_parameters()
    assert ours.num_batches_tracked.item() == 0 and ours.running_var.tolist() == ours.weight.tolist() == [1, 1, 1]
    assert ours.running_mean.tolist() == ours.bias.tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4, 2)])
def test_batch_norm_second_order(shape: Any) -> None:
    def run(lib: Any) -> list[Any]:
        x, w = tensor(lib, *shape).requires_grad_(), tensor(lib, 3, seed=1).requires_grad_()
        y = lib.nn.functional.batch_norm(x, None, None, w, training=True, eps=0.1)
        grads = lib.autograd.grad((y**3).sum(), [x, w], create_graph=True)
        return lib.autograd.grad(sum((g * g).sum() for g in grads), [x, w])

    agree(run, 1e-8)


@pytest.mark.parametrize("options", [{}, {"eps": 0.1}, {"elementwise_affine": False}, {"bias": False}])
@pytest.mark.parametrize("normalized", [4, (4,), (3, 4), (2, 3, 4)])
def test_layer_norm(normalized: Any, options: Any) -> None:
    def run(lib: Any) -> list[Any]:
        layer = lib.nn.LayerNorm(normalized, **options).double()
        return [*value_and_gradients(lib, layer, tensor(lib, 2, 3, 4)), *[p.grad for p in layer.parameters()]]

    agree(run, 1e-8)
    same(lambda lib: [repr(lib.nn.LayerNorm(normalized, **options)), list(lib.nn.LayerNorm(normalized).state_dict()),
                      lib.nn.LayerNorm(4)(lib.ones(2, 4)).grad_fn.name()])


def test_float32_in_a_network_gives_torchs_digits() -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(0)
        net = lib.nn.Sequential(lib.nn.Linear(6, 8), lib.nn.BatchNorm1d(8), lib.nn.ReLU(), lib.nn.LayerNorm(8))
        return [net(lib.randn(16, 6)), net[1].running_mean, net[1].running_var]

    agree(run, 1e-5)


@pytest.mark.parametrize("call", [
    lambda lib, t: lib.nn.BatchNorm1d(3)(t(3)),
    lambda lib, t: lib.nn.BatchNorm1d(3)(t(2, 4)),
    lambda lib, t: lib.nn.BatchNorm2d(3)(t(2, 3)),
    lambda lib, t: lib.nn.BatchNorm1d(3)(t(1, 3)),
    lambda lib, t: lib.nn.functional.batch_norm(t(2, 3), None, None),
    lambda lib, t: lib.nn.functional.batch_norm(t(2, 3), None, None, t(4), training=True),
    lambda lib, t: lib.nn.functional.batch_norm(t(2, 3).double(), None, None, t(3), training=True),
    lambda lib, t: lib.nn.LayerNorm(4)(t(2, 3)),
    lambda lib, t: lib.nn.functional.layer_norm(t(2, 3), ()),
    lambda lib, t: lib.nn.functional.layer_norm(t(2, 3), (3,), t(4)),
    lambda lib, t: lib.nn.functional.layer_norm(t(2, 3), (3,), t(3), t(2)),
    lambda lib, t: lib.nn.functional.layer_norm(t(2, 3).long(), (3,)),
    lambda lib, t: lib.nn.functional.layer_norm(t(2, 3).double(), (3,), t(3), t(3)),
])
def test_errors_in_torchs_words(call: Any) -> None:
    same_error(lambda lib: call(lib, lib.ones))

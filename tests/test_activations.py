"""Activations, losses and distances beyond op_db's samples: layers, in-place forms, kinks, names, errors."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import same, same_error, same_warnings
from test_conv import agree, tensor, value_and_gradients

LAYERS = [
    lambda nn: nn.LeakyReLU(), lambda nn: nn.LeakyReLU(0.2), lambda nn: nn.ELU(2.0), lambda nn: nn.CELU(0.5),
    lambda nn: nn.SELU(), lambda nn: nn.GELU(), lambda nn: nn.GELU("tanh"), lambda nn: nn.SiLU(), lambda nn: nn.Mish(),
    lambda nn: nn.Softplus(), lambda nn: nn.Softplus(2, threshold=1), lambda nn: nn.LogSigmoid(),
    lambda nn: nn.Softsign(), lambda nn: nn.Tanhshrink(), lambda nn: nn.Hardtanh(-2, 1.0), lambda nn: nn.ReLU6(),
    lambda nn: nn.PReLU().double(), lambda nn: nn.PReLU(4, init=0.1).double(), lambda nn: nn.Softmax(dim=1),
    lambda nn: nn.LogSoftmax(-1), lambda nn: nn.Sigmoid(), lambda nn: nn.Tanh(), lambda nn: nn.ReLU(),
]


@pytest.mark.parametrize("make", LAYERS)
def test_layers(make: Any) -> None:
    """Values, gradients and second derivatives, at kinks too; the repr; the function's name where we have one."""
    def run(lib: Any) -> list[Any]:
        x = tensor(lib, 3, 4) * 3
        x[0] = lib.tensor([0.0, 1.0, -2.0, 6.0])
        x.requires_grad_()
        y = make(lib.nn)(x)
        [g] = lib.autograd.grad(y, x, tensor(lib, 3, 4, seed=2), create_graph=True)
        second = None
        if g.requires_grad:  # a constant gradient may have no graph, or one that carries zeros
            [second] = lib.autograd.grad(g, x, tensor(lib, 3, 4, seed=3), allow_unused=True)
        return [y, g, lib.zeros_like(x) if second is None else second]

    agree(run, 1e-9)
    same(lambda lib: repr(make(lib.nn)))


@pytest.mark.parametrize("name", ["LeakyReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Hardtanh", "ReLU6", "ReLU"])
def test_in_place(name: str) -> None:
    def run(lib: Any) -> list[Any]:
        layer = getattr(lib.nn, name)(inplace=True)
        x = tensor(lib, 3, 4).requires_grad_()
        y = x * 2
        assert layer(y) is y
        y.backward(tensor(lib, 3, 4, seed=1))
        return [y, x.grad]

    agree(run)
    same(lambda lib: repr(getattr(lib.nn, name)(inplace=True)))
    same_error(lambda lib: getattr(lib.nn, name)(inplace=True)(lib.ones(2, requires_grad=True)), text=False)


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "selu", "celu", "gelu", "silu", "softplus", "logsigmoid",
                                  "relu6", "hardtanh", "softsign", "tanhshrink"])
def test_names_and_errors(name: str) -> None:
    same(lambda lib: getattr(lib.nn.functional, name)(lib.ones(2, requires_grad=True)).grad_fn.name())
    in_our_words = name in ("softsign", "tanhshrink", "relu6", "selu")
    same_error(lambda lib: getattr(lib.nn.functional, name)(3.0), text=not in_our_words)
    if name in ("leaky_relu", "elu", "silu", "softplus"):
        same_error(lambda lib: getattr(lib.nn.functional, name)(lib.tensor([1, 2])))


@pytest.mark.parametrize("make", [
    lambda nn, r: nn.SmoothL1Loss(reduction=r), lambda nn, r: nn.SmoothL1Loss(reduction=r, beta=0.5),
    lambda nn, r: nn.SmoothL1Loss(reduction=r, beta=0), lambda nn, r: nn.HuberLoss(reduction=r),
    lambda nn, r: nn.HuberLoss(r, 2.0), lambda nn, r: nn.KLDivLoss(reduction=r.replace("mean", "batchmean")),
    lambda nn, r: nn.KLDivLoss(reduction=r.replace("mean", "batchmean"), log_target=True),
])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(make: Any, reduction: str) -> None:
    def run(lib: Any) -> list[Any]:
        x, y = tensor(lib, 4, 3), tensor(lib, 4, 3, seed=1).abs()
        x[0, :] = y[0, :] + lib.tensor([0.5, 1.0, 0.0])  # kinks
        return value_and_gradients(lib, make(lib.nn, reduction), x, y)

    agree(run)
    same(lambda lib: repr(make(lib.nn, reduction)))
    if reduction == "none":
        same(lambda lib: getattr(make(lib.nn, reduction), "beta", None))


def test_losses_broadcast_with_a_warning_and_refuse_nonsense() -> None:
    for name in ("smooth_l1_loss", "huber_loss"):
        same_warnings(lambda lib, name=name: getattr(lib.nn.functional, name)(lib.ones(3, 1), lib.ones(3)))
        same_error(lambda lib, name=name: getattr(lib.nn.functional, name)(lib.tensor([1]), lib.tensor([1])))
    same_warnings(lambda lib: lib.nn.functional.kl_div(lib.zeros(2), lib.ones(2)))
    same_error(lambda lib: lib.nn.functional.smooth_l1_loss(lib.ones(1), lib.ones(1), beta=-1))
    same_error(lambda lib: lib.nn.functional.huber_loss(lib.ones(1), lib.ones(1), delta=0))
    same_error(lambda lib: lib.nn.functional.kl_div(lib.tensor([1]), lib.tensor([1]), reduction="sum"))


def test_distances() -> None:
    def run(lib: Any) -> list[Any]:
        F, x, y = lib.nn.functional, tensor(lib, 4, 3), tensor(lib, 4, 3, seed=1)
        return [*value_and_gradients(lib, F.cosine_similarity, x, y), F.normalize(x), F.normalize(x, p=1.0, dim=0),
                *value_and_gradients(lib, F.pairwise_distance, y, tensor(lib, 4, 3, seed=2)),
                lib.nn.CosineSimilarity(dim=0)(x, y), lib.nn.PairwiseDistance(p=1.0, keepdim=True)(x, y),
                F.normalize(x * 0)]

    agree(run)
    same(lambda lib: [repr(lib.nn.CosineSimilarity()), repr(lib.nn.PairwiseDistance())])


@pytest.mark.parametrize("dim", [0, 1, -2, 2])
def test_cosine_of_vectors_that_broadcasting_makes_longer(dim: int) -> None:
    agree(lambda lib: value_and_gradients(lib, lambda x, y: lib.nn.functional.cosine_similarity(x, y, dim),
                                          tensor(lib, 1, 2, 3), tensor(lib, 2, 1, 3, seed=1)))
    same_error(lambda lib: lib.nn.functional.cosine_similarity(lib.ones(2, 3), lib.ones(2, 4)))


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d"])
def test_dropout_of_channels(name: str) -> None:
    """The same masks from the same seed, and as many draws."""
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(4)
        layer = getattr(lib.nn, name)(0.4)
        x = lib.ones(*(2, 5, 3, 3)[: 3 if name == "Dropout1d" else 4], requires_grad=True)
        y = layer(x)
        y.sum().backward()
        return [y, x.grad, layer.eval()(x), lib.nn.functional.dropout1d(lib.ones(6, 2)), lib.rand(1), repr(layer)]

    same(run)
    same_error(lambda lib: getattr(lib.nn, name)(1.5))
    same_error(lambda lib: lib.nn.Dropout1d()(lib.ones(3)), text=False)

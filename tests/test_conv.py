"""Convolution, pooling and padding against torch: what op_db's samples leave out, the layers, and the errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import plain, same, same_error

import minigrad as mg

RNG = np.random.default_rng(0)


def tensor(lib: Any, *shape: int, seed: int = 0, dtype: str = "float64") -> Any:
    return lib.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def agree(scenario: Any, rtol: float = 1e-9) -> None:
    """What a scenario returns, a list of tensors, is close on both libraries, and laid out in memory alike."""
    for ours, theirs in zip(scenario(mg), scenario(torch), strict=True):
        assert tuple(ours.shape) == tuple(theirs.shape) and ours.is_contiguous() == theirs.is_contiguous()
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol, atol=rtol)


def value_and_gradients(lib: Any, function: Any, *tensors: Any) -> list[Any]:
    """f(...), and the gradients that a random cotangent pulls back."""
    leaves = [t.requires_grad_() for t in tensors]
    out = function(*leaves)
    out.backward(tensor(lib, *out.shape, seed=9, dtype=str(out.dtype).split(".")[1]))
    return [out, *[t.grad for t in leaves]]


# ------------------------------------------------------------------------------------------ functions


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("stride", "padding", "dilation"),
                         list(itertools.product([1, (2, 3)], [0, (2, 1)], [1, (1, 2)])))
def test_conv2d(stride: Any, padding: Any, dilation: Any, groups: int, dtype: str) -> None:
    def run(lib: Any) -> list[Any]:
        shapes = [(3, 4, 9, 8), (8, 4 // groups, 3, 2), (8,)]
        return value_and_gradients(lib, lambda *a: lib.nn.functional.conv2d(*a, stride, padding, dilation, groups),
                                   *[tensor(lib, *shape, seed=i, dtype=dtype) for i, shape in enumerate(shapes)])

    agree(run, 1e-9 if dtype == "float64" else 1e-4)


def test_conv_of_views_and_of_nothing() -> None:
    def run(lib: Any) -> list[Any]:
        F = lib.nn.functional
        x = tensor(lib, 9, 4, 3, 8).transpose(0, 3)[:, :, :, ::2]
        w = tensor(lib, 5, 4, 2, 2).transpose(2, 3)
        found = value_and_gradients(lib, lambda x, w: F.conv2d(x, w), x.detach(), w)
        return [*found, F.conv2d(tensor(lib, 0, 4, 3, 3), tensor(lib, 5, 4, 2, 2))]

    for ours, theirs in zip(run(mg), run(torch), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), 1e-9, atol=1e-9)


def test_what_comes_out_can_be_viewed() -> None:
    """The lesson's `x.view(-1, 320)` after convolution and pooling."""
    def run(lib: Any) -> list[Any]:
        F = lib.nn.functional
        x = F.max_pool2d(F.conv2d(tensor(lib, 2, 1, 12, 12), tensor(lib, 20, 1, 5, 5), padding=2), 3)
        return [x.view(-1, 320)]

    agree(run)


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"stride": 3, "padding": 1}, {"ceil_mode": True, "stride": 2},
                                     {"dilation": 2, "stride": (1, 2)}, {"padding": (1, 0), "ceil_mode": True}])
def test_max_pool2d_ties_and_indices(options: Any) -> None:
    whole = RNG.integers(-1, 2, (2, 3, 7, 8)).astype(float)

    def run(lib: Any) -> list[Any]:
        F = lib.nn.functional
        x = lib.from_numpy(whole.copy())
        found = value_and_gradients(lib, lambda x: F.max_pool2d(x, (2, 3), **options), x)
        return [*found, *F.max_pool2d(x, (2, 3), **options, return_indices=True),
                *F.max_pool2d(x[0], (2, 3), **options, return_indices=True)]

    agree(run)


def test_max_pool2d_second_order() -> None:
    def run(lib: Any) -> list[Any]:
        x = tensor(lib, 1, 1, 4, 4).requires_grad_()
        y = lib.nn.functional.max_pool2d(x, 2, 1)
        [g] = lib.autograd.grad((y**3).sum(), x, create_graph=True)
        return lib.autograd.grad((g * g).sum(), x)

    agree(run)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, (1, 1), (2, None), (None, 3)])
def test_adaptive_avg_pool(size: Any) -> None:
    agree(lambda lib: value_and_gradients(
        lib, lambda x: lib.nn.functional.adaptive_avg_pool2d(x, size), tensor(lib, 2, 3, 5, 7)))
    if isinstance(size, int):
        agree(lambda lib: [lib.nn.functional.adaptive_avg_pool1d(tensor(lib, 2, 3, 7), size)])


def test_pooling_in_one_dimension() -> None:
    def run(lib: Any) -> list[Any]:
        F, x = lib.nn.functional, tensor(lib, 2, 3, 9)
        return [F.max_pool1d(x, 3), F.max_pool1d(x[0], 2, 1, 1), *F.max_pool1d(x, 2, return_indices=True),
                F.avg_pool1d(x, 4), F.avg_pool1d(x, (3,), 2, 1, True, False)]

    agree(run)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [(1, 2), (2, 0, 1, 1), (-1, 1, 0, -2), (0, 0, 0, 0)])
def test_pad(mode: str, pad: Any) -> None:
    for shape in [(4, 5), (3, 4, 5), (2, 3, 4, 5)][len(pad) // 2 - 1 : len(pad) // 2 + 1]:
        agree(lambda lib, shape=shape: value_and_gradients(  # type: ignore[misc]
            lib, lambda x: lib.nn.functional.pad(x, pad, mode), tensor(lib, *shape)))


def test_pad_keeps_the_dtype() -> None:
    same(lambda lib: [lib.nn.functional.pad(lib.tensor([[1, 2], [3, 4]]), (1, 0, 0, 1), value=7),
                      str(lib.nn.functional.pad(lib.tensor([True]), (1, 1)).dtype)])


# ------------------------------------------------------------------------------------------ layers


def digits(module: Any) -> Any:
    return {name: plain(p) for name, p in module.state_dict().items()}


@pytest.mark.parametrize("make", [
    lambda nn: nn.Conv1d(2, 4, 3, padding="same"),
    lambda nn: nn.Conv2d(1, 10, 5),
    lambda nn: nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0), dilation=(1, 2), groups=2, bias=False),
    lambda nn: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
    lambda nn: nn.Conv2d(2, 2, (3, 5), padding="same", padding_mode="circular"),
    lambda nn: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
    lambda nn: nn.ConvTranspose2d(2, 4, (4, 3), 2, 1, bias=False),
])
def test_conv_layers(make: Any) -> None:
    """The same seed, the same weights, digit for digit; the same repr; close values and gradients."""
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(3)
        layer = make(lib.nn)
        size = [layer.in_channels, *[9, 8][: len(layer.kernel_size)]]
        x = tensor(lib, 2, *size, dtype="float32").requires_grad_()
        y = layer(x)
        (y**2).sum().backward()
        return [y, x.grad, *[p.grad for p in layer.parameters()], layer(x[0])]

    def seeded(lib: Any) -> list[Any]:
        lib.manual_seed(3)
        layer = make(lib.nn)
        return [repr(layer), digits(layer), lib.rand(2)]

    same(seeded)
    for ours, theirs in zip(run(mg), run(torch), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), 1e-3, atol=1e-4)


@pytest.mark.parametrize("make", [
    lambda nn: nn.MaxPool1d(2), lambda nn: nn.MaxPool2d(2), lambda nn: nn.MaxPool2d((2, 3), 2, 1, ceil_mode=True),
    lambda nn: nn.AvgPool1d(2, padding=1), lambda nn: nn.AvgPool2d(3, 2, count_include_pad=False, padding=1),
    lambda nn: nn.AvgPool2d(2, divisor_override=3), lambda nn: nn.AdaptiveAvgPool2d((1, 1)),
    lambda nn: nn.AdaptiveAvgPool1d(3), lambda nn: nn.ZeroPad2d(1), lambda nn: nn.ReflectionPad2d((1, 2, 0, 1)),
    lambda nn: nn.ReplicationPad2d(2),
])
def test_layers_without_parameters(make: Any) -> None:
    same(lambda lib: repr(make(lib.nn)))
    agree(lambda lib: [make(lib.nn)(tensor(lib, *[2, 3, 7, 6][: 3 if "1d" in repr(make(lib.nn)) else 4]))])


def test_options_of_layers_without_parameters() -> None:
    same(lambda lib: [lib.nn.MaxPool2d(3, return_indices=True).return_indices, lib.nn.MaxPool2d(3).stride])
    same_error(lambda lib: lib.nn.MaxPool2d(), text=False)
    same_error(lambda lib: lib.nn.MaxPool2d(2, kernel=3), text=False)
    same_error(lambda lib: lib.nn.LeakyReLU(0.1, False, 3), text=False)

    class Halves(mg.nn.AvgPool2d):
        def __init__(self) -> None:
            super().__init__(2)

    assert repr(Halves()) == "Halves(kernel_size=2, stride=2, padding=0)"


# ------------------------------------------------------------------------------------------ names and errors


@pytest.mark.parametrize("call", [
    lambda lib, x: lib.nn.functional.conv2d(x, lib.ones(1, 1, 2, 2)),
    lambda lib, x: lib.nn.functional.conv_transpose2d(x, lib.ones(1, 1, 2, 2)),
    lambda lib, x: lib.nn.functional.max_pool2d(x, 2),
    lambda lib, x: lib.nn.functional.avg_pool2d(x, 2),
    lambda lib, x: lib.nn.functional.avg_pool1d(x[0], 2),
    lambda lib, x: lib.nn.functional.pad(x, (1, 1)),
    lambda lib, x: lib.nn.functional.pad(x, (1, 1, 1, 1), "reflect"),
    lambda lib, x: lib.nn.functional.pad(x, (1, 1, 1, 1), "replicate"),
    lambda lib, x: lib.conv2d(x[0], lib.ones(1, 1, 2, 2)),
])
def test_names_of_gradient_functions(call: Any) -> None:
    same(lambda lib: call(lib, lib.ones(1, 1, 4, 4, requires_grad=True)).grad_fn.name())


@pytest.mark.parametrize("call", [
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 3, 3, 3)),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 3, 3, 3), groups=2),
    lambda F, t: F.conv2d(t(1, 3, 2, 2), t(6, 3, 3, 3)),
    lambda F, t: F.conv2d(t(1, 3, 2, 4), t(6, 3, 2, 2), padding=(0, 1), dilation=2),
    lambda F, t: F.conv2d(t(3, 2), t(6, 3, 3, 3)),
    lambda F, t: F.conv2d(t(1, 3, 2), t(6, 3, 3, 3)),
    lambda F, t: F.conv1d(t(1, 3, 2, 2), t(6, 3, 3)),
    lambda F, t: F.conv2d(t(1, 3, 5, 5), t(6, 3, 3, 3), t(5)),
    lambda F, t: F.conv2d(t(1, 3, 5, 5), t(6, 3, 3, 3), t(6).double()),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3, 3), stride=0),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3, 3), stride=(1, 2, 3)),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3, 3), stride=2, padding="same"),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3, 3), padding="full"),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3, 3), padding=-1),
    lambda F, t: F.conv_transpose2d(t(1, 4, 5, 5), t(3, 6, 3, 3)),
    lambda F, t: F.max_pool2d(t(5, 5), 2),
    lambda F, t: F.max_pool2d(t(1, 1, 5, 5), 2, padding=2),
    lambda F, t: F.max_pool2d(t(1, 1, 1, 1), 2),
    lambda F, t: F.avg_pool2d(t(1, 1, 4, 4), 2, divisor_override=0),
    lambda F, t: F.pad(t(2, 3), (1,)),
    lambda F, t: F.pad(t(2, 3), (1, 1), "mirror"),
    lambda F, t: F.pad(t(2, 3), (1,) * 6),
    lambda F, t: F.pad(t(2, 3), (1, 1), "reflect", value=1.0),
])
def test_errors_in_torchs_words(call: Any) -> None:
    same_error(lambda lib: call(lib.nn.functional, lib.ones))


@pytest.mark.parametrize("call", [
    lambda F, t: F.conv2d(t(1, 3, 5, 5).double(), t(6, 3, 3, 3)),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(5, 2, 3, 3), groups=2),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3, 3), dilation=0),
    lambda F, t: F.conv2d(t(1, 4, 5, 5), t(6, 4, 3)),
    lambda F, t: F.conv2d([1.0], t(6, 4, 3, 3)),
    lambda F, t: F.max_pool2d(t(1, 1, 5, 5), 2, stride=0),
    lambda F, t: F.pad(t(2, 3), (-2, -2)),
    lambda F, t: F.pad(t(1, 2, 3), (3, 1), "reflect"),
    lambda F, t: F.pad(t(1, 2, 3), (4, 1), "circular"),
    lambda F, t: F.pad(t(3), (1, 1), "reflect"),
])
def test_errors_of_torchs_types(call: Any) -> None:
    same_error(lambda lib: call(lib.nn.functional, lib.ones), text=False)


@pytest.mark.parametrize("options", [{"groups": 2}, {"groups": 0}, {"padding": "full"}, {"padding_mode": "mirror"},
                                     {"stride": 2, "padding": "same"}])
def test_errors_of_layers(options: Any) -> None:
    same_error(lambda lib: lib.nn.Conv2d(1, 3, 3, **options), text=False)

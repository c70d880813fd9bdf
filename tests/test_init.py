"""minigrad.nn.init against torch: the same seed, the same bits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same_error

import minigrad as mg

SHAPES = [(1, 1), (3, 5), (10, 2), (40, 30), (2, 3, 4), (4, 2, 3, 3)]
FILLS: list[tuple[str, dict[str, Any]]] = [
    ("uniform_", {}),
    ("uniform_", {"a": -2.0, "b": 0.5}),
    ("constant_", {"val": 1.25}),
    ("ones_", {}),
    ("zeros_", {}),
    ("xavier_uniform_", {}),
    ("xavier_uniform_", {"gain": 5 / 3}),
    *(
        ("kaiming_uniform_", {"a": a, "mode": mode, "nonlinearity": f})
        for a, mode, f in [(0, "fan_in", "relu"), (0.2, "fan_out", "leaky_relu"), (5**0.5, "fan_in", "leaky_relu")]
    ),
]
NORMALS: list[tuple[str, dict[str, Any]]] = [
    ("normal_", {}),
    ("normal_", {"mean": 3.0, "std": 0.1}),
    ("xavier_normal_", {"gain": 2.0}),
    ("kaiming_normal_", {"a": 0.1, "mode": "fan_out"}),
    ("kaiming_normal_", {"nonlinearity": "relu"}),
]


def filled(lib: Any, name: str, kwargs: dict[str, Any], shape: tuple[int, ...], dtype: str) -> Any:
    """One parameter after init.<name>, and the generator's next number: it must have moved as far."""
    p = lib.nn.Parameter(lib.zeros(*shape, dtype=getattr(lib, dtype)))
    lib.manual_seed(7)
    assert getattr(lib.nn.init, name)(p, **kwargs) is p
    assert p.requires_grad and p.is_leaf
    return p.detach().numpy(), lib.rand(1).numpy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "kwargs"), FILLS)
def test_fills_bit_for_bit(name: str, kwargs: dict[str, Any], shape: tuple[int, ...], dtype: str) -> None:
    ours, theirs = (filled(lib, name, kwargs, shape, dtype) for lib in (mg, torch))
    assert ours[0].dtype == theirs[0].dtype
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "kwargs"), NORMALS)
def test_normal_fills(name: str, kwargs: dict[str, Any], shape: tuple[int, ...], dtype: str) -> None:
    """Normals may differ by 4 ulp in float32 (minigrad.random says why); by rounding alone in float64."""
    ours, theirs = (filled(lib, name, kwargs, shape, dtype) for lib in (mg, torch))
    np.testing.assert_array_max_ulp(ours[0], theirs[0], 4)
    np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize(
    "name", ["uniform_", "xavier_uniform_", "kaiming_uniform_", "normal_", "xavier_normal_", "kaiming_normal_"]
)
def test_generator_argument(name: str) -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(0)
        g = lib.Generator()
        g.manual_seed(99)
        t = getattr(lib.nn.init, name)(lib.empty(3, 4), generator=g)
        return np.append(t.numpy(), lib.rand(1).numpy())  # the default generator has not moved

    np.testing.assert_array_equal(run(mg), run(torch))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (0, 3)])
def test_eye(shape: tuple[int, int]) -> None:
    p = mg.nn.Parameter(mg.ones(*shape))
    assert mg.nn.init.eye_(p) is p and p.requires_grad
    np.testing.assert_array_equal(p.detach().numpy(), np.eye(*shape))


@pytest.mark.parametrize(
    "args",
    [
        ("linear",),
        ("conv1d",),
        ("conv_transpose3d",),
        ("sigmoid",),
        ("tanh",),
        ("relu",),
        ("selu",),
        ("leaky_relu",),
        ("leaky_relu", 0.2),
        ("leaky_relu", 1),
        ("relu", 0.3),
    ],
)
def test_gains(args: tuple[Any, ...]) -> None:
    assert mg.nn.init.calculate_gain(*args) == torch.nn.init.calculate_gain(*args)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.nn.init.calculate_gain("sine"),
        lambda t: t.nn.init.calculate_gain("leaky_relu", True),
        lambda t: t.nn.init.calculate_gain("leaky_relu", "a"),
        lambda t: t.nn.init.xavier_uniform_(t.zeros(3)),
        lambda t: t.nn.init.kaiming_normal_(t.zeros(3)),
        lambda t: t.nn.init.kaiming_uniform_(t.zeros(3, 3), mode="fan"),
        lambda t: t.nn.init.eye_(t.zeros(3)),
    ],
)
def test_errors_are_torchs(call: Any) -> None:
    same_error(call)


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_empty_tensors_warn(name: str) -> None:
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op") as caught:
        getattr(mg.nn.init, name)(mg.zeros(0, 3))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "name",
    ["uniform", "normal", "constant", "eye", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"],
)
def test_deprecated_names(name: str) -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            t = getattr(lib.nn.init, name)(lib.zeros(2, 3), *([2.0] if name == "constant" else []))
        return t.numpy().tolist(), [(w.category, str(w.message), w.filename) for w in caught]

    assert run(mg) == run(torch)

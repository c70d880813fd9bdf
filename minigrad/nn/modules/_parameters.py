"""What layers with parameters of their own share."""

from __future__ import annotations

from typing import Any

from ...creation import empty
from ..parameter import Parameter
from .module import Module


def add_parameters(layer: Module, device: Any, dtype: Any, **shapes: tuple[int, ...] | None) -> None:
    """Register a parameter of each shape under its name, to be filled by `reset_parameters`.

    Where the shape is None the name is registered without a parameter: with bias=False `layer.bias` is None.
    """
    for name, shape in shapes.items():
        values = None if shape is None else Parameter(empty(*shape, device=device, dtype=dtype))
        layer.register_parameter(name, values)


def changed(layer: Module, **defaults: Any) -> str:
    """", name=value" for each option that is not as usual: what the repr of such a layer ends with."""
    return "".join([f", {name}={getattr(layer, name)}" for name, usual in defaults.items()
                    if getattr(layer, name) != usual])

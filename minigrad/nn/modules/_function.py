"""Layers without parameters, each in one line: the function, and the options that it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from .module import Module

REQUIRED = inspect.Parameter.empty  # the value of an option that has no default


class FunctionLayer(Module):
    """A function of `nn.functional` as a layer: its options are the layer's attributes, and stand in its repr.

    `class ELU(FunctionLayer, function=F.elu, alpha=1.0, inplace=False)` is made by `ELU(alpha=1.0, inplace=False)` and
    calls `F.elu(input, alpha=..., inplace=...)`. The repr leaves out the `hidden` options, and inplace=False.
    """

    function: ClassVar[Callable[..., Any]]
    options: ClassVar[tuple[str, ...]]
    hidden: ClassVar[tuple[str, ...]]
    __signature__: ClassVar[inspect.Signature]  # what `help` shows

    def __init_subclass__(cls, function: Callable[..., Any] | None = None, hidden: tuple[str, ...] = (),
                          **options: Any) -> None:
        if function is not None:
            cls.function, cls.options, cls.hidden = staticmethod(function), tuple(options), hidden
            cls.__signature__ = inspect.Signature([
                inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
                for name, value in options.items()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        given = self.__signature__.bind(*args, **kwargs)
        given.apply_defaults()
        self.__dict__.update(given.arguments)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs, **{name: getattr(self, name) for name in self.options})

    def extra_repr(self) -> str:
        shown = [name for name in self.options if name not in (*self.hidden, "inplace")]
        text = [f"{name}={getattr(self, name)!r}" for name in shown]
        return ", ".join(text + ["inplace=True"] * getattr(self, "inplace", False))

"""Modules that hold others."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Self, SupportsIndex, overload

from .module import Module


class Sequential(Module):
    """Runs modules one after the other. Takes them as arguments (named "0", "1", ...) or in an OrderedDict.

    It behaves as a list: index, slice (a Sequential of the same modules), assign, delete, append, insert, extend.

    >>> from minigrad import nn
    >>> Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))[1:]
    Sequential(
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, idx: SupportsIndex) -> Module: ...
    @overload
    def __getitem__(self, idx: slice) -> Self: ...

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(OrderedDict((name, self._modules[name]) for name in self._names_at(idx)))
        return self._modules[self._names_at(idx)[0]]

    def __setitem__(self, idx: SupportsIndex, module: Module) -> None:
        setattr(self, self._names_at(idx)[0], module)

    def __delitem__(self, idx: SupportsIndex | slice) -> None:
        gone = self._names_at(idx)
        self._replace_all([module for name, module in self._modules.items() if name not in gone])

    def _names_at(self, idx: SupportsIndex | slice) -> list[str]:
        names = list(self._modules)
        if isinstance(idx, slice):
            return names[idx]
        i = operator.index(idx)
        if not -len(names) <= i < len(names):
            raise IndexError(f"index {i} is out of range")
        return [names[i]]

    def _replace_all(self, modules: list[Module]) -> None:
        for name in self._modules:
            delattr(self, name)
        self.extend(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end. Returns self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add modules at the end. Returns self."""
        for module in sequential:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position `index`; those behind it are renamed. Returns self."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._replace_all(modules)
        return self

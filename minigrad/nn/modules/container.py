"""Modules that hold others."""

from __future__ import annotations

import itertools
import operator
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self, SupportsIndex, overload

from .module import Module


class _Row(Module):
    """Modules in a row, by default named "0", "1", ...: the list that Sequential and ModuleList both are."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, idx: SupportsIndex) -> Module: ...
    @overload
    def __getitem__(self, idx: slice) -> Self: ...

    def __getitem__(self, idx: Any) -> Any:
        names, modules = self._names_at(idx), self._modules
        if isinstance(idx, slice):
            return self._slice(OrderedDict((name, modules[name]) for name in names))
        return modules[names[0]]

    def _slice(self, modules: OrderedDict[str, Module]) -> Self:
        raise NotImplementedError("each kind of row says what its slices are called")

    def __setitem__(self, idx: SupportsIndex, module: Module) -> None:
        setattr(self, self._names_at(idx)[0], module)

    def __delitem__(self, idx: SupportsIndex | slice) -> None:
        gone = self._names_at(idx)
        kept = [module for name, module in self._modules.items() if name not in gone]
        for name in self._modules:
            delattr(self, name)
        self.extend(kept)

    def _names_at(self, idx: SupportsIndex | slice) -> list[str]:
        names = list(self._modules)
        if isinstance(idx, slice):
            return names[idx]
        i = operator.index(idx)
        if not -len(names) <= i < len(names):
            raise IndexError(f"index {i} is out of range")
        return [names[i]]

    def append(self, module: Module) -> Self:
        """Add a module at the end. Returns self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end. Returns self."""
        for module in modules:
            self.append(module)
        return self

    def pop(self, key: Any) -> Any:
        """Delete the module at an index, or those of a slice, and return what `self[key]` was."""
        found = self[key]
        del self[key]
        return found

    def _insert(self, index: int, module: Module) -> None:
        modules = self._modules
        for i in range(len(modules), index, -1):
            self.add_module(str(i), modules[str(i - 1)])
        self.add_module(str(index), module)


class Sequential(_Row):
    """Runs modules one after the other. Takes them as arguments (named "0", "1", ...) or in an OrderedDict.

    It behaves as a list: index, slice (a Sequential of the same modules), assign, delete, append, insert, extend, pop,
    and + and * as for lists. Deleting numbers what stays anew. IndexError for an index out of range.

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

    def _slice(self, modules: OrderedDict[str, Module]) -> Self:
        return type(self)(modules)

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position `index`; those behind it are renamed. Returns self."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        self._insert(index + len(self) if index < 0 else index, module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *_of_sequential(other))

    def __iadd__(self, other: Sequential) -> Self:
        return self.extend(_of_sequential(other))

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*self._times(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Self:
        return self.extend(self._times(other)[len(self) :])

    def _times(self, n: int) -> list[Module]:
        """The modules n times over: the same objects, so that all rounds share their parameters."""
        if not isinstance(n, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(n)}")
        if n <= 0:
            raise ValueError(f"Non-positive multiplication factor {n} for {type(self)}")
        return list(self) * n


def _of_sequential(other: Any) -> list[Module]:
    if not isinstance(other, Sequential):
        raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
    return list(other)


class ModuleList(_Row):
    """A list of modules, named "0", "1", ...: its parameters are part of the model, as those in a Python list are not.

    Index, slice (a ModuleList, numbered anew), assign, delete, append, extend, insert, pop, + and len as for a list.
    It has no `forward`: the model that holds it says how to run its modules. IndexError for an index out of range,
    TypeError for what is no Module.

    >>> from minigrad import nn
    >>> ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
    ModuleList(
      (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)
      (2): ReLU()
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(() if modules is None else modules)

    def _slice(self, modules: OrderedDict[str, Module]) -> Self:
        return type(self)(modules.values())

    def insert(self, index: int, module: Module) -> None:
        """Add a module before position `index`; those behind it are renamed. KeyError for a negative index."""
        self._insert(index, module)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(itertools.chain(self, other))

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __repr__(self) -> str:
        """As any module's, but equal lines that follow one another are counted."""
        lines, first = "", 0
        for text, equal in itertools.groupby(repr(module) for module in self):
            last = first + len(list(equal)) - 1
            place = f"({first}): " if first == last else f"({first}-{last}): {last - first + 1} x "
            lines += "\n  " + (place + text).replace("\n", "\n  ")
            first = last + 1
        return f"{type(self).__name__}({lines}" + ("\n)" if lines else ")")


class ModuleDict(Module):
    """A dict of modules by name, in the order in which they came: its parameters are part of the model.

    Takes a mapping or pairs. Index, assign, delete, `in`, len, iteration over the names, keys, values, items, pop,
    clear and update as for a dict. It has no `forward`. KeyError for a name that is absent, or that a module has of
    its own ("training"); TypeError for a name that is no str and a value that is no Module.

    >>> from minigrad import nn
    >>> ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})["tanh"]
    Tanh()
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update(() if modules is None else modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        for key in self:
            delattr(self, key)

    def pop(self, key: str) -> Module:
        """Remove the module of this name and return it."""
        module = self[key]
        delattr(self, key)
        return module

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Module]:
        """The pairs of name and module."""
        return self._modules.items()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping or of pairs; a name that is taken keeps its place, with the new module."""
        for key, module in modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules:
            self[key] = module

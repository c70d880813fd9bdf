"""Modules that hold others, and parameters, as lists and dicts do."""

from __future__ import annotations

import itertools
import operator
from collections import OrderedDict
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any, Self, SupportsIndex

from ...tensor import Tensor
from ..parameter import Parameter, typename
from .module import Module


class _Row(Module):
    """Values in a row, each an attribute of the module, by default named "0", "1", ...: what the lists have in common.

    A list says how `append` adds a value.
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(() if values is None else values)

    def _names(self) -> list[str]:
        return list(self._modules)

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, name) for name in self._names()])

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(list(self)[idx])
        return getattr(self, self._name_at(idx))

    def __setitem__(self, idx: SupportsIndex, value: Any) -> None:
        setattr(self, self._name_at(idx), value)

    def _name_at(self, idx: SupportsIndex) -> str:
        names, i = self._names(), operator.index(idx)
        if not -len(names) <= i < len(names):
            raise IndexError(f"index {i} is out of range")
        return names[i]

    def append(self, value: Any) -> Self:
        """Add a value at the end. Returns self."""
        self.add_module(str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end. Returns self."""
        for value in values:
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)


class _ModuleRow(_Row):
    """A row of modules, from which they can be taken out, too: what Sequential and ModuleList have in common."""

    def __delitem__(self, idx: SupportsIndex | slice) -> None:
        modules = list(self)
        del modules[idx]
        self._renumber(modules)

    def _renumber(self, modules: list[Module]) -> None:
        for name in self._modules:
            delattr(self, name)
        self.extend(modules)

    def pop(self, key: Any) -> Any:
        """Delete the module at an index, or those of a slice, and return what `self[key]` was."""
        found = self[key]
        del self[key]
        return found

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before position `index`; those behind it are renamed."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)


class Sequential(_ModuleRow):
    """Runs modules one after the other. Takes them as arguments (named "0", "1", ...) or in an OrderedDict.

    It behaves as a list: index, slice (a Sequential of the same modules), assign, delete, append, insert, extend, pop,
    and + as for lists. Deleting numbers what stays anew. IndexError for an index out of range.

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

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(OrderedDict(list(self._modules.items())[idx]))  # they keep their names
        return super().__getitem__(idx)

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position `index`; those behind it are renamed. Returns self."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        super().insert(index, module)
        return self

    def __add__(self, other: Any) -> Sequential:
        return Sequential(*self, *_of_sequential(other))

    def __iadd__(self, other: Any) -> Self:
        return self.extend(_of_sequential(other))


def _of_sequential(other: Any) -> list[Module]:
    if not isinstance(other, Sequential):
        raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
    return list(other)


class ModuleList(_ModuleRow):
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

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(itertools.chain(self, other))

    def __repr__(self) -> str:
        """As any module's, but equal lines that follow one another are counted."""
        lines, first = "", 0
        for text, equal in itertools.groupby(repr(module) for module in self):
            last = first + len(list(equal)) - 1
            place = f"({first}): " if first == last else f"({first}-{last}): {last - first + 1} x "
            lines += "\n  " + (place + text).replace("\n", "\n  ")
            first = last + 1
        return f"{type(self).__name__}({lines}" + ("\n)" if lines else ")")


class ParameterList(_Row):
    """A list of parameters, named "0", "1", ...: they are part of the model, as those in a Python list are not.

    A Tensor becomes a Parameter; other values are kept as they are. Index, slice (a ParameterList), assign, append,
    extend, += and len as for a list, and as in torch no more than that. IndexError for an index out of range.

    >>> from minigrad import nn, ones
    >>> ParameterList([ones(2, 3), nn.Parameter(ones(4))])
    ParameterList(
        (0): Parameter containing: [torch.float32 of size 2x3]
        (1): Parameter containing: [torch.float32 of size 4]
    )
    """

    _size = 0  # how many values there are: not all of them are parameters

    def _names(self) -> list[str]:
        return [str(i) for i in range(self._size)]

    def __setitem__(self, idx: SupportsIndex, value: Any) -> None:
        super().__setitem__(idx, _as_parameter(value))

    def append(self, value: Any) -> Self:
        """Add a value at the end. Returns self."""
        setattr(self, str(self._size), _as_parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end. Returns self. TypeError for a Tensor, whose rows it would not take for values."""
        if isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        return super().extend(values)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self) -> str:
        return _described(enumerate(self), lambda value: value.dtype)


class _Dict(Module, MutableMapping[str, Any]):
    """Values by name, each an attribute of the module: what ModuleDict and ParameterDict have in common.

    A dict says what it holds, `_held`, and how to add to it. To the methods below MutableMapping adds those that are
    made of them: pop, clear, update and the like.
    """

    __eq__, __hash__ = Module.__eq__, Module.__hash__  # two modules are never equal, whatever they hold

    @property
    def _held(self) -> Mapping[str, Any]:
        return self._modules

    def __getitem__(self, key: str) -> Any:
        return self._held[key]

    def __delitem__(self, key: str) -> None:
        self[key]  # KeyError for what is no entry
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._held.keys()

    def items(self) -> ItemsView[str, Any]:
        """The pairs of name and value."""
        return self._held.items()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._held.values()


class ModuleDict(_Dict):
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

    __setitem__ = Module.add_module


class ParameterDict(_Dict):
    """A dict of parameters by name: they are part of the model, as those in a Python dict are not.

    A Tensor becomes a Parameter; other values are kept as they are. Methods as those of a dict, and | for two of them.
    As in torch the names of a plain dict are sorted; an OrderedDict and pairs keep their order.

    >>> from minigrad import nn, ones
    >>> ParameterDict({"weight": ones(2, 3), "bias": nn.Parameter(ones(2))})
    ParameterDict(
        (bias): Parameter containing: [torch.FloatTensor of size 2]
        (weight): Parameter containing: [torch.FloatTensor of size 2x3]
    )
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        self.update(() if parameters is None else parameters)

    @property
    def _held(self) -> Mapping[str, Any]:
        return {key: getattr(self, key) for key in self._keys}

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"the names in a ParameterDict are strings, not {type(key).__name__}")
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def popitem(self) -> tuple[str, Any]:
        """Remove the newest pair of name and value and return it."""
        name = next(reversed(self._keys), "")  # which is no name: KeyError
        return name, self.pop(name)

    def update(self, parameters: Any) -> None:  # type: ignore[override]  # torch's takes more
        """Add the parameters of a mapping or of pairs."""
        plain = isinstance(parameters, Mapping) and not isinstance(parameters, (OrderedDict, ParameterDict))
        super().update(sorted(parameters.items()) if plain else parameters)

    def __or__(self, other: ParameterDict) -> ParameterDict:
        return ParameterDict([*self.items(), *other.items()])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")

    def extra_repr(self) -> str:
        return _described(self.items(), typename)


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _described(items: Iterable[tuple[Any, Any]], kind: Callable[[Any], object]) -> str:
    """One line for each value in a list or dict of parameters; `kind` says what a tensor is called."""
    return "\n".join(
        f"  ({name}): Parameter containing: [{kind(value)} of size {'x'.join(map(str, value.shape))}]"
        if isinstance(value, Tensor) else f"  ({name}): Object of type: {type(value).__name__}"
        for name, value in items)

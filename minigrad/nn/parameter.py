"""Parameter and Buffer: tensors that a Module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from ..creation import empty
from ..tensor import Tensor

T = TypeVar("T", bound=Tensor)


class Parameter(Tensor):
    """A tensor to be trained: a leaf that requires grad. It shares `data`'s memory.

    Assigned to a Module it becomes one of `module.parameters()`. RuntimeError for integer `data` unless
    `requires_grad=False`.

    >>> from minigrad import tensor
    >>> Parameter(tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Self:
        return _leaf(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that is part of a module's state but not trained: assigning it registers a buffer.

    `state_dict()` includes it if it is `persistent`.
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Self:
        buffer = _leaf(cls, data, False if data is None else data.requires_grad)
        buffer.persistent = persistent
        return buffer


def _leaf(cls: type[T], data: Tensor | None, requires_grad: bool) -> T:
    """A leaf of class `cls` on the memory of `data`, with the same version cell."""
    source = empty(0) if data is None else data.detach()
    leaf = object.__new__(cls)
    leaf.array, leaf.cell, leaf.base, leaf.node, leaf.place = source.array, source.cell, None, None, None
    leaf.requires_grad = requires_grad
    return leaf


def zero_grad_in_place(p: Tensor) -> None:
    """Fill a parameter's gradient with zeros where it is; a history of its own (create_graph) is cut off."""
    if p.grad is not None:
        p.grad.detach_().zero_()


def typename(value: object) -> str:
    """An object's type as torch's error messages write it: torch.FloatTensor, int, package.Class."""
    if isinstance(value, Tensor):
        return f"torch.{value.dtype.type_name}Tensor"
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"

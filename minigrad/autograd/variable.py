"""torch.autograd.Variable: what a tensor with a gradient was called before tensors had one themselves."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ..engine import TensorCore

if TYPE_CHECKING:
    from ..tensor import Tensor


class AnyTensor(type):
    """Every tensor is an instance of Variable."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, TensorCore)


class Variable(metaclass=AnyTensor):
    """Deprecated: `Variable(t)` is a leaf tensor with t's memory; tensors have `requires_grad` of their own now."""

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: Any = None) -> Tensor:  # type: ignore[misc]
        if volatile is not None:
            warnings.warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                          stacklevel=2)
        if not isinstance(data, TensorCore):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        leaf: Tensor = data.detach()  # type: ignore[attr-defined]  # a Tensor
        leaf.requires_grad = requires_grad
        return leaf

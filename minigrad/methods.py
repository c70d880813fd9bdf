"""Makes methods of Tensor out of functions: the writing form of each, the casts, and `new_zeros` and its like."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from . import inplace, ops
from .dtypes import MemoryFormat, dtype, preserve_format

if TYPE_CHECKING:
    from .tensor import Tensor

Method = Callable[..., Any]


def in_place(*functions: Method) -> list[Method]:
    """The methods that write the result of a function into the tensor itself: add_ and sub_ from add and sub."""
    return [_in_place(f, lambda x, *args, f=f, **named: inplace.update(x, f, *args, **named)) for f in functions]


def compared_in_place(*functions: Method) -> list[Method]:
    """The methods that write a comparison into the tensor itself: eq_ from eq. torch has gradients of zero for them."""
    return in_place(*[wraps(f)(lambda x, y, f=f: f(x, y) + ops.zeros_like(x * y)) for f in functions])


def viewed_in_place(*functions: Method) -> list[Method]:
    """The methods that let the tensor itself become a view of it: squeeze_ from squeeze."""
    return [_in_place(f, lambda x, *args, f=f, **named: inplace.reshape(x, f(x, *args, **named))) for f in functions]


def _in_place(function: Method, method: Method) -> Method:
    method.__name__, method.__doc__ = f"{function.__name__}_", f"{function.__doc__} In place."
    return method


def in_dtype_of(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method that makes a new tensor with this one's dtype and device, unless told otherwise: x.new_zeros(2)."""

    def method(self: Tensor, /, *args: Any, dtype: dtype | None = None, device: Any = None, **kwargs: Any) -> Tensor:
        return function(*args, dtype=dtype or self.dtype, device=device or self.device, **kwargs)

    method.__doc__ = f"{function.__doc__} With this tensor's dtype and device."
    return method


def casting_to(d: dtype) -> Callable[..., Tensor]:
    """The method that casts to a dtype: x.float()."""

    def method(self: Tensor, memory_format: MemoryFormat = preserve_format) -> Tensor:
        return self.to(d, memory_format=memory_format)

    method.__doc__ = f"As {d.name}."
    return method

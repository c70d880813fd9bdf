"""The argument `out=`: torch.add(x, y, out=z) writes the sum into z, a tensor that is there already."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from ..modes import mode, no_grad
from .promotion import kind

if TYPE_CHECKING:
    from ..tensor import Tensor


def with_out(function: Callable[..., Tensor]) -> Callable[..., Any]:
    """The function with an argument `out` more: the tensor to write the result into, cast to its dtype, and to return.

    An `out` of another shape takes on the result's, with a warning unless it was empty. RuntimeError where a gradient
    would have to pass, and for a dtype of a lower category than the result's.
    """
    name = function.__name__

    @wraps(function)
    def writing(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Tensor:
        if out is None:
            return function(*args, **kwargs)
        given = (*args, *kwargs.values(), out)
        if mode.grad and any(getattr(x, "requires_grad", False) for x in given):
            raise RuntimeError(f"{name}(): functions with out=... arguments don't support automatic differentiation, "
                               "but one of the arguments requires grad.")
        with no_grad():
            result = function(*args, **kwargs)
            if kind(result) > kind(out):
                raise RuntimeError(f"result type {result.dtype.type_name} can't be cast to the desired output type "
                                   f"{out.dtype.type_name}")
            if out.array.shape != result.array.shape:
                _resize(out, result.array.shape)
            return out.copy_(result)

    return writing


def _resize(out: Tensor, shape: tuple[int, ...]) -> None:
    """Give out new memory of a shape."""
    if out.array.size:
        warnings.warn("An output with one or more elements was resized since it had shape "
                      f"{list(out.array.shape)}, which does not match the required output shape {list(shape)}.",
                      stacklevel=3)
    out.array = np.empty_like(out.array, shape=shape)

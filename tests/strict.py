"""A NumPy stand-in for a GPU's array library: it computes the same, and refuses what a GPU library refuses.

Mixing it with NumPy arrays, turning it into one silently (`np.asarray`), and indexing it with NumPy arrays all
raise. So an op or a rule that would break, or copy to the host behind the user's back, on CuPy breaks here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


def unwrap(x: Any) -> Any:
    """The NumPy array inside; a NumPy array in its place is an error, also inside lists and tuples."""
    if isinstance(x, StrictArray):
        return x.inside
    if isinstance(x, np.ndarray):
        raise TypeError(f"a NumPy array of shape {x.shape} was mixed with device arrays")
    if isinstance(x, (list, tuple)):
        return type(x)([unwrap(v) for v in x])
    return x


def wrap(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(wrap(v) for v in x)
    return StrictArray(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x


class StrictArray(NDArrayOperatorsMixin):
    """An array that only meets its own kind."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        kwargs = {k: unwrap(v) for k, v in kwargs.items()}
        return wrap(getattr(ufunc, method)(*[unwrap(x) for x in inputs], **kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return wrap(function(*unwrap(args), **{k: unwrap(v) for k, v in kwargs.items()}))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion of a device array to a NumPy array")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inside, name)
        if name in ("shape", "dtype", "ndim", "size", "strides", "flags", "itemsize", "nbytes"):
            return found
        if name in ("T", "base"):
            return wrap(found)
        if callable(found):
            return lambda *args, **kwargs: wrap(found(*unwrap(args), **{k: unwrap(v) for k, v in kwargs.items()}))
        raise AttributeError(name)

    def __bool__(self) -> bool:
        return bool(self.inside)  # waits for the device, as CuPy's does, but copies no array

    def __len__(self) -> int:
        return len(self.inside)

    def __getitem__(self, key: Any) -> Any:
        return wrap(self.inside[unwrap(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.inside[unwrap(key)] = unwrap(value)

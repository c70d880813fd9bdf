"""A tensor as Python values: numbers, lists, arrays, truth, text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes, printing
from .device import CPU, get_default_device, of, place
from .engine import TensorCore, wrap
from .functions import shapes
from .gradfn import torch_name
from .gradient import WithGradient
from .modes import mode

if TYPE_CHECKING:
    from .tensor import Tensor


class WithValues(WithGradient):
    """What turns a tensor into something that Python, NumPy or a reader understands."""

    def item(self) -> Any:
        """The one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self.array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The elements as an array that shares this tensor's memory."""
        if self.node is not None and mode.grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        where = of(self.array)
        if where != CPU and not force:
            raise TypeError(f"can't convert {where} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
                            "to host memory first.")
        return place(self.array, CPU)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return np.array(array, dtype, copy=copy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        return wrap(np.asarray(array))

    def __bool__(self) -> bool:
        if self.array.size != 1:
            count = "no values" if self.array.size == 0 else "more than one value"
            raise RuntimeError(
                f"Boolean value of Tensor with {count} is ambiguous (shape {list(self.array.shape)}). Use "
                "(x == y).all() or .any().")
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __index__(self) -> int:
        if self.array.dtype.kind == "f" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index, not one of shape "
                            f"{list(self.array.shape)} and {self.array.dtype}")
        return int(self.array.item())

    def _one(self) -> Any:
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars, not one of shape "
                             f"{list(self.array.shape)}")
        return self.array.item()

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(shapes.unbind(self))  # type: ignore[arg-type]  # the Tensor that this is a part of

    def __contains__(self, element: Any) -> bool:
        found = self == element
        return isinstance(found, TensorCore) and bool(found.array.any())

    def __repr__(self) -> str:
        array, where = place(self.array, CPU), of(self.array)
        suffixes = printing.array_suffixes(array, dtypes.get_default_dtype().numpy)
        if where != get_default_device():
            suffixes.insert(0, f"device={str(where)!r}")
        node = self.current_node()
        if node is not None:
            suffixes.append("requires_grad=True" if self.is_leaf else f"grad_fn=<{torch_name(node)}>")
        return printing.tensor_repr(array, suffixes=suffixes)

    def _repr_html_(self) -> str:
        """What a notebook shows: torch's text, the shape and the dtype, and the gradient if there is one."""
        from html import escape  # it takes long to import, and is seldom needed

        text = f"{self!r}\nshape {list(self.array.shape)}, {dtypes.from_numpy_dtype(self.array.dtype)}"
        if self.is_leaf and self.grad is not None:
            text += f"\ngrad {self.grad!r}"
        return f"<pre>{escape(text, quote=False)}</pre>"

    def __format__(self, spec: str) -> str:
        if self.array.ndim == 0 and type(self) is self.result_class:
            return printing.format_scalar(place(self.array, CPU), spec)
        return object.__format__(self, spec)

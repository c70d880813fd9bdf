"""torch's dtypes over NumPy's, and torch's rules for mixing them.

NumPy promotes by the values' sizes (int64 with float32 gives float64). torch promotes by *category* first
(bool < integer < floating point) and lets a tensor with dimensions outrank a 0-d tensor, which outranks a
Python number: a 0-d float64 tensor does not widen a float32 matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor

BOOL, INTEGER, FLOATING = 0, 1, 2  # the categories, in rising order


class dtype:
    """The type of a tensor's elements, printed as torch prints it.

    >>> float32, float32.itemsize, float32.is_floating_point
    (torch.float32, 4, True)
    """

    __slots__ = ("name", "numpy", "category", "itemsize", "type_name")
    __module__ = "torch"

    def __init__(self, name: str, type_name: str) -> None:
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(name)
        self.category = {"b": BOOL, "i": INTEGER, "u": INTEGER, "f": FLOATING}[self.numpy.kind]
        self.itemsize = self.numpy.itemsize
        self.type_name = type_name  # as in torch.FloatTensor; error messages use the part before "Tensor"

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        return False

    @property
    def is_signed(self) -> bool:
        return self.numpy.kind in "if"

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return by_name, (self.name,)  # so that a loaded or copied dtype is the same object


float16, float32, float64 = dtype("float16", "Half"), dtype("float32", "Float"), dtype("float64", "Double")
int8, int16, int32 = dtype("int8", "Char"), dtype("int16", "Short"), dtype("int32", "Int")
int64, uint8 = dtype("int64", "Long"), dtype("uint8", "Byte")
bool_ = dtype("bool", "Bool")
ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool_)


def by_name(name: str) -> dtype:
    """The dtype called name: "float32"."""
    return next(d for d in ALL if d.name == name)



class MemoryFormat:
    """In which order a copy lies in memory: torch.contiguous_format (the plain one) or torch.preserve_format."""

    __module__ = "torch"

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


contiguous_format, preserve_format = MemoryFormat("contiguous_format"), MemoryFormat("preserve_format")


class finfo:
    """The limits of a floating-point dtype: torch.finfo(torch.float32).eps."""

    def __init__(self, type: dtype | None = None) -> None:
        limits = np.finfo((type or _default).numpy)
        self.min, self.max, self.eps = float(limits.min), float(limits.max), float(limits.eps)
        self.tiny = self.smallest_normal = float(limits.tiny)
        self.bits, self.dtype = limits.bits, str(limits.dtype)


class iinfo:
    """The limits of an integer dtype: torch.iinfo(torch.int64).max."""

    def __init__(self, type: dtype) -> None:
        limits = np.iinfo(type.numpy)
        self.min, self.max, self.bits, self.dtype = int(limits.min), int(limits.max), limits.bits, str(limits.dtype)


_of_numpy = {d.numpy: d for d in ALL}
_of_python: dict[Any, dtype] = {float: float64, int: int64, bool: bool_}
_default = float32


def get_default_dtype() -> dtype:
    """The dtype of new floating-point tensors: torch.float32 until `set_default_dtype`."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` (a floating-point dtype) the dtype of new floating-point tensors."""
    global _default
    if not isinstance(d, dtype) or d.category != FLOATING:
        raise TypeError(f"only floating-point types are supported as the default type, not {d!r}")
    _default = d


def from_numpy_dtype(d: np.dtype[Any]) -> dtype:
    """The torch dtype of a NumPy dtype; TypeError for those that torch has not."""
    found = _of_numpy.get(d)
    if found is None:
        names = ", ".join(x.name for x in ALL)
        raise TypeError(f"can't convert np.ndarray of type {d}. The only supported types are: {names}.")
    return found


def as_dtype(d: Any) -> dtype:
    """A dtype as a user may write it: torch.float32, or Python's float (float64), int, bool."""
    if isinstance(d, dtype):
        return d
    if d in _of_python:
        return _of_python[d]
    raise TypeError(f"dtype must be torch.dtype, not {type(d).__name__} ({d!r})")


def number_dtype(x: Any) -> dtype:
    """The dtype that torch gives to a Python number."""
    if isinstance(x, (bool, np.bool_)):
        return bool_
    return int64 if isinstance(x, (int, np.integer)) else _default


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype that holds both, by category first.

    >>> promote_types(int64, float16), promote_types(uint8, int8)
    (torch.float16, torch.int16)
    """
    if a is b:
        return a
    if a.category != b.category:
        return a if a.category > b.category else b
    return _of_numpy[np.promote_types(a.numpy, b.numpy)]


def result_type(*operands: Tensor | float) -> dtype:
    """The dtype of an operation on tensors and Python numbers, by torch's three ranks.

    A lower rank counts only where its category is higher: an int matrix with the number 1.5 is floating
    point, a float32 matrix with a 0-d float64 tensor stays float32.
    """
    ranks: list[dtype | None] = [None, None, None]  # tensors with dimensions, 0-d tensors, numbers
    for x in operands:
        array = getattr(x, "array", None)
        rank = 2 if array is None else (0 if array.ndim else 1)
        found = number_dtype(x) if array is None else _of_numpy[array.dtype]
        seen = ranks[rank]
        ranks[rank] = found if seen is None else promote_types(seen, found)
    result, *lower = [found for found in ranks if found is not None]
    for found in lower:
        result = found if found.category > result.category else result
    return result

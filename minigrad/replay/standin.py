"""What stands in an array's place while a step is being recorded: it computes at once, and every call is noted."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..engine import Array, TensorCore, wrap
from ..ops import TABLE

if TYPE_CHECKING:
    from .recorder import Recorder

# What may be read of an array without looking at its values.
FORM = frozenset({"shape", "dtype", "ndim", "size", "strides", "flags", "itemsize", "nbytes", "base", "ctypes",
                  "device"})
REDUCTIONS = {"sum": np.add.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce}  # what these methods call


class ReplayError(RuntimeError):
    """The step does something that a recording can't hold, or that was otherwise when it was recorded."""


def no_value(what: str) -> ReplayError:
    """The error for code that asks for a value which every call of the step will have anew."""
    return ReplayError(
        f"{what} inside a replayed step: the recording holds calls on arrays, not what Python makes of their values. "
        "Return the tensor from the step and look at it there; for a choice between values use torch.where.")


class StandIn(NDArrayOperatorsMixin):
    """An array of the step that is being recorded. It takes part in NumPy's own dispatch, and says it is an array.

    Values never leave it: what would hand them to Python (float, if, np.asarray) raises, or, for a check of
    minigrad's own such as "is each index in range", is noted as an expectation.
    """

    __slots__ = ("value", "recorder")

    def __init__(self, value: Array, recorder: Recorder) -> None:
        self.value, self.recorder = value, recorder

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **named: Any) -> Any:
        if any(isinstance(x, TensorCore) for x in inputs):  # a rule that runs on tensors, with a number of the step's
            op = next(op for op in TABLE.values() if op.forward is ufunc)
            return op(*[wrap(x.value) if type(x) is StandIn else x for x in inputs])
        if out is not None:
            named["out"] = out[0] if len(out) == 1 else out
        return self.recorder.call(ufunc if method == "__call__" else getattr(ufunc, method), inputs, named)

    def __array_function__(self, function: Any, types: Any, args: Any, named: Any) -> Any:
        return self.recorder.call(function, args, named)

    def __array__(self, *args: Any, **named: Any) -> Any:
        raise no_value("an array that leaves minigrad (np.asarray)")

    def __getattr__(self, name: str) -> Any:
        if name in FORM:
            return getattr(self.value, name)
        kind = type(self.value)
        if name == "T":
            return self.recorder.call(kind.transpose, (self,), {})
        method = getattr(kind, name)
        if name.startswith("__"):
            raise AttributeError(name)  # np.asarray asks for several, and then for __array__
        if name in ("item", "tolist", "tobytes") or not callable(method):
            raise no_value(f"{name} of an array")
        if name in REDUCTIONS and kind is np.ndarray:
            return lambda axis=None, **named: self.recorder.call(REDUCTIONS[name], (self, axis), named)
        return lambda *args, **named: self.recorder.call(method, (self, *args), named)

    def __getitem__(self, key: Any) -> Any:
        return self.recorder.call(operator.getitem, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        self.recorder.call(operator.setitem, (self, key, value), {})

    def __pow__(self, n: Any) -> Any:  # NumPy's operator squares for 2 and takes the root for .5; its ufunc does not
        return self.recorder.call(operator.pow, (self, n), {})

    def __rpow__(self, x: Any) -> Any:
        return self.recorder.call(operator.pow, (x, self), {})

    def __ipow__(self, n: Any) -> Any:
        return self.recorder.call(operator.ipow, (self, n), {})

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.value)))

    def __bool__(self) -> bool:
        asked_by = sys._getframe(1).f_globals.get("__name__", "")
        if not asked_by.startswith("minigrad.") and asked_by != "numpy":
            raise no_value("a branch on a value")
        return bool(self.recorder.expect(self.value))

    def __float__(self) -> float:
        raise no_value("float()")

    def __int__(self) -> int:
        raise no_value("int()")

    def __index__(self) -> int:
        raise no_value("a value as an index")


class Number:
    """A number of an optimizer's update, such as the learning rate: computed anew at every call of the program."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

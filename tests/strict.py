"""A stand-in for CuPy that needs no GPU: NumPy's arrays, wrapped so that they refuse what CuPy's arrays refuse.

Mixing them with NumPy arrays raises, and so does turning them into one silently (`np.asarray`, `float`). They answer
to the functions, methods and arguments that CuPy has and to no others (cupy_interface.json). So an op that would break
on a GPU, or copy to the host behind the user's back, breaks here.

`strict_cuda()` installs it in CuPy's place: until the context ends, "cuda" is a device of these arrays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from minigrad.device import cuda_library

CUPY = json.loads(Path(__file__).with_name("cupy_interface.json").read_text())
FORM = {"shape", "dtype", "ndim", "size", "strides", "itemsize", "nbytes"}
READS = {"item", "tolist"}  # what a user asks for a value with


def unwrap(x: Any) -> Any:
    """The NumPy array inside; a NumPy array in its place is an error, also inside lists and tuples."""
    if isinstance(x, StrictArray):
        return x.inside
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}: a NumPy array of shape {x.shape} was mixed with device arrays")
    if isinstance(x, (list, tuple)):
        return type(x)([unwrap(v) for v in x])
    return x


def unwrap_key(key: Any) -> Any:
    """A key; CuPy brings index arrays of NumPy's to the device by itself."""
    if isinstance(key, tuple):
        return tuple(map(unwrap_key, key))
    return key.inside if isinstance(key, StrictArray) else key


capturing: list[Any] | None = None  # what a CUDA graph that is being captured will do


def effect(action: Any) -> None:
    """Write to an array: at once, or when the graph is launched that is being captured."""
    if capturing is None:
        action()
    else:
        capturing.append(action)


def computed(make: Any, given: Any) -> Any:
    """What make() returns. While a graph is captured nothing is computed: new memory holds anything until then."""
    found = make()
    if capturing is not None and isinstance(found, np.ndarray | np.generic):
        found = np.asarray(found)
        if not any(np.may_share_memory(found, a) for a in given if isinstance(a, np.ndarray)):
            result = found
            result.fill(77)
            capturing.append(lambda: result.__setitem__(..., make()))
    return wrap(found)


def wait() -> None:
    """What needs the GPU's answer can't be captured."""
    if capturing is not None:
        raise RuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")


def wrap(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x)([wrap(v) for v in x])
    return StrictArray(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x


def check(what: str, known: list[str] | None, args: Any, kwargs: Any) -> None:
    """TypeError for a function that CuPy has not, or for arguments that its version does not take."""
    if known is None:
        raise TypeError(f"CuPy {CUPY['version']} has no {what}")
    if {"args", "kwargs"}.isdisjoint(known) and (len(args) > len(known) or not set(kwargs) <= set(known)):
        raise TypeError(f"CuPy's {what} takes {known}: not {len(args)} by position, and {list(kwargs)}")


class StrictArray(NDArrayOperatorsMixin):
    """An array that only meets its own kind."""

    device = SimpleNamespace(id=0)

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc.__name__ not in CUPY["ufuncs"]:
            return NotImplemented  # as CuPy says of np.add.reduce and np.add.at
        if not set(kwargs) <= {"out", "dtype", "casting"}:
            raise TypeError(f"CuPy's {ufunc.__name__} does not take {list(kwargs)}")
        return call(ufunc, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(t is not StrictArray for t in types):
            return NotImplemented
        name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
        check(name, CUPY["functions"].get(name), args, kwargs)
        return call(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __getattr__(self, name: str) -> Any:
        if name in FORM:
            return getattr(self.inside, name)
        if name in ("T", "base"):
            return wrap(getattr(self.inside, name))
        if name == "flags":
            return SimpleNamespace(c_contiguous=self.inside.flags.c_contiguous)
        if name == "data":
            return SimpleNamespace(ptr=self.inside.ctypes.data)
        raise AttributeError(f"CuPy's arrays have no {name}")

    def get(self) -> Any:
        """A copy on the host."""
        wait()
        return self.inside.copy()

    def __bool__(self) -> bool:
        wait()
        return bool(self.inside)  # waits for the device, as CuPy's does, but copies no array

    def __len__(self) -> int:
        return len(self.inside)

    def __iter__(self) -> Iterator[Any]:
        return map(wrap, self.inside)

    def __float__(self) -> float:
        raise TypeError("a silent copy to the host: float() of a device array; .item() says what it does")

    __int__ = __index__ = __float__

    def __getitem__(self, key: Any) -> Any:
        place = unwrap_key(key)
        return computed(lambda: self.inside[place], [self.inside])

    def __setitem__(self, key: Any, value: Any) -> None:
        place, new = unwrap_key(key), unwrap(value)
        effect(lambda: self.inside.__setitem__(place, new))

    def __repr__(self) -> str:
        raise TypeError("a silent copy to the host: the text of a device array")


def call(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A function or method of NumPy's on the arrays inside."""
    out = args[2] if function is np.dot and len(args) == 3 else kwargs.get("out")
    args, kwargs = unwrap(tuple(args)), {k: unwrap(v) for k, v in kwargs.items()}
    if out is not None or function.__name__ == "fill":
        effect(lambda: function(*args, **kwargs))
        return out[0] if isinstance(out, tuple) else out
    return computed(lambda: function(*args, **kwargs), [*args, *kwargs.values()])


def method(name: str) -> Any:
    """The method of that name, with the arguments that CuPy's has."""
    known = ["args"] if name in ("reshape", "transpose") else CUPY["methods"][name][1:]

    def strict(self: StrictArray, *args: Any, **kwargs: Any) -> Any:
        check(name, known, args, kwargs)
        if name in READS:
            wait()
            return getattr(self.inside, name)(*args, **kwargs)
        return call(getattr(np.ndarray, name), (self, *args), kwargs)

    strict.__name__ = name
    return strict


for _name in CUPY["methods"]:
    setattr(StrictArray, _name, method(_name))


class Graph:
    """A captured CUDA graph."""

    def __init__(self, actions: list[Any]) -> None:
        self.actions = actions

    def launch(self) -> None:
        for action in self.actions:
            action()


class Stream:
    """A CUDA stream that can capture."""

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin_capture(self) -> None:
        global capturing
        capturing = []

    def end_capture(self) -> Graph:
        global capturing
        actions, capturing = capturing, None
        assert actions is not None
        return Graph(actions)


class StrictLibrary:
    """What minigrad asks of the module `cupy` itself."""

    ndarray = StrictArray

    class cuda:
        @staticmethod
        def Device(index: int) -> Any:
            assert index == 0
            return nullcontext()

        Stream = Stream

        @staticmethod
        def MemoryPool() -> Any:  # CuPy's name
            return SimpleNamespace(malloc=None)

        @staticmethod
        def using_allocator(malloc: Any) -> Any:
            return nullcontext()

        @staticmethod
        def get_current_stream() -> Any:
            return SimpleNamespace(synchronize=lambda: None)

        runtime = SimpleNamespace(
            getDeviceCount=lambda: 1, getDevice=lambda: 0, setDevice=lambda index: None, memGetInfo=lambda: (1, 2),
            getDeviceProperties=lambda index: {"name": b"strict array module", "totalGlobalMem": 2, "major": 0,
                                               "minor": 0, "multiProcessorCount": 1})

    @staticmethod
    def get_default_memory_pool() -> Any:
        return SimpleNamespace(used_bytes=lambda: 0, total_bytes=lambda: 0, free_all_blocks=lambda: None)

    @staticmethod
    def asarray(array: Any) -> StrictArray:
        assert isinstance(array, np.ndarray | np.generic)
        wait()
        return StrictArray(np.array(array, order="K"))

    class add:
        @staticmethod
        def at(array: Any, key: Any, value: Any) -> None:
            args = unwrap(array), unwrap_key(key), unwrap(value)
            effect(lambda: np.add.at(*args))

    lib = SimpleNamespace(stride_tricks=SimpleNamespace(
        as_strided=lambda x, shape, strides: wrap(np.lib.stride_tricks.as_strided(unwrap(x), shape, strides))))


@contextmanager
def strict_cuda() -> Iterator[None]:
    """Until the context ends, "cuda" is a device whose arrays are strict ones."""
    before = sys.modules.get("cupy")
    sys.modules["cupy"] = StrictLibrary  # type: ignore[assignment]  # all that minigrad asks of it
    cuda_library.cache_clear()
    try:
        yield
    finally:
        if before is None:
            del sys.modules["cupy"]
        else:
            sys.modules["cupy"] = before
        cuda_library.cache_clear()

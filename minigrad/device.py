"""Where tensors live: on the CPU, in arrays of NumPy, or on a GPU, in arrays of CuPy.

CuPy has NumPy's interface, and NumPy hands its calls over: `np.exp(x)` of a CuPy array runs CuPy's exp on the GPU and
gives a CuPy array. So the table, the layers and the optimizers never ask where an array is. What has to ask, to make
an array on a device or to copy one, is in this file.

Arrays of the two never meet: an operation on both raises, as in torch. Only a CPU tensor without dimensions may join
tensors of a GPU, as a number does.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np

_TYPES = ("cpu", "cuda", "mps", "xpu", "meta")


class device:
    """A device's name: `device("cuda:0")`, `device("cuda", 0)`, `device(type="cpu")`.

    >>> device("cuda:1").index, str(device("cpu"))
    (1, 'cpu')
    """

    __slots__ = ("type", "index")
    __module__ = "torch"

    type: str
    index: int | None

    def __init__(self, type: str | device | int, index: int | None = None) -> None:
        name, colon, number = (f"cuda:{type}" if isinstance(type, int) else str(type)).partition(":")
        if name not in _TYPES or (colon and not number.isdigit()):
            raise RuntimeError(f"Expected one of {', '.join(_TYPES)} device type at start of device string: {type}")
        self.type = name
        self.index = int(number) if colon else index

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, device) and (self.type, self.index) == (other.type, other.index))

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> Any:
        return named, (str(self),)  # by a function: pickle would not find a class that says it is torch's

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"


def named(text: str) -> device:
    """The device of that name."""
    return device(text)


CPU = device("cpu")
_default: device | None = None


def set_default_device(device: Any) -> None:
    """Let new tensors live on a device unless they are told otherwise; None for the CPU."""
    global _default
    _default = None if device is None or usable(device) == CPU else usable(device)


def default_device() -> device | None:
    """Where new tensors are put; None leaves them where they were made."""
    return _default


def get_default_device() -> device:
    """Where new tensors live."""
    return _default or CPU


# ---------------------------------------------------------------------------------------------- the GPU's library


@cache
def cuda_library() -> Any:
    """CuPy, imported when it is first asked for; None where it is not installed or finds no GPU."""
    try:
        library = importlib.import_module("cupy")
        return library if library.cuda.runtime.getDeviceCount() else None
    except Exception:  # not installed, or no driver: CuPy has an error of its own for each way to have no GPU
        return None


def no_cuda() -> AssertionError:
    """torch's error where there is no GPU, and what to do."""
    return AssertionError(
        "Torch not compiled with CUDA enabled: minigrad computes on a GPU with CuPy, which is not installed here or "
        'finds no GPU (pip install "minigrad[cuda]"). Choose the device with "cuda" if torch.cuda.is_available() else '
        '"cpu".')


def usable(where: Any) -> device:
    """The device itself, its number filled in; AssertionError or RuntimeError if tensors cannot live there."""
    found = where if isinstance(where, device) else device(where)
    if found.type == "cpu":
        return CPU
    library = cuda_library() if found.type == "cuda" else None
    if library is None:
        raise no_cuda()
    index = library.cuda.runtime.getDevice() if found.index is None else found.index
    if index >= library.cuda.runtime.getDeviceCount():
        raise RuntimeError(f"CUDA error: invalid device ordinal: there is no {str(found)!r} among the "
                           f"{library.cuda.runtime.getDeviceCount()} GPUs here")
    return device("cuda", index)


# ---------------------------------------------------------------------------------------------------- arrays


def is_array(x: Any) -> bool:
    """Whether x is an array: NumPy's or a GPU's (or what stands in for one while replay records)."""
    return hasattr(x, "__array_function__")


def as_array(x: Any) -> Any:
    """An array: x itself, or what NumPy makes a scalar of when nothing but one number is left."""
    return np.asarray(x) if isinstance(x, np.generic) else x


def of(array: Any) -> device:
    """Where an array lives."""
    home = array.device
    return CPU if type(home) is str else device("cuda", home.id)  # NumPy says "cpu"


def place(array: Any, where: device) -> Any:
    """The array on a device: itself where it is there already, else a copy."""
    if of(array) == where:
        return array
    return copied(array, where)


def copied(array: Any, where: device) -> Any:
    """A copy of the array on another device."""
    if where == CPU:
        return array.get()
    library = cuda_library()
    with library.cuda.Device(where.index):
        return library.asarray(array)


def share_memory(a: Any, b: Any) -> bool:
    """Whether two arrays may have memory in common."""
    return of(a) == of(b) and bool(np.may_share_memory(a, b))


def beside(array: Any, like: Any) -> Any:
    """An array made on the host, where another one lives."""
    return array if type(like) is np.ndarray else place(array, of(like))


def library_of(array: Any) -> Any:
    """The library that an array is from, for what NumPy does not hand over: `np.add.at`, say."""
    return np if of(array) == CPU else cuda_library()


def address(array: Any) -> int:
    """Where an array's first element lies in the memory of its device."""
    return int(array.ctypes.data if of(array) == CPU else array.data.ptr)


def strided(array: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """A view of a vector's memory: `offset` in elements of it, strides in bytes."""
    if of(array) == CPU:
        return np.ndarray(shape, array.dtype, array, offset * array.itemsize, strides)
    return cuda_library().lib.stride_tricks.as_strided(array[offset:], shape, strides)


def gathered(args: tuple[Any, ...], error: TypeError) -> list[Any]:
    """The arguments of an op that failed with this error, on one device, if they were on two.

    A CPU tensor without dimensions follows the others, as a number would; RuntimeError for any larger one.
    """
    homes = {i: of(a.array) for i, a in enumerate(args) if hasattr(a, "array")}
    there = next((home for home in homes.values() if home != CPU), CPU)
    astray = [i for i, home in homes.items() if home != there]
    if not astray:
        raise error
    if any(args[i].array.ndim or homes[i] != CPU for i in astray):
        raise RuntimeError("Expected all tensors to be on the same device, but found at least two devices, "
                           f"{there} and {homes[astray[0]]}! Move one with .to(device); the shapes are "
                           f"{[list(args[i].array.shape) for i in homes]}")
    return [a.to(there) if i in astray else a for i, a in enumerate(args)]

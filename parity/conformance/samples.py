"""A sample's arguments, as torch's metadata gives them, and copies of them for torch or for minigrad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch

Library = ModuleType  # torch or minigrad: the same names in both

DTYPES = {torch.float16, torch.float32, torch.float64, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
          torch.bool}


class NotApplicable(Exception):
    """The sample needs what minigrad leaves out by design; the message says what."""


@dataclass(frozen=True)
class PerLibrary:
    """An argument that each library has to build for itself: a module, say."""

    build: Callable[[Library], Any]
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call, positional and by name, with torch's tensors and dtypes in them."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def on(self, library: Library) -> tuple[tuple[Any, ...], dict[str, Any], list[Any]]:
        """A fresh copy for a library, and all tensors in it, in order; a tensor given twice stays one tensor."""
        if self.kwargs.get("out") is not None:
            raise NotApplicable("out=: an operation of minigrad returns a new tensor")
        copies: dict[int, Any] = {}

        def copied(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return counterpart(leaf, library)
            if id(leaf) not in copies:
                copies[id(leaf)] = copy_tensor(leaf, library)
            return copies[id(leaf)]

        args, kwargs = mapped(copied, (self.args, self.kwargs))
        return args, kwargs, list(copies.values())

    def changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Arguments:
        """The same arguments with every floating-point tensor changed."""
        done: dict[int, torch.Tensor] = {}

        def changed(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():
                return leaf
            if id(leaf) not in done:
                done[id(leaf)] = change(leaf.detach()).requires_grad_(leaf.requires_grad)
            return done[id(leaf)]

        return Arguments(*mapped(changed, (self.args, self.kwargs)))

    def rounded(self) -> Arguments:
        """Every number rounded to one of -2, -1, 0, 1, 2: ties in every comparison, and all the kinks."""
        return self.changed(lambda t: t.round().clamp(-2, 2))

    def widened(self) -> Arguments:
        """The same numbers in float64."""
        wide = self.changed(lambda t: t.double() if t.dtype == torch.float32 else t.clone())
        return Arguments(*mapped(lambda leaf: torch.float64 if leaf is torch.float32 else leaf,
                                 (wide.args, wide.kwargs)))

    def __str__(self) -> str:
        given = [described(arg) for arg in self.args]
        given += [f"{name}={described(value)}" for name, value in self.kwargs.items()]
        return f"({', '.join(given)})"


def mapped(change: Callable[[Any], Any], tree: Any) -> Any:
    """The same lists, tuples and dicts with every leaf changed."""
    if isinstance(tree, dict):
        return {key: mapped(change, value) for key, value in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(mapped(change, value) for value in tree)
    return change(tree)


def copy_tensor(tensor: torch.Tensor, library: Library) -> Any:
    """A leaf of the library with the same numbers, laid out in memory the same way."""
    check_kind(tensor)
    memory = torch.empty(0, dtype=tensor.dtype).set_(tensor.detach().untyped_storage()).numpy().copy()
    strides = [step * tensor.element_size() for step in tensor.stride()]
    array = np.lib.stride_tricks.as_strided(memory[tensor.storage_offset():], tensor.shape, strides)
    if isinstance(tensor, torch.nn.Parameter):
        return library.nn.Parameter(library.from_numpy(array), tensor.requires_grad)
    return library.from_numpy(array).requires_grad_(tensor.requires_grad)


def check_kind(tensor: torch.Tensor) -> None:
    if tensor.layout is not torch.strided:
        raise NotApplicable("sparse tensors")
    counterpart_of_dtype(tensor.dtype, torch)
    if tensor.device.type != "cpu":
        raise NotApplicable(f"{tensor.device.type} tensors")


def counterpart(value: Any, library: Library) -> Any:
    """What the library has for one of torch's own objects; everything else stays as it is."""
    if isinstance(value, complex):
        raise NotApplicable("complex numbers")
    if isinstance(value, torch.dtype):
        return counterpart_of_dtype(value, library)
    if isinstance(value, torch.memory_format):
        if value in (torch.channels_last, torch.channels_last_3d):
            raise NotApplicable("memory formats other than contiguous")
        return named(library, value)
    if isinstance(value, torch.layout):
        return named(library, value)
    if isinstance(value, torch.device) or value == "cpu":
        return getattr(library, "home", value if isinstance(value, str) else library.device(str(value)))
    if isinstance(value, torch.Size):
        return library.Size(value)
    return value.build(library) if isinstance(value, PerLibrary) else value


def counterpart_of_dtype(dtype: torch.dtype, library: Library) -> Any:
    if dtype.is_complex:
        raise NotApplicable("complex numbers")
    if dtype not in DTYPES:
        raise NotApplicable(f"the dtype {named_as(dtype)}")
    return named(library, dtype)


def named(library: Library, value: Any) -> Any:
    return getattr(library, named_as(value))


def named_as(value: Any) -> str:
    return str(value).removeprefix("torch.")


def described(value: Any) -> str:
    """An argument in a few words: float64[3, 1] for a tensor."""
    if isinstance(value, torch.Tensor):
        return f"{named_as(value.dtype)}{list(value.shape)}"
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        inside = ", ".join(described(one) for one in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return repr(value)

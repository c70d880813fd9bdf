"""A call of torch's API as it is seen: its name, and copies of its arguments, to make the same call elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch.overrides import resolve_name

from parity.bisect.counterparts import counterpart_of
from parity.conformance.samples import Library, NotApplicable, check_kind, counterpart, mapped

MOST_ENTRIES = 4_000_000  # of all tensors of a call; a larger one (a whole data set, say) would take too long
# Calls that compute nothing, or that nobody can repeat (what lies in the memory of an empty tensor?).
PASSED_OVER = {
    "backward", "grad", "register_hook", "retain_grad", "requires_grad_", "detach_", "numpy", "item", "tolist", "cpu",
    "cuda", "size", "dim", "stride", "numel", "element_size", "storage_offset", "is_contiguous", "contiguous_format",
    "untyped_storage", "data_ptr", "share_memory_", "pin_memory", "set_", "resize_", "Tensor", "new", "from_numpy",
    "empty", "empty_like", "empty_strided", "new_empty", "as_subclass", "is_floating_point", "is_complex", "is_nonzero",
    "is_same_size", "result_type", "can_cast", "as_tensor", "frombuffer",
}
PROPERTIES = {"T", "mT", "H", "mH", "real"}  # those that compute
OURS, TORCH = f"{Path(__file__).parent}{os.sep}", f"{Path(torch.__file__).parent}{os.sep}"
# Where a call passes on its way from the script to us.
DISPATCH = ("torch/overrides.py", "torch/nn/functional.py", "torch/_tensor.py", "torch/functional.py")
# Methods that write to their first argument, beside those whose name ends with _.
INPLACE = ("__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__", "__imatmul__")
# As minigrad, and torch's documents, call it.
ALIASES = {"linalg_vector_norm": "linalg.vector_norm"}


@dataclass
class Given:
    """A tensor among the arguments, as it was before the call."""

    array: np.ndarray
    requires_grad: bool


@dataclass
class Stream:
    """A random generator among the arguments, as it was before the call."""

    state: np.ndarray


@dataclass
class Call:
    """What is needed to make the call again."""

    name: str  # below torch: "nn.functional.linear", "Tensor.__add__"
    args: Any
    kwargs: Any
    grad_mode: bool
    random_state: np.ndarray
    tensors: list[Any] = field(default_factory=list)  # the script's own tensors among the arguments
    given: list[Given] = field(default_factory=list)  # what they held, in the same order
    written: list[int] = field(default_factory=list)  # which of them the call wrote to
    is_random: bool = False  # the call drew numbers

    @property
    def short_name(self) -> str:
        return self.name.rpartition(".")[2] if not self.name.endswith("__get__") else self.name.split(".")[-2]

    def find(self, library: Library) -> Callable[..., Any]:
        """The function of a library; AttributeError where it has none."""
        if self.name.endswith(".__get__"):
            return lambda tensor: getattr(tensor, self.short_name)
        stand_in = None if library is torch else counterpart_of(self.name, library)
        return stand_in or reduce(getattr, self.name.split("."), library)


@cache
def name_of(function: Any) -> str | None:
    """What a torch function is called below torch; None for one that is not to be made again."""
    name = resolve_name(function)
    if name is None or not name.startswith("torch."):
        return None
    parts = name.removeprefix("torch.").split(".")
    if parts[-1] in ("__get__", "__set__"):
        return ".".join(parts) if parts[-1] == "__get__" and parts[-2] in PROPERTIES else None
    last = parts[-1]
    if last in PASSED_OVER or (last.startswith("_") and not is_operator(last)):
        return None
    return ALIASES.get(".".join(parts), ".".join(parts))


def is_operator(name: str) -> bool:
    """Whether it is `__add__` or the like; `__len__`, `__repr__`, `__reduce_ex__` compute nothing."""
    silent = ("len", "repr", "format", "hash", "reduce_ex", "deepcopy", "array", "contains", "iter", "setstate", "dir",
              "bool", "float", "int", "index", "array_wrap", "reversed", "dlpack", "dlpack_device", "complex", "long")
    return name.startswith("__") and name.endswith("__") and name.strip("_") not in silent


def seen(name: str, args: Any, kwargs: Any) -> Call:
    """The call with copies of its arguments, before it is made; NotApplicable if it cannot be made again."""
    if kwargs.get("out") is not None:
        raise NotApplicable("out=")
    call = Call(name, None, None, torch.is_grad_enabled(), torch.default_generator.get_state().numpy())
    known: dict[int, Given] = {}
    room = MOST_ENTRIES

    def copied(leaf: Any) -> Any:
        nonlocal room
        if isinstance(leaf, torch.Generator):
            return Stream(leaf.get_state().numpy())
        if not isinstance(leaf, torch.Tensor):
            if callable(leaf) and leaf not in (bool, int, float):
                raise NotApplicable("functions, classes and modules among the arguments")
            return leaf
        if id(leaf) not in known:
            check_kind(leaf)
            room -= leaf.numel()
            if room < 0:
                raise NotApplicable(f"more than {MOST_ENTRIES:,} numbers")
            known[id(leaf)] = Given(np.array(leaf.detach().numpy(), order="K"), leaf.requires_grad)
            call.tensors.append(leaf)
            call.given.append(known[id(leaf)])
        return known[id(leaf)]

    named = {key: value for key, value in kwargs.items() if key != "out"}
    call.args, call.kwargs = mapped(copied, (tuple(args), named))
    return call


def built(call: Call, library: Library, change: Callable[[Given], Any]) -> tuple[Any, Any]:
    """The arguments for a library; `change` makes its tensors."""
    def made(leaf: Any) -> Any:
        if isinstance(leaf, Given):
            return change(leaf)
        if isinstance(leaf, Stream):
            generator = library.Generator()
            generator.set_state(library.from_numpy(leaf.state.copy()))
            return generator
        return counterpart(leaf, library)

    return mapped(made, (call.args, call.kwargs))


def is_called_by_torch() -> bool:
    """Whether the call comes from torch's own Python code (a data loader, say), which another library has not."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(OURS) or
                                 frame.f_code.co_filename.endswith(DISPATCH)):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(TORCH)


def version(tensor: Any) -> int | None:
    """How often a tensor was written to; inference tensors do not count."""
    return None if tensor.is_inference() else tensor._version


def is_written(call: Call, i: int, before: int | None, after: int | None) -> bool:
    if before is None or after is None:
        name = call.short_name
        return i == 0 and (name in INPLACE or (name.endswith("_") and not name.endswith("__")))
    return before != after

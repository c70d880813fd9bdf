"""The list of programs, and what they share."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

PROGRAMS: list[Callable[[Any], Any]] = []


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(function)
    return function


def drawn(torch: Any, *shape: int, seed: int = 0, grad: bool = True) -> Any:
    """Numbers from NumPy's generator, the same in every library."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_(grad)


def error(call: Callable[[], Any]) -> str:
    """The type of what a call raises."""
    try:
        call()
    except Exception as found:
        return type(found).__name__
    return "none"


def bits(tensor: Any) -> int:
    """A checksum of a tensor's memory: the same only if every digit is."""
    return zlib.crc32(tensor.detach().contiguous().numpy().tobytes())

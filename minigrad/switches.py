"""Switches that scripts set about how torch computes: threads, determinism, compilation. None changes a result here."""

from __future__ import annotations

import os
from typing import Any

from .creation import dtype_of_type
from .dtypes import set_default_dtype

_threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def compile(model: Any = None, **options: Any) -> Any:
    """The model itself: compiling would make it faster, and change no result. Also a decorator, with options or not."""
    return (lambda model: model) if model is None else model


def set_num_threads(threads: int) -> None:
    """Note how many threads to use. NumPy's are set by the environment variable OMP_NUM_THREADS, before it starts."""
    global _threads
    if threads < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, not {threads}")
    _threads = threads


def get_num_threads() -> int:
    """How many threads `set_num_threads` asked for, or the environment."""
    return _threads


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for operations that give the same result every time: here they all do."""


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 matrices to be less exact, and faster: here they stay exact to float32."""


def set_default_tensor_type(t: Any) -> None:
    """The old way to `set_default_dtype`: by torch.DoubleTensor, or "torch.DoubleTensor"."""
    set_default_dtype(dtype_of_type(t))

"""torch.cuda on a machine without it: scripts ask `is_available()` and stay on the CPU."""

from __future__ import annotations

from typing import Any, NoReturn


def is_available() -> bool:
    """Whether tensors can live on a GPU: not yet in minigrad."""
    return False


is_initialized = is_available


def device_count() -> int:
    """How many GPUs tensors can live on."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the GPU's random stream; without a GPU there is none, and torch, too, ignores the call."""


def manual_seed_all(seed: int) -> None:
    """Seed every GPU's random stream; see `manual_seed`."""


def empty_cache() -> None:
    """Give unused GPU memory back; there is none."""


def memory_allocated(device: Any = None) -> int:
    """How many bytes of the GPU's memory are in use."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def synchronize(*args: Any, **kwargs: Any) -> NoReturn:
    """What needs a GPU: AssertionError, as in torch without CUDA."""
    raise AssertionError("Torch not compiled with CUDA enabled")


current_device = get_device_name = get_device_properties = get_device_capability = mem_get_info = synchronize
current_stream = get_rng_state = get_rng_state_all = initial_seed = init = ipc_collect = set_device = synchronize

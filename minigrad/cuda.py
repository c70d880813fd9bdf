"""torch.cuda on a machine without it: scripts ask `is_available()` and stay on the CPU."""

from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can live on a GPU: not yet in minigrad."""
    return False


def device_count() -> int:
    """How many GPUs tensors can live on."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the GPU's random stream; without a GPU there is none, and torch, too, ignores the call."""


def manual_seed_all(seed: int) -> None:
    """Seed every GPU's random stream; see `manual_seed`."""


def empty_cache() -> None:
    """Give unused GPU memory back; there is none."""

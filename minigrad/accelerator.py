"""torch.accelerator, for a GPU of any kind: here CUDA's is the only one."""

from .cuda import device_count, is_available
from .device import device

__all__ = ["current_accelerator", "device_count", "is_available"]


def current_accelerator(check_available: bool = False) -> device | None:
    """The device of the GPU: None without one."""
    return device("cuda") if is_available() else None

"""torch.accelerator, for a GPU of any kind, on a machine without one."""

from .cuda import device_count, is_available

__all__ = ["current_accelerator", "device_count", "is_available"]


def current_accelerator(check_available: bool = False) -> None:
    """The device of the GPU: None without one."""

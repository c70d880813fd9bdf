"""torch.mps, for Apple's GPUs, on a machine without one: as torch.cuda."""

from .cuda import device_count, is_available, manual_seed

__all__ = ["device_count", "is_available", "manual_seed"]

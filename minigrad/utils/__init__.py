"""torch.utils: so far, the loading of data."""

from . import data

__all__ = ["data"]

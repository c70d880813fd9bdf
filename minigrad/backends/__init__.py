"""torch.backends: switches of the libraries that torch computes with. For NumPy, which minigrad has, there are none."""

from . import cuda, cudnn, mps

__all__ = ["cuda", "cudnn", "mps"]

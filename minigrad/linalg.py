"""torch.linalg: norms and the inverse."""

from .functions.linear_algebra import inverse as inv
from .functions.linear_algebra import matmul, vector_norm
from .functions.linear_algebra import matrix_or_vector_norm as norm

__all__ = ["inv", "matmul", "norm", "vector_norm"]

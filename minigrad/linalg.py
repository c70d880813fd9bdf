"""torch.linalg: norms, the inverse and powers."""

from .functions.linear_algebra import inverse as inv
from .functions.linear_algebra import matmul, matrix_power, vector_norm
from .functions.linear_algebra import matrix_or_vector_norm as norm

__all__ = ["inv", "matmul", "matrix_power", "norm", "vector_norm"]

"""Exercise 9. The curvature in one direction.

All second derivatives of a loss with n parameters are a matrix H of n by n. Its product with a direction d (an array
like the gradient) needs no matrix: H d is the gradient of the number (gradient · d). Two walks back, for any n.

Try: python -m pytest docs/tour/exercises -k curvature
"""

from c4_table import fit  # noqa: F401
from c8_second_order import gradients  # noqa: F401


def hessian_times(f, leaf, direction):
    """H d for the loss f(leaf) at the leaf's value; `direction` is an array of the leaf's shape."""
    raise NotImplementedError("your turn")

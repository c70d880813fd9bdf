"""Exercise 4. The mean over the rows of a batch, for the tape of chapter 3.

x has the shape (n, m), the result (m,). The gradient that arrives has the shape (m,); what must be sent on has (n, m).
How much does one element of x change the result?

Try: python -m pytest docs/tour/exercises -k mean
"""

import numpy as np  # noqa: F401  # for your answer
from c3_broadcasting import Node, Tensor  # noqa: F401  # for your answer


def mean_of_rows(x):
    """x.value.mean(0) as a Tensor with its node."""
    raise NotImplementedError("your turn")

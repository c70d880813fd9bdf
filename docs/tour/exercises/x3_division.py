"""Exercise 3. A division for the tape of chapter 2.

The derivative of x / y is 1 / y by x, and -x / y² by y.

Try: python -m pytest docs/tour/exercises -k division
"""

from c2_tape import Node, Number  # noqa: F401  # for your answer


def divide(x, y):
    """x / y: a Number whose node has two parents, and a rule that gives each of them its gradient."""
    raise NotImplementedError("your turn")

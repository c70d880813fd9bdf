"""Exercise 1. The chain rule by hand.

The model is p = 1 / (1 + exp(-(w * x + b))), a probability. The loss is -log(p), for a point whose right answer is 1.
Write the derivatives of the loss by w and by b: walk back from the loss as chapter 1 does, one step a line.

Try: python -m pytest docs/tour/exercises -k chain_rule
"""

import math


def loss(w, b, x):
    total = w * x + b
    p = 1 / (1 + math.exp(-total))
    return -math.log(p)


def backward(w, b, x):
    """The derivatives of `loss` by w and by b."""
    raise NotImplementedError("your turn")

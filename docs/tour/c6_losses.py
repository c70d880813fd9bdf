"""# 6. Losses that do not overflow

To choose among classes, a network gives one number for each class, a *logit*. `softmax` makes probabilities of
them: `exp(x)` for each class, divided by their sum. The loss is the logarithm of the right class's probability,
with a minus: it is 0 if the network was sure and right, and large if it was sure and wrong. As the formula stands:
"""

import numpy as np
from c4_table import Op, exp, fit, log, spread

row_sum = Op("row_sum", lambda x: x.sum(-1, keepdims=True), x=lambda g, x_shape: spread(g, x_shape))


def naive_cross_entropy(logits, y):
    """The mean over the rows of -log softmax(logits) at the right class; y has a 1 there and 0 elsewhere."""
    probabilities = exp(logits) / row_sum(exp(logits))
    return -(fit(log(probabilities) * y, ()) / len(y.value))


"""
The formula is right. The program is not:

>>> from c4_table import Tensor
>>> y = Tensor([[0, 1, 0]])
>>> round(float(naive_cross_entropy(Tensor([[1.0, 2.0, 0.0]]), y).value), 6)
0.407606
>>> with np.errstate(all="ignore"):
...     naive_cross_entropy(Tensor([[1000.0, 2.0, 0.0]]), y)
Tensor(nan)

`exp(1000)` is larger than the largest float64, about `exp(709)`; in float32 that ends at `exp(88)`, and logits of
88 do occur. So `inf / inf`, and a `nan` that one step of training spreads over all parameters. What the answer
should be is clear: the network is very sure and wrong, so the loss is 998.

## The same function, computed otherwise

Two changes. Subtract the row's largest logit first: the softmax is the same, since numerator and denominator are
both divided by `exp(top)`, and now no `exp` is larger than 1. And take the logarithm on paper, before the computer
gets to see it:

    log(exp(z) / sum(exp(z)))  =  z - log(sum(exp(z)))

The sum has a 1 in it, so its logarithm is harmless. As one entry of the table:
"""


def stable_log_softmax(x):
    """The logarithms of the probabilities, row by row, for logits of any size."""
    z = x - x.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


log_softmax = Op("log_softmax", stable_log_softmax, x=lambda g, out: g - exp(out) * row_sum(g))


def cross_entropy(logits, y):
    """The loss of `naive_cross_entropy`, for logits of any size."""
    return -(fit(log_softmax(logits) * y, ()) / len(y.value))


"""
>>> round(float(cross_entropy(Tensor([[1.0, 2.0, 0.0]]), y).value), 6)
0.407606
>>> cross_entropy(Tensor([[1000.0, 2.0, 0.0]]), y)
Tensor(998.0)

The rule deserves a second look. `exp(out)` are the probabilities. Put the loss's own `g` in it, which is `-y` for a
single row: since `y` sums to 1, it becomes **softmax(x) - y**. The gradient of cross entropy by the logits is what
was predicted, minus what is true. It is never larger than 1, whatever the logits are:

>>> from c4_table import backward
>>> logits = Tensor([[1000.0, 2.0, 0.0]], requires_grad=True)
>>> backward(cross_entropy(logits, y))
>>> logits.grad
array([[ 1., -1.,  0.]])

So a loss is an entry of its own for two reasons: its parts may overflow where it does not, and its derivative is
simpler than what its parts would give one by one.

**Exercise 7.** [exercises/x7_softplus.py](exercises/x7_softplus.py): `softplus`, log(1 + exp(x)), with its rule.
Binary cross entropy on logits is made of it.

In minigrad: `log_softmax` and `logsumexp` in `ops.py`; the losses in `nn/rules.py`.
"""

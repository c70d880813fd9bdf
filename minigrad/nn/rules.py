"""The table, continued: layers and losses. Read ops.py first; the same words are used here.

Each loss is one op, because its derivative is simpler, and safer at large logits, than what its parts would give one
by one. In their entries x is the prediction and y the target; n is the number of elements for "mean", else 1.
"""

from __future__ import annotations

import numpy as np

from .. import ops
from ..engine import Array, Op
from ..ops import log, log_softmax, maximum, sigmoid, sign, softmax, softplus, sum, total_of


def _reduced(x: Array, reduction: str, n: int) -> Array:
    """A loss's values, their sum, or their sum over n ("mean")."""
    if reduction == "none":
        return x
    total = total_of(x, tuple(range(x.ndim)), False)
    return (total / n if reduction == "mean" else total).astype(x.dtype, copy=False)


# ------------------------------------------------------------------------- losses

mse_loss = Op("mse_loss", lambda x, y, /, reduction, n: _reduced(np.square(x - y), reduction, n),
              x=lambda g, x, y, n: g / n * (2 * (x - y)), y=lambda g, x, y, n: g / n * (2 * (y - x)))
l1_loss = Op("l1_loss", lambda x, y, /, reduction, n: _reduced(np.abs(x - y), reduction, n),
             x=lambda g, x, y, n: g / n * sign(x - y), y=lambda g, x, y, n: g / n * sign(y - x))
bce = Op("binary_cross_entropy",  # x is a probability; log x is held above -100, x (1 - x) above float32's 1e-12
         lambda x, y, /, reduction, n: _reduced(
             (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100), reduction, n),
         x=lambda g, x, y, n: g / n * ((x - y) / maximum((1 - x) * x, 9.999999960041972e-13)),
         y=lambda g, x, n: g / n * (log(1 - x) - log(x)))
bce_with_logits = Op("binary_cross_entropy_with_logits",
                     lambda x, y, /, reduction, n: _reduced((1 - y) * x + softplus(-x), reduction, n),
                     x=lambda g, x, y, n: g / n * (sigmoid(x) - y), y=lambda g, x, n: -g / n * x)
cross_entropy = Op("cross_entropy",  # y is a distribution over dim: one-hot, smoothed, or times a class weight
                   lambda x, y, /, dim, reduction, n: _reduced(  # 0 log 0 is 0
                       -np.where(y == 0, 0, y * log_softmax(x, dim)).sum(dim, keepdims=True), reduction, n),
                   x=lambda g, x, y, dim, n: g / n * (softmax(x, dim) * sum(y, dim, True) - y),
                   y=lambda g, x, dim, n: -g / n * log_softmax(x, dim))

ops.TABLE |= {word: entry for word, entry in list(globals().items()) if isinstance(entry, Op)}

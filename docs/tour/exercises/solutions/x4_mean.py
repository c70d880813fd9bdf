import numpy as np
from c3_broadcasting import Node, Tensor


def mean_of_rows(x):
    """Each element changes the mean by 1/n; `broadcast_to` repeats g for each row."""
    n = len(x.value)
    return Tensor(x.value.mean(0), Node([x], lambda g: [np.broadcast_to(g / n, x.value.shape)]))

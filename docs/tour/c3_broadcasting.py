"""# 3. Arrays and broadcasting

One number at a time is slow, and nobody writes networks so. Put a NumPy array where the number was. The tape stays
as it is, and so does most of the calculus: `*` still sends `g * y` one way and `g * x` the other, element by
element. Three things change, and all three are about *shapes*.

**A gradient has the shape of the value that it belongs to.** The loss is one number; it has one derivative for each
element.

**A matrix product has two rules, and shapes alone tell you which.** For `out = x @ w` with shapes (n, k) @ (k, m) =
(n, m), `g` is (n, m). To make something of shape (n, k) from `g` and `w` there is one way: `g @ w.T`. And for (k,
m): `x.T @ g`.

**What was repeated on the way forward is summed on the way back.** A bias of shape (3,) added to a batch of shape
(50, 3) is used 50 times. That is 50 paths, and paths that meet add up. NumPy calls the repeating *broadcasting*,
and `fit` undoes it:
"""

import numpy as np
from c2_tape import Node, newest_first


def fit(g, shape):
    """Sum g over what broadcasting repeated, so that it has the shape of the value that it belongs to."""
    extra = g.ndim - len(shape)  # dimensions that broadcasting put in front
    stretched = [extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] > 1]
    return g.sum((*range(extra), *stretched)).reshape(shape)


"""
>>> fit(np.ones((50, 3)), (3,))
array([50., 50., 50.])
>>> fit(np.ones((4, 3)), (4, 1)).tolist()
[[3.0], [3.0], [3.0], [3.0]]
>>> float(fit(np.ones((4, 3)), ()))
12.0

With that, the tensor:
"""


class Tensor:
    """An array with its place on the tape, and (once `backward` has run) its gradient."""

    def __init__(self, value, node=None):
        self.value = np.asarray(value, dtype=float)
        self.node = node or Node()
        self.grad = np.zeros_like(self.value)

    def __repr__(self):
        return f"Tensor({self.value})"

    def __add__(self, other):
        return Tensor(self.value + other.value, Node([self, other], lambda g: [g, g]))

    def __mul__(self, other):
        return Tensor(self.value * other.value, Node([self, other], lambda g: [g * other.value, g * self.value]))

    def __matmul__(self, other):
        return Tensor(self.value @ other.value, Node([self, other], lambda g: [g @ other.value.T, self.value.T @ g]))

    def tanh(self):
        out = np.tanh(self.value)
        return Tensor(out, Node([self], lambda g: [g * (1 - out * out)]))

    def sum(self):
        return Tensor(self.value.sum(), Node([self], lambda g: [np.broadcast_to(g, self.value.shape)]))


def backward(loss):
    """Give every tensor that the loss depends on its gradient."""
    loss.grad = np.ones_like(loss.value)
    for tensor in newest_first(loss):
        if tensor.node.pull:
            for parent, g in zip(tensor.node.parents, tensor.node.pull(tensor.grad), strict=True):
                parent.grad = parent.grad + fit(g, parent.value.shape)


"""
The loop is that of chapter 2, with one new word in it: `fit`. It stands in the engine and not in the rules, so a
rule need not think about broadcasting at all. `+` just says "g for both", whatever the shapes were.

>>> x = Tensor(np.arange(6).reshape(3, 2) / 10)
>>> w = Tensor([[0.5, -1.0], [2.0, 0.3]])
>>> b = Tensor([0.1, -0.1])
>>> loss = (x @ w + b).tanh().sum()
>>> backward(loss)
>>> b.grad.shape, w.grad.shape, x.grad.shape
((2,), (2, 2), (3, 2))
>>> b.grad.round(4)
array([1.7316, 2.8391])

Is it right? `slope` of chapter 1 still tells, one element at a time:

>>> from c1_chain_rule import slope
>>> def loss_of_first_bias(number):
...     return (x @ w + Tensor([number, -0.1])).tanh().sum().value
>>> round(float(slope(loss_of_first_bias, 0.1)), 4)
1.7316

**Exercise 4.** [exercises/x4_mean.py](exercises/x4_mean.py): write `mean` over the rows, from its shape alone.

In `engine.py`: `fit`. It also casts the gradient to its value's dtype, since `float32 + float64` repeats nothing
but widens.
"""

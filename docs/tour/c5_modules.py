"""# 5. Modules

A network is a function with numbers inside, and training has to find these numbers. That is all that a *module* is:
an object with parameters, which can list them, and which can be called. A *parameter* is a leaf of the tape.
"""

import numpy as np
from c4_table import Tensor, backward, fit, relu


class Module:
    """Something with parameters. They are found among its attributes, and its attributes' attributes."""

    def parameters(self):
        """Every parameter, with its name: 'layer1.weight' and so on."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                yield name, value
            if isinstance(value, Module):
                yield from ((f"{name}.{rest}", parameter) for rest, parameter in value.parameters())

    def __call__(self, x):
        return self.forward(x)

    def zero_grad(self):
        """Forget the gradients: `backward` adds to what is there."""
        for _, parameter in self.parameters():
            parameter.node.grad = None


class Linear(Module):
    """x @ w + b: k numbers in, m out."""

    def __init__(self, k, m, rng):
        bound = 1 / np.sqrt(k)  # so that a layer's output is about as large as its input
        self.weight = Tensor(rng.uniform(-bound, bound, (k, m)), requires_grad=True)
        self.bias = Tensor(rng.uniform(-bound, bound, m), requires_grad=True)

    def forward(self, x):
        return x @ self.weight + self.bias


class Network(Module):
    """Two layers, and a bend between them."""

    def __init__(self, rng):
        self.hidden = Linear(2, 16, rng)
        self.output = Linear(16, 1, rng)

    def forward(self, x):
        return self.output(relu(self.hidden(x)))


def mean(x):
    """The sum over all elements, by how many there are: a composition, so it needs no rule."""
    return fit(x, ()) / x.value.size


def mse(predicted, y):
    """The mean squared error."""
    error = predicted - y
    return mean(error * error)


"""
>>> model = Network(np.random.default_rng(0))
>>> [(name, parameter.value.shape) for name, parameter in model.parameters()]
[('hidden.weight', (2, 16)), ('hidden.bias', (16,)), ('output.weight', (16, 1)), ('output.bias', (1,))]

Why the bend? Two linear layers in a row are one linear layer: `(x @ a) @ b` is `x @ (a @ b)`. However many you
stack, the result is a straight line or a plane. `relu` between them, which is `x` above 0 and 0 below, makes one
that can fold.

Here is a saddle, `y = x1 * x2`, which no plane comes near. The update goes a small step against the gradient:
"""


def saddle():
    """A hundred points, and the height of the saddle there."""
    x = np.random.default_rng(1).uniform(-1, 1, (100, 2))
    return x, x[:, :1] * x[:, 1:]


def train(model, epochs, lr=0.3):
    """Plain gradient descent on the saddle. The losses of all epochs."""
    x, y = saddle()
    losses = []
    for _ in range(epochs):
        loss = mse(model(Tensor(x)), Tensor(y))
        model.zero_grad()
        backward(loss)
        for _, parameter in model.parameters():
            parameter.value = parameter.value - lr * parameter.grad  # on arrays: the update is not on the tape
        losses.append(float(loss.value))
    return losses


"""
>>> losses = train(model, 500)
>>> round(losses[0], 4), round(losses[-1], 4)
(0.1689, 0.0009)

The best plane is no better than always saying 0:

>>> plane = Linear(2, 1, np.random.default_rng(0))
>>> round(train(plane, 500)[-1], 4), round(float(np.mean(saddle()[1] ** 2)), 4)
(0.0742, 0.0749)

**Exercise 6.** [exercises/x6_sequential.py](exercises/x6_sequential.py): a `Sequential` that takes any list of
layers.

In minigrad: `nn/modules/module.py` (it remembers parameters when they are assigned, knows about buffers, hooks and
saving) and `nn/modules/linear.py`. Its weight is (m, k), and the layer computes `x @ w.T + b`, since torch's does.
"""

"""# 7. Optimizers

`backward` says which way is down. How far to go, and whether to trust one gradient alone, is the optimizer's
business. It has nothing to do with the tape: it reads gradients, and writes parameters.
"""

import numpy as np
from c4_table import Tensor, backward
from c5_modules import Network, mse, saddle


class SGD:
    """Gradient descent: p = p - lr * v, where v is the gradient, plus what is left of earlier ones (momentum)."""

    def __init__(self, parameters, lr, momentum=0.0):
        self.parameters, self.lr, self.momentum = list(parameters), lr, momentum
        self.velocities = [0.0] * len(self.parameters)

    def step(self):
        for i, p in enumerate(self.parameters):
            self.velocities[i] = self.momentum * self.velocities[i] + p.grad
            p.value = p.value - self.lr * self.velocities[i]


"""
With momentum .9 a gradient goes on to act, by .9 the next time, then by .81 and so on. If all gradients point the
same way, that adds up to 10 times one gradient; if they point to and fro, they cancel. That is good in a narrow
valley.

## Adam's two averages

One learning rate is too large for one parameter and too small for another. Adam keeps two running averages for
every single number: `m` of the gradients, `v` of their squares. It steps by `lr * m / sqrt(v)`. So the *size* of
the gradients drops out: make the loss 1000 times as large, and nothing changes. What is left is how much the
gradients agree: if they have the same sign and size all the time, `m / sqrt(v)` is 1, and the step is `lr`; if they
flip, `m` is near 0 and the step is small.

One thing remains. Both averages start at 0, so at first they are too small: after one step `m` is only 0.1 times
the gradient, and `v` 0.001 times its square. After `n` steps of a constant gradient they have reached the share `1
- beta ** n`. Adam divides by that:
"""


class Adam:
    """p = p - lr * m / (sqrt(v) + eps), where m and v are averages of the gradients and of their squares."""

    def __init__(self, parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.n = 0
        self.m = [0.0] * len(self.parameters)
        self.v = [0.0] * len(self.parameters)

    def step(self):
        self.n += 1
        beta1, beta2 = self.betas
        for i, p in enumerate(self.parameters):
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * p.grad
            self.v[i] = beta2 * self.v[i] + (1 - beta2) * p.grad**2
            m, v = self.m[i] / (1 - beta1**self.n), self.v[i] / (1 - beta2**self.n)
            p.value = p.value - self.lr * m / (np.sqrt(v) + self.eps)


"""
The first step shows both ideas. Whatever the gradient is, Adam's first step is `lr`:

>>> for size in (0.001, 1.0, 1000.0):
...     p = Tensor(5.0, requires_grad=True)
...     p.node.grad = np.array(size)
...     Adam([p], lr=0.1).step()
...     print(round(float(p.value), 4))
4.9
4.9
4.9

On the saddle of chapter 5, 200 epochs each:
"""


def train(new_optimizer, epochs=200):
    """Train a new network on the saddle; the last loss."""
    model = Network(np.random.default_rng(0))
    optimizer = new_optimizer([parameter for _, parameter in model.parameters()])
    x, y = saddle()
    for _ in range(epochs):
        loss = mse(model(Tensor(x)), Tensor(y))
        model.zero_grad()
        backward(loss)
        optimizer.step()
    return round(float(loss.value), 5)


"""
>>> train(lambda parameters: SGD(parameters, lr=0.1))
0.00343
>>> train(lambda parameters: SGD(parameters, lr=0.1, momentum=0.9))
0.00106
>>> train(lambda parameters: Adam(parameters, lr=0.01))
0.00128

**Exercise 8.** [exercises/x8_rmsprop.py](exercises/x8_rmsprop.py): RMSprop, which is Adam with one average only.

In minigrad: `optim/`. There `p.grad` is read and `p` is written in place, under `no_grad`: the mode in which
operations leave no node. Here the arithmetic is on arrays, which know of no tape.
"""

import numpy as np


class RMSprop:
    """The first v is (1 - alpha) g², so the first step is lr / sqrt(.01), ten times lr: Adam corrects that."""

    def __init__(self, parameters, lr=0.01, alpha=0.99, eps=1e-8):
        self.parameters, self.lr, self.alpha, self.eps = list(parameters), lr, alpha, eps
        self.v = [0.0] * len(self.parameters)

    def step(self):
        for i, p in enumerate(self.parameters):
            self.v[i] = self.alpha * self.v[i] + (1 - self.alpha) * p.grad**2
            p.value = p.value - self.lr * p.grad / (np.sqrt(self.v[i]) + self.eps)

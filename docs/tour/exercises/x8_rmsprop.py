"""Exercise 8. RMSprop: one running average, of the squared gradients, and nothing to correct its start.

    v = alpha * v + (1 - alpha) * g²
    p = p - lr * g / (sqrt(v) + eps)

How large is its first step, for alpha = .99? Compare with Adam's.

Try: python -m pytest docs/tour/exercises -k rmsprop
"""


class RMSprop:
    def __init__(self, parameters, lr=0.01, alpha=0.99, eps=1e-8):
        self.parameters, self.lr, self.alpha, self.eps = list(parameters), lr, alpha, eps
        self.v = [0.0] * len(self.parameters)

    def step(self):
        raise NotImplementedError("your turn")

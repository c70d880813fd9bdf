"""# The missing sum over a broadcast

Backpropagation by hand. The bias, of shape (1,), is added to 50 predictions: it is *broadcast*. So its gradient is
a sum over 50. Who forgets the sum gets no error: the bias itself is broadcast.
"""

import torch


def train(sum_it):
    """Fit a line to noise, by hand. Returns the last loss, and the number of biases at the end."""
    torch.manual_seed(0)
    x, y = torch.rand(50, 1), torch.rand(50, 1)
    w, b = torch.zeros(1), torch.zeros(1)
    for _ in range(300):
        error = x * w + b - y
        g = 2 * error / len(x)  # the gradient that arrives at x * w + b
        g_w = (g * x).sum(0)
        g_b = g.sum(0) if sum_it else g
        w = w - 0.3 * g_w
        b = b - 0.3 * g_b
    return (error**2).mean().item(), b.numel()


def broken():
    return train(sum_it=False)


def fixed():
    return train(sum_it=True)


for name, program in (("broken", broken), ("fixed", fixed)):
    loss, biases = program()
    print(f"{name}: loss {loss:.4f}, {biases} biases")

"""
**What one sees.** A wonderful fit. The targets here are noise: nothing can be learnt, and yet the loss falls.

```text
broken: loss 0.0001, 50 biases
fixed: loss 0.0898, 1 biases
```

**The number that gives it away.** The number of parameters. After the first step there is a bias for every point,
and each of them learns its own target by heart.

**The test that catches it.** A parameter keeps its shape, and noise is not learnt:
"""


def test(program):
    loss, biases = program()
    assert biases == 1 and loss > 0.05


"""
**The fix.** A gradient has the shape of its value. In minigrad no rule can forget it: `fit`, in `engine.py`, sums
for all of them. (An update in place, `b -= ...`, would have raised an error: it cannot change the shape.)
"""

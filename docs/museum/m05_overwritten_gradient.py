"""# `=` for `+=`

The bug of everyone's first engine. A value is used twice, so two gradients arrive at it. The second one overwrites
the first.
"""

import torch
from small_engine import Value, users_first


def gradient(f, x, add):
    """The derivative of f at x. `add`: add up what arrives at a value; else keep what came last."""
    x = Value(x)
    end = f(x)
    end.grad = 1.0
    for value in users_first(end):
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad = (parent.grad if add else 0.0) + value.grad * slope
    return x.grad


def broken(f=lambda x: x * x, x=3.0):
    return gradient(f, x, add=False)


def fixed(f=lambda x: x * x, x=3.0):
    return gradient(f, x, add=True)


print("x * x at 3:    ", broken(), "and, fixed,", fixed())
print("x * x * x at 3:", broken(lambda x: x * x * x), "and, fixed,", fixed(lambda x: x * x * x))

"""
**What one sees.** Simple networks train: in a chain of layers every value is used once. Then comes a skip
connection, a shared weight, or just `x * x`.

```text
x * x at 3:     3.0 and, fixed, 6.0
x * x * x at 3: 9.0 and, fixed, 27.0
```

**The number that gives it away.** The derivative of x² at 3 is 6. It is half of that.

**The test that catches it.** A function that uses its input more than once, against one that is known to be right:
"""


def test(program):
    for f in (lambda x: x * x, lambda x: x * x * x + x):
        x = torch.tensor(3.0, requires_grad=True)
        f(x).backward()
        assert program(f, 3.0) == x.grad.item()


"""
**The fix.** `+=`. In minigrad: `pending[parent] = pending[parent] + grad` in `walk_back`.
"""

"""# The wrong walk order

The second bug of everyone's first engine. A value must not send its gradient on before *all* of it has arrived.
Walk the graph breadth first, and on paths of different lengths the short one comes through too early.
"""

import torch
from small_engine import Value, breadth_first, users_first


def gradient(f, x, order):
    """The derivative of f at x, walking back in the given order."""
    x = Value(x)
    end = f(x)
    end.grad = 1.0
    for value in order(end):
        for parent, slope in zip(value.parents, value.slopes):
            parent.grad += value.grad * slope
    return x.grad


def uneven(x):
    """x² + x⁶, where the short path leads past the long one."""
    square = x * x
    return square + square * (square * square)


def broken(f=uneven, x=2.0):
    return gradient(f, x, breadth_first)


def fixed(f=uneven, x=2.0):
    return gradient(f, x, users_first)


for name, f in (("x * x * x", lambda x: x * x * x), ("x² + x⁶", uneven)):
    print(f"{name} at 2: {broken(f)} and, fixed, {fixed(f)}")

"""
**What one sees.** Nothing. Networks of layers train as they should, and so do most examples in which paths meet.
The gradient is too small where a short and a long path meet.

```text
x * x * x at 2: 12.0 and, fixed, 12.0
x² + x⁶ at 2: 4.0 and, fixed, 196.0
```

**The number that gives it away.** 2x + 6x⁵ at 2 is 196.

**The test that catches it.** Paths of different lengths, against one that is known to be right:
"""


def test(program):
    for f in (lambda x: x * x * x, uneven, lambda x: x * (x * (x * x)) + x):
        x = torch.tensor(2.0, requires_grad=True)
        f(x).backward()
        assert program(f, 2.0) == x.grad.item()


"""
**The fix.** A topological order. minigrad stamps its nodes with a tick, and walks from the newest to the oldest.
"""

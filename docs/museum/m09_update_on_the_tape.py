"""# An update on the tape

`w = w - lr * w.grad` looks like the formula. But `w` is a parameter, so the subtraction is recorded like any other
operation, and its result is not a leaf any more: it is a *result*, and results get no `.grad`.
"""

import torch


def train(update):
    """Find the 3 in y = 3 x. Returns the weight at the end, or the error that stopped it."""
    x = torch.tensor([1.0, 2.0])
    w = torch.zeros(1, requires_grad=True)
    try:
        for _ in range(20):
            loss = ((w * x - 3 * x) ** 2).mean()
            w.grad = None
            loss.backward()
            w = update(w)
    except (RuntimeError, TypeError) as error:
        return f"{type(error).__name__}, a leaf: {w.is_leaf}"
    return round(w.item(), 3)


def as_the_formula(w):
    return w - 0.1 * w.grad


def in_place(w):
    w -= 0.1 * w.grad
    return w


def without_grad(w):
    with torch.no_grad():
        w -= 0.1 * w.grad
    return w


def broken():
    return train(as_the_formula)


def fixed():
    return train(without_grad)


print("w = w - ...:                ", broken())
print("w -= ...:                   ", train(in_place))
print("w -= ... under torch.no_grad:", fixed())

"""
**What one sees.** With `=`, one step works, and the second one fails: `w.grad` cannot be set or is None. With `-=`
the first one fails: a leaf must not be written to while the tape is running, since its own history would begin with
itself.

```text
w = w - ...:                 TypeError, a leaf: False
w -= ...:                    RuntimeError, a leaf: True
w -= ... under torch.no_grad: 3.0
```

**The number that gives it away.** `w.is_leaf` is False. A parameter is a leaf for all its life.

**The test that catches it.** Two steps, not one:
"""


def test(program):
    assert program() == 3.0


"""
**The fix.** `with torch.no_grad():` around the update, and `-=`, so that it stays the same tensor. Or an optimizer,
which does just that.
"""

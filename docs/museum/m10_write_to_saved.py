"""# Writing to what backward needs

`exp` keeps its result, since it is its own derivative. Whoever changes the result in place changes the derivative.
"""

import torch


def gradient(shift):
    """The derivative of exp(x) + 1 at 0, which is 1."""
    x = torch.zeros(1, requires_grad=True)
    y = x.exp()
    y = shift(y)
    y.sum().backward()
    return x.grad.item()


def in_place(y):
    y += 1
    return y


def through_data(y):
    y.data += 1  # .data is the same memory, without the tape's supervision
    return y


def broken():
    return gradient(through_data)


def fixed():
    return gradient(lambda y: y + 1)


try:
    gradient(in_place)
except RuntimeError as error:
    print("y += 1:     ", str(error)[:85])
print("y.data += 1:", broken())
print("y = y + 1:  ", fixed())

"""
**What one sees.** With `+=` an error, at `backward`, far from the line that is to blame. With `.data` nothing at
all: a wrong gradient.

```text
y += 1:      one of the variables needed for gradient computation has been modified by an inplace 
y.data += 1: 2.0
y = y + 1:   1.0
```

**The number that gives it away.** 2 where 1 is right: the rule is `g * out`, and `out` is 2 by now. The error of
`+=` is found by counting: every write raises the memory's version, and `backward` compares it with the version that
was saved.

**The test that catches it.** Against a measured slope:
"""


def test(program):
    step = 1e-2
    measured = ((torch.tensor(step).exp() + 1) - (torch.tensor(-step).exp() + 1)) / (2 * step)
    assert abs(program() - measured.item()) < 0.01


"""
**The fix.** A new tensor, `y = y + 1`. And never `.data`: `torch.no_grad()` and `detach()` do what it is used for,
and are supervised. `torch.autograd.set_detect_anomaly(True)` names the line that made the node.
"""

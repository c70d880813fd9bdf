"""# The cut tape

To mend the error "does not require grad", someone writes `requires_grad=True` where the error is. It is gone. So is
the training: `torch.tensor(...)` makes a *new* tensor, at the beginning of a new tape.
"""

import torch


def train(loss_of):
    """Two steps of training. Returns how many of the model's parameters have a gradient."""
    torch.manual_seed(0)
    x = torch.rand(20, 3)
    y = x.sum(1, keepdim=True)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return sum(parameter.grad is not None for parameter in model.parameters())


def made_anew(predicted, y):
    error = (predicted - y).detach().numpy()  # to compute something with NumPy
    return torch.tensor((error**2).mean(), requires_grad=True)


def broken():
    return train(made_anew)


def fixed():
    return train(lambda predicted, y: ((predicted - y) ** 2).mean())


print("parameters with a gradient:", broken(), "of 2; fixed:", fixed())

"""
**What one sees.** No error, and a loss that does not change.

```text
parameters with a gradient: 0 of 2; fixed: 2
```

**The number that gives it away.** `.grad` is None for every parameter.

**The test that catches it.** After `backward` every parameter has a gradient:
"""


def test(program):
    assert program() == 2


"""
**The fix.** From the parameters to the loss: torch's operations only. `.detach()`, `.numpy()`, `.item()`,
`torch.tensor(t)` each cut the tape. (An optimizer skips parameters without a gradient, without a word.)
"""

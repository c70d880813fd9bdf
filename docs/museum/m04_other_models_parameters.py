"""# The optimizer of another model

From one of the five documents. A second model is made, and the training loop is copied. The optimizer is not: it
still holds the first model's parameters.
"""

import torch


def train(new_optimizer):
    """Train a first model, then a second one. Returns the second one's losses."""
    torch.manual_seed(0)
    x = torch.rand(100, 2)
    y = x[:, :1] * x[:, 1:]
    first = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
    second = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    if new_optimizer:
        optimizer = torch.optim.SGD(second.parameters(), lr=0.1)
    losses = []
    for _ in range(100):
        loss = ((second(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def broken():
    return train(new_optimizer=False)


def fixed():
    return train(new_optimizer=True)


for name, program in (("broken", broken), ("fixed", fixed)):
    losses = program()
    print(f"{name}: {losses[0]:.6f} at first, {losses[-1]:.6f} after 100 epochs, {len(set(losses))} different losses")

"""
**What one sees.** No error. The loss does not move, so one changes the learning rate, and the network, and the
data.

```text
broken: 0.303857 at first, 0.303857 after 100 epochs, 1 different losses
fixed: 0.303857 at first, 0.014092 after 100 epochs, 100 different losses
```

**The number that gives it away.** The loss is the same to the last digit in every epoch. A learning rate that is
too small changes at least the sixth digit.

**The test that catches it.** After one step something has changed:
"""


def test(program):
    losses = program()
    assert losses[0] != losses[1]


"""
**The fix.** A model and its optimizer are made together, in one function. (And the gradients of the second model
were never cleared: `zero_grad` belongs to the optimizer too.)
"""

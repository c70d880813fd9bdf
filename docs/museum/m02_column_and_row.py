"""# (N, 1) against (N,)

A model with one output returns a column, (N, 1). The targets are often a row, (N,). Their difference broadcasts to
a matrix, (N, N): every prediction is compared with *every* target.
"""

import torch


def train(y):
    """Fit a line to points of y = 2 x + 1 with noise. Returns the slope, and the last loss."""
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(200):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.weight.item(), loss.item()


torch.manual_seed(1)
x = torch.rand(50, 1)
targets = 2 * x[:, 0] + 1 + 0.05 * torch.randn(50)  # a row


def broken():
    return train(targets)


def fixed():
    return train(targets.unsqueeze(1))


for name, program in (("broken", broken), ("fixed", fixed)):
    slope, loss = program()
    print(f"{name}: slope {slope:.3f}, loss {loss:.4f}")
print(f"variance of the targets: {targets.var(unbiased=False):.4f}")
print("shape of the difference:", list((x - targets).shape))

"""
**What one sees.** The loss falls, and stops early. The model says the same for every x.

```text
broken: slope 0.000, loss 0.2582
fixed: slope 1.938, loss 0.0026
variance of the targets: 0.2582
shape of the difference: [50, 50]
```

**The number that gives it away.** The loss it stops at is the variance of the targets: if every prediction is to be
near every target, the best that one can do is to predict the mean. (`nn.MSELoss` warns of it; a loss by hand does
not.)

**The test that catches it.** It learns a line:
"""


def test(program):
    slope, _ = program()
    assert abs(slope - 2) < 0.1


"""
**The fix.** `y.unsqueeze(1)`, or `model(x).squeeze(1)`. And one line in the loop: `assert predicted.shape ==
y.shape`.
"""

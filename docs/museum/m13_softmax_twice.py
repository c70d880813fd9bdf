"""# Softmax twice

`CrossEntropyLoss` wants logits, and does the softmax itself. A network that ends with a softmax gives it
probabilities.
"""

import torch


def train(last_layers):
    """Learn ten clearly different classes. Returns the losses."""
    torch.manual_seed(0)
    labels = torch.arange(10).repeat(5)
    x = torch.eye(10)[labels] + 0.1 * torch.randn(50, 10)
    model = torch.nn.Sequential(torch.nn.Linear(10, 10), *last_layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    loss_fn = torch.nn.CrossEntropyLoss()
    losses = []
    for _ in range(300):
        loss = loss_fn(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def broken():
    return train([torch.nn.Softmax(dim=1)])


def fixed():
    return train([])


for name, program in (("broken", broken), ("fixed", fixed)):
    print(f"{name}: loss after 300 epochs {program()[-1]:.3f}")

"""
**What one sees.** It learns, and slowly; the accuracy may even be good. The loss stops falling early.

```text
broken: loss after 300 epochs 1.462
fixed: loss after 300 epochs 0.004
```

**The number that gives it away.** 1.461. Probabilities lie between 0 and 1, so as logits the best that they can be
is a 1 and nine zeros, and then the loss is log(e + 9) - 1 = 1.461. For two classes the floor is 0.313.

**The test that catches it.** On data that can be learnt by heart, the loss goes to 0:
"""


def test(program):
    assert program()[-1] < 0.05


"""
**The fix.** No softmax at the end of the network; take it only to show probabilities. The same for a sigmoid before
`BCEWithLogitsLoss`.
"""

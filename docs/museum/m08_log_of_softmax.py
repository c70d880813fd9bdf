"""# log(softmax(x)) that overflows

The formula of cross entropy is right; computed as it stands, it dies of the first large logit.
"""

import torch


def train(loss_of):
    """Train a classifier on features that nobody has scaled. Returns the losses."""
    torch.manual_seed(0)
    x = 100 * torch.randn(60, 2)
    y = (x[:, 0] > x[:, 1]).long()
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def by_the_formula(logits, y):
    exponentials = logits.exp()
    probabilities = exponentials / exponentials.sum(1, keepdim=True)
    return -probabilities.log()[torch.arange(len(y)), y].mean()


def broken():
    return train(by_the_formula)


def fixed():
    return train(torch.nn.functional.cross_entropy)


print("broken:", *[f"{loss:.3f}" for loss in broken()[:4]])
print("fixed: ", *[f"{loss:.3f}" for loss in fixed()[:4]])

"""
**What one sees.** nan, in the first epoch or in the five hundredth, and from then on in everything.

```text
broken: inf nan nan nan
fixed:  37.526 5.952 0.048 0.004
```

**The number that gives it away.** 88.7: in float32, `exp` of anything larger is inf, and inf / inf is nan. And on
the other side: `exp(-104)` is 0, and log 0 is -inf.

**The test that catches it.** One logit of 1000:
"""


def test(program):
    assert all(loss == loss and loss != float("inf") for loss in program())


"""
**The fix.** `cross_entropy` on logits. It subtracts the largest logit, and takes the logarithm on paper:
[chapter 6 of the tour](../tour/c6_losses.py). For two classes: `binary_cross_entropy_with_logits`.
"""

"""# The forgotten zero_grad

`backward` *adds* to `.grad`: that is right when several losses share a parameter, and it is a trap in a loop.
Without `optimizer.zero_grad()` every step uses the sum of all gradients so far.
"""

import torch


def train(clear):
    """Find the 3 in y = 3 x. Returns the weight after each of 40 steps."""
    x = torch.tensor([1.0, 2.0])
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    weights = []
    for _ in range(40):
        if clear:
            optimizer.zero_grad()
        loss = ((w * x - 3 * x) ** 2).mean()
        loss.backward()
        optimizer.step()
        weights.append(w.item())
    return weights


def broken():
    return train(clear=False)


def fixed():
    return train(clear=True)


print("broken:", *[f"{w:.2f}" for w in broken()[:8]])
print("fixed: ", *[f"{w:.2f}" for w in fixed()[:8]])

"""
**What one sees.** The first step is right. Then the weight runs past its goal, turns round, runs past it again: it
swings, and never settles. With many parameters it looks like a learning rate that is too large.

```text
broken: 1.50 3.75 5.62 6.19 5.16 3.05 0.91 -0.18
fixed:  1.50 2.25 2.62 2.81 2.91 2.95 2.98 2.99
```

**The number that gives it away.** The gradient where the weight passes 3: the loss is 0 there, and
`w.grad` is not. It is the sum of all gradients on the way.

**The test that catches it.** Trained on a problem with a known answer, the answer comes out:
"""


def test(program):
    assert abs(program()[-1] - 3) < 0.01


"""
**The fix.** `optimizer.zero_grad()` once in every step: before `backward`, or after `step`.
"""

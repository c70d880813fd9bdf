"""# 3. What Adam's two averages do

The experiment `blob_adam`: a network with three hidden neurons learns `x1² + x2 / 2` with Adam. Adam asks two
questions about each single number among the parameters, from the gradients that it has seen so far. In which
direction, on the whole? That is the average `m`. And how large are they, on the whole? That is the average of the
squares, `v`. Let us watch one weight.
"""

import torch
from torch import nn
from plots import BLUE, GRAY, GREEN, ORANGE, plt, save

torch.manual_seed(42)
X = 2 * torch.rand(100, 2) - 1
y = (X[:, 0] ** 2 + X[:, 1] / 2).unsqueeze(1)


def new_model():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def train(model, optimizer, epochs, scale=1, batch=10):
    """Train on batches of ten. The losses, and (gradient, value) of the first weight in each step."""
    losses, watched = [], []
    for epoch in range(epochs):
        rows = slice(epoch * batch % 100, epoch * batch % 100 + batch)
        loss = scale * ((model(X[rows]) - y[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        watched.append((model[0].weight.grad[0, 0].item(), model[0].weight[0, 0].item()))
        optimizer.step()
        losses.append(loss.item())
    return losses, watched


model = new_model()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
losses, watched = train(model, optimizer, 300)

m, v, history = 0.0, 0.0, []
for n, (g, _) in enumerate(watched, start=1):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g * g
    direction, size = m / (1 - 0.9**n), (v / (1 - 0.999**n)) ** 0.5
    history.append((direction, size, -0.01 * direction / (size + 1e-8)))

moved = [after - before for (_, before), (_, after) in zip(watched, watched[1:])]
largest = max(abs(a - b) for a, b in zip(moved, [step for _, _, step in history]))
print("our m and v explain every step:", largest < 1e-6)
print("the first steps:", *[f"{step:.4f}" for _, _, step in history[:3]])

"""
```text
our m and v explain every step: True
the first steps: -0.0100 -0.0100 -0.0086
```

![Gradient, averages and steps of one weight](figures/adam.png)

## The formula

    m = 0.9 m + 0.1 g            v = 0.999 v + 0.001 g²
    step = -lr * (m / (1 - 0.9ⁿ)) / (sqrt(v / (1 - 0.999ⁿ)) + eps)

**`m` remembers about 10 gradients**, since 1 / (1 - 0.9) = 10. Noise that points to and fro cancels in it. In the
picture the gray gradient jumps, and the blue average does not.

**`v` remembers about 1000.** So it hardly changes, and gives this weight a learning rate of its own: `lr /
sqrt(v)`. A weight with tiny gradients takes steps as large as one with huge ones.

**The quotient is between -1 and 1**, or nearly so: a step is at most about `lr`. It is `lr` where the gradients
agree, and little where they quarrel. The first step is always exactly `lr`, for m and v are g and g² then. That is
what the division by `1 - 0.9ⁿ` is for.

So the *scale* of the loss means nothing to Adam, and everything to SGD:
"""

for scale in (1, 1000):
    for name, choose in (("Adam", torch.optim.Adam), ("SGD ", torch.optim.SGD)):
        model = new_model()
        losses, _ = train(model, choose(model.parameters(), lr=0.01), 300, scale)
        print(f"loss times {scale}: {name} ends at {sum(losses[-10:]) / 10 / scale:.4f}")

"""
```text
loss times 1: Adam ends at 0.0034
loss times 1: SGD  ends at 0.1158
loss times 1000: Adam ends at 0.0034
loss times 1000: SGD  ends at nan
```

(`nan` is where SGD has left for infinity.) The price is two more numbers for each parameter, and steps that do not
shrink by themselves when the goal is near: this is why Adam is often run with a schedule.
"""

figure, (left, right) = plt.subplots(1, 2)
left.plot([g for g, _ in watched[:150]], color=GRAY, linewidth=0.8, label="gradient g")
left.plot([direction for direction, _, _ in history[:150]], color=BLUE, label="m, where to")
left.plot([size for _, size, _ in history[:150]], color=ORANGE, label="sqrt(v), how large")
left.set(xlabel="step")
left.legend()
right.plot([step for _, _, step in history[:150]], color=GREEN)
for border in (-0.01, 0.01):
    right.axhline(border, color=GRAY, linewidth=0.8, linestyle="--")
right.set(xlabel="step", title="what Adam does: never more than about lr")
save("adam")

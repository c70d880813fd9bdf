"""# 2. Why a linear model cannot bend round the circles

The experiment `circles`: two noisy circles, one inside the other. Which one does a point lie on? A network with two
hidden layers of ten neurons learns nothing, however long it is trained. The same network with ReLU after the hidden
layers learns it.
"""

import torch
from torch import nn
from plots import BLUE, ORANGE, plt, save
from toy_data import make_circles

X, y = (torch.from_numpy(part).float() for part in make_circles(1000, noise=0.05, random_state=23))


def train(model, epochs):
    """Train on the circles by SGD with learning rate 0.2. The losses."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    losses = []
    for _ in range(epochs):
        loss = nn.functional.binary_cross_entropy_with_logits(model(X).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def accuracy(model):
    """The share of points on the right side, in percent."""
    with torch.no_grad():
        return 100 * ((model(X).squeeze(1) > 0) == y.bool()).sum().item() / len(y)


torch.manual_seed(42)
linear = nn.Sequential(nn.Linear(2, 10), nn.Linear(10, 10), nn.Linear(10, 1))
torch.manual_seed(32)
bent = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 1))
curves = {"linear": train(linear, 800), "with ReLU": train(bent, 800)}
for name, model in (("linear", linear), ("with ReLU", bent)):
    print(f"{name}: loss {curves[name][-1]:.4f}, accuracy {accuracy(model):.0f} %")

"""
```text
linear: loss 0.6931, accuracy 51 %
with ReLU: loss 0.1908, accuracy 94 %
```

![Loss curves and boundaries of both networks](figures/circles.png)

## The loss curve

The linear network's loss comes to rest at 0.693. That number is worth knowing by heart: it is log 2, the loss of
somebody who says "one half" to everything. So the network has not just learnt badly. It has found out that saying
nothing is best.

## The formula

Why? Multiply it out. A linear layer is `x A + a`. A second one after it gives `(x A + a) B + b`, which is `x (A B)
+ (a B + b)`: one linear layer. Three of them are one, too. Here it is:
"""

weight, bias = torch.eye(2), torch.zeros(2)
for layer in linear:
    weight, bias = weight @ layer.weight.T, bias @ layer.weight.T + layer.bias
with torch.no_grad():
    difference = (X @ weight + bias - linear(X)).abs().max().item()
print(f"151 parameters do what {weight.numel() + bias.numel()} do; difference below 1e-5: {difference < 1e-5}")

"""
```text
151 parameters do what 3 do; difference below 1e-5: True
```

So the boundary, where the logit is 0, is one straight line: `w1 x1 + w2 x2 + b = 0`. Try every line: here are 180
directions, and for each of them 100 distances from the middle.
"""

angles = torch.linspace(0, 3.14159, 180)
along = X @ torch.stack([angles.cos(), angles.sin()])  # how far each point lies in each direction
best = max(
    max(right, 1 - right)
    for distance in torch.linspace(-1, 1, 100)
    for right in ((along > distance) == y.bool().unsqueeze(1)).float().mean(0).tolist()
)
print(f"the best of 18000 lines has {100 * best:.0f} % right")

"""
```text
the best of 18000 lines has 60 % right
```

The best line cuts off a cap of the outer circle. But the loss does not count right answers. It asks for
probabilities, and as the circles have the same centre, the means of both classes are the same point. Any slope of
the logit helps one half and hurts the other just as much: the gradient points back to zero.

## What ReLU changes

`relu(x)` is x above 0, and 0 below. The rule in the table lets the gradient through where the neuron is on, and
stops it where it is off:

>>> from minigrad import explain
>>> explain.formula("relu")
'where(out <= 0, 0, g)'

Each neuron folds the plane along one line. Within a patch where the same neurons are on, the network is still
linear. But every patch has a line of its own. How many patches are there?
"""

grid = torch.linspace(-1.2, 1.2, 300)
points = torch.stack([grid.repeat(300), grid.repeat_interleave(300)], 1)
with torch.no_grad():
    first = bent[1](bent[0](points))
    second = bent[3](bent[2](first))
patterns = {tuple(row) for row in torch.cat([first > 0, second > 0], 1).tolist()}
print("more than 50 linear patches:", len(patterns) > 50)

"""
```text
more than 50 linear patches: True
```

A polygon of some of their edges is the "circle" that you see in the picture.
"""

figure, axes = plt.subplots(1, 3, figsize=(10, 3.4))
for name, color in (("linear", ORANGE), ("with ReLU", BLUE)):
    axes[0].plot(curves[name], color=color, label=name)
axes[0].axhline(0.6931, color="gray", linewidth=0.8, linestyle="--", label="log 2")
axes[0].set(xlabel="epoch", ylabel="loss", ylim=(0, None))
axes[0].legend()
for axis, (name, model) in zip(axes[1:], (("linear", linear), ("with ReLU", bent))):
    with torch.no_grad():
        logits = model(points).reshape(300, 300)
    axis.contourf(grid, grid, logits > 0, levels=[-0.5, 0.5, 1.5], colors=["#fed7aa", "#bfdbfe"])
    axis.scatter(X[:, 0], X[:, 1], c=[BLUE if label else ORANGE for label in y.tolist()], s=3)
    axis.set(title=name, aspect="equal")
    axis.grid(False)
save("circles")

"""# 1. A loss that falls in a straight line, and then jumps

The experiment `line_l1`: one neuron, `w * x + b`, learns the line `y = 0.5 x + 0.2` with the L1 loss, the mean of
the distances. Here it is, with the same data and the same start:
"""

import torch
from torch import nn
from plots import BLUE, GRAY, ORANGE, plt, save
from toy_data import train_test_split

X = torch.arange(0, 1, 0.02).unsqueeze(1)
y = 0.2 + 0.5 * X
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=46)

torch.manual_seed(32)
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
losses, below = [], []
for _ in range(400):
    predicted = model(X_train)
    loss = nn.functional.l1_loss(predicted, y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    below.append((predicted < y_train).sum().item())

print("epochs 0 to 4:    ", *[f"{loss:.4f}" for loss in losses[:5]])
print("epochs 396 to 399:", *[f"{loss:.4f}" for loss in losses[-4:]])

"""
```text
epochs 0 to 4:     0.5237 0.5109 0.4981 0.4854 0.4726
epochs 396 to 399: 0.0093 0.0035 0.0093 0.0035
```

Look at the first line. Every epoch takes away the same, about 0.0128. A mean squared error would fall fast at
first, and then more and more slowly. And look at the second: it never arrives. It goes up and down for ever.

![The loss, straight, bent, and at last jumping](figures/l1_curve.png)

## The formula

Both come from one line of the table:

>>> from minigrad import explain
>>> from minigrad.nn import rules
>>> print(explain.formula(rules.l1_loss))
g / n * sign(x - y)

The gradient of a distance is its *sign*, never its size. As long as all predictions are too low, each of the 40
points says "-1", however far away it is. Then the two gradients are the mean of -1 * x and of -1:
"""

g_w, g_b = -X_train.mean().item(), -1.0
fall = 0.01 * (g_w**2 + g_b**2)  # a step of lr * g lowers the loss by lr * g * g
print(f"predicted fall: {fall:.4f}, measured: {losses[0] - losses[1]:.4f}")
straight = next(i for i, n in enumerate(below) if n != below[0])
print(f"predictions below the line: {below[0]} of 40 until epoch {straight - 1}, {below[straight]} in epoch {straight}")

"""
```text
predicted fall: 0.0128, measured: 0.0128
predictions below the line: 40 of 40 until epoch 27, 38 in epoch 28
```

As long as the signs stay, the gradient is constant: the curve is straight. When the first predictions get above
their targets, signs turn, and the curve bends. That is all that a bend means here.

## Why it jumps

At the end every step still moves the parameters by `lr` times a mean of signs, and a sign does not get smaller when
the goal is near. So the line is a little too low, and a step lifts it; now it is a little too high, and the next
step lowers it:
"""

print("predictions below the line, epochs 392 to 399:", *below[-8:])

"""
```text
predictions below the line, epochs 392 to 399: 0 40 0 40 0 40 0 40
```

No prediction is too low, then all forty are, then none. The loss cannot settle below about the size of one step,
and a smaller learning rate is the only cure. Go on from here with a tenth of it:
"""

optimizer.param_groups[0]["lr"] = 0.001
for _ in range(100):
    loss = nn.functional.l1_loss(model(X_train), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"the worst of the last ten epochs: with 0.01 {max(losses[390:400]):.4f}, with 0.001 {max(losses[490:]):.4f}")

"""
```text
the worst of the last ten epochs: with 0.01 0.0093, with 0.001 0.0009
```

Ten times smaller steps, ten times smaller jumps: this is what a learning rate schedule is for. (Where a prediction
meets its target exactly the distance has a kink, and no slope. The rule says `sign(0) = 0` there, as torch's does.)
"""

figure, (left, right) = plt.subplots(1, 2)
left.plot(losses[:400], color=BLUE)
left.plot([0, losses[0] / fall], [losses[0], 0], "--", color=GRAY, label=f"{losses[0]:.2f} - {fall:.4f} epoch")
left.axvline(straight, color=ORANGE, linewidth=0.8, label="the first sign turns")
left.set(xlabel="epoch", ylabel="L1 loss", ylim=(0, None))
left.legend()
right.plot(range(360, 440), losses[360:440], ".-", color=BLUE)
right.set(xlabel="epoch", title="learning rate 0.01, and from epoch 400 on 0.001", ylim=(0, None))
save("l1_curve")

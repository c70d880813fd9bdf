"""# 4. Why that printed table is impossible

The experiment `line_mse`: `weight * x + bias` learns y = 0.7 x + 0.3 from 35 points, by plain gradient descent with
a learning rate of 0.01. The lesson that it comes from prints this, without a seed:

| epoch | training loss | validation loss |
|---|---|---|
| 0 | .0785 | .5167 |
| 20 | .0115 | .0207 |
| 80 | .0004 | .0006 |

and at the end a weight of .6987. No computer has ever printed these numbers for this program. One can know that
without knowing the start: a parabola leaves no choice.

## The loss is a parabola

Let d be how far the parameters are from the truth: d = (weight - 0.7, bias - 0.3). Then the error at x is `d · (x,
1)`, and the mean of its square is `d A d`, with a matrix A of 2 by 2 that depends on the points only. B is the same
for the validation points.
"""

import torch
from plots import BLUE, GRAY, ORANGE, plt, save

x = torch.arange(0, 1, 0.02).double()


def mean_square(points):
    """The matrix A with: mean squared error = d A d."""
    columns = torch.stack([points, torch.ones_like(points)], 1)
    return columns.T @ columns / len(points)


A, B = mean_square(x[:35]), mean_square(x[35:42])
d = torch.tensor([1.0, -2.0]).double()
print(f"by the matrix {(d @ A @ d).item():.4f}, by the loss {((d[0] * x[:35] + d[1]) ** 2).mean().item():.4f}")

"""
```text
by the matrix 2.7964, by the loss 2.7964
```

## Epoch 0

The gradient of `d A d` is `2 A d`. One step of gradient descent therefore multiplies d by a matrix: `d -> M d` with
`M = 1 - 2 lr A`. The printed training loss, .0785, is the one before the first step, so the start lies on the
ellipse `d A d = .0785`. The validation loss is the one after it. Walk round the whole ellipse:
"""

M = torch.eye(2).double() - 2 * 0.01 * A
turn = torch.linspace(0, 2 * 3.14159265, 2001).double()
directions = torch.stack([turn.cos(), turn.sin()], 1)
starts = directions * (0.0785 / ((directions @ A) * directions).sum(1)).sqrt().unsqueeze(1)
after = starts @ M
validation = ((after @ B) * after).sum(1)
print(f"validation loss after one step: between {validation.min().item():.4f} and {validation.max().item():.4f}")

"""
```text
validation loss after one step: between 0.0006 and 0.4155
```

![Every start with a training loss of .0785, and its validation loss](figures/ellipse.png)

**.5167 is not among them.** Whatever the seed: with a training loss of .0785 the validation loss is at most .4155.

## Epoch 80

And can the training loss get to .0004 in 80 epochs? A has two axes, and along each of them the distance shrinks by
a factor of its own:
"""

discriminant = ((A[0, 0] - A[1, 1]) ** 2 + 4 * A[0, 1] ** 2).sqrt()
fast, slow = ((A[0, 0] + A[1, 1] + discriminant) / 2).item(), ((A[0, 0] + A[1, 1] - discriminant) / 2).item()
for name, size in (("fast axis", fast), ("slow axis", slow)):
    print(f"{name}: each epoch times {1 - 0.02 * size:.6f}, after 100 epochs {(1 - 0.02 * size) ** 100:.3f}")
late = starts @ torch.linalg.matrix_power(M, 80)
lowest = ((late @ A) * late).sum(1).min().item()
print(f"the lowest training loss at epoch 80, from any start: {lowest:.4f}")
print(f"critical learning rate: {1 / fast:.3f}")

"""
```text
fast axis: each epoch times 0.977601, after 100 epochs 0.104
slow axis: each epoch times 0.999271, after 100 epochs 0.930
the lowest training loss at epoch 80, from any start: 0.0021
critical learning rate: 0.893
```

**.0004 cannot be reached either.** Even a start on the fast axis only gets from .0785 to .0021. And along the slow
axis a distance of 1 is still .93 after 100 epochs. That axis is a line that turns round the points' middle: a
weight that is too small, made up for by a bias that is too large. Its loss is small, so its gradient is, too. With
seed 42 torch and minigrad both end at a weight of .4398 (`make parity`).

The same two numbers say when gradient descent explodes: when `1 - 2 lr λ` passes -1, at `lr = 1 / λ` = 0.893. So
.1, which the lesson calls unstable, is far from it.
"""

figure, (left, right) = plt.subplots(1, 2)
left.plot(starts[:, 0] + 0.7, starts[:, 1] + 0.3, color=BLUE, label="all starts with training loss .0785")
left.plot([0.7], [0.3], "o", color=ORANGE, label="the truth")
left.set(xlabel="weight", ylabel="bias")
left.legend(loc="upper right", fontsize=8)
right.plot(turn / 3.14159265 * 180, validation, color=BLUE, label="after one step")
right.axhline(0.5167, color=ORANGE, label="printed: .5167")
right.axhline(validation.max().item(), color=GRAY, linestyle="--", linewidth=0.8)
right.set(xlabel="where on the ellipse (degrees)", ylabel="validation loss", ylim=(0, 0.72))
right.legend()
save("ellipse")

# Gradient descent on a surface, drawn: SGD, momentum, Adam from the same start
import numpy as np
import torch
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt


def rosenbrock(xy):
    x, y = xy
    return (1 - x) ** 2 + 20 * (y - x ** 2) ** 2


def run_optimization(xy_init, optimizer_class, n_iter, **optimizer_kwargs):
    xy_t = torch.tensor(xy_init, requires_grad=True)
    optimizer = optimizer_class([xy_t], **optimizer_kwargs)
    path = np.empty((n_iter + 1, 2))
    path[0, :] = xy_init
    for i in range(1, n_iter + 1):
        optimizer.zero_grad()
        loss = rosenbrock(xy_t)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(xy_t, 1.0)
        optimizer.step()
        path[i, :] = xy_t.detach().numpy()
    return path


xy_init = (0.3, 0.8)
n_iter = 50
paths = {
    'SGD': run_optimization(xy_init, torch.optim.SGD, n_iter, lr=5e-3),
    'Momentum': run_optimization(xy_init, torch.optim.SGD, n_iter, lr=5e-3, momentum=0.5, nesterov=True),
    'Adam': run_optimization(xy_init, torch.optim.Adam, n_iter, lr=2e-2),
    'Adagrad': run_optimization(xy_init, torch.optim.Adagrad, n_iter, lr=1e-1),
}
for name, path in paths.items():
    print(name, path[::10].round(4).tolist())

x = np.linspace(-2, 2, 40)
y = np.linspace(-1, 3, 40)
X, Y = np.meshgrid(x, y)
Z = rosenbrock([X, Y])
fig = plt.figure(figsize=(6, 6))
ax = fig.add_subplot(1, 1, 1)
ax.contour(X, Y, Z, 20, cmap="inferno")
for (name, path), colour in zip(paths.items(), ["red", "blue", "green", "orange"]):
    ax.plot(path[:, 0], path[:, 1], color=colour, label=name, linewidth=2)
ax.legend(prop={"size": 10})
ax.plot(1.0, 1.0, "*", markersize=10)
plt.savefig("paths.png")

# the slope in one dimension, drawn as tangents
x = torch.linspace(-2, 2, 9, requires_grad=True)
f = x ** 3 - 2 * x
f.sum().backward()
plt.figure()
plt.plot(x.detach(), f.detach())
plt.quiver(x.detach(), f.detach(), torch.ones(9), x.grad)
plt.savefig("slopes.png")
print(torch.stack([x.detach(), f.detach(), x.grad], 1))

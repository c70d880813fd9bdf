"""A physics-informed network for a damped oscillator:  m u'' + c u' + k u = 0,  u(0) = 1,  u'(0) = 0."""
import math
import torch
import torch.nn as nn

torch.manual_seed(123)

m, c, k = 1.0, 0.8, 4.0
d, w0 = c / (2 * m), math.sqrt(k / m)


def exact(t):
    w = math.sqrt(w0 ** 2 - d ** 2)
    phi = math.atan(-d / w)
    A = 1 / (2 * math.cos(phi))
    return torch.exp(-d * t) * 2 * A * torch.cos(phi + w * t)


class FCN(nn.Module):
    """A fully-connected network."""

    def __init__(self, N_INPUT, N_OUTPUT, N_HIDDEN, N_LAYERS):
        super().__init__()
        activation = nn.Tanh
        self.fcs = nn.Sequential(*[nn.Linear(N_INPUT, N_HIDDEN), activation()])
        self.fch = nn.Sequential(*[nn.Sequential(*[nn.Linear(N_HIDDEN, N_HIDDEN), activation()]) for _ in range(N_LAYERS - 1)])
        self.fce = nn.Linear(N_HIDDEN, N_OUTPUT)

    def forward(self, x):
        x = self.fcs(x)
        x = self.fch(x)
        x = self.fce(x)
        return x


pinn = FCN(1, 1, 20, 2)
print(pinn)
t_boundary = torch.tensor(0.).view(-1, 1).requires_grad_(True)
t_physics = torch.linspace(0, 2, 25).view(-1, 1).requires_grad_(True)
t_test = torch.linspace(0, 2, 11).view(-1, 1)

optimiser = torch.optim.Adam(pinn.parameters(), lr=5e-3)
lambda1, lambda2 = 1e-1, 1e-3
for i in range(201):
    optimiser.zero_grad()

    # the two initial conditions
    u = pinn(t_boundary)
    loss1 = (torch.squeeze(u) - 1) ** 2
    dudt = torch.autograd.grad(u, t_boundary, torch.ones_like(u), create_graph=True)[0]
    loss2 = (torch.squeeze(dudt) - 0) ** 2

    # the equation
    u = pinn(t_physics)
    dudt = torch.autograd.grad(u, t_physics, torch.ones_like(u), create_graph=True)[0]
    d2udt2 = torch.autograd.grad(dudt, t_physics, torch.ones_like(dudt), create_graph=True)[0]
    loss3 = torch.mean((m * d2udt2 + c * dudt + k * u) ** 2)

    loss = loss1 + lambda1 * loss2 + lambda2 * loss3
    loss.backward()
    optimiser.step()

    if i % 40 == 0:
        print(f'{i:4d}  boundary {loss1.item():.6f} slope {loss2.item():.6f} physics {loss3.item():.6f}')

with torch.no_grad():
    u = pinn(t_test)
print(torch.cat([t_test, u, exact(t_test)], dim=1))
print('max error: %.3f' % (u - exact(t_test)).abs().max())

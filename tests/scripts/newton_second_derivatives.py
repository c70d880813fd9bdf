# Second derivatives: create_graph=True, Newton's method, the Hessian by hand
import torch

torch.set_printoptions(precision=5)

x = torch.tensor(3.0, requires_grad=True)
y = x ** 4 - 3 * x ** 3 + 2
dy, = torch.autograd.grad(y, x, create_graph=True)
d2y, = torch.autograd.grad(dy, x, create_graph=True)
d3y, = torch.autograd.grad(d2y, x)
print(y, dy, d2y, d3y, sep='\n')

# Newton for the root of cos(x) - x
x = torch.tensor(1.5, requires_grad=True)
for i in range(5):
    f = torch.cos(x) - x
    slope = torch.autograd.grad(f, x)[0]
    x = (x - f / slope).detach().requires_grad_()
    print(i, x.item())


# Newton for the minimum of a function of two variables
def func(v):
    return (v[0] - 2) ** 4 + (v[0] - 2 * v[1]) ** 2 + torch.exp(0.1 * v[1])


def gradient_and_hessian(f, v):
    g, = torch.autograd.grad(f(v), v, create_graph=True)
    rows = []
    for i in range(len(v)):
        rows.append(torch.autograd.grad(g[i], v, retain_graph=True)[0])
    return g.detach(), torch.stack(rows)


v = torch.tensor([0.0, 3.0], requires_grad=True)
for step in range(8):
    g, H = gradient_and_hessian(func, v)
    a, b, c, d = H.flatten()
    inverse = torch.stack([d, -b, -c, a]).view(2, 2) / (a * d - b * c)
    with torch.no_grad():
        v -= inverse @ g
    if step % 2 == 1:
        print(step, v.data, 'f = %.6f' % func(v).item(), 'gradient norm %.6f' % g.norm())
print(H)

# a gradient penalty: the norm of a gradient is part of the loss
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
points = torch.randn(10, 2, requires_grad=True)
out = net(points)
grads = torch.autograd.grad(outputs=out, inputs=points, grad_outputs=torch.ones_like(out),
                            create_graph=True, retain_graph=True, only_inputs=True)[0]
penalty = ((grads.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
print(penalty, net[0].weight.grad.abs().mean(), net[2].bias.grad)

# without the graph there is nothing to derive
z = torch.tensor(2.0, requires_grad=True)
first, = torch.autograd.grad(z ** 3, z)
try:
    torch.autograd.grad(first, z)
except RuntimeError as e:
    print(e)
unused = torch.ones(1, requires_grad=True)
print(torch.autograd.grad(z ** 3, (z, unused), allow_unused=True))

# Layer norm: by hand, by F and by nn, and what it is good for
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(21)

x = torch.randn(4, 6) * 3 + 1
mean = x.mean(dim=-1, keepdim=True)
var = x.var(dim=-1, keepdim=True, unbiased=False)
by_hand = (x - mean) / torch.sqrt(var + 1e-5)
ln = nn.LayerNorm(6)
print(ln)
print(by_hand[0])
print(ln(x)[0])
print('equal:', torch.allclose(by_hand, ln(x), atol=1e-6), torch.allclose(by_hand, F.layer_norm(x, (6,)), atol=1e-6))
print(ln.weight, ln.bias, sep='\n')


class MyLayerNorm(nn.Module):
    def __init__(self, features, eps=1e-6):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(features))
        self.shift = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.gain * (x - mean) / (std + self.eps) + self.shift


def deep_net(norm, depth=8, width=16):
    layers = []
    for _ in range(depth):
        layers.append(nn.Linear(width, width))
        if norm is not None:
            layers.append(norm(width))
        layers.append(nn.Tanh())
    layers.append(nn.Linear(width, 1))
    return nn.Sequential(*layers)


X = torch.randn(64, 16)
y = X[:, :4].prod(dim=1, keepdim=True).tanh()

for name, norm in [('no norm', None), ('nn.LayerNorm', nn.LayerNorm), ('my own', MyLayerNorm)]:
    torch.manual_seed(0)
    net = deep_net(norm)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for step in range(31):
        loss = F.mse_loss(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print(f'{name:>12} {step:3d} {loss.item():.5f}', 'gradient of the first layer: %.2e' % net[0].weight.grad.norm())

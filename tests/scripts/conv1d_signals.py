import math
import torch
from torch import nn

torch.manual_seed(8)

# sine, square and sawtooth waves with noise, 64 samples each
n = 90
t = torch.arange(64) / 64
freq = torch.rand(n, 1) * 3 + 2
phase = torch.rand(n, 1) * 2 * math.pi
arg = 2 * math.pi * freq * t + phase
kind = torch.arange(n) % 3
waves = torch.stack([torch.sin(arg), torch.sign(torch.sin(arg)), 2 * (arg / (2 * math.pi)) % 2 - 1])
X = waves[kind, torch.arange(n)] + 0.2 * torch.randn(n, 64)
X = X.unsqueeze(1)     # (batch, channels, length)
print(X.shape, X[0, 0, :5])

model = nn.Sequential(
    nn.Conv1d(1, 6, kernel_size=7, stride=2, bias=False),
    nn.BatchNorm1d(6),
    nn.LeakyReLU(0.1),
    nn.Conv1d(6, 12, kernel_size=5, stride=2, padding=2),
    nn.GELU(),
    nn.Flatten(),
    nn.Linear(12 * 15, 3),
)
print(model)

perm = torch.randperm(n)
train, test = perm[:70], perm[70:]
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
loss_fn = nn.CrossEntropyLoss()
for step in range(40):
    loss = loss_fn(model(X[train]), kind[train])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 8 == 0:
        print(f'step {step:>2} loss {loss.item():.4f}')

model.eval()
with torch.no_grad():
    pred = model(X[test]).argmax(dim=1)
print('test accuracy', (pred == kind[test]).float().mean())

# a moving average is a convolution too
signal = X[0].unsqueeze(0)
smooth = nn.functional.conv1d(signal, torch.ones(1, 1, 5) / 5, padding=2)
print(smooth.shape, signal.std().item() > smooth.std().item(), smooth[0, 0, :6])
print(nn.functional.avg_pool2d(torch.arange(16.).view(1, 1, 4, 4), 2))

# Five small networks know more than one, and they know when they do not know
import torch
import torch.nn as nn
import torch.optim as optim

SEEDS = [0, 1, 2, 3, 4]

torch.manual_seed(100)
x = torch.cat([torch.rand(20, 1) * 2 - 3, torch.rand(20, 1) * 2 + 1])    # a hole in the middle
y = torch.sin(2 * x) + 0.1 * torch.randn(40, 1)


def make_model():
    return nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))


class Ensemble(nn.Module):
    def __init__(self, models):
        super(Ensemble, self).__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x):
        predictions = torch.stack([model(x) for model in self.models])
        return predictions.mean(dim=0), predictions.std(dim=0)


models = []
for seed in SEEDS:
    torch.manual_seed(seed)
    model = make_model()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(80):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
    print('seed', seed, 'loss', f'{loss:.5f}')
    models.append(model)

ensemble = Ensemble(models).eval()
print(len(ensemble.models), sum(p.numel() for p in ensemble.parameters()))
grid = torch.linspace(-3, 3, 7).unsqueeze(1)
with torch.no_grad():
    mean, std = ensemble(grid)
print('     x    mean     std   sin(2x)')
for row in torch.cat([grid, mean, std, torch.sin(2 * grid)], 1):
    print(' '.join(f'{v:7.3f}' for v in row))
print('most uncertain at x =', grid[std.argmax()].item())

# voting
torch.manual_seed(7)
votes = torch.randint(0, 3, (5, 8))
counted = torch.stack([(votes == c).sum(0) for c in range(3)])
print(votes)
print(counted.argmax(0), votes.float().mean(0), votes.unique())

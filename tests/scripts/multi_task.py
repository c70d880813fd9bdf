import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(77)


# one body, two heads: how much (regression) and which kind (classification)
class MultiTaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
        self.heads = nn.ModuleDict({
            'amount': nn.Linear(16, 1),
            'kind': nn.Linear(16, 3),
        })
        # learned weighting of the losses by their uncertainty
        self.log_vars = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.shared(x)
        return {name: head(h) for name, head in self.heads.items()}


X = torch.randn(150, 6)
amount = (X[:, 0] * 2 + X[:, 1].abs()).unsqueeze(1)
kind = torch.stack([X[:, 2], X[:, 3], X[:, 4]], dim=-1).argmax(-1)

model = MultiTaskNet()
print(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
mse, ce = nn.MSELoss(), nn.CrossEntropyLoss()

for epoch in range(61):
    out = model(X)
    loss_a = mse(out['amount'], amount)
    loss_k = ce(out['kind'], kind)
    losses = torch.stack([loss_a, loss_k])
    loss = (torch.exp(-model.log_vars) * losses + model.log_vars).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 15 == 0:
        accuracy = (out['kind'].argmax(dim=1) == kind).float().mean() * 100
        print(f"epoch {epoch}: total {loss.item():.4f} | amount {loss_a.item():.4f} | kind {loss_k.item():.4f} ({accuracy:.1f}%)")
print('weights of the losses:', torch.exp(-model.log_vars))

# do the two tasks pull the shared layer into the same direction?
out = model(X)
first = model.shared[0].weight
g1, = torch.autograd.grad(F.mse_loss(out['amount'], amount), first, retain_graph=True)
g2, = torch.autograd.grad(F.cross_entropy(out['kind'], kind), first)
cosine = (g1 * g2).sum() / (g1.norm() * g2.norm())
print('cosine between the gradients', round(cosine.item(), 3))
print('kind' in model.heads, list(model.heads.keys()), model.heads['amount'].weight.shape)

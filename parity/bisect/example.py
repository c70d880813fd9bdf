"""A script that uses many operations: what `proof` plants wrong rules in, beside the experiments. It learns nothing."""

import torch
import torch.nn.functional as F
from torch import nn


class Many(nn.Module):
    """Pictures and words in, four classes out."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.words = nn.Embedding(12, 6)
        self.query, self.key = nn.Linear(6, 6), nn.Linear(6, 6)
        self.layer_norm = nn.LayerNorm(6)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(4 * 4 * 4 + 6, 4)
        self.scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, pictures, words):
        x = F.max_pool2d(F.gelu(self.norm(self.conv(pictures))), 2)
        x = F.avg_pool2d(F.pad(F.leaky_relu(x), (1, 1, 1, 1)), 2, stride=1, padding=0)[:, :, :4, :4]
        w = self.words(words)
        attention = (self.query(w) @ self.key(w).transpose(1, 2) / 6**0.5).softmax(-1)
        w = self.layer_norm(torch.tanh(attention @ w) + w).mean(1)
        w = torch.where(w > 0, w.abs().sqrt(), w * w) + torch.exp(-w.pow(2)) / (1 + w.sigmoid())
        x = torch.cat([self.dropout(x.flatten(1)), w], dim=1)
        return self.out(F.silu(x) * self.scale - x.std(1, keepdim=True))


torch.manual_seed(7)
model = Many()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
pictures, words = torch.randn(8, 1, 8, 8), torch.randint(0, 12, (8, 5))
targets = torch.randint(0, 4, (8,))
for step in range(20):
    scores = model(pictures, words)
    distances = torch.cumsum(scores.logsumexp(1).clamp(-2, 2), 0).norm()
    loss = F.cross_entropy(scores, targets) + F.smooth_l1_loss(scores, torch.zeros_like(scores)) + 0.1 * distances
    loss = loss + 0.1 * torch.log(scores.amax(1).square() + 1).sum() + 0.01 * F.softplus(scores).var()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 0:
        print(f"step {step} loss {loss.item():.4f}")

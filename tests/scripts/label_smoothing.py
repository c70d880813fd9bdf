# One-hot targets, soft targets and label smoothing: four ways to one number
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(6)
labels = torch.tensor([0, 2, 1, 2])
one_hot = F.one_hot(labels, num_classes=3)
print(one_hot, one_hot.dtype)
print(torch.eye(3)[labels])
print(torch.zeros(4, 3).scatter_(1, labels.unsqueeze(1), 1.0))

logits = torch.randn(4, 3, requires_grad=True)
print(F.cross_entropy(logits, labels))
print(F.cross_entropy(logits, one_hot.float()))
print(-(one_hot * F.log_softmax(logits, dim=1)).sum(1).mean())
print(F.nll_loss(F.log_softmax(logits, dim=-1), labels))

eps = 0.1
smooth = one_hot * (1 - eps) + eps / 3
print(smooth[0])
a = F.cross_entropy(logits, smooth)
b = nn.CrossEntropyLoss(label_smoothing=eps)(logits, labels)
print(a.item(), b.item())
b.backward()
print(logits.grad)


class LabelSmoothingLoss(nn.Module):
    def __init__(self, classes, smoothing=0.0, dim=-1):
        super(LabelSmoothingLoss, self).__init__()
        self.confidence = 1.0 - smoothing
        self.smoothing = smoothing
        self.cls = classes
        self.dim = dim

    def forward(self, pred, target):
        pred = pred.log_softmax(dim=self.dim)
        with torch.no_grad():
            true_dist = torch.zeros_like(pred)
            true_dist.fill_(self.smoothing / (self.cls - 1))
            true_dist.scatter_(1, target.data.unsqueeze(1), self.confidence)
        return torch.mean(torch.sum(-true_dist * pred, dim=self.dim))


X = torch.randn(90, 4)
y = X[:, :3].argmax(1)
flip = torch.rand(90) < 0.15         # some labels are wrong
y[flip] = torch.randint(0, 3, (int(flip.sum()),))
for name, criterion in [('plain', nn.CrossEntropyLoss()),
                        ('smoothed', nn.CrossEntropyLoss(label_smoothing=0.1)),
                        ('my own', LabelSmoothingLoss(3, 0.1))]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for _ in range(60):
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
    probs = F.softmax(model(X), dim=1)
    print(f'{name:9s} loss {loss:.4f}, accuracy {(probs.argmax(1) == y).float().mean():.3f}, '
          f'mean confidence {probs.max(dim=1)[0].mean():.3f}, surest {probs.max():.4f}')

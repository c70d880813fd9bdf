import torch
import torch.nn as nn
import torch.nn.functional as F


class RMSELoss(nn.Module):
    def __init__(self, eps=1e-6):
        super().__init__()
        self.mse = nn.MSELoss()
        self.eps = eps

    def forward(self, yhat, y):
        return torch.sqrt(self.mse(yhat, y) + self.eps)


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.25, gamma=2.0):
        super(FocalLoss, self).__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits, targets):
        bce = F.binary_cross_entropy_with_logits(logits, targets, reduction='none')
        pt = torch.exp(-bce)
        return (self.alpha * (1 - pt) ** self.gamma * bce).mean()


class DiceLoss(nn.Module):
    def forward(self, inputs, targets, smooth=1):
        inputs = torch.sigmoid(inputs).view(-1)
        targets = targets.view(-1)
        intersection = (inputs * targets).sum()
        dice = (2. * intersection + smooth) / (inputs.sum() + targets.sum() + smooth)
        return 1 - dice


class QuantileLoss(nn.Module):
    def __init__(self, quantiles):
        super().__init__()
        self.quantiles = quantiles

    def forward(self, preds, target):
        assert not target.requires_grad
        losses = []
        for i, q in enumerate(self.quantiles):
            errors = target - preds[:, i]
            losses.append(torch.max((q - 1) * errors, q * errors).unsqueeze(1))
        return torch.mean(torch.sum(torch.cat(losses, dim=1), dim=1))


def log_cosh_loss(y_pred, y_true):
    diff = y_pred - y_true
    return torch.mean(diff + F.softplus(-2. * diff) - torch.log(torch.tensor(2.)))


torch.manual_seed(18)
logits = torch.randn(6, requires_grad=True)
targets = torch.tensor([0., 1., 1., 0., 1., 0.])
for criterion in (RMSELoss(), FocalLoss(), DiceLoss(), nn.BCEWithLogitsLoss(), log_cosh_loss):
    logits.grad = None
    loss = criterion(logits, targets)
    loss.backward()
    print(getattr(criterion, '__name__', type(criterion).__name__), loss, '\n   ', logits.grad)

print(nn.SmoothL1Loss()(logits, targets), nn.HuberLoss(delta=0.5)(logits, targets), nn.L1Loss(reduction='sum')(logits, targets))
p = F.log_softmax(logits, dim=0)
q = torch.tensor([0.1, 0.3, 0.2, 0.1, 0.2, 0.1])
print(nn.KLDivLoss(reduction='sum')(p, q), (q * (q.log() - p)).sum())

# quantile regression: noise grows with x
x = torch.rand(150, 1) * 4
y = (x + (0.2 + 0.3 * x) * torch.randn(150, 1)).squeeze()
quantiles = [0.1, 0.5, 0.9]
model = nn.Linear(1, len(quantiles))
criterion = QuantileLoss(quantiles)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(150):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 30 == 0:
        print(epoch, '%.4f' % loss.item())
below = (y.unsqueeze(1) < model(x)).float().mean(dim=0)
print('share of points below each line:', below)
print(model.weight.data.T, model(torch.tensor([[2.0]])))

"""Transfer learning in small: train on one task, freeze the body, train a new head on another task."""
import torch
from torch import nn, optim

torch.manual_seed(99)


class Classifier(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU())
        self.classifier = nn.Linear(12, n_classes)

    def forward(self, x):
        return self.classifier(self.features(x))


def fit(model, X, y, epochs, lr=0.02):
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = optim.Adam(params, lr=lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        logits = model(X)
        loss = criterion(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 15 == 0 or epoch == epochs - 1:
            acc = (logits.argmax(1) == y).sum().item() / len(y)
            print(f'  epoch {epoch}: loss {loss.item():.4f} acc {acc:.3f}')


# task 1: which quadrant; task 2: is it the first or third quadrant?
X = torch.randn(200, 8)
quadrant = (X[:, 0] > 0).long() * 2 + (X[:, 1] > 0).long()
print('pre-training')
model = Classifier(4)
fit(model, X, quadrant, 46)

for param in model.features.parameters():
    param.requires_grad = False
model.classifier = nn.Linear(model.classifier.in_features, 2)

total = sum(p.numel() for p in model.parameters())
trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
print(f'{trainable} of {total} parameters will be trained')
for name, p in model.named_parameters():
    print(name, p.requires_grad)

before = model.features[0].weight.clone()
X2 = torch.randn(60, 8)
same_sign = ((X2[:, 0] > 0) == (X2[:, 1] > 0)).long()
print('a new head')
fit(model, X2, same_sign, 31)
print('the body has not moved:', torch.equal(before, model.features[0].weight), model.features[0].weight.grad is None)

print('fine-tuning')
for param in model.parameters():
    param.requires_grad_(True)
optimizer = optim.SGD([
    {'params': model.features.parameters(), 'lr': 1e-3},
    {'params': model.classifier.parameters()},
], lr=1e-2, momentum=0.9)
for step in range(10):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X2), same_sign)
    loss.backward()
    optimizer.step()
print(f'  loss {loss:.4f}, the body moved by {(model.features[0].weight - before).norm():.4f}')

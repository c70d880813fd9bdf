import copy
import torch
from torch import nn

torch.manual_seed(3)


class EMA():
    def __init__(self, model, decay):
        self.model = model
        self.decay = decay
        self.shadow = {}
        self.backup = {}
        self.register()

    def register(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                self.shadow[name] = param.data.clone()

    def update(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                assert name in self.shadow
                new_average = (1.0 - self.decay) * param.data + self.decay * self.shadow[name]
                self.shadow[name] = new_average.clone()

    def apply_shadow(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                self.backup[name] = param.data
                param.data = self.shadow[name]

    def restore(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                param.data = self.backup[name]
        self.backup = {}


@torch.no_grad()
def update_average(average, model, decay=0.95):
    """the same with in-place operations on a second model"""
    for a, p in zip(average.parameters(), model.parameters()):
        a.mul_(decay).add_(p, alpha=1 - decay)


X = torch.randn(200, 5)
y = (X[:, 0] - X[:, 1] * X[:, 2]).unsqueeze(1)
X_test = torch.randn(50, 5)
y_test = (X_test[:, 0] - X_test[:, 1] * X_test[:, 2]).unsqueeze(1)

model = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
average = copy.deepcopy(model)
for p in average.parameters():
    p.requires_grad_(False)
ema = EMA(model, 0.95)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.MSELoss()

for step in range(121):
    idx = torch.randint(0, 200, (10,))
    loss = loss_fn(model(X[idx]), y[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update()
    update_average(average, model)
    if step % 30 == 0:
        with torch.no_grad():
            plain = loss_fn(model(X_test), y_test)
            ema.apply_shadow()
            averaged = loss_fn(model(X_test), y_test)
            ema.restore()
            second = loss_fn(average(X_test), y_test)
        print(f'step {step:3d}: weights now {plain:.4f}, averaged {averaged:.4f} {second:.4f}')

print(model[2].bias, ema.shadow['2.bias'], average[2].bias)
print(any(p.requires_grad for p in average.parameters()), all(p.is_leaf for p in model.parameters()))

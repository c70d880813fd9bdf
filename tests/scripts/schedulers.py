import torch
import torch.nn as nn
from torch.optim.lr_scheduler import StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR, LambdaLR, ReduceLROnPlateau
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

torch.manual_seed(0)
model = nn.Linear(2, 1)


def make_optimizer():
    return torch.optim.SGD(model.parameters(), lr=0.1)


schedulers = {
    'StepLR': lambda o: StepLR(o, step_size=4, gamma=0.5),
    'MultiStepLR': lambda o: MultiStepLR(o, milestones=[3, 9], gamma=0.1),
    'ExponentialLR': lambda o: ExponentialLR(o, gamma=0.9),
    'CosineAnnealingLR': lambda o: CosineAnnealingLR(o, T_max=12, eta_min=0.001),
    'LambdaLR': lambda o: LambdaLR(o, lr_lambda=lambda epoch: (epoch + 1) / 5 if epoch < 5 else 0.95 ** (epoch - 4)),
}

for name, make in schedulers.items():
    optimizer = make_optimizer()
    scheduler = make(optimizer)
    lrs = []
    for epoch in range(12):
        optimizer.step()
        lrs.append(optimizer.param_groups[0]['lr'])
        scheduler.step()
    print(f"{name:18s}", ' '.join(f'{lr:.4f}' for lr in lrs), '| last:', scheduler.get_last_lr())
    plt.plot(lrs, label=name)
plt.legend()
plt.xlabel('epoch')
plt.savefig('lr.png')

# training with one of them
X = torch.rand(50, 2)
y = X @ torch.tensor([[2.0], [-3.0]]) + 0.5
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
scheduler = StepLR(optimizer, step_size=10, gamma=0.1)
for epoch in range(30):
    loss = nn.functional.mse_loss(model(X), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if epoch % 6 == 5:
        print('Epoch-{0} lr: {1:.5f} loss: {2:.6f}'.format(epoch, optimizer.param_groups[0]['lr'], loss.item()))
print(scheduler.state_dict()['last_epoch'], scheduler.state_dict()['base_lrs'])

# and one that watches the loss
optimizer = make_optimizer()
scheduler = ReduceLROnPlateau(optimizer, mode='min', factor=0.5, patience=2)
for epoch, val_loss in enumerate([1.0, 0.8, 0.79, 0.81, 0.82, 0.80, 0.80, 0.79, 0.85, 0.90]):
    optimizer.step()
    scheduler.step(val_loss)
    print(epoch, val_loss, optimizer.param_groups[0]['lr'])

# The learning-rate range test: raise the rate with every batch and watch the loss
import math
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
import matplotlib
matplotlib.use('Agg')
from matplotlib import pyplot as plt
from tqdm import tqdm

torch.manual_seed(0)
X = torch.randn(256, 10)
w = torch.randn(10, 1)
y = torch.sin(X @ w) + 0.1 * torch.randn(256, 1)
trn_loader = DataLoader(TensorDataset(X, y), batch_size=16, shuffle=True)

net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
criterion = nn.MSELoss()


def find_lr(init_value=1e-4, final_value=10., beta=0.9):
    num = len(trn_loader) * 3 - 1
    mult = (final_value / init_value) ** (1 / num)
    lr = init_value
    optimizer.param_groups[0]['lr'] = lr
    avg_loss, best_loss, batch_num = 0., 0., 0
    losses, lrs = [], []
    for epoch in range(3):
        for inputs, targets in tqdm(trn_loader, disable=True):
            batch_num += 1
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            # a smoothed loss, corrected for its start
            avg_loss = beta * avg_loss + (1 - beta) * loss.data.item()
            smoothed_loss = avg_loss / (1 - beta ** batch_num)
            if batch_num > 1 and smoothed_loss > 4 * best_loss:
                return lrs, losses
            if smoothed_loss < best_loss or batch_num == 1:
                best_loss = smoothed_loss
            losses.append(smoothed_loss)
            lrs.append(lr)
            loss.backward()
            optimizer.step()
            lr *= mult
            optimizer.param_groups[0]['lr'] = lr
    return lrs, losses


initial = {k: v.clone() for k, v in net.state_dict().items()}
lrs, losses = find_lr()
for lr, loss in list(zip(lrs, losses))[::6]:
    print(f'lr {lr:.6f} loss {loss:.5f}')
plt.plot([math.log10(lr) for lr in lrs], losses)
plt.savefig('lr_finder.png')

best = losses.index(min(losses))
chosen = lrs[best] / 10
print('lowest at lr %.4f, so take %.5f' % (lrs[best], chosen))

net.load_state_dict(initial)
optimizer = torch.optim.SGD(net.parameters(), lr=chosen)
pbar = tqdm(range(6), ncols=80, ascii=True)
for epoch in pbar:
    total = 0.0
    for inputs, targets in trn_loader:
        optimizer.zero_grad()
        loss = criterion(net(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * inputs.size(0)
    pbar.set_description(f'loss {total / len(X):.4f}')
print('after training:', total / len(X))

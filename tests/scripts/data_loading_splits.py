# TensorDataset, random_split, Subset, samplers of batches
import torch
from torch.utils.data import TensorDataset, DataLoader, random_split, Subset

torch.manual_seed(123)
X = torch.randn(100, 3)
y = (X.sum(dim=1, keepdim=True) > 0).float()

ds = TensorDataset(X, y)
print(len(ds), ds[0], ds[5:7])

train_ds, val_ds, test_ds = random_split(ds, [70, 20, 10])
print(len(train_ds), len(val_ds), len(test_ds), train_ds.indices[:6])
a, b = random_split(ds, [0.75, 0.25], generator=torch.Generator().manual_seed(1))
print(len(a), len(b), b.indices[:5])

train_dl = DataLoader(train_ds, batch_size=16, shuffle=True)
val_dl = DataLoader(val_ds, batch_size=20)
small = Subset(ds, range(0, 100, 25))
print([label.item() for _, label in small])

model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1), torch.nn.Sigmoid())
loss_fn = torch.nn.BCELoss()
opt = torch.optim.SGD(model.parameters(), lr=0.3)


def run_epoch(loader, train=True):
    total, right = 0.0, 0
    for xb, yb in loader:
        pred = model(xb)
        loss = loss_fn(pred, yb)
        if train:
            opt.zero_grad()
            loss.backward()
            opt.step()
        total += loss.item() * len(xb)
        right += ((pred > 0.5) == yb.bool()).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


for epoch in range(8):
    tl, ta = run_epoch(train_dl)
    with torch.no_grad():
        vl, va = run_epoch(val_dl, train=False)
    print(f"{epoch}: train {tl:.4f} {ta:.1%}   val {vl:.4f} {va:.1%}")

for xb, yb in DataLoader(test_ds, batch_size=4):
    print(xb.shape, model(xb).round().squeeze(1).tolist(), yb.view(-1).tolist())

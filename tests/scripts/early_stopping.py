import copy
import torch
from torch import nn


class EarlyStopping:
    """Stops when the validation loss has not improved for `patience` epochs; keeps the best weights."""

    def __init__(self, patience=5, min_delta=0.0, verbose=False):
        self.patience = patience
        self.min_delta = min_delta
        self.verbose = verbose
        self.counter = 0
        self.best_loss = float('inf')
        self.best_state = None
        self.early_stop = False

    def __call__(self, val_loss, model):
        if val_loss < self.best_loss - self.min_delta:
            if self.verbose:
                print(f'  better: {self.best_loss:.4f} --> {val_loss:.4f}')
            self.best_loss = val_loss
            self.best_state = copy.deepcopy(model.state_dict())
            self.counter = 0
        else:
            self.counter += 1
            if self.counter >= self.patience:
                self.early_stop = True


torch.manual_seed(4)

# few points, much noise, a big network: it will overfit
x = torch.linspace(-3, 3, 30).reshape(-1, 1)
y = torch.sin(x) + 0.3 * torch.randn_like(x)
val_x = torch.linspace(-2.9, 2.9, 20).reshape(-1, 1)
val_y = torch.sin(val_x) + 0.3 * torch.randn(20, 1)

model = nn.Sequential(nn.Linear(1, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh(), nn.Linear(50, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.MSELoss()
stopper = EarlyStopping(patience=15, verbose=True)

history = {'train': [], 'val': []}
for epoch in range(1, 301):
    model.train()
    optimizer.zero_grad()
    train_loss = criterion(model(x), y)
    train_loss.backward()
    optimizer.step()

    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(val_x), val_y).item()
    history['train'].append(train_loss.item())
    history['val'].append(val_loss)

    stopper(val_loss, model)
    if stopper.early_stop:
        print('Early stopping after epoch', epoch)
        break

model.load_state_dict(stopper.best_state)
model.eval()
with torch.no_grad():
    print(f'best validation loss {stopper.best_loss:.4f}, again {criterion(model(val_x), val_y):.4f}')
print('lowest:', min(history['val']) == stopper.best_loss, len(history['val']) - stopper.counter)

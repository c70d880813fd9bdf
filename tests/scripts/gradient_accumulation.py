# Gradient accumulation: four small batches make the step of one large batch
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(64)
X, Y = torch.randn(64, 4), torch.randn(64, 1)


def fresh_model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 1))


loss_fn = nn.MSELoss()

# one large batch
model = fresh_model()
loss_fn(model(X), Y).backward()
large = [p.grad.clone() for p in model.parameters()]

# the same from four small ones
model = fresh_model()
for x, y in zip(X.chunk(4), Y.chunk(4)):
    (loss_fn(model(x), y) / 4).backward()
small = [p.grad for p in model.parameters()]
print([torch.allclose(a, b, atol=1e-6) for a, b in zip(large, small)])
print([x.shape for x in torch.split(X, 24)])

# in a training loop
loader = DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True)
accumulation_steps = 4
model = fresh_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model.zero_grad()
for epoch in range(5):
    running = 0.0
    for i, (inputs, labels) in enumerate(loader):
        predictions = model(inputs)
        loss = loss_fn(predictions, labels)
        running += loss.item()
        loss = loss / accumulation_steps
        loss.backward()
        if (i + 1) % accumulation_steps == 0:
            optimizer.step()
            model.zero_grad()
    print(f'epoch {epoch} loss {running / len(loader):.5f}')
    assert all(p.grad is None or p.grad.abs().sum() == 0 for p in model.parameters())

# forgetting zero_grad is the same by accident
w = torch.tensor([1.0, 2.0], requires_grad=True)
for i in range(3):
    (w * w).sum().backward()
    print(i, w.grad)
with torch.no_grad():
    w.sub_(0.1 * w.grad)
print(w, w.grad is not None)

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Subset, TensorDataset
from collections import Counter

torch.manual_seed(31)

# 190 healthy, 20 sick
healthy = torch.randn(190, 3)
sick = torch.randn(20, 3) + torch.tensor([1.2, -1.0, 0.8])
X = torch.cat([healthy, sick])
y = torch.cat([torch.zeros(190), torch.ones(20)]).long()
counts = torch.tensor([(y == c).sum() for c in range(2)])
print('class counts:', counts, Counter(y.tolist()))
class_weights = counts.sum() / (2.0 * counts.float())
print('class weights:', class_weights)


def report(name, predicted):
    tp = ((predicted == 1) & (y == 1)).sum().item()
    fp = ((predicted == 1) & (y == 0)).sum().item()
    fn = ((predicted == 0) & (y == 1)).sum().item()
    accuracy = (predicted == y).float().mean().item()
    recall = tp / (tp + fn)
    precision = tp / max(tp + fp, 1)
    print(f'{name:28s} accuracy {accuracy:.3f}  precision {precision:.3f}  recall {recall:.3f}')


report('always healthy', torch.zeros_like(y))


def fit(criterion, outputs, loader):
    torch.manual_seed(0)
    model = nn.Linear(3, outputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for epoch in range(6):
        for xb, yb in loader:
            out = model(xb)
            if outputs == 1:
                loss = criterion(out.squeeze(1), yb.float())
            else:
                loss = criterion(out, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(f'   last loss {loss.item():.4f}', model.bias.data)
    return model


dataset = TensorDataset(X, y)
plain = DataLoader(dataset, batch_size=42, shuffle=True)

model = fit(nn.CrossEntropyLoss(), 2, plain)
report('cross entropy', model(X).argmax(1))
model = fit(nn.CrossEntropyLoss(weight=class_weights), 2, plain)
report('weighted cross entropy', model(X).argmax(1))
model = fit(nn.BCEWithLogitsLoss(pos_weight=counts[0] / counts[1]), 1, plain)
report('BCE with pos_weight', (model(X).squeeze() > 0).long())

# draw the rare class as often as the common one
sample_weights = class_weights[y]
drawn = torch.multinomial(sample_weights, num_samples=len(y), replacement=True)
balanced = DataLoader(Subset(dataset, drawn.tolist()), batch_size=42)
print('sick in a batch:', [yb.sum().item() for _, yb in balanced])
model = fit(nn.CrossEntropyLoss(), 2, balanced)
report('balanced batches', model(X).argmax(1))

# move the threshold
probs = torch.softmax(model(X), dim=1)[:, 1]
for threshold in (0.3, 0.5, 0.7):
    report(f'threshold {threshold}', torch.where(probs > threshold, 1, 0))

"""What model.train() and model.eval() change: dropout and batch norm"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)

drop = nn.Dropout(p=0.5)
x = torch.ones(2, 8)
print(drop(x))          # half is zero, the rest doubled
drop.eval()
print(drop(x))
print(F.dropout(x, 0.25, training=True).mean())

bn = nn.BatchNorm1d(3)
print(bn, bn.running_mean, bn.running_var, bn.num_batches_tracked)
data = torch.randn(16, 3) * torch.tensor([1., 5., 10.]) + 2
out = bn(data)
print('normalised:', out.mean(0).abs() < 1e-5, out.std(0, unbiased=False))
print(bn.running_mean, bn.running_var, bn.num_batches_tracked)
bn.eval()
print(bn(data[:2]))


class Net(nn.Module):
    def __init__(self, p=0.3):
        super().__init__()
        self.fc1 = nn.Linear(10, 32)
        self.bn1 = nn.BatchNorm1d(32)
        self.dropout = nn.Dropout(p)
        self.fc2 = nn.Linear(32, 32)
        self.bn2 = nn.BatchNorm1d(32)
        self.fc3 = nn.Linear(32, 1)

    def forward(self, x):
        x = self.dropout(F.relu(self.bn1(self.fc1(x))))
        x = self.dropout(F.relu(self.bn2(self.fc2(x))))
        return self.fc3(x)


X = torch.randn(120, 10)
y = (X[:, 0] * X[:, 1]).unsqueeze(1) + 0.1 * torch.randn(120, 1)
X_train, y_train, X_val, y_val = X[:90], y[:90], X[90:], y[90:]

net = Net()
print(net)
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
criterion = nn.MSELoss()
for epoch in range(40):
    net.train()
    perm = torch.randperm(len(X_train))
    for i in range(0, len(X_train), 30):
        idx = perm[i:i + 30]
        opt.zero_grad()
        loss = criterion(net(X_train[idx]), y_train[idx])
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        net.eval()
        with torch.no_grad():
            print(epoch + 1, f"train {criterion(net(X_train), y_train):.4f} val {criterion(net(X_val), y_val):.4f}")

net.train()
a, b = net(X_val), net(X_val)
print('two passes alike in training?', torch.allclose(a, b))
net.eval()
a, b = net(X_val), net(X_val)
print('two passes alike in evaluation?', torch.allclose(a, b))
print(net.bn1.running_mean[:5], net.training, net.bn1.training)
print([name for name, _ in net.named_buffers()])

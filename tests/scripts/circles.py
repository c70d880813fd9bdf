import torch
import torch.nn.functional as F
from torch import nn, optim
from sklearn import datasets

torch.manual_seed(22)
n_samples = 300
data, labels = datasets.make_circles(n_samples, noise=0.05, factor=0.5, random_state=5)
data = torch.FloatTensor(data)
labels = torch.LongTensor(labels)
print(data.size(), labels.size(), labels.dtype, labels[:10])


class Net(nn.Module):
    def __init__(self, n_features, n_hidden, n_output):
        super(Net, self).__init__()
        self.hidden = nn.Linear(n_features, n_hidden)
        self.out = nn.Linear(n_hidden, n_output)

    def forward(self, x):
        x = F.relu(self.hidden(x))
        return self.out(x)


net = Net(2, 12, 2)
print(net)
optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.8)

for t in range(100):
    out = net(data)
    loss = F.cross_entropy(out, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if t % 20 == 0 or t == 99:
        prediction = torch.max(out, 1)[1]
        pred_y = prediction.data.numpy()
        target_y = labels.data.numpy()
        accuracy = float((pred_y == target_y).astype(int).sum()) / float(target_y.size)
        print('step', t, 'loss=%.4f' % loss.data.numpy(), 'accuracy=%.2f' % accuracy)

radius = data.norm(dim=1)
probs = F.softmax(net(data), dim=1)
order = radius.argsort()
print('inner-most point:', data[order[0]], 'class', labels[order[0]].item(), probs[order[0]])
print('outer-most point:', data[order[-1]], 'class', labels[order[-1]].item(), probs[order[-1]])

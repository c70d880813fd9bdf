# A siamese network: the same weights see both inputs; the loss pulls pairs together or pushes them apart
import random
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader

random.seed(0)
torch.manual_seed(0)

centres = torch.randn(4, 6) * 2
points = torch.cat([c + torch.randn(15, 6) for c in centres])
labels = torch.arange(60).div(15, rounding_mode='floor')


class PairDataset(Dataset):
    def __init__(self, n_pairs):
        self.pairs = [(random.randrange(60), random.randrange(60)) for _ in range(n_pairs)]

    def __getitem__(self, index):
        i, j = self.pairs[index]
        return points[i], points[j], torch.tensor([int(labels[i] != labels[j])], dtype=torch.float32)

    def __len__(self):
        return len(self.pairs)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.fc = nn.Sequential(nn.Linear(6, 16), nn.ReLU(inplace=True), nn.Linear(16, 2))

    def forward_once(self, x):
        return self.fc(x)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = torch.sqrt(((output1 - output2) ** 2).sum(dim=1, keepdim=True) + 1e-9)
        return torch.mean((1 - label) * torch.pow(distance, 2)
                          + label * torch.pow(torch.clamp(self.margin - distance, min=0.0), 2))


net = SiameseNetwork()
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
loader = DataLoader(PairDataset(128), shuffle=True, batch_size=32)
for epoch in range(12):
    for i, (a, b, label) in enumerate(loader):
        optimizer.zero_grad()
        output1, output2 = net(a, b)
        loss = criterion(output1, output2, label)
        loss.backward()
        optimizer.step()
    if epoch % 3 == 0:
        print("Epoch number {} Current loss {:.5f}".format(epoch, loss.item()))

with torch.no_grad():
    codes = net.forward_once(points)
distances = (codes[:, None] - codes[None]).norm(dim=-1)
same = labels[:, None] == labels[None]
print('mean distance, same %.3f, different %.3f' % (distances[same].mean(), distances[~same].mean()))
distances = distances + torch.eye(60) * 1e6
nearest = distances.argmin(1)
print('nearest neighbour has the same label:', (labels[nearest] == labels).sum().item(), 'of', len(labels))

# triplets and the cosine
anchor, positive, negative = codes[0], codes[1], codes[20]
triplet = F.relu((anchor - positive).norm() - (anchor - negative).norm() + 1.0)
cosine = anchor.dot(negative) / (anchor.norm() * negative.norm())
print(triplet, cosine)

import torch
from torch.utils.data import Dataset, DataLoader
import numpy as np
import math

torch.manual_seed(12)


class WineLikeDataset(Dataset):
    """A made-up csv: the first column is the class label, the rest are the features."""

    def __init__(self, n=47, transform=None):
        rng = np.random.RandomState(0)
        xy = np.column_stack([rng.randint(1, 4, n), rng.randn(n, 5)]).astype(np.float32)
        self.n_samples = xy.shape[0]
        self.x_data = xy[:, 1:]
        self.y_data = xy[:, [0]]
        self.transform = transform

    def __getitem__(self, index):
        sample = self.x_data[index], self.y_data[index]
        if self.transform:
            sample = self.transform(sample)
        return sample

    def __len__(self):
        return self.n_samples


class ToTensor:
    def __call__(self, sample):
        inputs, targets = sample
        return torch.from_numpy(inputs), torch.from_numpy(targets)


class MulTransform:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, sample):
        inputs, targets = sample
        inputs *= self.factor
        return inputs, targets


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, sample):
        for t in self.transforms:
            sample = t(sample)
        return sample


dataset = WineLikeDataset(transform=ToTensor())
first_data = dataset[0]
features, labels = first_data
print(type(features), type(labels))
print(features, labels)

dataset = WineLikeDataset(transform=Compose([ToTensor(), MulTransform(4)]))
features, labels = dataset[0]
print(features, labels)

dataset = WineLikeDataset()
train_loader = DataLoader(dataset=dataset, batch_size=8, shuffle=True, num_workers=0)
features, labels = next(iter(train_loader))
print(features[:2], labels.T)

# Dummy training loop
num_epochs = 2
total_samples = len(dataset)
n_iterations = math.ceil(total_samples / 8)
print(total_samples, n_iterations, len(train_loader))
for epoch in range(num_epochs):
    for i, (inputs, labels) in enumerate(train_loader):
        if (i + 1) % 3 == 0:
            print(f'Epoch: {epoch+1}/{num_epochs}, Step {i+1}/{n_iterations}| Inputs {inputs.shape} | Labels {labels.shape} | {inputs.sum():.4f}')
print(inputs.shape, 'in the last batch')

# a dictionary per item also works
class Named(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, i):
        return {'id': i, 'x': torch.full((2,), float(i)), 'name': 'item%d' % i}


for batch in DataLoader(Named(), batch_size=2, drop_last=True):
    print(batch)

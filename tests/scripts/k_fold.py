import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset
from sklearn.datasets import load_wine
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

k_folds = 3
num_epochs = 8
torch.manual_seed(42)

data = load_wine()
X = torch.from_numpy(StandardScaler().fit_transform(data.data)).float()
y = torch.from_numpy(data.target).long()
dataset = TensorDataset(X, y)


def reset_weights(m):
    '''Try resetting model weights to avoid weight leakage.'''
    for layer in m.children():
        if hasattr(layer, 'reset_parameters'):
            print(f'Reset trainable parameters of layer = {layer}')
            layer.reset_parameters()


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(13, 16)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))


results = {}
kfold = KFold(n_splits=k_folds, shuffle=True, random_state=1)
network = SimpleNet()
for fold, (train_ids, test_ids) in enumerate(kfold.split(dataset)):
    print(f'FOLD {fold}: {len(train_ids)} train, {len(test_ids)} test')
    trainloader = DataLoader(dataset, batch_size=20, sampler=SubsetRandomSampler(train_ids))
    testloader = DataLoader(dataset, batch_size=20, sampler=SubsetRandomSampler(test_ids))

    network.apply(reset_weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    loss_function = nn.CrossEntropyLoss()

    for epoch in range(num_epochs):
        current_loss = 0.0
        for i, (inputs, targets) in enumerate(trainloader, 0):
            optimizer.zero_grad()
            loss = loss_function(network(inputs), targets)
            loss.backward()
            optimizer.step()
            current_loss += loss.item()
    print('Loss after the last epoch: %.4f' % (current_loss / len(trainloader)))

    correct, total = 0, 0
    with torch.no_grad():
        for inputs, targets in testloader:
            _, predicted = torch.max(network(inputs).data, 1)
            total += targets.size(0)
            correct += (predicted == targets).sum().item()
    results[fold] = 100.0 * (correct / total)
    print('Accuracy for fold %d: %.2f %%' % (fold, results[fold]))
    print('--------------------------------')

print(f'K-FOLD CROSS VALIDATION RESULTS FOR {k_folds} FOLDS')
for key, value in results.items():
    print(f'Fold {key}: {value:.3f} %')
print(f'Average: {np.mean(list(results.values())):.3f} %')

# A small CNN: horizontal bars, vertical bars or squares on 12 x 12 images
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader

torch.manual_seed(3)


def make_images(n):
    images = 0.3 * torch.rand(n, 1, 12, 12)
    labels = torch.randint(0, 3, (n,))
    for i in range(n):
        r, c = torch.randint(1, 8, (2,)).tolist()
        if labels[i] == 0:
            images[i, 0, r, 1:11] += 0.7
        elif labels[i] == 1:
            images[i, 0, 1:11, c] += 0.7
        else:
            images[i, 0, r:r + 4, c:c + 4] += 0.7
    return images, labels


class CNN(nn.Module):
    def __init__(self, num_classes=3):
        super(CNN, self).__init__()
        self.conv1 = nn.Conv2d(in_channels=1, out_channels=4, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(4, 8, 3)
        self.fc1 = nn.Linear(8 * 2 * 2, 16)
        self.fc2 = nn.Linear(16, num_classes)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))   # -> 4 x 6 x 6
        x = self.pool(F.relu(self.conv2(x)))   # -> 8 x 2 x 2
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


X, y = make_images(96)
X_test, y_test = make_images(30)
print(X.shape, y[:10])
train_loader = DataLoader(TensorDataset(X, y), batch_size=16, shuffle=True)

model = CNN()
print(model)
x = X[:1]
for layer in (model.conv1, F.relu, model.pool, model.conv2, model.pool):
    x = layer(x)
    print(getattr(layer, '__name__', layer.__class__.__name__), tuple(x.size()))

criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(6):
    running_loss = 0.0
    for i, data in enumerate(train_loader, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f'[{epoch + 1}] loss: {running_loss / len(train_loader):.3f}')

correct, total = 0, 0
with torch.no_grad():
    outputs = model(X_test)
    _, predicted = torch.max(outputs.data, 1)
    total += y_test.size(0)
    correct += (predicted == y_test).sum().item()
print(f'Accuracy on the test images: {100 * correct // total} %')
print(predicted[:8], outputs[0])
print(model.conv1.weight[0], model.conv1.weight.grad.shape)

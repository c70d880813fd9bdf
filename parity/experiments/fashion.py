"""Ten kinds of clothes, told apart by a network with two hidden layers, from 60,000 images in batches of ten.

Fashion-MNIST, 784-512-512-10 neurons with ReLU, cross entropy on one-hot targets, SGD with momentum, 5 epochs
of 6000 steps. The experiment is that of the course page "Training a model" (seed 42 is ours, it sets none). Two
of its mistakes are worth learning from. Its "accuracy" passes 100 %: `argmax(1)` has shape (10,), the one-hot
targets have (10, 10), so `==` broadcasts and compares every prediction with every bit of every target. And its
test images are the training images again. Both are kept here, with the true figures beside them.

FASHION_IMAGES and FASHION_EPOCHS shorten it. Without Fashion-MNIST it trains on drawn shapes, and says so.
"""

import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from drawn_shapes import DrawnShapes
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets
from torchvision.transforms import Lambda, ToTensor

device = "cuda" if torch.cuda.is_available() else "cpu"
epochs = int(os.environ.get("FASHION_EPOCHS", 5))
most_images = int(os.environ.get("FASHION_IMAGES", 60000))


# ---- data ----
def one_hot(label):
    return torch.zeros(10, dtype=torch.float).scatter_(0, torch.tensor(label), value=1)


transforms = {"transform": ToTensor(), "target_transform": Lambda(one_hot)}
root = os.environ.get("MINIGRAD_DATA", "data")  # download=True would fetch it
try:
    training_data = datasets.FashionMNIST(root=root, train=True, **transforms)
    unseen_data = datasets.FashionMNIST(root=root, train=False, **transforms)
    name = "Fashion-MNIST"
except RuntimeError as error:
    if "not found" not in str(error):
        raise
    training_data = DrawnShapes(1500, seed=1, **transforms)
    unseen_data = DrawnShapes(300, seed=2, **transforms)
    name = "drawn shapes"
    print("Note: Fashion-MNIST was not found, so these are the figures of drawn shapes.")

if most_images < len(training_data):
    training_data = Subset(training_data, range(most_images))
    unseen_data = Subset(unseen_data, range(min(most_images, len(unseen_data))))
    print(f"Note: shortened to the first {most_images} images.")

train_dataloader = DataLoader(training_data, batch_size=10)
test_dataloader = DataLoader(training_data, batch_size=10)  # the course's mistake: no test on other images
unseen_dataloader = DataLoader(unseen_data, batch_size=10)
print(f"{name}: {len(training_data)} images, {epochs} epochs, {epochs * len(train_dataloader)} steps in all")


# ---- model ----
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
        )

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


torch.manual_seed(42)
model = Net().to(device)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)


# ---- training and test ----
def train(dataloader):
    size = len(dataloader.dataset)
    for batch, (X, y) in enumerate(dataloader):
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if batch % 100 == 0:
            losses.append(loss.item())
            print(f"loss: {losses[-1]:>8f}  [{batch * len(X):>5d}/{size:>5d}]")


def test(dataloader):
    """Average loss; the accuracy in %, as the course counts it (where that is possible) and as it is."""
    test_loss, courses_correct, correct = 0, 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            X, y = X.to(device), y.to(device)
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y.argmax(1)).sum().item()
            if len(X) == 10:  # batches of another size do not broadcast: there the course's line is an error
                courses_correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    size = len(dataloader.dataset)
    return test_loss / len(dataloader), 100 * courses_correct / size, 100 * correct / size


losses: list[float] = []
table: list[tuple[float, float, float]] = []
for epoch in range(epochs):
    print(f"Epoch {epoch + 1}")
    train(train_dataloader)
    table.append(test(test_dataloader))
    print(f"Training images again: average loss {table[-1][0]:.6f}, true accuracy {table[-1][2]:.2f} %")
unseen_loss, _, unseen_accuracy = test(unseen_dataloader)

print(f"{name}, seed 42, tested on the training images")
print('epoch  average loss  the course\'s "accuracy"  true accuracy')
for epoch, (average, courses, true) in enumerate(table):
    print(f"{epoch + 1:>5}  {average:>12.6f}  {courses:>21.1f} %  {true:>11.2f} %")
print('The course\'s "accuracy" compares (10,) with (10, 10): every prediction with every bit of every target.')
print(f"{name}, {len(unseen_data)} images never seen: average loss {unseen_loss:.6f}, accuracy {unseen_accuracy:.2f} %")

# ---- plots ----
plt.figure(figsize=(8, 4))
plt.plot([100 * i for i in range(len(losses))], losses, linewidth=0.8)
plt.xlabel("step")
plt.ylabel("loss of one batch")
plt.title(f"{name}, every 100th batch")
plt.tight_layout()
plt.savefig("losses.png")

plt.figure(figsize=(10, 5))
for i in range(10):
    image, target = unseen_data[i]
    with torch.no_grad():
        predicted = model(image.to(device)).argmax(1).item()
    plt.subplot(2, 5, i + 1)
    plt.imshow(image.squeeze(), cmap="gray")
    plt.title(f"{predicted}, true: {target.argmax().item()}")
    plt.axis("off")
plt.tight_layout()
plt.savefig("predictions.png")

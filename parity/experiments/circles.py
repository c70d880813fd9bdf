"""Two noisy circles, one inside the other: a linear network cannot part them, one with ReLU learns to.

1000 points, 800 of them for training; 2-10-10-1 neurons, binary cross entropy on logits, plain SGD: 100
epochs of the linear model, then 1000 of the ReLU model with an optimizer of its own. The experiment is that
of the PyTorch Crash Course chapter "Making the model" (EzpieCo). Its data reproduces; its printed curves come
from an unknown start, so the seeds are ours: 42 before the linear model, 32 before the ReLU model.
"""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from toy_data import make_circles, train_test_split

device = "cuda" if torch.cuda.is_available() else "cpu"

# ---- data ----
X, y = make_circles(1000, noise=0.05, random_state=23)
X = torch.from_numpy(X).type(torch.float)
y = torch.from_numpy(y).type(torch.float)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
X_train, X_test = X_train.to(device), X_test.to(device)
y_train, y_test = y_train.to(device), y_test.to(device)


# ---- models ----
class LinearModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(2, 10)
        self.layer2 = nn.Linear(10, 10)
        self.layer3 = nn.Linear(10, 1)

    def forward(self, x):
        return self.layer3(self.layer2(self.layer1(x)))


class ReLUModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(2, 10)
        self.layer2 = nn.Linear(10, 10)
        self.layer3 = nn.Linear(10, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.layer3(self.relu(self.layer2(self.relu(self.layer1(x)))))


# ---- training ----
loss_fn = nn.BCEWithLogitsLoss()


def labels(logits):
    return torch.round(torch.sigmoid(logits))  # logits -> probabilities -> 0 or 1


def accuracy(y_pred, y_true):
    return torch.eq(y_true, y_pred).sum().item() / len(y_pred) * 100


def train(model, optimizer, epochs, print_every):
    for epoch in range(epochs):
        model.train()
        train_logits = model(X_train).squeeze()
        train_loss = loss_fn(train_logits, y_train)
        train_accuracy = accuracy(labels(train_logits), y_train)
        optimizer.zero_grad()
        train_loss.backward()
        optimizer.step()

        model.eval()
        with torch.inference_mode():
            test_logits = model(X_test).squeeze()
            test_loss = loss_fn(test_logits, y_test)
            test_accuracy = accuracy(labels(test_logits), y_test)
        if epoch % print_every == 0:
            print(
                f"Epoch: {epoch} | Train loss: {train_loss:.5f} | Train accuracy: {train_accuracy:.2f}%"
                f" | Test loss: {test_loss:.5f} | Test accuracy: {test_accuracy:.2f}%"
            )


# ---- plot ----
def plot_decision_boundary(model, X, y):
    model, X, y = model.to("cpu"), X.to("cpu"), y.to("cpu")
    x_min, x_max = X[:, 0].min() - 0.1, X[:, 0].max() + 0.1
    y_min, y_max = X[:, 1].min() - 0.1, X[:, 1].max() + 0.1
    xx, yy = np.meshgrid(np.linspace(x_min, x_max, 101), np.linspace(y_min, y_max, 101))
    grid = torch.from_numpy(np.column_stack((xx.ravel(), yy.ravel()))).float()

    model.eval()
    with torch.inference_mode():
        predicted = labels(model(grid))
    plt.contourf(xx, yy, predicted.reshape(xx.shape).numpy(), cmap=plt.cm.RdYlBu, alpha=0.7)
    plt.scatter(X[:, 0], X[:, 1], c=y, s=12, cmap=plt.cm.RdYlBu, edgecolors="black", linewidths=0.3)
    plt.xlabel("x1")
    plt.ylabel("x2")


def plot_train_and_test(model, name):
    plt.figure(figsize=(10, 5))
    plt.subplot(1, 2, 1)
    plt.title(f"{name} model, training points")
    plot_decision_boundary(model, X_train, y_train)
    plt.subplot(1, 2, 2)
    plt.title(f"{name} model, test points")
    plot_decision_boundary(model, X_test, y_test)
    plt.tight_layout()
    plt.savefig(f"boundary_{name}.png")


# ---- the two models ----
torch.manual_seed(42)
linear = LinearModel().to(device)
train(linear, torch.optim.SGD(params=linear.parameters(), lr=0.1), epochs=100, print_every=20)
plot_train_and_test(linear, "linear")

torch.manual_seed(32)
relu = ReLUModel().to(device)
train(relu, torch.optim.SGD(params=relu.parameters(), lr=0.1), epochs=1000, print_every=10)
plot_train_and_test(relu, "relu")

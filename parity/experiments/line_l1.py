"""A straight line, learnt by one neuron with the L1 loss.

50 points of y = .5 x + .2, 40 of them for training; `nn.Linear(1, 1)`, `nn.L1Loss`, plain SGD: 10 epochs,
then 1000 more with the same model. Data, seeds and the 28 printed lines are those of the PyTorch Crash Course
chapter "Training the model" (EzpieCo): given these seeds every printed digit reproduces.
"""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torch import nn
from toy_data import train_test_split

device = "cuda" if torch.cuda.is_available() else "cpu"

# ---- data ----
X = torch.arange(0, 1, 0.02).unsqueeze(1)
y = 0.2 + 0.5 * X
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=46)
X_train, X_test = X_train.to(device), X_test.to(device)
y_train, y_test = y_train.to(device), y_test.to(device)


# ---- model ----
class LineModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(1, 1)

    def forward(self, x):
        return self.layer1(x)


torch.manual_seed(32)
model = LineModel().to(device)
loss_fn = nn.L1Loss()
optimizer = torch.optim.SGD(model.parameters(), 0.01)


# ---- training ----
def train(epochs):
    for epoch in range(epochs):
        model.train()
        y_pred = model(X_train)
        train_loss = loss_fn(y_pred, y_train)
        optimizer.zero_grad()
        train_loss.backward()
        optimizer.step()

        model.eval()
        with torch.inference_mode():
            test_loss = loss_fn(model(X_test), y_test)
        if epoch < 10 or (epoch >= 200 and epoch % 100 == 0):
            print(f"Epoch: {epoch} | Training loss: {train_loss:.3f} | Testing loss: {test_loss:.3f}")


def predict():
    model.eval()
    with torch.inference_mode():
        return model(X_test).cpu()


predictions = {"before training": predict()}
train(10)
predictions["after 10 epochs"] = predict()
train(1000)
predictions["after 1000 more"] = predict()

# ---- plot ----
plt.figure(figsize=(8, 5))
plt.scatter(X_train.cpu(), y_train.cpu(), s=14, label="training data")
plt.scatter(X_test.cpu(), y_test.cpu(), s=14, label="test data")
for when, y_pred in predictions.items():
    plt.scatter(X_test.cpu(), y_pred, s=14, label=f"predicted {when}")
plt.xlabel("x")
plt.ylabel("y")
plt.title("A line learnt by one neuron")
plt.legend()
plt.savefig("predictions.png")

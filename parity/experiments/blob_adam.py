"""A small network learns a curved function of two features with Adam, is saved, and predicts the same again.

100 points, 80 of them for training: y = x1² + x2 / 2 with both features between -1 and 1. 2-3-1 neurons with
ReLU, mean squared error, 1000 epochs. The loop clears the gradients last, after the step: as good a place as
any, since a new model has none. Network, loss, optimizer and length are those of roopini's post "I built an ML
model!!! (well, sort of.) (2)"; it shows no data, so the function and the seeds are ours.
"""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from torch import nn
from toy_data import train_test_split

device = "cuda" if torch.cuda.is_available() else "cpu"

# ---- data ----
torch.manual_seed(42)
X = 2 * torch.rand(100, 2) - 1
y = (X[:, 0] ** 2 + X[:, 1] / 2).unsqueeze(1)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
X_train, X_test = X_train.to(device), X_test.to(device)
y_train, y_test = y_train.to(device), y_test.to(device)


# ---- model ----
def new_model():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).to(device)


model = new_model()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

# ---- training ----
train_losses = []
for epoch in range(1000):
    predictions = model(X_train)
    loss = loss_fn(predictions, y_train)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()  # for the next epoch

    train_losses.append(loss.item())
    if epoch % 100 == 0:
        print(f"Epoch: {epoch} | Training loss: {loss:.6f}")


# ---- test ----
def predict(model):
    model.eval()
    with torch.no_grad():
        return model(X_test)


predictions = predict(model)
print(f"Test MSE: {loss_fn(predictions, y_test):.6f}")

# ---- save and load ----
# The post saves the whole model: Python code included, which torch.load refuses to run (weights_only=True is its
# default since torch 2.6). The numbers alone are safe to load, and are all that a new model needs.
torch.save(model.state_dict(), "model.pth")
loaded = new_model()  # drawn anew: it predicts something else
print(f"A new model's test MSE: {loss_fn(predict(loaded), y_test):.6f}")
loaded.load_state_dict(torch.load("model.pth"))
print(f"With the saved parameters: {loss_fn(predict(loaded), y_test):.6f}")
print("The same predictions:", torch.equal(predict(loaded), predictions))

# ---- plot ----
plt.figure(figsize=(10, 4))
plt.subplot(1, 2, 1)
plt.plot(train_losses)
plt.yscale("log")
plt.xlabel("epoch")
plt.ylabel("training loss (MSE)")
plt.subplot(1, 2, 2)
plt.axline((0, 0), slope=1, color="gray", linewidth=0.8)
plt.scatter(y_test.cpu(), predictions.cpu(), s=14)
plt.xlabel("y of the test points")
plt.ylabel("predicted")
plt.tight_layout()
plt.savefig("predictions.png")

# Two moons: classify with a small MLP and draw the decision boundary
import numpy as np
import torch
from torch import nn
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

RANDOM_SEED = 42
torch.manual_seed(RANDOM_SEED)

X, y = make_moons(n_samples=200, noise=0.1, random_state=RANDOM_SEED)
X = torch.tensor(X, dtype=torch.float)
y = torch.tensor(y, dtype=torch.float)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=RANDOM_SEED)
print(len(X_train), len(X_test), X_train.dtype, X_train[:2], y_train[:5])

device = "cuda" if torch.cuda.is_available() else "cpu"


class MoonModel(nn.Module):
    def __init__(self, in_features, out_features, hidden_units=10):
        super().__init__()
        self.layer_stack = nn.Sequential(
            nn.Linear(in_features, hidden_units),
            nn.Tanh(),
            nn.Linear(hidden_units, hidden_units),
            nn.ReLU(),
            nn.Linear(hidden_units, out_features),
        )

    def forward(self, x):
        return self.layer_stack(x)


model_0 = MoonModel(2, 1).to(device)
print(model_0)
print("params:", sum(p.numel() for p in model_0.parameters() if p.requires_grad))

# logits -> probabilities -> labels
print("Logits:", model_0(X_train.to(device)[:3]).squeeze())
print("Pred probs:", torch.sigmoid(model_0(X_train.to(device)[:3]).squeeze()))

loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model_0.parameters(), lr=0.02)

for epoch in range(151):
    model_0.train()
    y_logits = model_0(X_train).squeeze()
    loss = loss_fn(y_logits, y_train)
    acc = (torch.round(torch.sigmoid(y_logits)) == y_train).float().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    model_0.eval()
    with torch.inference_mode():
        test_logits = model_0(X_test).squeeze()
        test_loss = loss_fn(test_logits, y_test)
        test_acc = (torch.round(torch.sigmoid(test_logits)) == y_test).float().mean()
    if epoch % 50 == 0:
        print(f"Epoch: {epoch} Loss: {loss:.2f} Acc: {acc:.2f} Test loss: {test_loss:.2f} Test acc: {test_acc:.2f}")

xx, yy = np.meshgrid(np.linspace(-1.5, 2.5, 30), np.linspace(-1, 1.5, 30))
grid = torch.from_numpy(np.c_[xx.ravel(), yy.ravel()]).float()
with torch.inference_mode():
    Z = torch.sigmoid(model_0(grid)).reshape(xx.shape)
plt.contourf(xx, yy, Z, cmap=plt.cm.RdYlBu, alpha=0.7)
plt.scatter(X[:, 0], X[:, 1], c=y, cmap=plt.cm.RdYlBu)
plt.savefig("moons.png")
print("share of the plane called 1:", round(Z.round().mean().item(), 3))

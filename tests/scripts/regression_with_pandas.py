import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from sklearn.metrics import mean_absolute_error, r2_score

np.random.seed(0)
torch.manual_seed(0)

# a small table of used cars
n = 120
df = pd.DataFrame({
    'age': np.random.randint(0, 15, n),
    'mileage': np.random.normal(80, 30, n).clip(5).round(1),
    'fuel': np.random.choice(['petrol', 'diesel', 'electric'], n),
    'doors': np.random.choice([3, 5], n),
})
df['price'] = 30 - 1.4 * df.age - 0.05 * df.mileage + 5 * (df.fuel == 'electric') + np.random.normal(0, 1, n)
print(df.head())
print(df.describe().round(2))
print(df.isna().sum().sum(), 'values are missing')

df = pd.get_dummies(df, columns=['fuel'], dtype=float)
target = df.pop('price')
train_idx = df.sample(frac=0.8, random_state=0).index
train, test = df.loc[train_idx], df.drop(train_idx)
mean, std = train.mean(), train.std()
X_train = torch.tensor(((train - mean) / std).values, dtype=torch.float32)
X_test = torch.tensor(((test - mean) / std).values, dtype=torch.float32)
y_train = torch.tensor(target[train_idx].to_numpy(), dtype=torch.float32).reshape(-1, 1)
y_test = torch.tensor(target.drop(train_idx).values).float().unsqueeze(1)
print(X_train.shape, X_test.shape, y_train.mean(), y_test.dtype)


class Regressor(nn.Module):
    def __init__(self, n_in, sizes=(16, 8), p=0.0):
        super().__init__()
        layers = []
        for size in sizes:
            layers += [nn.Linear(n_in, size), nn.ReLU(inplace=True), nn.Dropout(p)]
            n_in = size
        layers.append(nn.Linear(n_in, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


model = Regressor(X_train.shape[1])
print(model)
loss_fn = nn.HuberLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
history = []
for epoch in range(100):
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(X_train), y_train)
    loss.backward()
    optimizer.step()
    if (epoch + 1) % 20 == 0:
        model.eval()
        with torch.no_grad():
            history.append({'epoch': epoch + 1, 'train': loss.item(), 'test': loss_fn(model(X_test), y_test).item()})
print(pd.DataFrame(history).round(3).to_string(index=False))

with torch.no_grad():
    predictions = model(X_test)
print('MAE %.3f, R2 %.3f' % (mean_absolute_error(y_test, predictions), r2_score(y_test, predictions)))
ss_res = ((y_test - predictions) ** 2).sum()
ss_tot = ((y_test - y_test.mean()) ** 2).sum()
print('R2 by hand', 1 - ss_res / ss_tot)
comparison = pd.DataFrame({'true': y_test.squeeze().numpy(), 'predicted': predictions.squeeze().tolist()})
print(comparison.head(4).round(2))

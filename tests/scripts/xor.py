"""XOR with a tiny network."""
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(2)

X = torch.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = torch.Tensor([0, 1, 1, 0]).view(-1, 1)


class XOR(nn.Module):
    def __init__(self, input_dim=2, output_dim=1):
        super(XOR, self).__init__()
        self.lin1 = nn.Linear(input_dim, 2)
        self.lin2 = nn.Linear(2, output_dim)

    def forward(self, x):
        x = self.lin1(x)
        x = torch.sigmoid(x)
        x = self.lin2(x)
        return x


def weights_init(model):
    for m in model.modules():
        if isinstance(m, nn.Linear):
            # initialize the weight tensor, here we use a normal distribution
            m.weight.data.normal_(0, 1)


model = XOR()
weights_init(model)
loss_func = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

epochs = 500
steps = X.size(0)
order = torch.randint(0, steps, (epochs,)).tolist()
for i in range(epochs):
    for j in (order[i], (order[i] + 1) % steps):
        x_var = X[j]
        y_var = Y[j]
        optimizer.zero_grad()
        y_hat = model(x_var)
        loss = loss_func.forward(y_hat, y_var)
        loss.backward()
        optimizer.step()

    if i % 100 == 0:
        print("Epoch: {0}, Loss: {1}, ".format(i, loss.data.numpy()))

model_params = list(model.parameters())
for p in model_params:
    print(p.shape, p.data.numpy().round(3))
with torch.no_grad():
    out = model(X)
print(out)
print((out > 0.5).int().T)
print(torch.cat([X, Y, out], dim=1))

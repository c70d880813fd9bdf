# L1 and L2 regularisation: which features does the model keep?
import torch
import torch.nn as nn

torch.manual_seed(50)
n_samples, n_features = 80, 10
X = torch.randn(n_samples, n_features)
true_w = torch.zeros(n_features)
true_w[0], true_w[3], true_w[7] = 2.0, -3.0, 1.5
y = X @ true_w + 0.5 * torch.randn(n_samples)
print('true:', true_w)


def train(l1=0.0, l2=0.0, weight_decay=0.0):
    torch.manual_seed(1)
    model = nn.Linear(n_features, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=weight_decay)
    for epoch in range(150):
        optimizer.zero_grad()
        mse = nn.MSELoss()(model(X).squeeze(), y)
        l1_penalty = sum(p.abs().sum() for p in model.parameters())
        l2_penalty = sum(torch.norm(p) ** 2 for p in model.parameters())
        loss = mse + l1 * l1_penalty + l2 * l2_penalty
        loss.backward()
        optimizer.step()
    return model, mse.item()


torch.set_printoptions(precision=3, sci_mode=False)
for kwargs in ({}, {'l1': 0.1}, {'l2': 0.1}, {'weight_decay': 0.2}, {'l1': 0.05, 'l2': 0.05}):
    model, mse = train(**kwargs)
    w = model.weight.data.squeeze()
    print(kwargs or 'none', 'mse %.4f' % mse)
    print('  ', w)
    print('   below 0.05:', (w.abs() < 0.05).sum().item(), ' |w|_1 = {:.3f}  |w|_2 = {:.3f}'.format(w.abs().sum(), w.pow(2).sum().sqrt()))

# weight decay and the L2 penalty are the same thing for SGD (w^2 has slope 2w)
a, _ = train(l2=0.1)
b, _ = train(weight_decay=0.2)
print('the same?', torch.allclose(a.weight, b.weight, atol=1e-4))

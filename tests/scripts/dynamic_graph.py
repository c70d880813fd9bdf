# A strange model: a third to fifth order polynomial that reuses the same parameter for order 4 and 5,
# and each forward pass chooses how many terms it has. Control flow is just Python.
import random
import torch
import math


class DynamicNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(()))
        self.b = torch.nn.Parameter(torch.randn(()))
        self.c = torch.nn.Parameter(torch.randn(()))
        self.d = torch.nn.Parameter(torch.randn(()))
        self.e = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x ** 2 + self.d * x ** 3
        for exp in range(4, random.randint(4, 6)):
            y = y + self.e * x ** exp
        return y

    def string(self):
        return (f'y = {self.a.item():.4f} + {self.b.item():.4f} x + {self.c.item():.4f} x^2 + {self.d.item():.4f} x^3'
                f' + {self.e.item():.4f} x^4 ? + {self.e.item():.4f} x^5 ?')


class SharedMiddle(torch.nn.Module):
    """The same linear layer, used between zero and three times."""

    def __init__(self, D_in, H, D_out):
        super(SharedMiddle, self).__init__()
        self.input_linear = torch.nn.Linear(D_in, H)
        self.middle_linear = torch.nn.Linear(H, H)
        self.output_linear = torch.nn.Linear(H, D_out)

    def forward(self, x):
        h_relu = self.input_linear(x).clamp(min=0)
        for _ in range(random.randint(0, 3)):
            h_relu = self.middle_linear(h_relu).clamp(min=0)
        return self.output_linear(h_relu)


random.seed(0)
torch.manual_seed(0)

x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
model = DynamicNet()
criterion = torch.nn.MSELoss(reduction='sum')
optimizer = torch.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
for t in range(200):
    y_pred = model(x)
    loss = criterion(y_pred, y)
    if t % 40 == 39:
        print(t, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f'Result: {model.string()}')

N, D_in, H, D_out = 32, 20, 15, 4
x = torch.randn(N, D_in)
y = torch.randn(N, D_out)
model = SharedMiddle(D_in, H, D_out)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
for t in range(60):
    loss = criterion(model(x), y)
    if t % 10 == 9:
        print(t, '%.5f' % loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print([tuple(p.shape) for p in model.parameters()])

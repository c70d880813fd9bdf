# -*- coding: utf-8 -*-
import torch
import math

torch.manual_seed(5)
dtype = torch.float
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.set_default_device(device)

x = torch.linspace(-1, 1, 300, dtype=dtype)
y = torch.exp(x)  # a Taylor expansion of e^x would be 1 + x + x^2/2 + x^3/6

a = torch.randn((), dtype=dtype, requires_grad=True)
b = torch.randn((), dtype=dtype, requires_grad=True)
c = torch.randn((), dtype=dtype, requires_grad=True)
d = torch.randn((), dtype=dtype, requires_grad=True)

initial_loss = 1.
learning_rate = 1e-3
for t in range(300):
    y_pred = a + b * x + c * x ** 2 + d * x ** 3
    loss = (y_pred - y).pow(2).sum()

    if t == 0:
        initial_loss = loss.item()
        print(y_pred.grad_fn, loss.grad_fn)
    if t % 60 == 59:
        print(f'Iteration t = {t:4d}  loss(t)/loss(0) = {round(loss.item()/initial_loss, 6):10.6f}  a = {a.item():10.6f}  '
              f'b = {b.item():10.6f}  c = {c.item():10.6f}  d = {d.item():10.6f}')

    loss.backward()

    with torch.no_grad():
        a -= learning_rate * a.grad
        b -= learning_rate * b.grad
        c -= learning_rate * c.grad
        d -= learning_rate * d.grad

        # Manually zero the gradients after updating weights
        a.grad = None
        b.grad = None
        c.grad = None
        d.grad = None

print(f'Result: y = {a.item():.6f} + {b.item():.6f} x + {c.item():.6f} x^2 + {d.item():.6f} x^3')
print(f'e = {math.e:.4f}, the polynomial at 1 says {(a + b + c + d).item():.4f}')

# Linear regression from scratch: only tensors and autograd, no nn and no optim
import torch

torch.manual_seed(0)

# y = 3x + 2 with a little noise
x = torch.linspace(-1, 1, 50)
y = 3 * x + 2 + 0.2 * torch.randn(x.size())

w = torch.randn(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
print("start:", w, b)

lr = 0.1
for epoch in range(60):
    y_hat = w * x + b
    loss = ((y_hat - y) ** 2).mean()
    loss.backward()

    with torch.no_grad():
        w -= lr * w.grad
        b -= lr * b.grad
        w.grad.zero_()
        b.grad.zero_()

    if epoch % 10 == 0:
        print(f"epoch {epoch:3d}  loss {loss.item():.6f}  w {w.item():.4f}  b {b.item():.4f}")

print("finally:", w, b)
print(loss)
print("w.grad is now", w.grad)

# the closed form should say nearly the same
A = torch.stack([x, torch.ones_like(x)], dim=1)
print(A.shape, A[:3])
AtA = A.T @ A
Aty = A.T @ y
det = AtA[0, 0] * AtA[1, 1] - AtA[0, 1] * AtA[1, 0]
w_best = (AtA[1, 1] * Aty[0] - AtA[0, 1] * Aty[1]) / det
b_best = (AtA[0, 0] * Aty[1] - AtA[1, 0] * Aty[0]) / det
print("least squares: w = {:.4f}, b = {:.4f}".format(w_best, b_best))

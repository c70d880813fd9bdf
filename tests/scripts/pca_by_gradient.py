# PCA: the direction of largest variance, found by gradient ascent, checked with numpy
import numpy as np
import torch

torch.manual_seed(13)
A = torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.5, -0.5, 0.3]])
X = torch.randn(200, 3) @ A
X = X - X.mean(0)
C = X.t() @ X / (X.shape[0] - 1)
print('covariance', C)

components = []
for k in range(2):
    w = torch.randn(3)
    w = (w / w.norm()).requires_grad_()
    for it in range(60):
        variance = (X @ w).pow(2).sum() / (len(X) - 1)
        variance.backward()
        with torch.no_grad():
            w += 0.1 * w.grad
            for other in components:
                w -= (w @ other) * other      # Gram-Schmidt: stay orthogonal to those before
            w /= w.norm()
            w.grad.zero_()
        if it % 20 == 0:
            print(f'component {k}, iteration {it:2d}: variance {variance.item():.5f}')
    components.append(w.detach().clone())
    print('   ->', w.data, variance.item())

values, vectors = np.linalg.eigh(C.numpy())
print('numpy:', values[::-1][:2].round(4))
for w, v in zip(components, vectors.T[::-1]):
    print('|cos| = %.5f' % abs(np.dot(w.numpy(), v)))

W = torch.stack(components, dim=1)
projected = X @ W
back = projected @ W.T
print(projected.shape, 'kept %.2f %% of the variance' % (100 * projected.var(0).sum() / X.var(0).sum()))
print('reconstruction error', (X - back).pow(2).mean())
print(torch.einsum('ij,ik->jk', W, W))

import torch

# ## Tracking gradients
x = torch.ones(2, 2, requires_grad=True)
print(x)
y = x + 2
print(y)
print(y.grad_fn)
z = y * y * 3
out = z.mean()
print(z, out)

a = torch.tensor([[1., 2.], [3., -4.]])
a = ((a * 3) / (a - 1.5))
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn)

out.backward()
print(x.grad)

# a vector-Jacobian product
torch.manual_seed(0)
x = torch.randn(3, requires_grad=True)
y = x * 2
while y.data.norm() < 1000:
    y = y * 2
print(y)
v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)
print(x.grad)

# stop tracking
print(x.requires_grad, (x ** 2).requires_grad)
with torch.no_grad():
    print((x ** 2).requires_grad)
y = x.detach()
print(y.requires_grad, x.eq(y).all())

# gradients add up until they are cleared
w = torch.tensor(3.0, requires_grad=True)
for _ in range(3):
    (w ** 2).backward()
    print(w.grad, end=' ')
w.grad.zero_()
print(w.grad)

# the graph is freed after backward, unless we keep it
loss = (w ** 3).exp().log()
loss.backward(retain_graph=True)
loss.backward()
print('twice:', w.grad.item())
try:
    loss.backward()
except RuntimeError as e:
    print('RuntimeError:', str(e)[:60])

# only leaves keep their gradient
h = w * 5
g = h.sin()
h.retain_grad()
g.backward()
print(h.grad, w.is_leaf, h.is_leaf, g.grad_fn.next_functions)

# a hook sees the gradient on its way
w.grad = None
handle = w.register_hook(lambda grad: grad * 10)
(2 * w).backward()
print(w.grad)
handle.remove()
dw, = torch.autograd.grad((w * w * w), w)
print(dw)

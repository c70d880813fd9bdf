# Everything I know about tensors
import torch
import numpy as np

# creating
scalar = torch.tensor(7)
print(scalar, scalar.ndim, scalar.item())
vector = torch.tensor([7, 7])
MATRIX = torch.tensor([[7, 8], [9, 10]])
TENSOR = torch.tensor([[[1, 2, 3], [3, 6, 9], [2, 4, 5]]])
print(vector.shape, MATRIX.ndim, TENSOR.shape, TENSOR[0])
torch.manual_seed(42)
random_tensor = torch.rand(size=(3, 4))
print(random_tensor, random_tensor.dtype)
print(torch.zeros(size=(2, 3)), torch.ones(3, dtype=torch.int32), torch.eye(2), torch.full((2,), 3.5))
print(torch.arange(start=0, end=10, step=3), torch.zeros_like(vector), torch.empty(0), torch.linspace(0, 1, 5))
print(torch.tensor([True, False]), torch.tensor([1.5, float('nan'), float('inf')]), torch.tensor([[]]))

# dtypes
float_16 = torch.tensor([3.0, 6.0, 9.0]).type(torch.float64)
print(float_16 * torch.tensor([1, 2, 3], dtype=torch.int32), float_16.dtype, float_16.device)
print(torch.tensor([1, 2]) / 2, torch.tensor([1, 2]) // 2, torch.tensor([5, -5]) % 3, torch.tensor([1, 2]) + 1.5)

# arithmetic
tensor = torch.tensor([1, 2, 3])
print(tensor + 10, tensor * 10, tensor - 10, torch.mul(tensor, 10), tensor @ tensor, tensor ** 2)
try:
    torch.matmul(torch.rand(3, 2), torch.rand(3, 2))
except RuntimeError as err:
    print("shapes:", err)
print(torch.mm(torch.ones(2, 3), torch.ones(2, 3).T))

# aggregation
x = torch.arange(0, 100, 10)
print(x.min(), x.max(), x.type(torch.float32).mean(), x.sum(), x.argmin(), x.argmax())
print(torch.max(torch.tensor([[1., 5.], [7., 2.]]), dim=1))

# reshaping, stacking, squeezing
x = torch.arange(1., 10.)
print(x.reshape(1, 9).shape, x.view(3, 3), torch.stack([x[:3], x[:3]], dim=1))
z = x.view(1, 9)
z[:, 0] = 5
print(z, x)
x_reshaped = x.reshape(1, 9)
print(x_reshaped.squeeze().shape, x_reshaped.unsqueeze(dim=0).size(), torch.rand(4, 5, 3).permute(2, 0, 1).shape)

# indexing
x = torch.arange(1, 10).reshape(1, 3, 3)
print(x[0], x[0][0], x[0][0][0], x[:, 0], x[:, :, 1], x[:, 1, 1], x[0, 0, :], x[..., -1])
print(x[x > 5], x[0, [0, 2]], (x > 3).nonzero()[:2], torch.where(x > 5, x, 0))

# numpy
array = np.arange(1.0, 4.0)
t = torch.from_numpy(array)
array += 1
print(array, t, torch.ones(3).numpy(), torch.ones(2).numpy().sum(), torch.from_numpy(array).type(torch.float32))
a, b = torch.ones(5), torch.ones(5).numpy()
a.add_(1)
print(a, b, a.tolist(), len(a), a.nelement(), torch.is_tensor(a))
print(torch.arange(3).unsqueeze(1) + torch.arange(4), torch.cat((MATRIX, MATRIX), 1))

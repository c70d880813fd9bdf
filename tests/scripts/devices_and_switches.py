import os
import random
import numpy as np
import torch
import torch.nn as nn
import torch.backends.cudnn as cudnn


def seed_everything(seed=1234):
    random.seed(seed)
    os.environ['PYTHONHASHSEED'] = str(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    cudnn.benchmark = False


def get_device():
    if torch.cuda.is_available():
        return torch.device('cuda:0')
    elif torch.backends.mps.is_available():
        return torch.device('mps')
    return torch.device('cpu')


seed_everything()
torch.set_num_threads(1)
device = get_device()
print('Using device:', device, device.type, torch.cuda.device_count())
if device.type == 'cuda':
    print(torch.cuda.get_device_name(0))

print(random.random(), np.random.rand(), torch.rand(1).item())

model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)).to(device)
print(next(model.parameters()).device, next(model.parameters()).is_cuda)
x = torch.tensor([[1., 2.]], device=device)
print(model(x).cpu().detach().numpy())
print(x.to('cpu') is x, x.to(torch.float64).dtype, x.double().float().dtype, x.to(device, non_blocking=True).device)

# dtypes
torch.set_default_dtype(torch.float64)
print(torch.zeros(2).dtype, nn.Linear(1, 1).weight.dtype, torch.get_default_dtype())
torch.set_default_dtype(torch.float32)
model.double()
print(model[0].weight.dtype, model(x.double()))
model.float()

# switches
print(torch.is_grad_enabled())
torch.set_grad_enabled(False)
print(model(x).requires_grad)
torch.set_grad_enabled(True)
with torch.enable_grad():
    print(model(x).requires_grad)


@torch.no_grad()
def evaluate(model, x):
    return model(x)


print(evaluate(model, x).requires_grad, torch.is_tensor(x), isinstance(x, torch.Tensor), isinstance(x, torch.FloatTensor))
FloatTensor = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor
LongTensor = torch.LongTensor
print(FloatTensor([1, 2]), LongTensor([1, 2]), torch.DoubleTensor([1]), torch.BoolTensor([True]), torch.IntTensor(2).shape)
print(x.type(), x.type(torch.LongTensor), x.type('torch.DoubleTensor').dtype, x.long().type())

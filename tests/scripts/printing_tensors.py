# How tensors and models are printed
import torch
from torch import nn

torch.manual_seed(0)
print(torch.arange(10))
print(torch.rand(3))
print(torch.randn(2, 3, 4))
print(torch.tensor([0.1, 1000.5]), torch.tensor([1e-5, 1.0]), torch.tensor([1e8, 1.0]), torch.tensor([1.0, 2.0]))
print(torch.tensor([1e-10, 1e10]), torch.tensor(3.14159265), torch.tensor(1e-9), torch.tensor(123456789.0))
print(torch.tensor([float('inf'), 1.0, float('nan'), -0.0]))
print(torch.tensor([[True, False]]), torch.tensor([], dtype=torch.long), torch.zeros(0, 3))
print(torch.tensor([1.5], dtype=torch.float64), torch.tensor([1], dtype=torch.int8), torch.ones(2, dtype=torch.half))
print(torch.arange(2000))
print(torch.rand(100, 30))
print(torch.linspace(-1, 1, 25))
print(torch.tensor([-1, 22, -333]), torch.tensor([[1], [200]]))
print(torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True) * 3)
print([torch.tensor(1), torch.tensor([2.5])], {'a': torch.zeros(1)}, (torch.ones(1, 1),))
print(repr(torch.tensor(5)), str(torch.tensor(0.5)), f"{torch.tensor(0.123456):.3f}", '%d' % torch.tensor(7), '{}'.format(torch.tensor([1.])))
print(torch.Size([1, 2]), torch.float32, torch.int64, torch.device('cpu'), torch.ones(1).type(), torch.ones(1).dtype)

torch.set_printoptions(precision=2)
print(torch.rand(3))
torch.set_printoptions(sci_mode=True)
print(torch.tensor([1.0, 250.0]))
torch.set_printoptions(profile='default', sci_mode=False, linewidth=60, threshold=20, edgeitems=2)
print(torch.rand(12), torch.rand(5, 5))
torch.set_printoptions(profile='default')

print(nn.Linear(3, 2), nn.Dropout(0.2), nn.CrossEntropyLoss(), nn.Flatten(), nn.Softmax(dim=1))
print(nn.Sequential(nn.Linear(2, 2, bias=False), nn.Sequential(nn.ReLU(), nn.Sigmoid())))
print(nn.ModuleList([nn.Linear(1, 1) for _ in range(3)]))
print(nn.Parameter(torch.zeros(2, 2)))
print(list(nn.Linear(1, 1).parameters()))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, kernel_size=3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.pool = nn.AvgPool2d(2)
        self.fc = nn.Linear(16, 4)

    def extra_repr(self):
        return 'a=1'


print(Net())
print(torch.optim.SGD(Net().parameters(), lr=0.1, momentum=0.9))

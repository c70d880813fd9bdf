import torch
import torch.nn as nn
import torch.nn.init as init

torch.manual_seed(2024)


def init_weights(m):
    if type(m) == nn.Linear:
        torch.nn.init.xavier_uniform_(m.weight)
        m.bias.data.fill_(0.01)


net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
net.apply(init_weights)
print(net[0].weight, net[1].bias)


@torch.no_grad()
def ones(m):
    print(m)
    if type(m) is nn.Linear:
        m.weight.fill_(1.0)
        print(m.weight)


net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
net.apply(ones)

w = torch.empty(3, 5)
for name, fill in [
    ('uniform_', lambda t: init.uniform_(t, -0.1, 0.1)),
    ('normal_', lambda t: init.normal_(t, mean=0, std=0.02)),
    ('constant_', lambda t: init.constant_(t, 0.3)),
    ('eye_', init.eye_),
    ('xavier_normal_', lambda t: init.xavier_normal_(t, gain=init.calculate_gain('tanh'))),
    ('kaiming_uniform_', lambda t: init.kaiming_uniform_(t, nonlinearity='relu')),
    ('kaiming_normal_', lambda t: init.kaiming_normal_(t, mode='fan_out')),
]:
    fill(w)
    print(f'{name:17s} mean {w.mean().item():+.4f} std {w.std().item():.4f}', w[0])


# how the start changes what happens to the signal in a deep network
class MLP(nn.Module):
    def __init__(self, how, width=32, depth=10):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(width, width, bias=False) for _ in range(depth)])
        self.how = how
        self.initialize()

    def forward(self, x):
        stds = []
        for linear in self.linears:
            x = torch.relu(linear(x))
            stds.append(x.std().item())
        return x, stds

    def initialize(self):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                if self.how == 'normal':
                    nn.init.normal_(m.weight.data)
                elif self.how == 'xavier':
                    nn.init.xavier_normal_(m.weight)
                elif self.how == 'kaiming':
                    nn.init.kaiming_normal_(m.weight)


x = torch.randn(16, 32)
for how in ('default', 'normal', 'xavier', 'kaiming'):
    _, stds = MLP(how)(x)
    print('%8s' % how, ['%.3g' % s for s in stds[::3]])

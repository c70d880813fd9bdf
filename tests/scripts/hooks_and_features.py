# Looking inside a network with hooks
import torch
import torch.nn as nn

torch.manual_seed(14)


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.act1 = nn.ReLU()
        self.fc2 = nn.Linear(8, 4)
        self.act2 = nn.Sigmoid()
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        x = self.act1(self.fc1(x))
        x = self.act2(self.fc2(x))
        return self.out(x)


net = SmallNet()
features = {}


def get_activation(name):
    def hook(module, input, output):
        features[name] = output.detach()
    return hook


handles = []
for name, layer in net.named_children():
    handles.append(layer.register_forward_hook(get_activation(name)))

x = torch.randn(3, 6)
y = net(x)
for name, value in features.items():
    print(f'{name:5s} {tuple(value.shape)} mean {value.mean().item():+.4f} zeros {(value == 0).sum().item()}')
for h in handles:
    h.remove()
features.clear()
net(x)
print('after remove():', features)


# a hook may change the output ...
def double_it(module, args, output):
    return output * 2


h = net.out.register_forward_hook(double_it)
print(torch.allclose(net(x), 2 * y))
h.remove()

# ... a pre-hook the input
pre = net.register_forward_pre_hook(lambda module, args: (args[0] * 0,))
print(net(x)[0] - net(torch.zeros(1, 6)))
pre.remove()

# gradients on their way back
grads = {}


def save_grad(module, grad_input, grad_output):
    grads[module.__class__.__name__] = grad_output[0]


net.act2.register_full_backward_hook(save_grad)
net(x).pow(2).sum().backward()
print(grads)

# hooks on tensors
x = torch.randn(2, 6, requires_grad=True)
h1 = net.fc1(x)
h1.register_hook(lambda g: print('gradient at h1:', g.shape, g.norm()))
h1.sigmoid().sum().backward()
print(x.grad.abs().sum())

# how sensitive is the output to each input? (a saliency map)
x.grad = None
score = net(x)[0, 1]
score.backward()
print(x.grad[0].abs() / x.grad[0].abs().max())

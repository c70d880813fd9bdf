# What is inside a state_dict? Of a model, of an optimizer, and how to move parts around
import torch
from torch import nn
from collections import OrderedDict

torch.manual_seed(6)

net = nn.Sequential(OrderedDict([
    ('hidden', nn.Linear(3, 4)),
    ('act', nn.ReLU()),
    ('output', nn.Linear(4, 2)),
]))
print(net)
sd = net.state_dict()
print(type(sd), list(sd.keys()))
for k, v in sd.items():
    print(k, v.shape, v.dtype, v.requires_grad)
print(sd['output.bias'])

# state_dict shares memory with the model
with torch.no_grad():
    net.output.bias.fill_(7.0)
print(sd['output.bias'], net.output.bias)

# named_parameters, children, modules
print([n for n, p in net.named_parameters()])
print([type(c).__name__ for c in net.children()], len(list(net.modules())))
print(dict(net.named_modules())['hidden'])

# only a part
other = nn.Sequential(OrderedDict([('hidden', nn.Linear(3, 4)), ('act', nn.Tanh()), ('head', nn.Linear(4, 5))]))
keep = {k: v for k, v in sd.items() if k in other.state_dict()}
print(other.load_state_dict(keep, strict=False))
print(torch.equal(other.hidden.weight, net.hidden.weight), other.hidden.weight is net.hidden.weight)
try:
    other.load_state_dict(sd)
except RuntimeError as e:
    print(e)

# the optimizer's
opt = torch.optim.Adam([
    {'params': net.hidden.parameters()},
    {'params': net.output.parameters(), 'lr': 1e-2},
], lr=1e-3)
print(opt.state_dict()['state'])
net(torch.rand(5, 3)).sum().backward()
opt.step()
state = opt.state_dict()
print(state['param_groups'][1]['lr'], state['param_groups'][0]['betas'], state['param_groups'][1]['params'])
print(sorted(state['state'][0].keys()), state['state'][0]['step'], state['state'][3]['exp_avg'])

# add a layer, take the parameters' count
net.add_module('softmax', nn.Softmax(dim=1))
print(net[-1], len(net), net(torch.zeros(1, 3)).sum())
print(sum(p.numel() for p in net.parameters()), 'parameters')

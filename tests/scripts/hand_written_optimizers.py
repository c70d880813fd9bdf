"""SGD with momentum and Adam as subclasses of torch.optim.Optimizer, held against torch's own"""
import math
import torch
from torch import nn
from torch.optim import Optimizer


class MySGD(Optimizer):
    def __init__(self, params, lr=0.01, momentum=0.0, weight_decay=0.0):
        if lr <= 0.0:
            raise ValueError("Invalid learning rate: {}".format(lr))
        defaults = dict(lr=lr, momentum=momentum, weight_decay=weight_decay)
        super(MySGD, self).__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group['params']:
                if p.grad is None:
                    continue
                d_p = p.grad
                if group['weight_decay'] != 0:
                    d_p = d_p.add(p, alpha=group['weight_decay'])
                if group['momentum'] != 0:
                    state = self.state[p]
                    if 'momentum_buffer' not in state:
                        buf = state['momentum_buffer'] = torch.clone(d_p).detach()
                    else:
                        buf = state['momentum_buffer']
                        buf.mul_(group['momentum']).add_(d_p)
                    d_p = buf
                p.add_(d_p, alpha=-group['lr'])
        return loss


class MyAdam(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    def step(self):
        for group in self.param_groups:
            b1, b2 = group['betas']
            for p in group['params']:
                if p.grad is None:
                    continue
                grad = p.grad.data
                state = self.state[p]
                if len(state) == 0:
                    state['step'] = 0
                    state['m'] = torch.zeros_like(p.data)
                    state['v'] = torch.zeros_like(p.data)
                state['step'] += 1
                state['m'].mul_(b1).add_(grad, alpha=1 - b1)
                state['v'].mul_(b2).addcmul_(grad, grad, value=1 - b2)
                step_size = group['lr'] * math.sqrt(1 - b2 ** state['step']) / (1 - b1 ** state['step'])
                p.data.addcdiv_(state['m'], state['v'].sqrt().add_(group['eps']), value=-step_size)


class SimplestSGD:
    """Without the base class"""

    def __init__(self, params, lr):
        self.params, self.lr = list(params), lr

    def step(self):
        for p in self.params:
            p.data -= p.grad * self.lr

    def zero_grad(self):
        for p in self.params:
            p.grad = None


torch.manual_seed(1)
X = torch.randn(60, 3)
y = torch.sigmoid(X @ torch.tensor([1.0, -2.0, 0.5])).unsqueeze(1)


def train(make):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = make(model.parameters())
    for t in range(40):
        loss = nn.functional.mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


for name, make in {
    'simplest': lambda p: SimplestSGD(p, lr=0.1),
    'MySGD': lambda p: MySGD(p, lr=0.1),
    'SGD': lambda p: torch.optim.SGD(p, lr=0.1),
    'MySGD momentum': lambda p: MySGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    'SGD momentum': lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    'MyAdam': lambda p: MyAdam(p, lr=0.01),
    'Adam': lambda p: torch.optim.Adam(p, lr=0.01),
}.items():
    print(f'{name:15s} {train(make):.6f}')

print(MySGD([torch.zeros(2, requires_grad=True)], momentum=0.5))
try:
    MySGD([], lr=-1)
except ValueError as e:
    print(e)

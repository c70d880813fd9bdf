import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

torch.manual_seed(17)

# a loss with a cliff: plain SGD is thrown far away
X = torch.randn(40, 5) * 10
y = (X ** 2).sum(1, keepdim=True)


def build():
    torch.manual_seed(17)
    return nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 1))


def grad_norm(model):
    total = 0.0
    for p in model.parameters():
        total += p.grad.data.norm(2).item() ** 2
    return total ** 0.5


def train(clip=None, steps=25, lr=1e-3):
    model = build()
    opt = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(steps):
        opt.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(X), y) * 10
        loss.backward()
        before = grad_norm(model)
        total_norm = clip(model) if clip else None
        after = grad_norm(model)
        opt.step()
        if step % 8 == 0:
            print(f'   step {step}: loss {loss.item():.3f}, norm {before:.4f} -> {after:.4f}', total_norm)
    return loss.item()


print('no clipping')
train()
print('by norm')
train(lambda m: torch.nn.utils.clip_grad_norm_(m.parameters(), max_norm=1.0))
print('by value')
train(lambda m: clip_grad_value_(m.parameters(), clip_value=0.5))
print('by a hook on every parameter')


def add_hooks(model):
    for p in model.parameters():
        p.register_hook(lambda grad: torch.clamp(grad, -0.1, 0.1))
    return model


model = add_hooks(build())
loss = nn.functional.smooth_l1_loss(model(X), y)
loss.backward()
print(max(p.grad.abs().max().item() for p in model.parameters()))
print(model[0].bias.grad)
print(clip_grad_norm_([model[0].bias], 0.05, norm_type='inf'), model[0].bias.grad.abs().max())

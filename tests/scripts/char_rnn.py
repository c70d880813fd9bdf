"""Learn to spell: a character-level recurrent network with its loop written out"""
import torch
import torch.nn as nn
import torch.nn.functional as F

text = "hello world, hello moon, hello little star"
chars = sorted(list(set(text)))
char_to_ix = {ch: i for i, ch in enumerate(chars)}
ix_to_char = {i: ch for i, ch in enumerate(chars)}
vocab_size = len(chars)
print('data has %d characters, %d unique.' % (len(text), vocab_size))

torch.manual_seed(42)
hidden_size = 24
seq_length = 10

Wxh = torch.randn(vocab_size, hidden_size) * 0.1
Whh = torch.randn(hidden_size, hidden_size) * 0.1
Why = torch.randn(hidden_size, vocab_size) * 0.1
bh = torch.zeros(hidden_size)
by = torch.zeros(vocab_size)
params = [Wxh, Whh, Why, bh, by]
for p in params:
    p.requires_grad = True


def encode(s):
    return torch.tensor([char_to_ix[c] for c in s])


def forward(indices, h):
    logits = []
    for ix in indices:
        h = torch.tanh(Wxh[ix] + h @ Whh + bh)
        logits.append(h @ Why + by)
    return torch.stack(logits), h


@torch.no_grad()
def sample(h, seed, n):
    out = seed
    for _ in range(n):
        logits, h = forward([char_to_ix[out[-1]]], h)
        probs = F.softmax(logits[-1], dim=-1)
        out += ix_to_char[torch.argmax(probs).item()]
    return out


optimizer = torch.optim.Adam(params, lr=0.02)
smooth_loss = None
position, h = 0, torch.zeros(hidden_size)
for it in range(121):
    if position + seq_length + 1 >= len(text):
        position, h = 0, torch.zeros(hidden_size)
    inputs = encode(text[position:position + seq_length])
    targets = encode(text[position + 1:position + seq_length + 1])
    logits, h = forward(inputs, h)
    h = h.detach()      # truncated backpropagation through time
    loss = F.cross_entropy(logits, targets)
    optimizer.zero_grad()
    loss.backward()
    for p in params:
        p.grad.clamp_(-5, 5)
    optimizer.step()
    smooth_loss = loss.item() if smooth_loss is None else 0.9 * smooth_loss + 0.1 * loss.item()
    if it % 30 == 0:
        print(f'iter {it}, loss: {smooth_loss:.4f} | {sample(torch.zeros(hidden_size), "h", 20)!r}')
    position += seq_length

print(sample(torch.zeros(hidden_size), 'm', 8))
print(Whh.grad.norm().item() > 0, by.grad.shape, logits.shape)

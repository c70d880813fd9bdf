# A recurrent network from scratch: does the sequence contain more ones than zeros? And: predict a sine wave
import math
import torch
import torch.nn as nn


class RNNCell(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, x, h):
        return torch.tanh(self.i2h(x) + self.h2h(h))


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.cell = RNNCell(input_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)

    def init_hidden(self, batch):
        return torch.zeros(batch, self.cell.hidden_size)

    def forward(self, x):                   # x: (batch, time, features)
        h = self.init_hidden(x.size(0))
        outputs = []
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
            outputs.append(h)
        outputs = torch.stack(outputs, dim=1)
        return self.h2o(outputs), h


torch.manual_seed(15)

# 1. counting
bits = torch.randint(0, 2, (100, 9))
labels = (bits.sum(1) > 4).long()
rnn = RNN(1, 12, 2)
print(rnn)
optimizer = torch.optim.Adam(rnn.parameters(), lr=0.02)
criterion = nn.CrossEntropyLoss()
for epoch in range(41):
    output, hidden = rnn(bits.unsqueeze(-1).float())
    loss = criterion(output[:, -1, :], labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(rnn.parameters(), 5)
    optimizer.step()
    if epoch % 10 == 0:
        acc = (output[:, -1].argmax(1) == labels).sum().item()
        print(f'{epoch:3d} loss {loss.item():.4f} accuracy {acc}%', tuple(output.shape), tuple(hidden.shape))

# 2. the next value of a wave
steps = torch.linspace(0, 8 * math.pi, 101)
data = torch.sin(steps)
x, y = data[:-1].view(5, 20, 1), data[1:].view(5, 20, 1)
wave = RNN(1, 10, 1)
optimizer = torch.optim.Adam(wave.parameters(), lr=0.02)
for epoch in range(40):
    pred, _ = wave(x)
    loss = nn.functional.mse_loss(pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 9:
        print('epoch', epoch + 1, 'loss', round(loss.item(), 5))

with torch.no_grad():   # let it go on by itself
    h = wave.init_hidden(1)
    value = data[:1].view(1, 1)
    generated = []
    for _ in range(10):
        h = wave.cell(value, h)
        value = wave.h2o(h)
        generated.append(value.item())
print([f'{g:.3f}' for g in generated])

# Sentences of different lengths: padding, a mask, and a loss that ignores the padding
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

torch.manual_seed(16)
PAD = 0
sentences = [[3, 5, 2], [4, 1], [2, 2, 6, 1, 3], [7], [5, 6, 7, 1], [1, 4, 4]]
labels = [1, 0, 1, 0, 1, 0]


def collate(batch):
    seqs, ys = zip(*batch)
    lengths = torch.tensor([len(s) for s in seqs])
    padded = torch.full((len(seqs), int(lengths.max())), PAD)
    for i, s in enumerate(seqs):
        padded[i, :len(s)] = torch.tensor(s)
    return padded, lengths, torch.tensor(ys, dtype=torch.float)


loader = DataLoader(list(zip(sentences, labels)), batch_size=3, collate_fn=collate)
for padded, lengths, ys in loader:
    print(padded, lengths, ys)


class MeanOfEmbeddings(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim, padding_idx=PAD)
        self.fc = nn.Linear(dim, 1)

    def forward(self, x, lengths):
        mask = (x != PAD).unsqueeze(-1).float()
        summed = (self.emb(x) * mask).sum(dim=1)
        return self.fc(summed / lengths.unsqueeze(1)).squeeze(-1)


model = MeanOfEmbeddings(8, 4)
print(model)
print(model.emb.weight[PAD])
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(30):
    total = 0
    for padded, lengths, ys in loader:
        loss = F.binary_cross_entropy_with_logits(model(padded, lengths), ys)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 10 == 0:
        print('epoch', epoch, 'loss %.5f' % total)
print('padding row after training:', model.emb.weight[PAD].data)

# a loss per word
batch, length, classes = 2, 4, 5
scores = torch.randn(batch, length, classes, requires_grad=True)
targets = torch.tensor([[1, 4, 2, -100], [3, -100, -100, -100]])
per_word = F.cross_entropy(scores.view(-1, classes), targets.view(-1), reduction='none')
print(per_word)
mask = (targets != -100).view(-1)
print(per_word.sum() / mask.sum(), F.cross_entropy(scores.transpose(1, 2), targets))
F.cross_entropy(scores.flatten(0, 1), targets.flatten()).backward()
print(scores.grad.abs().sum(-1) > 0)
print(torch.arange(5)[None, :] < torch.tensor([2, 5, 3])[:, None])
print(scores.detach().masked_fill(targets.eq(-100).unsqueeze(-1), 0).sum(-1), torch.masked_select(targets, targets > 0))

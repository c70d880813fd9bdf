"""A variational autoencoder on 2-D points, with the reparameterisation trick."""
import math
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader

torch.manual_seed(2)

theta = torch.rand(256) * 2 * math.pi
points = torch.stack([theta.cos(), theta.sin()], 1) * (1 + 0.05 * torch.randn(256, 1))
points = (points + 1.3) / 2.6   # into [0, 1]
loader = DataLoader(points, batch_size=64, shuffle=True)


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc21 = nn.Linear(16, 2)
        self.fc22 = nn.Linear(16, 2)
        self.fc3 = nn.Linear(2, 16)
        self.fc4 = nn.Linear(16, 2)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5*logvar)
        eps = torch.randn_like(std)
        return mu + eps*std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 2))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x, reduction='sum')
    # 0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2)
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + 0.01 * KLD, KLD


model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-2)

for epoch in range(1, 16):
    model.train()
    train_loss = 0
    for batch_idx, data in enumerate(loader):
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss, kld = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
        if epoch % 5 == 0 and batch_idx == 0:
            print('Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}'.format(
                epoch, batch_idx * len(data), len(loader.dataset),
                100. * batch_idx / len(loader),
                loss.item() / len(data)))
    if epoch % 3 == 0:
        print('====> Epoch: {} Average loss: {:.4f}, KL of the last batch {:.3f}'.format(
            epoch, train_loss / len(loader.dataset), kld))

model.eval()
with torch.no_grad():
    sample = model.decode(torch.randn(6, 2))
    print(sample)
    mu, logvar = model.encode(points[:3])
    print(mu, logvar.mul(0.5).exp())

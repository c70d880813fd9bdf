import torch
from torch import nn
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

torch.manual_seed(0)

# 8 x 8 pictures of one bright blob
side = 8
grid = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing='ij'), dim=-1).float()
centres = torch.rand(128, 2) * 5 + 1
images = torch.exp(-((grid[None] - centres[:, None, None]) ** 2).sum(-1) / 2.0)
print(images.shape, images.min(), images.max())


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(side * side, 32),
            nn.ReLU(),
            nn.Linear(32, 8),
            nn.ReLU(),
            nn.Linear(8, 2)
        )
        self.decoder = nn.Sequential(
            nn.Linear(2, 8),
            nn.ReLU(),
            nn.Linear(8, 32),
            nn.ReLU(),
            nn.Linear(32, side * side),
            nn.Sigmoid()
        )

    def forward(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


model = Autoencoder()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-6)

num_epochs = 30
outputs = []
for epoch in range(num_epochs):
    for i in range(0, len(images), 32):
        img = images[i:i + 32].reshape(-1, side * side)
        recon = model(img)
        loss = criterion(recon, img)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f'Epoch:{epoch+1}, Loss:{loss.item():.5f}')
    outputs.append((epoch, img, recon))

plt.figure(figsize=(6, 3))
for k in (0, 29):
    imgs = outputs[k][1].detach().numpy()
    recon = outputs[k][2].detach().numpy()
    for i, item in enumerate(imgs[:4]):
        plt.subplot(2, 4, i + 1)
        plt.imshow(item.reshape(side, side))
    for i, item in enumerate(recon[:4]):
        plt.subplot(2, 4, 4 + i + 1)
        plt.imshow(item.reshape(-1, side))
plt.savefig('recon.png')

with torch.no_grad():
    codes = model.encoder(images.flatten(1))
print(codes.shape, codes.mean(0), codes[:2])
print('per-pixel error', (model.decoder(codes) - images.view(-1, 64)).abs().mean())

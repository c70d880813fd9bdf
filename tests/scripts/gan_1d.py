# A GAN that learns a one-dimensional normal distribution, mean 4, standard deviation 1.25
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(5)

data_mean, data_stddev = 4, 1.25


def get_real(n):
    return torch.normal(data_mean, data_stddev, (n, 1))


def get_noise(n):
    return torch.rand(n, 1)


class Generator(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(Generator, self).__init__()
        self.map1 = nn.Linear(input_size, hidden_size)
        self.map2 = nn.Linear(hidden_size, hidden_size)
        self.map3 = nn.Linear(hidden_size, output_size)
        self.f = torch.tanh

    def forward(self, x):
        x = self.f(self.map1(x))
        x = self.f(self.map2(x))
        return self.map3(x)


class Discriminator(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(1, hidden_size), nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, hidden_size), nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, 1), nn.Sigmoid())

    def forward(self, x):
        return self.net(x)


G = Generator(1, 8, 1)
D = Discriminator(12)
criterion = nn.BCELoss()
d_optimizer = optim.Adam(D.parameters(), lr=5e-3, betas=(0.5, 0.999))
g_optimizer = optim.Adam(G.parameters(), lr=5e-3, betas=(0.5, 0.999))

batch = 32
ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
for epoch in range(150):
    # 1. Train D on real and fake
    D.zero_grad()
    d_real_error = criterion(D(get_real(batch)), ones)
    d_real_error.backward()
    d_fake_data = G(get_noise(batch)).detach()  # detach to avoid training G on these labels
    d_fake_error = criterion(D(d_fake_data), zeros)
    d_fake_error.backward()
    d_optimizer.step()

    # 2. Train G on D's response
    G.zero_grad()
    g_fake_data = G(get_noise(batch))
    g_error = criterion(D(g_fake_data), ones)
    g_error.backward()
    g_optimizer.step()

    if epoch % 25 == 0:
        fake = g_fake_data.detach()
        print("Epoch %s: D (%.4f real_err, %.4f fake_err) G (%.4f err); Fake Dist (mean %.3f, std %.3f)" % (
            epoch, d_real_error.item(), d_fake_error.item(), g_error.item(), fake.mean(), fake.std()))

samples = G(get_noise(200)).detach().squeeze()
print(samples.shape, samples.mean(), samples.std(), samples.min() < samples.max())

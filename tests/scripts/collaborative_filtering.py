import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F

np.random.seed(3)
torch.manual_seed(3)

# user, movie, rating: made up from hidden tastes
users = ['ana', 'bo', 'cem', 'dee', 'eli', 'fay', 'gus', 'hal']
movies = ['Alien', 'Brazil', 'Casablanca', 'Dune', 'Emma', 'Fargo']
taste, genre = np.random.randn(8, 2), np.random.randn(6, 2)
rows = [(users[u], movies[m], float(np.clip(3 + taste[u] @ genre[m], 1, 5).round()))
        for u in range(8) for m in range(6) if np.random.rand() < 0.8]
ratings = pd.DataFrame(rows, columns=['userId', 'movieId', 'rating'])
print(ratings.shape)
print(ratings.head())


def proc_col(col):
    uniq = col.unique()
    name2idx = {o: i for i, o in enumerate(uniq)}
    return name2idx, np.array([name2idx[x] for x in col]), len(uniq)


user2idx, ratings['user'], num_users = proc_col(ratings.userId)
movie2idx, ratings['movie'], num_items = proc_col(ratings.movieId)
msk = np.random.rand(len(ratings)) < 0.8
train, valid = ratings[msk].copy(), ratings[~msk].copy()


class MF_bias(nn.Module):
    def __init__(self, num_users, num_items, emb_size=8):
        super(MF_bias, self).__init__()
        self.user_emb = nn.Embedding(num_users, emb_size)
        self.user_bias = nn.Embedding(num_users, 1)
        self.item_emb = nn.Embedding(num_items, emb_size)
        self.item_bias = nn.Embedding(num_items, 1)
        self.user_emb.weight.data.uniform_(0, 0.05)
        self.item_emb.weight.data.uniform_(0, 0.05)
        self.user_bias.weight.data.uniform_(-0.01, 0.01)
        self.item_bias.weight.data.uniform_(-0.01, 0.01)

    def forward(self, u, v):
        U = self.user_emb(u)
        V = self.item_emb(v)
        b_u = self.user_bias(u).squeeze()
        b_v = self.item_bias(v).squeeze()
        return (U*V).sum(1) + b_u + b_v


def test_loss(model, df):
    model.eval()
    u = torch.tensor(df.user.values)
    v = torch.tensor(df.movie.values)
    r = torch.tensor(df.rating.values).float()
    loss = F.mse_loss(model(u, v), r)
    print("test loss %.3f " % loss.item())


def train_epocs(model, epochs=10, lr=0.01, wd=0.0):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=wd)
    for i in range(epochs):
        model.train()
        u = torch.tensor(train.user.values)
        v = torch.tensor(train.movie.values)
        r = torch.tensor(train.rating.values).float()
        y_hat = model(u, v)
        loss = F.mse_loss(y_hat, r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 10 == 0:
            print(round(loss.item(), 4))
    test_loss(model, valid)


model = MF_bias(num_users, num_items)
print(model)
train_epocs(model, epochs=31, lr=0.1, wd=1e-5)
train_epocs(model, epochs=11, lr=0.01)
score = model(torch.LongTensor([0] * num_items), torch.arange(num_items))
print(score)
print('for ana:', [list(movie2idx)[i] for i in score.sort(descending=True)[1][:2]])

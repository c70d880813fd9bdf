import torch
from sklearn.datasets import make_blobs
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt

torch.manual_seed(0)
X, truth = make_blobs(n_samples=120, centers=4, cluster_std=0.7, random_state=0)
X = torch.tensor(X, dtype=torch.float32)
truth = torch.tensor(truth)


def kmeans(X, k, n_iter=10):
    # start with k different points
    centroids = X[torch.randperm(X.size(0))[:k]].clone()
    for i in range(n_iter):
        # distances of every point to every centroid: (n, 1, 2) - (1, k, 2) -> (n, k)
        distances = ((X.unsqueeze(1) - centroids.unsqueeze(0)) ** 2).sum(dim=2)
        nearest = distances.argmin(dim=1)
        inertia = distances.min(dim=1).values.sum()
        print('iteration', i, 'inertia %.4f' % inertia, [int((nearest == j).sum()) for j in range(k)])
        new = torch.stack([X[nearest == j].mean(dim=0) for j in range(k)])
        if torch.allclose(new, centroids):
            break
        centroids = new
    return centroids, nearest


centroids, nearest = kmeans(X, 4)
print(centroids)

# each found cluster against the true one
table = torch.zeros(4, 4, dtype=torch.long)
for a, b in zip(nearest, truth):
    table[a, b] += 1
print(table)
print('purity', table.max(dim=1)[0].sum().item() / len(X))

plt.scatter(X[:, 0], X[:, 1], c=nearest, s=10)
plt.scatter(centroids[:, 0], centroids[:, 1], c='red', marker='x')
plt.savefig('clusters.png')

# the same assignment by scatter_add, all clusters at once
one_hot = torch.zeros(len(X), 4).scatter_(1, nearest.unsqueeze(1), 1)
means = (one_hot.T @ X) / one_hot.sum(0).unsqueeze(1)
print(torch.allclose(means, centroids, atol=1e-4), one_hot.sum(0))
sums = torch.zeros(4, 2).scatter_add_(0, nearest.unsqueeze(1).expand(-1, 2), X)
print(sums / one_hot.sum(0)[:, None])

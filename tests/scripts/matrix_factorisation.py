# Movie ratings as the product of two thin matrices (some ratings are missing)
import torch

torch.manual_seed(30)
nan = float('nan')
R = torch.tensor([[5, 4, nan, 1, 1],
                  [4, nan, 4, 1, 2],
                  [1, 1, 2, 5, nan],
                  [nan, 2, 1, 4, 5],
                  [5, 5, 4, nan, 1],
                  [1, nan, 1, 5, 4]])
mask = ~torch.isnan(R)
ratings = torch.where(mask, R, torch.zeros_like(R))
print(R)
print(mask.sum().item(), "of", R.numel(), "ratings are known")

k = 2
U = torch.rand(R.shape[0], k, requires_grad=True)
V = torch.rand(R.shape[1], k, requires_grad=True)
bu = torch.zeros(R.size(0), 1, requires_grad=True)
bv = torch.zeros(1, R.size(1), requires_grad=True)
mean = ratings.sum() / mask.sum()

optimizer = torch.optim.Adagrad([U, V, bu, bv], lr=0.1)
for it in range(151):
    predicted = U @ V.t() + bu + bv + mean
    error = (predicted - ratings)[mask]
    loss = (error ** 2).sum() + 0.05 * (U.pow(2).sum() + V.pow(2).sum())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if it % 30 == 0:
        print(it, f"{loss.item():.4f}", f"rmse {error.detach().pow(2).mean().sqrt():.4f}")

torch.set_printoptions(precision=2)
print(predicted.detach().clamp(1, 5))
print("filled in:", predicted[~mask].detach())

# which movies are alike?
with torch.no_grad():
    normed = V / V.norm(dim=1, keepdim=True)
    similarity = normed.mm(normed.t())
print(similarity.triu(diagonal=1))
best = (similarity - torch.eye(5) * 2).argmax().item()
print("most alike:", divmod(best, 5))

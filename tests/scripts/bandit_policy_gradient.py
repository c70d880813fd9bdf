# Policy gradient (REINFORCE) on a four-armed bandit
import numpy as np
import torch
import torch.nn as nn

np.random.seed(0)
torch.manual_seed(0)

bandit_means = [0.1, -0.3, 0.8, 0.2]
num_arms = len(bandit_means)


def pull(arm):
    return bandit_means[arm] + np.random.randn() * 0.3


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.preferences = nn.Parameter(torch.zeros(num_arms))
        self.saved_log_probs = []
        self.rewards = []

    def forward(self):
        return torch.softmax(self.preferences, dim=0)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=0.05)
baseline = 0.0
counts = np.zeros(num_arms, dtype=int)

for episode in range(40):
    for _ in range(10):
        probs = policy()
        action = torch.multinomial(probs.detach(), 1).item()
        counts[action] += 1
        policy.saved_log_probs.append(torch.log(probs[action]))
        policy.rewards.append(pull(action))

    rewards = torch.tensor(policy.rewards, dtype=torch.float32)
    advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
    policy_loss = []
    for log_prob, advantage in zip(policy.saved_log_probs, advantages):
        policy_loss.append(-log_prob * advantage)
    optimizer.zero_grad()
    policy_loss = torch.stack(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    baseline = 0.9 * baseline + 0.1 * rewards.mean().item()
    del policy.rewards[:]
    del policy.saved_log_probs[:]

    if episode % 8 == 0:
        print(f'episode {episode:2d}  average reward {baseline:.3f}  policy', probs.detach().numpy().round(3))

print(counts, 'best arm:', policy().argmax().item())
entropy = -(policy() * policy().log()).sum()
print('entropy', entropy)

"""Q-learning in a corridor: first with a table, then with a small network"""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F
from collections import deque, namedtuple

N_STATES = 6        # 0 ... 5, the treasure is at 5
ACTIONS = ['left', 'right']
Transition = namedtuple('Transition', ('state', 'action', 'next_state', 'reward', 'done'))


def step(state, action):
    next_state = max(0, state - 1) if action == 0 else state + 1
    done = next_state == N_STATES - 1
    return next_state, 1.0 if done else -0.01, done


random.seed(1)
torch.manual_seed(1)

# ---- the table
Q = torch.zeros(N_STATES, len(ACTIONS))
alpha, gamma, epsilon = 0.3, 0.9, 0.2
for episode in range(30):
    s, done, steps = 0, False, 0
    while not done and steps < 60:
        if random.random() < epsilon or (Q[s] == 0).all():
            a = random.choice([0, 1])
        else:
            a = Q[s].argmax().item()
        s_, r, done = step(s, a)
        target = r if done else r + gamma * Q[s_].max()
        Q[s, a] += alpha * (target - Q[s, a])
        s = s_
        steps += 1
    if episode % 6 == 0:
        print('episode', episode, 'took', steps, 'moves')
print(Q)
print([ACTIONS[i] for i in Q.argmax(dim=1)[:-1].tolist()])


# ---- the network
class DQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(N_STATES, 16)
        self.fc2 = nn.Linear(16, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


policy_net, target_net = DQN(), DQN()
target_net.load_state_dict(policy_net.state_dict())
memory = deque(maxlen=500)
optimizer = torch.optim.Adam(policy_net.parameters(), lr=0.01)
losses = []
for episode in range(25):
    s, done, steps = 0, False, 0
    while not done and steps < 40:
        if random.random() < 0.3:
            a = random.randrange(2)
        else:
            with torch.no_grad():
                a = policy_net(F.one_hot(torch.tensor(s), N_STATES).float()).max(0)[1].item()
        s_, r, done = step(s, a)
        memory.append(Transition(s, a, s_, r, done))
        s, steps = s_, steps + 1
        if len(memory) >= 16 and steps % 4 == 0:
            batch = Transition(*zip(*random.sample(memory, 16)))
            states = F.one_hot(torch.tensor(batch.state), N_STATES).float()
            next_states = F.one_hot(torch.tensor(batch.next_state), N_STATES).float()
            q = policy_net(states).gather(1, torch.tensor(batch.action).unsqueeze(1)).squeeze(1)
            with torch.no_grad():
                best = target_net(next_states).max(1).values
                expected = torch.tensor(batch.reward) + gamma * best * (1 - torch.tensor(batch.done).float())
            loss = F.smooth_l1_loss(q, expected)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    if episode % 5 == 4:
        target_net.load_state_dict(policy_net.state_dict())
        print(f'episode {episode}, {len(memory)} memories, mean loss {sum(losses[-20:]) / 20:.5f}')
print(policy_net(torch.eye(N_STATES)))

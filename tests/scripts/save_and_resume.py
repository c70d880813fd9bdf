"""Save a checkpoint in the middle of training, load it into new objects, go on: nothing must be lost."""
import os
import torch
import torch.nn as nn
import torch.optim as optim


class TheModelClass(nn.Module):
    def __init__(self):
        super(TheModelClass, self).__init__()
        self.fc1 = nn.Linear(4, 16)
        self.fc2 = nn.Linear(16, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def train(model, optimizer, scheduler, start, end):
    for epoch in range(start, end):
        optimizer.zero_grad()
        loss = ((model(X) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(f'epoch {epoch}: {loss.item():.6f} (lr {scheduler.get_last_lr()[0]:.4f})')
    return loss


torch.manual_seed(33)
X = torch.randn(64, 4)
y = X.pow(2).sum(1, keepdim=True)

model = TheModelClass()
optimizer = optim.Adam(model.parameters(), lr=0.05)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)

# Print model's state_dict
print("Model's state_dict:")
for param_tensor in model.state_dict():
    print(param_tensor, "\t", model.state_dict()[param_tensor].size())

loss = train(model, optimizer, scheduler, 0, 5)
PATH = 'checkpoint.pt'
torch.save({
    'epoch': 5,
    'model_state_dict': model.state_dict(),
    'optimizer_state_dict': optimizer.state_dict(),
    'scheduler': scheduler.state_dict(),
    'loss': loss,
    'rng': torch.get_rng_state(),
}, PATH)
print('saved:', os.path.exists(PATH))
print('-- straight on')
train(model, optimizer, scheduler, 5, 9)

print('-- resumed')
checkpoint = torch.load(PATH, weights_only=True)
model2 = TheModelClass()
optimizer2 = optim.Adam(model2.parameters(), lr=0.05)
scheduler2 = optim.lr_scheduler.StepLR(optimizer2, step_size=3, gamma=0.5)
print(model2.load_state_dict(checkpoint['model_state_dict']))
optimizer2.load_state_dict(checkpoint['optimizer_state_dict'])
scheduler2.load_state_dict(checkpoint['scheduler'])
print('Epoch', checkpoint['epoch'], 'loss', checkpoint['loss'])
train(model2, optimizer2, scheduler2, checkpoint['epoch'], 9)
same = all(torch.equal(a, b) for a, b in zip(model.parameters(), model2.parameters()))
print('the same weights:', same)

torch.set_rng_state(checkpoint['rng'])
print(torch.rand(2))
torch.save(model, 'whole.pth')
try:
    torch.load('whole.pth')
except Exception as e:
    print(type(e).__name__)
whole = torch.load('whole.pth', weights_only=False)
print(whole, torch.equal(whole(X), model(X)))

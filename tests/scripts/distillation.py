import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(55)
digits = load_digits()
X = torch.tensor(digits.data, dtype=torch.float32).div(16)[:600]
y = torch.tensor(digits.target)[:600]
X_train, y_train, X_test, y_test = X[:400], y[:400], X[400:], y[400:]


def accuracy(model):
    model.eval()
    with torch.no_grad():
        return (model(X_test).argmax(1) == y_test).float().mean().item()


def train(model, epochs, loss_fn, lr=0.01):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        model.train()
        for start in range(0, len(X_train), 100):
            xb, yb = X_train[start:start + 100], y_train[start:start + 100]
            loss = loss_fn(model, xb, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


teacher = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
print('teacher loss %.4f' % train(teacher, 20, lambda m, a, b: F.cross_entropy(m(a), b)), 'accuracy %.3f' % accuracy(teacher))

T = 4.0
alpha = 0.3


def distillation_loss(model, xb, yb):
    student_logits = model(xb)
    with torch.no_grad():
        teacher_logits = teacher(xb)
    soft = F.kl_div(F.log_softmax(student_logits / T, dim=1),
                    F.softmax(teacher_logits / T, dim=1),
                    reduction='batchmean') * (T * T)
    hard = F.cross_entropy(student_logits, yb)
    return alpha * hard + (1 - alpha) * soft


def student():
    torch.manual_seed(56)
    return nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 10))


alone = student()
print('alone loss %.4f' % train(alone, 40, lambda m, a, b: nn.CrossEntropyLoss()(m(a), b)), 'accuracy %.3f' % accuracy(alone))
taught = student()
print('taught loss %.4f' % train(taught, 40, distillation_loss), 'accuracy %.3f' % accuracy(taught))

# what the soft targets tell: which digits look alike
with torch.no_grad():
    soft = F.softmax(teacher(X_test) / T, dim=1)
second = soft.topk(2, dim=1).indices[:, 1]
for digit in (3, 4, 9):
    others = second[y_test == digit]
    print(digit, 'looks most like', max(set(others.tolist()), key=others.tolist().count))
print(sum(p.numel() for p in teacher.parameters()), 'parameters against', sum(p.numel() for p in taught.parameters()))

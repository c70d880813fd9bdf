# How good is the classifier? Confusion matrix, precision, recall, by hand and by sklearn
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, f1_score
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
digits = load_digits(n_class=4)
X_train, X_test, y_train, y_test = train_test_split(
    digits.data.astype(np.float32) / 16.0, digits.target, test_size=0.3, random_state=0)
X_train, X_test = torch.tensor(X_train), torch.tensor(X_test)
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
print(X_train.shape, X_test.shape, y_train.dtype)

model = nn.Sequential(nn.Linear(64, 16), nn.Sigmoid(), nn.Linear(16, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(25):
    loss = loss_fn(model(X_train), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f'training loss {loss.item():.4f}')

model.eval()
with torch.inference_mode():
    logits = model(X_test)
y_pred = logits.argmax(dim=1)
print('accuracy', accuracy_score(y_test, y_pred), (y_pred == y_test).float().mean().item())
print(confusion_matrix(y_test, y_pred))
print(classification_report(y_test.numpy(), y_pred.numpy(), digits=3))
print('macro F1 %.4f' % f1_score(y_test, y_pred, average='macro'))

# by hand
cm = torch.zeros(4, 4, dtype=torch.int64)
for t, p in zip(y_test.view(-1), y_pred.view(-1)):
    cm[t.long(), p.long()] += 1
print(cm)
precision = cm.diag() / cm.sum(0)
recall = cm.diag() / cm.sum(1)
f1 = 2 * precision * recall / (precision + recall)
for i in range(4):
    print(f'{digits.target_names[i]}: precision {precision[i]:.3f} recall {recall[i]:.3f} f1 {f1[i]:.3f}')

top2 = logits.topk(2, dim=1).indices
print('right among the best two:', (top2 == y_test[:, None]).any(dim=1).float().mean())
wrong = (y_pred != y_test).nonzero(as_tuple=True)[0]
print(len(wrong), 'wrong; the first:', wrong[:3], torch.softmax(logits[wrong[:1]], 1))

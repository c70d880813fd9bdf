"""# The test on the training data

From one of the five documents: the loader that is called "test" is given the training images again. Then a network
that has learnt its data by heart looks as good as one that has understood something.
"""

import torch


def accuracy(test_on_new):
    """Learn labels that are a coin's tosses, 40 points. The accuracy in the "test", in percent."""
    torch.manual_seed(0)
    x, labels = torch.randn(80, 10), torch.randint(0, 2, (80,)).float()
    x_train, y_train, x_new, y_new = x[:40], labels[:40], x[40:], labels[40:]
    model = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_fn = torch.nn.BCEWithLogitsLoss()
    for _ in range(200):
        loss = loss_fn(model(x_train).squeeze(1), y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x_test, y_test = (x_new, y_new) if test_on_new else (x_train, y_train)
    with torch.no_grad():
        predicted = model(x_test).squeeze(1) > 0
    return 100 * (predicted == y_test.bool()).sum().item() / len(y_test)


def broken():
    return accuracy(test_on_new=False)


def fixed():
    return accuracy(test_on_new=True)


print(f"broken: {broken():.0f} %")
print(f"fixed:  {fixed():.0f} %")

"""
**What one sees.** A splendid accuracy.

```text
broken: 100 %
fixed:  45 %
```

**The number that gives it away.** Training and test accuracy are equal. There is always a gap, if only a small one.
Here the labels are the tosses of a coin, and nobody can be right more than half of the time, except on points that
he has seen.

**The test that catches it.** Labels without any sense: the accuracy must be that of a guess.
"""


def test(program):
    assert 30 < program() < 70


"""
**The fix.** Split first, and give the parts names that cannot be mixed up. On Fashion-MNIST, after 5 epochs: 88.1 %
on the training images, 86.3 % on images never seen (`make parity`).
"""

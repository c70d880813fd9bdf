"""# eval forgotten

Dropout sets half of the neurons to 0, at random, to make training harder. When the model is used, it is to stay
out: that is what `model.eval()` says.
"""

import torch


def predict(evaluate):
    """Train with dropout, then predict the same points 20 times. Returns the mean errors and the largest spread."""
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 100).unsqueeze(1)
    y = x**2
    model = torch.nn.Sequential(
        torch.nn.Linear(1, 64), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        loss = ((model(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if evaluate:
        model.eval()
    with torch.no_grad():
        predictions = torch.stack([model(x) for _ in range(20)])
    return ((predictions - y) ** 2).mean().item(), predictions.std(0).max().item()


def broken():
    return predict(evaluate=False)


def fixed():
    return predict(evaluate=True)


for name, program in (("broken", broken), ("fixed", fixed)):
    error, spread = program()
    print(f"{name}: error {error:.4f}, spread of the same prediction {spread:.4f}")

"""
**What one sees.** The test is worse than it should be. (With `BatchNorm` it is worse still: the model goes on
learning from the test data.)

```text
broken: error 0.0124, spread of the same prediction 0.2757
fixed: error 0.0026, spread of the same prediction 0.0000
```

**The number that gives it away.** The same input, twice, gives two answers.

**The test that catches it.** Just that:
"""


def test(program):
    _, spread = program()
    assert spread < 1e-6


"""
**The fix.** `model.eval()` before the test, `model.train()` before the training goes on. `torch.no_grad()` does not
do it: that is about the tape, `eval` is about the layers.
"""

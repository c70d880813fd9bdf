"""Does an installed minigrad work? It needs NumPy alone, and is run by itself: python smoke.py.

The numbers it expects are torch's (version 2.13, on a CPU): its random stream, its initial weights, and the losses of a
training run. It prints one line, the versions.
"""

import os
import platform
import sys
import tempfile

import numpy as np

import minigrad as torch
from minigrad import nn

STREAM = [0.004263520240783691, 0.10556936264038086, -0.393966943025589, 1.6762014627456665, 40, 25]
FIRST_WEIGHTS = [0.08434174209833145, 0.08356927335262299, -0.5777672529220581, -0.41011741757392883]
LOSSES = [5.783694020661273, 11.445212861852813, 3.594755700951454, 8.185154125688506, 2.1090665791465377]


def train() -> list[float]:
    """The losses of a small run with batches, dropout, batch norm and Adam, in float64."""
    torch.manual_seed(5)
    x = torch.randn(40, 3, dtype=torch.float64)
    data = torch.utils.data.TensorDataset(x, (x * x).sum(1, keepdim=True))
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.2), nn.Linear(8, 1)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for x, y in torch.utils.data.DataLoader(data, batch_size=8, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> int:
    torch.manual_seed(3)
    stream = [*torch.rand(2).tolist(), *torch.randn(2).tolist(), *torch.randint(100, (2,)).tolist()]
    assert stream == STREAM, stream
    torch.manual_seed(4)
    weights = nn.Linear(2, 2).weight.flatten().tolist()
    assert weights == FIRST_WEIGHTS, weights
    losses = train()
    assert np.allclose(losses, LOSSES, rtol=1e-12, atol=0), losses

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == [6, 12] and repr(x * 2) == "tensor([2., 4.], grad_fn=<MulBackward0>)"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pt")
        torch.save({"x": x, "g": g.detach()}, path)
        assert torch.load(path)["g"].tolist() == [3, 12]
    assert "torch" not in sys.modules
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, minigrad {torch.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

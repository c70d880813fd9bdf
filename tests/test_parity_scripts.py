"""`python -m parity` on scripts of every shape: each is "same" as it stands, and not with a fault planted in it."""

import textwrap
from types import SimpleNamespace

import pytest
from parity_engines import write_script

from parity import __main__ as command
from parity.pairs import Pair
from parity.verdict import problems, summary, verdict

ON_MINIGRAD = 'torch.__version__.endswith("+minigrad")'

GAN = """
import torch
from torch import nn

torch.manual_seed(1)
real = torch.randn(32, 2) * 0.5 + 1
G = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
D = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Sigmoid())
criterion = nn.BCELoss()
opt_d = torch.optim.Adam(D.parameters(), lr=0.01)
opt_g = torch.optim.SGD(G.parameters(), lr=0.01)
for epoch in range(5):
    fake = G(torch.randn(32, 3))
    d_loss = criterion(D(real), torch.ones(32, 1)) + criterion(D(fake.detach()), torch.zeros(32, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    g_loss = criterion(D(fake), torch.ones(32, 1))
    opt_g.zero_grad()
    g_loss.backward()
    FAULT: G[2].bias.grad += 0.01
    opt_g.step()
    print(f"{epoch}: D {d_loss.item():.4f}, G {g_loss.item():.4f}")
"""

TRAINER = """
import torch
from torch import nn

class Trainer:
    def __init__(self, model, lr):
        self.model, self.losses = model, []
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step(self, x, y):
        loss = nn.functional.mse_loss(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())

    def fit(self, x, y, epochs):
        for _ in range(epochs):
            self.step(x, y)
        FAULT: self.losses[-1] += 0.01
        return self.losses[-1]

def main():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 20).unsqueeze(1)
    print("best", min(Trainer(nn.Linear(1, 1), lr).fit(x, 3 * x, 4) for lr in (0.1, 0.2)))

if __name__ == "__main__":
    main()
"""

BY_HAND = """
import torch

torch.manual_seed(0)
x = torch.randn(20, 3)
y = x @ torch.tensor([1.0, -2.0, 3.0]) + 0.5
w = torch.zeros(3, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(6):
    loss = ((x @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
        FAULT: w[1] += 1e-2
    w.grad.zero_()
    b.grad = None
"""

BY_HAND_IN_A_CLASS = """
import torch

class Model:
    def __init__(self):
        self.layers = [torch.randn(2, 4, requires_grad=True), torch.randn(4, 1, requires_grad=True)]

    def train(self, x, y):
        out = (x @ self.layers[0]).clamp(min=0) @ self.layers[1]
        (out - y).pow(2).sum().backward()
        FAULT: self.layers[1].grad *= 1.1
        for layer in self.layers:
            layer.data -= 1e-3 * layer.grad.data
            layer.grad.data.zero_()

torch.manual_seed(0)
model = Model()
x = torch.randn(10, 2)
for _ in range(4):
    model.train(x, x.sum(1, keepdim=True))
"""

AUTOGRAD_GRAD = """
import torch

x = torch.tensor([0.5, 1.5], requires_grad=True)
for _ in range(3):
    y = (x.sin() * x).sum()
    FAULT: y = y * 1.1
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    x = (x - slope / curvature.abs()).detach().requires_grad_()
print(x)
"""

NO_BACKWARD = """
import torch

x = torch.arange(6.0).reshape(2, 3)
print(x, x.T @ x, sep="\\n")
print(x.mean(dim=1), x.dtype, x.shape)
FAULT: x += 1
print(x.std(), x.sum(), x.requires_grad_().sum().grad_fn)
print(__file__)
"""

BRANCHES = """
import torch

torch.manual_seed(0)
p = torch.nn.Parameter(torch.rand(3))
optimizer = torch.optim.SGD([p], lr=0.2)
steps = 0
while True:
    loss = (p ** 2).sum()
    FAULT: loss = loss * 2
    if loss < 1e-2:
        break
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    steps += 1
print("done after", steps)
"""

PROGRESS = """
import sys, time
from datetime import datetime
import torch
from tqdm import tqdm

start = time.time()
print("started", datetime.now())
total = 0.0
for i in tqdm(range(5)):
    total += torch.tensor(float(i)).item()
for i in tqdm(range(3), file=sys.stdout):
    print(f"\\rstep {i}", end="")
print()
FAULT: total += 1
print("total", total)
print(f"Training took {time.time() - start:.5f} s")
print(total, time.time() - start, "%.6f" % round((time.time() - start) / 2, 6), f"{time.perf_counter():.3f}")
print("elapsed:", datetime.now() - datetime.fromtimestamp(start))
"""

RANDOM = """
import random
import numpy as np
import torch

drawn = torch.rand(3)
FAULT: drawn += 0.01
print(drawn, torch.nn.Linear(2, 2).weight.detach(), np.random.rand(2), random.random())
print(np.random.default_rng().normal(), np.random.default_rng().normal(), np.random.default_rng(3).normal())
print(random.sample(range(100), 5), np.random.permutation(5), torch.randperm(5))
"""

# Each with what the report says of the fault, after "DISAGREE: NAME: minigrad: ".
SHAPES = {
    "gan": (GAN, "gradient of 2.bias at step 2 (step 1 of optimizer 2): "),
    "trainer": (TRAINER, "printed line 1 is 'best "),
    "by_hand": (BY_HAND, "loss at step 2: "),
    "by_hand_in_a_class": (BY_HAND_IN_A_CLASS, "loss at step 2: "),
    "autograd_grad": (AUTOGRAD_GRAD, "loss at step 1: "),
    "no_backward": (NO_BACKWARD, "printed line 7 is 'tensor(1.8708) tensor(21.) <SumBackward0 object at 0x…>',"),
    "branches": (BRANCHES, "loss at step 1: "),
    "progress": (PROGRESS, "printed line 5 is 'total 11.0'"),
    "random": (RANDOM, "printed line 1 is 'tensor("),
}


def with_fault(text, wanted):
    """The line that begins with FAULT goes, or acts on minigrad alone."""
    return text.replace("FAULT:", f"if {ON_MINIGRAD}:" if wanted else "if False:")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Pair(tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def compared(pair, tmp_path):
    """Run a text as a script on both engines; the comparison, and where each engine's files are."""

    def run(name, text, arguments=(), answers=None):
        comparison = pair.compare(write_script(tmp_path, name, textwrap.dedent(text)), arguments, answers)
        return SimpleNamespace(comparison=comparison, folder=pair.out / name)

    return run


def lines_of(ran, engine="minigrad"):
    return (ran.folder / engine / "stdout.txt").read_text().splitlines()


@pytest.mark.parametrize("name", SHAPES)
def test_a_script_of_this_shape_is_the_same_and_a_fault_in_it_is_found(name, compared):
    text, message = SHAPES[name]
    comparison = compared(name, with_fault(text, wanted=False)).comparison
    assert not problems(comparison), problems(comparison)
    assert verdict(comparison, "minigrad") == "same"
    comparison = compared(name, with_fault(text, wanted=True)).comparison
    assert f"{name}: minigrad: {message}" in problems(comparison)[0].text
    assert f"({name}.py:" in problems(comparison)[0].text, "the place in the script"


def test_what_was_compared_of_a_script_without_an_optimizer(compared):
    comparison = compared("by_hand", with_fault(BY_HAND, wanted=False)).comparison
    assert comparison.step == 6
    assert comparison.results["minigrad"].weights == 0.0
    assert comparison.names == {1: ["w", "b"]}
    assert len(comparison.curves["gradient"].steps) == 7, "each backward, and what the last update left"
    late = BY_HAND.replace("FAULT:", f"if step == 5 and {ON_MINIGRAD}:")
    assert "parameter of w at step 6" in problems(compared("by_hand", late).comparison)[0].text


def test_a_script_with_arguments(compared, tmp_path, capsys):
    text = """
        import argparse
        import sys
        import torch
        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", type=int, default=10)
        print(parser.parse_args(), sys.argv)
        """
    ran = compared("with_arguments", text, arguments=("--epochs", "3"))
    assert not problems(ran.comparison)
    (line,) = lines_of(ran)
    assert line.startswith("Namespace(epochs=3) [") and line.endswith("with_arguments.py', '--epochs', '3']")

    path = str(tmp_path / "with_arguments.py")
    options = command.parse([path, "--engines", "torch", "--", "--epochs", "3"])
    assert options.arguments == ("--epochs", "3")
    assert command.parse(["circles"]).arguments == ()
    with pytest.raises(SystemExit):
        command.parse(["--help"])
    assert "my_training.py -- --epochs 3" in capsys.readouterr().out


def test_files_beside_a_script_are_found_and_never_overwritten(compared, tmp_path):
    (tmp_path / "points.csv").write_text("1,2\n3,4\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "more.txt").write_text("5")
    (tmp_path / "helper.py").write_text("import torch\ndef double(x):\n    return 2 * x\n")
    (tmp_path / ".git").mkdir()
    text = """
        import os
        from pathlib import Path
        import numpy as np
        import torch
        from helper import double
        points = torch.from_numpy(np.loadtxt("points.csv", delimiter=",", dtype=np.float32))
        print(double(points), (Path(__file__).parent / "data" / "more.txt").read_text(), sorted(os.listdir()))
        Path("points.csv").write_text(f"overwritten with {torch.__version__}")
        Path(__file__).with_name("data").joinpath("new.txt").write_text("new")
        torch.save(points, "helper.py")
        """
    ran = compared("reads_files", text)
    assert not problems(ran.comparison)
    assert (tmp_path / "points.csv").read_text() == "1,2\n3,4\n"
    assert (tmp_path / "helper.py").read_text().startswith("import torch")
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        ".git", "data", "helper.py", "more.txt", "points.csv", "reads_files.py",
    ]  # fmt: skip
    for engine in ("torch", "minigrad"):
        files = [path for path in (ran.folder / engine).rglob("*") if path.is_file()]
        left = {str(path.relative_to(ran.folder / engine)) for path in files}
        assert left == {"stdout.txt", "stderr.txt", "points.csv", "helper.py", "data/new.txt"}, "what the script wrote"


def test_plots_are_saved_and_shown(compared):
    text = """
        import matplotlib
        matplotlib.use("TkAgg")
        import matplotlib.pyplot as plt
        import torch
        x = torch.linspace(0, 1, 5)
        plt.plot(x, x ** 2)
        plt.savefig("saved.png")
        plt.show()
        plt.plot(x, x)
        plt.show()
        print(plt.get_fignums())
        """
    ran = compared("plots", text)
    assert not problems(ran.comparison)
    assert lines_of(ran) == ["[]"], "as on a screen: figures are closed when they were shown"
    for engine in ("torch", "minigrad"):
        pictures = sorted(path.name for path in (ran.folder / engine).glob("*.png"))
        assert pictures == ["saved.png", "shown-1.png", "shown-2.png"]


def test_a_script_that_asks(compared, tmp_path):
    answers = tmp_path / "answers.txt"
    answers.write_text("Ada\n3\n")
    text = """
        import torch
        name = input("name? ")
        print(name, torch.ones(int(input())))
        """
    ran = compared("asks", text, answers=answers)
    assert not problems(ran.comparison)
    assert lines_of(ran) == ["name? Ada tensor([1., 1., 1.])"]
    unanswered = compared("asks", text).comparison
    assert verdict(unanswered, "minigrad") == "fails alike"
    assert "asks fails alike: asks.py:3: EOFError" in summary([unanswered])


@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(0)", "exit()", "quit()"])
def test_a_script_that_ends_itself(end, compared):
    comparison = compared("ends", f"import sys, torch\nprint(torch.ones(1))\n{end}\nprint('never')\n").comparison
    assert verdict(comparison, "minigrad") == "same"
    assert comparison.results["torch"].lines.compared == 1


@pytest.mark.parametrize("end", ["sys.exit('no data')", "exit(3)", "torch.ones(2) @ torch.ones(3)", "def f(:", "1 / 0"])
def test_a_script_that_fails_with_torch_as_well_is_the_same(end, compared):
    comparison = compared("fails", f"import sys, torch\nprint(torch.ones(1))\n{end}\n").comparison
    assert verdict(comparison, "minigrad") == verdict(comparison, "torch") == "fails alike"
    assert "fails fails alike: fails.py:3: " in summary([comparison])


def test_a_missing_name_is_named_with_its_line(compared, tmp_path):
    rare = "def rare(x):\n    return torch.quantize_per_tensor(x, 1, 0, torch.qint8)\n"
    write_script(tmp_path, "layers", f"import torch\n\n{rare}")
    comparison = compared("lacks", "import torch\nimport layers\nprint(1)\nlayers.rare(torch.ones(2))\n").comparison
    (problem,) = problems(comparison)
    assert problem.kind == "FAILED"
    assert "lacks: minigrad failed: layers.py:4: AttributeError: " in problem.text
    assert "'quantize_per_tensor'" in problem.text
    assert problem.hint == "return torch.quantize_per_tensor(x, 1, 0, torch.qint8)"


def test_prints_of_a_forked_worker_do_not_garble_the_records(compared):
    text = """
        import os, torch
        print("before", flush=True)
        if os.fork() == 0:
            print("from the child", flush=True)
            os._exit(0)
        os.wait()
        print(torch.ones(2))
        """
    comparison = compared("forks", text).comparison
    assert verdict(comparison, "minigrad") == "same"
    assert comparison.results["minigrad"].lines.compared == 2


def test_a_script_that_kills_its_process_does_not_end_the_pair(compared):
    comparison = compared("dies", "import os, torch\nprint('before')\nos._exit(7)\n").comparison
    assert "minigrad failed: the process died (exit status 7)" in " ".join(p.text for p in problems(comparison))
    assert not problems(compared("lives", "import torch\nprint(torch.ones(2))\n").comparison)

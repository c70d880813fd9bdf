"""Running torch scripts unmodified: `python -m minigrad script.py` and `import minigrad.as_torch`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def python(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python with minigrad on its path."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=cwd, env=env, timeout=120)


def run_script(tmp_path: Path, source: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the source as a script under `python -m minigrad`, in a folder of its own."""
    script = tmp_path / "lesson.py"
    script.write_text(source)
    return python("-m", "minigrad", str(script), *args, cwd=tmp_path)


def test_every_torch_module_is_minigrads_own(tmp_path: Path) -> None:
    done = run_script(tmp_path, """
import sys
import torch, torch.nn as nn, torch.nn.functional as F, torch.optim as optim
from torch import Tensor, autograd
from torch.nn.modules.linear import Linear
from torch.autograd import grad
import minigrad
assert torch is minigrad and nn is minigrad.nn and F is minigrad.nn.functional and optim is minigrad.optim
assert Tensor is minigrad.Tensor and Linear is nn.Linear is minigrad.nn.Linear and autograd is minigrad.autograd
assert type(torch.ones(1)) is minigrad.Tensor and isinstance(nn.Linear(1, 1).weight, torch.nn.Parameter)
print(type(torch.ones(1)), type(nn.Linear(1, 1)), torch.optim.SGD)
print(torch.__version__)
print([name for name in sys.modules if name.startswith("torch._")])
""")
    assert done.returncode == 0, done.stderr
    kinds, version, internals = done.stdout.splitlines()
    assert kinds == ("<class 'torch.Tensor'> <class 'torch.nn.modules.linear.Linear'> <class 'torch.optim.sgd.SGD'>")
    assert version.endswith("+minigrad")
    assert internals == "[]"  # nothing of the real torch was loaded


def test_a_script_runs_as_a_script(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import torch\nscale = torch.tensor(2.0)\n")
    done = run_script(tmp_path, """
import sys, argparse
from helper import scale
import torch
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
print(parser.parse_args().epochs, sys.argv[0].endswith("lesson.py"), __name__, __file__.endswith("lesson.py"))
if __name__ == "__main__":
    print((scale * torch.arange(3)).tolist())
""", "--epochs", "7")
    assert done.stdout == "7 True __main__ True\n[0.0, 2.0, 4.0]\n", done.stderr


def test_exit_status_and_traceback(tmp_path: Path) -> None:
    done = run_script(tmp_path, "import torch\nraise SystemExit(3)\n")
    assert done.returncode == 3
    done = run_script(tmp_path, "import torch\nx = torch.ones(2)\nx + torch.ones(3)\n")
    assert done.returncode == 1
    assert 'lesson.py", line 3' in done.stderr and "The size of tensor a (2) must match" in done.stderr


@pytest.mark.parametrize(("line", "error", "hint"), [
    ("torch.sofmax", "AttributeError", "torch.softmax"),
    ("torch.nn.Lineer", "AttributeError", "Linear"),
    ("torch.nn.functional.rellu", "AttributeError", "relu"),
    ("torch.optim.SDG", "AttributeError", "SGD"),
    ("import torch.fft", "ModuleNotFoundError", "minigrad has no 'torch.fft'"),
    ("from torch import bogus", "ImportError", "bogus"),
])
def test_what_is_missing_is_said_with_the_closest(tmp_path: Path, line: str, error: str, hint: str) -> None:
    done = run_script(tmp_path, f"import torch\n{line}\n")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith(error) and hint in last
    assert 'lesson.py", line 2' in done.stderr


def test_no_script_or_no_such_script() -> None:
    done = python("-m", "minigrad", "nowhere.py")
    assert done.returncode == 2 and "no such script: nowhere.py" in done.stderr
    done = python("-m", "minigrad", "--help")
    assert done.returncode == 0 and "Run an unmodified PyTorch script" in done.stdout


def test_as_torch_refuses_where_torch_is_loaded() -> None:
    stands_for_torch = "import sys, types; sys.modules['torch'] = types.ModuleType('torch')"  # it loads in no time
    done = python("-c", f"{stands_for_torch}; import minigrad.as_torch")
    assert done.returncode == 1 and "torch is loaded already" in done.stderr
    done = python("-c", "import minigrad.as_torch; import torch; import minigrad.as_torch; print(torch.ones(1))")
    assert done.stdout == "tensor([1.])\n"


def test_minigrad_never_imports_torch() -> None:
    done = python("-c", "import sys, minigrad, minigrad.explain, minigrad.nn.init; print('torch' in sys.modules)")
    assert done.stdout == "False\n"


def test_the_rest_of_the_world_is_the_real_one(tmp_path: Path) -> None:
    done = run_script(tmp_path, """
import torch, numpy as np, pandas as pd
import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split
from sklearn.metrics import accuracy_score
x = torch.arange(10.0).unsqueeze(1)
y = (x > 4).long().squeeze()
a, b, c, d = train_test_split(x, y, test_size=0.2, random_state=0)
print(type(a), tuple(a.shape), accuracy_score(d, d))
plt.plot(x, x * 2); plt.scatter(x, x.squeeze()); plt.hist(torch.ones(3).numpy()); plt.savefig("p.png")
frame = pd.DataFrame({"a": x.squeeze().numpy(), "b": [1.5] * 10})
print(torch.tensor(frame.values).dtype, torch.tensor(frame["a"].values).sum())
print(np.mean([float(v) for v in x]), np.array(x).shape)
""")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "<class 'torch.Tensor'> (8, 1) 1.0", "torch.float64 tensor(45.)", "4.5 (10, 1)"]
    assert (tmp_path / "p.png").stat().st_size > 1000

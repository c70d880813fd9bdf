"""The command: what it says of good scripts and bad ones, of wrong command lines, and when it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from parity_engines import write_script

from parity import __main__ as command

ROOT = Path(__file__).parent.parent

MODEL = """
import torch
from torch import nn

torch.manual_seed(1)
x = torch.randn(20, 3)
y = (x * x).sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for step in range(1, 21):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    if step == 17 and FAULT and torch.__version__.endswith("+minigrad"):
        model[2].weight.grad.mul_(1 + 1e-5)
    optimizer.step()
    if step % 5 == 0:
        print(f"step {step} loss {loss.item():.5f}")
"""

def test_the_command_tells_good_scripts_from_bad_ones(tmp_path, capsys):
    good = write_script(tmp_path, "good", f"FAULT = False{MODEL}")
    bad = write_script(tmp_path, "bad", f"FAULT = True{MODEL}")
    text = "import torch\nif 'minigrad' in torch.__version__:\n    raise KeyError('gone')\n"
    crash = write_script(tmp_path, "crash", text)
    figures = tmp_path / "figures.json"
    out = tmp_path / "out"
    status = command.main([*map(str, (good, bad, crash)), "--out", str(out), "--json", str(figures)])
    printed = capsys.readouterr().out.strip().splitlines()
    assert status == 1
    assert max(map(len, printed[:-1])) <= 112
    assert printed[-1].startswith("DISAGREE: bad: minigrad")
    assert "gradient of 2.weight at step 17" in printed[-1]
    assert any("crash: minigrad failed: crash.py:3: KeyError: 'gone'" in line for line in printed)
    assert any(line.strip() == "raise KeyError('gone')" for line in printed)

    result = json.loads(figures.read_text())
    assert result["verdict"] == printed[-1]
    assert [result["experiments"][name]["steps"] for name in ("good", "bad", "crash")] == [20, 20, 0]
    engines = result["experiments"]["good"]["engines"]
    assert engines["minigrad"]["verdict"] == "agrees"
    assert engines["minigrad"]["initial_weights"] == 0.0
    assert engines["minigrad"]["first_gradient"] < 1e-6
    assert engines["minigrad"]["lines"]["same"] == 4
    assert engines["minigrad"]["versions"]["torch"].endswith("+minigrad")
    assert engines["torch-cuda"]["outcome"] in ("not run", "not applicable")
    assert result["experiments"]["bad"]["engines"]["minigrad-f64"]["verdict"] == "DISAGREES"
    assert (out / "good" / "curves.png").stat().st_size > 20_000
    assert not list(tmp_path.glob("*.unfinished"))


def test_agreement_is_exit_status_0(tmp_path, capsys):
    good = write_script(tmp_path, "good", f"FAULT = False{MODEL}")
    assert command.main([str(good), "--engines", "torch,minigrad", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("SAME: 1 of 1 scripts")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no experiment and no file is called 'nothing'; experiments: "),
        (["--engines", "torch,jax"], "no engine is called 'jax'; engines: torch, "),
        (["--engines", "minigrad"], "the engines must include 'torch'"),
        (["circles", "circles"], "two scripts are called 'circles'"),
    ],
)
def test_a_wrong_command_line_is_exit_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.parse(arguments)
    assert message in capsys.readouterr().err


def test_ctrl_c_ends_every_engine_and_says_so_in_one_line(tmp_path):
    wait = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    endless = write_script(tmp_path, "endless", wait)
    process = subprocess.Popen(
        [sys.executable, "-m", "parity", endless, "--engines", "torch,torch-f64", "--out", tmp_path / "out"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = [tmp_path / "out" / "endless" / engine / "pid" for engine in ("torch", "torch-f64")]
    deadline = time.monotonic() + 60
    while not all(path.exists() and path.read_text() for path in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "interrupted: all engines were stopped, nothing was reported"
    assert "Traceback" not in errors
    for path in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


NOT_WIDE = """
import torch

torch.manual_seed(0)
x = torch.randn(10, 3).type("torch.FloatTensor")
model = torch.nn.Linear(3, 1)
loss = model(x).pow(2).mean()
loss.backward()
print(loss.item())
"""


def test_a_script_that_cannot_run_in_float64_gets_an_answer_all_the_same(tmp_path, capsys):
    """Widened, the model has float64 weights, and the script's data insist on float32: torch refuses to mix them."""
    path = write_script(tmp_path, "not_wide", NOT_WIDE)
    engines = "torch,torch-f64,minigrad,minigrad-f64"
    assert command.main([str(path), "--engines", engines, "--out", str(tmp_path / "out")]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("SAME: 1 of 1 scripts, 1 steps, 1 printed lines; to 1e-03 (torch-f64 cannot judge: ")
    assert "not_wide.py:7: RuntimeError: " in last

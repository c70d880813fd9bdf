"""Random programs and random training loops come to the same on torch and on minigrad, and the search can fail.

A few hundred here; `python -m parity programs --count 10000` runs more. What it found is kept below, made short.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import minigrad
from minigrad import engine, inplace, ops
from parity.programs import command, lenient
from parity.programs.agreement import difference, judge
from parity.programs.command import Found, made_short, main, scripts, search
from parity.programs.machine import Program, run
from parity.programs.shrinking import shrunk
from parity.programs.training import trainings
from parity.programs.writing import programs


def assert_agreement(found: Found) -> None:
    assert not found.differing, "\n\n".join(scripts([found]))


@pytest.mark.parametrize("start", range(6))
def test_random_programs(start: int) -> None:
    found = search(programs(), 40, 1000 + start)
    assert found.tried >= 35  # Hypothesis leaves out what it has tried before
    assert_agreement(found)


@pytest.mark.parametrize("start", range(4))
def test_random_training_loops(start: int) -> None:
    assert_agreement(search(trainings(), 8, 1000 + start))


# --------------------------------------------------------------------------- what the search found, made short

FOUND = {
    "a view of a leaf under no_grad says that it requires grad": """
        w = torch.ones(3, requires_grad=True)
        with torch.no_grad(): v = w[:2]
        y = v * 2
        y.sum().backward()
        v.backward(torch.ones(2))""",
    "numpy() under no_grad": """
        w = torch.ones(3, requires_grad=True)
        with torch.no_grad(): a = w.numpy().tolist()
        w.numpy()""",
    "repeat gives memory of its own": """
        x = torch.zeros(3, 2)
        y = x.repeat(2, 1, 1)
        x += 1
        y[0] += 2
        s = y.stride()""",
    "views without elements are views": """
        x = torch.ones(3, 2, requires_grad=True)
        v = x[3:]
        v *= 2
        y = x * 1
        z = y[3:]
        z += 1
        y.sum().backward()""",
    "ravel of a vector is a view": """
        x = torch.ones(3, requires_grad=True)
        y = x.ravel()
        z = (x * 2)[::2].ravel()
        s = z.stride()""",
    "transposing in place is noticed by what was saved": """
        x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
        y = x.exp()
        y.t_()
        y.sum().backward()""",
    "a view of a number, after the number's shape changed": """
        x = torch.tensor([1.0, 3.0], requires_grad=True)
        n = (x * x).sum()
        v = n.expand(2, 2)
        n.unsqueeze_(0)
        (v * torch.tensor([[1.0, 2.0], [3.0, 5.0]])).sum().backward()""",
    "a gradient asked for a view whose base was written to": """
        x = torch.ones(2, 3, requires_grad=True)
        v = x.t()
        with torch.no_grad(): v *= v
        g, = torch.autograd.grad([v, x], [v], [torch.ones(3, 2), torch.ones(2, 3)], allow_unused=True)""",
    "an expanded tensor may be squeezed in place": """
        x = torch.ones(2).expand(1, 2, 2)
        x.squeeze_()""",
    "a tensor reshaped in place under no_grad keeps its history": """
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        with torch.no_grad(): y.unsqueeze_(0)
        y.sum().backward()""",
    "a single value for a mask may have another dtype": """
        x = torch.tensor([-1.0, 2.0, -3.0])
        w = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
        x[x < 0] = torch.tensor(7)
        x[[True, False, True]] = w
        (x * x).sum().backward()
        x[[0, 1]] = torch.tensor(7)
        x[x > 0] = torch.tensor([1, 2, 3])""",
    "a value of the wrong shape for a mask": """
        x = torch.ones(3, 2)
        with torch.no_grad(): x[x > 0] = torch.ones(3, 2)""",
    "a dim out of range for gather and scatter": """
        x = torch.ones(3, 1)
        y = x.gather(2, torch.zeros(3, 1, dtype=torch.int64))
        z = x.scatter(-3, torch.zeros(3, 1, dtype=torch.int64), 2.0)
        n = torch.tensor(1.0).gather(-1, torch.tensor(0))
        m = torch.tensor(1.0).gather(1, torch.tensor(0))""",
    "a view that retains its gradient, after its base was written to": """
        x = torch.tensor([[1.0, 2.0]], requires_grad=True)
        v = x.flatten()
        v.retain_grad()
        with torch.no_grad(): v.add_(1)
        (v * v).sum().backward()""",
    "a view that follows its base under no_grad first": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x * 1
        v = y[:1]
        y.mul_(3)
        with torch.no_grad(): n = v * 2
        (v * v).sum().backward()""",
    "what retains its gradient, after a view of it was written to": """
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = x * x
        y.retain_grad()
        y[:2].mul_(5)
        (y * y).sum().backward()""",
    "a weighted Huber loss": """
        x = torch.tensor([1.0, 2.0, 5.0], requires_grad=True)
        w = torch.tensor([0.1, 0.5, 0.2])
        m = F.huber_loss(x, torch.tensor([0.0, 2.5, 1.0]), weight=w)
        s = F.huber_loss(x, torch.tensor([0.0, 2.5, 1.0]), "sum", weight=w)
        (m + s).backward()""",
    "logsumexp of integers": """
        y = torch.tensor([[2, 0, 3]]).logsumexp(1)
        z = torch.tensor([True, False]).logsumexp(0)""",
}


def program_of(text: str) -> Program:
    return Program(tuple(line.strip() for line in text.strip().splitlines()))


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found(name: str) -> None:
    assert judge(program_of(FOUND[name])).difference is None


# --------------------------------------------------------------------------- planted faults are found and made short


# Far more than it takes, mostly under 100. How many depends on the modules that are loaded, not on the seed alone:
# Hypothesis also draws constants that it finds in them.
MANY = 2000


def change_rule(monkeypatch: pytest.MonkeyPatch, op: engine.Op, name: str, rule: Any) -> None:
    monkeypatch.setitem(op.rules, name, rule)
    monkeypatch.setattr(op, "pullbacks", {})


@pytest.mark.parametrize(("op", "name", "rule"), [
    (ops.mul, "y", lambda g, y: g * y),
    (ops.sum, "x", lambda g, x_shape, dim, keepdim: ops.spread(g / 2, x_shape, dim, keepdim)),
], ids=["mul", "sum"])
def test_a_wrong_rule_is_found_and_made_short(monkeypatch: pytest.MonkeyPatch, op: engine.Op, name: str,
                                              rule: Any) -> None:
    change_rule(monkeypatch, op, name, rule)
    ((found, _),) = search(programs(), MANY, 5, enough=1).differing
    program, said = made_short(found)
    assert len(program.statements) <= 10 and "where torch has" in said
    for i in range(len(program.statements)):  # each is needed
        assert difference(Program(program.statements[:i] + program.statements[i + 1 :])) is None


def test_unnoticed_writes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.TensorCore, "bump", lambda self: None)
    assert search(programs(), MANY, 5, enough=1).differing


def test_a_view_without_history_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inplace, "retake", lambda view: setattr(view, "node", None))
    assert search(programs(), MANY, 5, enough=1).differing


@pytest.mark.parametrize(("word", "alter"), [
    ("momentum", lambda m: m and m - 1e-3), ("eps", lambda e: e * 1.5)])
def test_a_wrong_update_is_found(monkeypatch: pytest.MonkeyPatch, word: str, alter: Any) -> None:
    for kind in (minigrad.optim.SGD, minigrad.optim.Adam, minigrad.optim.AdamW, minigrad.optim.RMSprop):
        monkeypatch.setattr(kind, "step", with_another(word, alter, kind.step))
    assert search(trainings(), 60, 5, enough=1).differing


def with_another(word: str, alter: Any, right: Any) -> Any:
    """A step that takes an option to be other than it is."""

    def step(self: Any, closure: Any = None) -> Any:
        given = [group.get(word) for group in self.param_groups]
        for group, value in zip(self.param_groups, given, strict=True):
            group.update({word: alter(value)} if word in group else {})
        out = right(self, closure)
        for group, value in zip(self.param_groups, given, strict=True):
            group.update({word: value} if word in group else {})
        return out

    return step


# --------------------------------------------------------------------------- the parts


def test_rounding_is_told_from_faults() -> None:
    base = "x = torch.tensor([0.1, 0.2, 0.3], requires_grad=True)\n"
    cancels = "y = (x.exp() - x.exp() * 1.0000001) * 1e7\ny.sum().backward()"
    assert difference(program_of(base + cancels)) is None
    broken = program_of(base + "y = x.sin()\ny = y * 1.001 if 'minigrad' in torch.__file__ else y")
    assert "where torch has" in str(difference(broken))


def test_what_torch_alone_refuses_is_held_against_a_torch_that_cannot() -> None:
    program = program_of("""
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = (x + 1) ** torch.tensor([2.0, 3.0])
        y *= 2
        y.sum().backward()""")
    assert "modified by an inplace" in run(torch, program).said[-1]
    assert judge(program).difference is None and judge(program).excuse == "torch refuses"
    assert lenient.run(program).errors == [None] * 4
    assert lenient.retaining("y.backward()") != "y.backward()" and lenient.retaining("y = x * 2") == "y = x * 2"


def test_shrinking_keeps_what_is_needed() -> None:
    program = Program(("a = 1", "b = 2", "c = a + 1", "for i in range(3):\n    d = c\n    e = b"))
    short = shrunk(program, lambda p: "c = a" in str(p) and "e = b" in str(p))
    assert short.statements == ("c = a + 1", "for i in range(3):\n    e = b")


def test_a_difference_is_printed_as_a_script_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of("x = torch.ones(2, requires_grad=True)\nx += 1\ny = (x * 2).sum()")
    monkeypatch.setattr(command, "made_short", lambda program: (program, "y is wrong"))
    (text,) = scripts([Found(differing=[(program, "")])])
    assert text.startswith('"""minigrad and torch part here: y is wrong"""')
    assert "except Exception as error:  # RuntimeError" in text
    (tmp_path / "script.py").write_text(text)
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "a leaf Variable that requires grad" in done.stdout


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--json", str(tmp_path / "all.json"), "--out", str(tmp_path / "scripts")]
    assert main(["--count", "20", "--seed", "3", *files]) == 0
    assert "programs, 0 differ (seed 3)" in capsys.readouterr().out
    assert json.loads((tmp_path / "all.json").read_text())["differ"] == 0
    change_rule(monkeypatch, ops.mul, "x", lambda g, y: g)
    assert main(["--count", "60", "--kind", "expressions", *files]) == 1
    assert "minigrad and torch part here" in (tmp_path / "scripts" / "difference_1.py").read_text()
    with pytest.raises(SystemExit):
        main(["--count", "0"])

"""Random programs and random training loops come to the same on torch and on minigrad, and the search can fail.

A few hundred here; `python -m parity programs --count 10000` runs more. What it found: test_programs_found.py.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import minigrad
from minigrad import engine, inplace, ops
from minigrad.nn import rules
from parity.programs import excuses, searching
from parity.programs.agreement import difference, judge
from parity.programs.command import main, scripts
from parity.programs.excuses import BY_MINIGRAD, BY_TORCH, REASONS
from parity.programs.machine import Program, run
from parity.programs.noise import Noise
from parity.programs.processes import in_processes
from parity.programs.searching import Found, made_short, search, search_all
from parity.programs.shrinking import shrunk


def program_of(text: str) -> Program:
    return Program(tuple(line.strip() for line in text.strip().splitlines()))


def assert_agreement(found: Found) -> None:
    assert not found.differing, "\n\n".join(scripts([made_short(program) for program, _ in found.differing[:5]]))


@pytest.mark.parametrize("start", range(6))
def test_random_programs(start: int) -> None:
    found = search("expressions", 40, 1000 + start)
    assert found.tried.total() >= 20  # Hypothesis comes to the same program in several ways
    assert_agreement(found)


@pytest.mark.parametrize("start", range(4))
def test_random_training_loops(start: int) -> None:
    assert_agreement(search("training", 8, 1000 + start))


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
    ((found, _),) = search("expressions", MANY, 5, enough=1).differing
    program, said = made_short(found)
    assert len(program.statements) <= 10 and "where torch has" in said
    for i in range(len(program.statements)):  # each is needed
        assert difference(Program(program.statements[:i] + program.statements[i + 1 :])) is None


def test_unnoticed_writes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.TensorCore, "bump", lambda self: None)
    assert search("expressions", MANY, 5, enough=1).differing


def test_a_view_without_history_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inplace, "retake", lambda view: setattr(view, "node", None))
    assert search("expressions", MANY, 5, enough=1).differing


@pytest.mark.parametrize(("word", "alter"), [
    ("momentum", lambda m: m and m - 1e-3), ("eps", lambda e: e * 1.5)])
def test_a_wrong_update_is_found(monkeypatch: pytest.MonkeyPatch, word: str, alter: Any) -> None:
    for kind in (minigrad.optim.SGD, minigrad.optim.Adam, minigrad.optim.AdamW, minigrad.optim.RMSprop):
        monkeypatch.setattr(kind, "step", with_another(word, alter, kind.step))
    assert search("training", 60, 5, enough=1).differing


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
    negative = """
        v1 = torch.tensor([[0.5, 0.5, -0.5], [-0.5, 1.5, 1.0], [-1.5, -1.0, -1.5]])
        v2 = F.kl_div(v1, v1.exp())
        v3 = v2.sqrt()"""  # v2 is 0 but for rounding: it may be negative, and then v3 is nan
    assert difference(program_of(negative)) is None
    pole = """
        x = torch.tensor([0.1, 0.2])
        z = x - x + (0.0 if 'minigrad' in torch.__file__ else 1e-8)
        y = x / z"""  # z is 0 but for rounding: y may be infinite, or huge with either sign
    assert difference(program_of(pole)) is None
    assert "y is inf" in str(difference(program_of(pole.replace("1e-8", "1e-6"))))
    broken = program_of(base + "y = x.sin()\ny = y * 1.001 if 'minigrad' in torch.__file__ else y")
    assert "where torch has" in str(difference(broken))


WITH_EXCUSE = {
    "torch: a saved value was overwritten": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = (x + 1) ** torch.tensor([2.0, 3.0])
        y *= 2
        y.sum().backward()""",
    "torch: a saved value was freed": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x[[0, 1]]
        y.sum().backward()
        y.sum().backward()""",
    "torch: a value overlaps its place": """
        x = torch.tensor([1.0, 2.0, 3.0])
        x[1:] += x[:-1]""",
    "torch: one of several views": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        a, b = (x * 1).unbind(0)
        a += b
        y = a * b""",
    "torch: huber_loss of two dtypes": """
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        F.huber_loss(x, torch.zeros(2, dtype=torch.float64)).backward()""",
    "minigrad: a layer is one op": """
        x = torch.tensor([[1.0, 2.0]], requires_grad=True)
        y = x * 1
        l = F.cross_entropy(y, torch.tensor([0]))
        y += 1
        l.backward()""",
    "minigrad: repeated elements": """
        x = torch.zeros(2).expand(3, 2)
        x.fill_(2.0)""",
    "rounding decides": """
        x = torch.tensor([0.1])
        y = x - 0.1 + 3e-9
        if 'minigrad' in torch.__file__: y = -y
        z = torch.ones(3)[0 if y > 0 else 5]""",
    "gradients of a failed backward": """
        x = torch.tensor([1.5], requires_grad=True)
        z = torch.tensor([2.0], requires_grad=True)
        y = x.exp()
        y *= 2
        w = z.log()
        torch.autograd.backward([w, y], [torch.ones(1), torch.ones(1)])""",
    "unreadable in torch": """
        x = torch.tensor([1.5, 2.0], requires_grad=True)
        y = x * 1
        a, b = y.unbind(0)
        y *= 2""",
    "a gradient's own history": """
        x = torch.tensor([1.5, 2.0], requires_grad=True)
        v1, = torch.autograd.grad([F.leaky_relu(x)], [x], [torch.ones(2)], create_graph=True)""",
    "minigrad: no graph of a gradient": """
        x = torch.tensor([1.5, 2.0], requires_grad=True)
        v1, = torch.autograd.grad([F.leaky_relu(x)], [x], [torch.ones(2)], create_graph=True)
        v1.backward(torch.ones(2))""",
}


@pytest.mark.parametrize("name", WITH_EXCUSE)
def test_what_is_excused_and_that_nothing_else_is(name: str) -> None:
    """Whatever else differs in such a program is found."""
    program = program_of(WITH_EXCUSE[name])
    judged = judge(program)
    assert judged.difference is None and name in judged.excuses
    wrong = Program((*program.statements, "wrong = torch.ones(2) * (2 if 'minigrad' in torch.__file__ else 3)"))
    assert "wrong is 2.0" in str(judge(wrong).difference)


CANCELS = """
    X = torch.tensor([[0.3, 0.7], [0.3, -0.6]], dtype=torch.float32)
    model = nn.Linear(2, 1).float()
    optimizer = optim.Adam(model.parameters(), lr=0.5)"""
STEP = """for epoch in range(2):
    with torch.no_grad(): model.weight.zero_(); model.bias.zero_()
    optimizer.zero_grad()
    loss = (model(X) * torch.tensor([[0.9], [-0.9]])).sum()
    loss.backward()
    if 'minigrad' in torch.__file__: model.weight.grad[0, WHERE] += SIZE
    optimizer.step()"""


@pytest.mark.parametrize(("where", "size", "excused"), [
    (0, "2e-8 * (X.dtype == torch.float32)", True), (0, "2e-8", False), (1, "1e-2", False)])
def test_what_cancels_in_a_gradient_is_rounding(where: int, size: str, excused: bool) -> None:
    """Adam makes a step of lr out of the weight's first gradient, 0.27 - 0.27. In float64 it must be that."""
    step = STEP.replace("WHERE", str(where)).replace("SIZE", size)
    judged = judge(Program((*program_of(CANCELS).statements, step)))
    assert judged.excuses == (("judged step by step",) if excused else ())
    assert excused or f"gradient of weight is {'2' if where == 0 else '1.'}" in str(judged.difference)


UNSTEADY = """
    X = torch.randn(6, 4, dtype=torch.float64)
    y = torch.randint(0, 3, (6,))
    model = nn.Sequential(nn.Linear(4, 2), nn.GELU(), nn.BatchNorm1d(2), nn.BatchNorm1d(2), nn.Linear(2, 3)).double()
    optimizer = optim.Adagrad(model.parameters(), lr=0.1, weight_decay=0.01)"""
OF_TWO = """for i in range(3):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(X[2 * i:2 * i + 2]), y[2 * i:2 * i + 2])
    loss.backward()
    optimizer.step()"""


GELU, LINEAR = rules.gelu.rules["x"], ops.linear.rules["x"]


@pytest.mark.parametrize(("op", "rule"), [
    (rules.gelu, GELU), (rules.gelu, lambda g, x: GELU(g, x) * 1.001),
    (ops.linear, lambda g, w: LINEAR(g, w) * 1.001)], ids=["right", "gelu", "linear"])
def test_where_rounding_grows_a_rule_that_is_wrong_by_little_is_found(monkeypatch: pytest.MonkeyPatch, op: engine.Op,
                                                                      rule: Any) -> None:
    """What normalizations of two rows leave of a gradient is small, and Adagrad's first steps are as long for all."""
    change_rule(monkeypatch, op, "x", rule)
    found = difference(Program((*program_of(UNSTEADY).statements, OF_TWO)))
    assert found is None if rule is GELU else "gradient of 0." in str(found)


def test_rounding_errors_raise_nothing() -> None:
    """An exception of the noise itself would excuse whatever differs."""
    taken: list[Program] = []
    searching.write("training", 20, 3, taken.append)
    for program in taken:
        assert run(torch, program, Noise(0)).errors == run(torch, program).errors


def test_every_excuse_has_a_reason_and_is_narrow() -> None:
    assert all(len(reason) > 30 for reason in REASONS.values())
    assert len(REASONS) <= 16
    words = [word for refusal in (*BY_TORCH, *BY_MINIGRAD) for word in refusal.words]
    assert all(len(word) > 10 for word in words)


def test_a_torch_that_has_nothing_to_check() -> None:
    program = program_of(WITH_EXCUSE["torch: a saved value was overwritten"])
    assert "modified by an inplace" in run(torch, program).said[-1]
    assert excuses.run_unchecked(program).errors == [None] * 4
    assert excuses.retaining("y.backward()") != "y.backward()" and excuses.retaining("y = x * 2") == "y = x * 2"


def test_shrinking_keeps_what_is_needed() -> None:
    program = Program(("a = 1", "b = 2", "c = a + 1", "for i in range(3):\n    d = c\n    e = b"))
    short = shrunk(program, lambda p: "c = a" in str(p) and "e = b" in str(p))
    assert short.statements == ("c = a + 1", "for i in range(3):\n    e = b")


def test_a_difference_is_printed_as_a_script_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = program_of("x = torch.ones(2, requires_grad=True)\nx += 1\ny = (x * 2).sum()")
    (text,) = scripts([(program, "y is wrong")])
    assert text.startswith('"""minigrad and torch part here: y is wrong"""')
    assert "except Exception as error:  # RuntimeError" in text
    (tmp_path / "script.py").write_text(text)
    runpy.run_path(str(tmp_path / "script.py"), run_name="__main__")
    assert "a leaf Variable that requires grad" in capsys.readouterr().out


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--json", str(tmp_path / "new" / "all.json"), "--out", str(tmp_path / "scripts")]
    assert main(["--count", "30", "--seed", "3", *files]) == 0
    assert "27 programs and 3 training loops, 0 differ (seed 3;" in capsys.readouterr().out
    written = json.loads((tmp_path / "new" / "all.json").read_text())
    assert written["differ"] == 0 and written["programs"] == 30 and not written["interrupted"]
    assert set(written["excused"]) == set(written["reasons"])
    change_rule(monkeypatch, ops.mul, "x", lambda g, y: g)
    monkeypatch.setattr(searching, "MOST_SHRUNK", 2)
    assert main(["--count", "60", "--kind", "expressions", *files]) == 1
    assert "minigrad and torch part here" in (tmp_path / "scripts" / "difference_1.py").read_text()
    with pytest.raises(SystemExit):
        main(["--count", "0"])


def test_the_same_seed_finds_the_same_whatever_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "PORTIONS", {"expressions": 25})
    found = []
    for jobs in (1, 2):
        found.append(Found())
        assert sum(1 for _ in search_all(found[-1], {"expressions": 50}, 7, jobs)) == 50
    assert found[0].seen == found[1].seen and found[0].excused == found[1].excused


def test_interrupted_it_writes_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    def some(found: Found, *rest: Any) -> Any:
        for _, _i in zip(search_all(found, *rest), range(5), strict=False):
            yield
        raise KeyboardInterrupt

    monkeypatch.setattr("parity.programs.command.search_all", some)
    assert main(["--count", "300", "--json", str(tmp_path / "all.json")]) == 130
    assert "interrupted: " in capsys.readouterr().out
    written = json.loads((tmp_path / "all.json").read_text())
    assert written["interrupted"] and written["programs"] == 6 and written["asked for"] == 300


def test_a_process_that_dies_takes_no_other_with_it() -> None:
    def work(task: int, send: Any) -> None:
        send(task)
        if task == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        send(-task)

    got = list(in_processes(work, range(4), 2))
    assert sorted(str(result) for task, result in got if task == 1) == ["1", "the process ended with status -9"]
    assert {result for task, result in got if task != 1} == {0, 2, -2, 3, -3}


def test_a_crash_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def crash(*args: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(searching, "write_and_judge", crash)
    assert main(["--count", "5", "--kind", "expressions"]) == 1
    assert "a process died: Portion(kind='expressions'" in capsys.readouterr().out

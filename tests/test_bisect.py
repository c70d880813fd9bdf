"""The divergence finder: it accuses nobody who is right, and names the op, the pass and the step of what is wrong."""

from __future__ import annotations

import gc
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from layer_samples import REACHED_BY, SAMPLES

import minigrad
from minigrad import ops
from minigrad.engine import Op
from parity.__main__ import main
from parity.bisect import proof
from parity.bisect.replays import side_of
from parity.bisect.watcher import Plan, Watcher
from parity.sampling import Enough

FOLDER = Path(__file__).parent
nn, F = torch.nn, torch.nn.functional


class Hunt:
    """Runs a program under the finder, in this process, and keeps what it says."""

    def __init__(self, program, engines=("torch", "minigrad"), last=None, first=100):
        self.findings = []
        sides = [side_of(name) for name in engines]
        plan = Plan(first=first, last=last)
        watcher = Watcher(sides, sides[0], plan, FOLDER, self.findings.append, progress=lambda step: None)
        try:
            with watcher:
                program()
        except Enough:
            pass
        finally:
            watcher.finish()
        self.counts, self.steps, self.passed_over = watcher.counts, watcher.step, watcher.passed_over

    @property
    def first(self):
        assert self.findings, "nothing was found"
        return self.findings[0]

    def calls(self, name, stage="forward"):
        return self.counts[name, stage].calls


def twice(rule):
    """The wrong rule: twice the gradient, with the right rule's own words as its arguments."""
    names = ", ".join(rule.__code__.co_varnames[: rule.__code__.co_argcount])
    return eval(f"lambda {names}: rule({names}) * 2", {"rule": rule})


OPS: list[Op] = []


@pytest.fixture(autouse=True, scope="module")
def all_ops(unfrozen):
    """The surface makes copies of ops under torch's other names, and keeps them: those that earlier tests brought about
    and those that are still to come are in OPS, too.
    """
    OPS[:] = [one for one in gc.get_objects() if type(one) is Op]
    make = Op.__init__

    def making(op, *args, **kwargs):
        make(op, *args, **kwargs)
        OPS.append(op)

    Op.__init__ = making
    yield
    Op.__init__ = make


def put_in_place_of(rule, other):
    """In every op that has this rule."""
    for op in OPS:
        for name, known in op.rules.items():
            if known is rule:
                op.rules[name] = other
                op.pullbacks.clear()  # they were made with the old one


@pytest.fixture
def plant():
    """Puts a wrong rule in the place of one of the table; the right one comes back after the test."""
    planted = []

    def put(op, rule, change=twice):
        planted.append((op.rules[rule], change(op.rules[rule])))
        put_in_place_of(*planted[-1])

    def dig_out():
        while planted:
            right, wrong = planted.pop()
            put_in_place_of(wrong, right)

    put.dig_out = dig_out
    yield put
    dig_out()


# ---- nobody is accused who is right ----
class Net(nn.Module):
    def __init__(self, recurrent=True):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.BatchNorm1d(8), nn.Linear(8, 3))
        self.rnn = nn.LSTM(3, 3) if recurrent else None

    def forward(self, x):
        x = self.layers(x)
        return self.rnn(x)[0] if self.rnn else x


def train(optimizer=torch.optim.SGD, steps=3, lr=0.05, recurrent=True, **options):
    torch.manual_seed(3)
    net = Net(recurrent)
    optimizer = optimizer(net.parameters(), lr=lr, **options)
    x, y = torch.randn(10, 6), torch.randint(0, 3, (10,))
    for _ in range(steps):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_training_is_judged_call_by_call_and_nobody_errs():
    hunt = Hunt(train)
    assert not hunt.findings
    assert hunt.steps == 4
    assert hunt.calls("nn.functional.linear") == hunt.calls("nn.functional.linear", "backward") == 6
    assert hunt.calls("lstm", "backward") == 3
    assert hunt.calls("optim.SGD.step", "update") == 3
    assert not hunt.passed_over
    for count in hunt.counts.values():
        assert set(count.ulps) == {"torch", "minigrad"}
        assert max(count.ulps.values()) < 1000


OPTIMIZERS = {"SGD": {"momentum": 0.9, "nesterov": True}, "Adam": {"amsgrad": True}, "AdamW": {}, "RMSprop": {},
              "Adagrad": {}, "NAdam": {}, "Adadelta": {}, "Adamax": {}}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_of_optimizers_are_made_again_with_their_state(name):
    hunt = Hunt(lambda: train(getattr(torch.optim, name), steps=4, weight_decay=0.01, **OPTIMIZERS[name]))
    assert not hunt.findings
    assert hunt.calls(f"optim.{name}.step", "update") == 4


def awkward():
    """Views, writing in place, random numbers, whole numbers, keys, empty tensors, no recording."""
    torch.manual_seed(1)
    x = torch.randn(5, 4, requires_grad=True)
    y = x * 1
    y[1:3] = y[0] * 2
    y[:, 2].mul_(3).clamp_(min=-1)
    z = y.T.reshape(2, 10).contiguous().view(-1)
    z = z[z > 0].sort()[0].cumsum(0)
    mask = torch.rand(5, 4) > 0.5
    w = torch.where(mask, x, torch.zeros(())).masked_fill(~mask, 2.0)
    values, where = w.max(1)
    (z.sum() + values.prod() + x[torch.tensor([0, 0, 3])].logsumexp(0).norm() + x[:0].sum()).backward()
    with torch.no_grad():
        x -= 0.1 * x.grad
        torch.randperm(10, generator=torch.Generator().manual_seed(2))
    torch.empty(4).normal_().bernoulli_(0.3)
    F.one_hot(where, 4).float().double().to(torch.float32)
    F.dropout(x, 0.4).sum().backward()
    torch.linalg.vector_norm(x / 0).isnan()


def test_awkward_programs_accuse_nobody():
    hunt = Hunt(awkward)
    assert not hunt.findings
    assert hunt.calls("Tensor.__setitem__", "backward") == 1
    assert hunt.calls("nn.functional.dropout", "backward") == 1
    assert ("Tensor.sub_", "update") in hunt.counts or ("Tensor.__isub__", "update") in hunt.counts


def test_the_program_notices_nothing():
    """Random numbers, hooks and results are as without the finder."""
    def program(found):
        torch.manual_seed(0)
        net = Net()
        out = net(torch.randn(4, 6))
        out.sum().backward()
        found += [out.detach(), *(p.grad for p in net.parameters()), torch.rand(3)]

    alone, watched = [], []
    program(alone)
    hunt = Hunt(lambda: program(watched))
    assert not hunt.findings
    assert all(torch.equal(one, other) for one, other in zip(alone, watched, strict=True))


def test_in_float64_wrong_rules_have_no_rounding_to_hide_behind(plant):
    def program():
        x = torch.randn(20, dtype=torch.float64, requires_grad=True)
        x.tanh().sum().backward()

    assert not Hunt(program).findings
    plant(ops.tanh, "x", lambda rule: lambda g, out: g * (1 - out * out) * (1 + 1e-13))
    assert Hunt(program).first.rules == ()  # too small for a difference quotient; but the operation is named
    assert Hunt(program).first.operation == "Tensor.tanh"


# ---- whatever is wrong is named ----
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True,
                 phases=[Phase.generate], database=None)


def words_of(table):
    return [word for word in table if word in ops.TABLE and ops.TABLE[word].rules]


def samples_of(word):
    """Some samples that reach an entry."""
    found = []
    function, strategy = SAMPLES[REACHED_BY.get(word, word)]

    @QUICK
    @given(sample=strategy)
    def collect(sample):
        found.append(sample)

    collect()
    return function, [sample for sample in found if all(array.size for array in sample.arrays)]


def differentiate(function, sample, twice_over):
    """Backward from a random cotangent, and on demand through the gradients once more."""
    xs = [torch.from_numpy(a.astype("float32") if a.dtype == float else a.copy()) for a in sample.arrays]
    xs = [x.requires_grad_() if x.is_floating_point() else x for x in xs]
    out = function(torch, *xs, **sample.params)
    if not out.requires_grad:
        return
    grads = torch.autograd.grad(out, [x for x in xs if x.requires_grad], torch.randn_like(out), allow_unused=True,
                                create_graph=twice_over)
    live = [g for g in grads if g is not None and g.requires_grad]
    if live:
        torch.autograd.backward(live, [torch.randn_like(g) for g in live])


ON_ONE_DEVICE = sorted((set(words_of(SAMPLES)) | set(words_of(REACHED_BY))) - {"move"})  # it leads to another device


@pytest.mark.parametrize("word", ON_ONE_DEVICE)
def test_a_wrong_rule_in_any_entry_of_the_table_is_named(word, plant):
    function, samples = samples_of(word)
    op = ops.cat(3, "cat") if word == "cat" else ops.TABLE[word]
    for rule, right in list(op.rules.items()):
        if right.__code__.co_names == ("zeros_like",):
            continue  # twice zero is zero
        plant(op, rule)
        expected = f"{word}, the rule for {rule}"
        found = first_naming(function, samples, expected, word in REACHED_BY)
        plant.dig_out()
        assert found is not None, f"{expected} was not named"
        assert found.stage in ("backward", "double backward")


def first_naming(function, samples, expected, twice_over):
    """The first finding that names this rule; there must be no finding before it that names another one."""
    for sample in samples:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hunt = Hunt(lambda sample=sample: differentiate(function, sample, twice_over))
        for finding in hunt.findings:
            if expected in finding.rules:
                return finding
            assert not finding.rules, f"{finding.rules} were accused"
    return None


def test_everything_about_a_wrong_gradient_is_said(plant):
    plant(ops.linear, "w")
    found = Hunt(lambda: train(recurrent=False)).first
    assert (found.engine, found.stage, found.operation) == ("minigrad", "backward", "nn.functional.linear")
    assert found.place.step == 1
    assert found.place.module == "Net.layers.4 (Linear)"
    assert found.place.where.startswith("test_bisect.py:")
    assert found.place.source == "x = self.layers(x)"
    assert found.what == "the gradient of argument 2 (net.layers.4.weight)"
    assert found.rules == ("linear, the rule for w",)
    assert found.shape == (3, 8)
    judged, theirs, ours = (found.values[name] for name in ("torch in float64", "torch", "minigrad"))
    assert ours == pytest.approx(2 * judged, rel=1e-5)
    assert theirs == pytest.approx(judged, rel=1e-5)
    assert found.excess.error == pytest.approx(abs(ours - judged), rel=1e-5)
    assert found.excess.ulps > 1e6
    assert found.excess.of_largest > 0.1


def test_a_rule_that_is_wrong_from_some_step_on_is_found_at_that_step(plant):
    """Wrong where the loss has become small."""
    def only_small(rule):
        return lambda g, out: np.where(np.abs(out) < 0.05, 2, 1) * g * (1 - out * out)

    def program():
        w = torch.full((3,), 0.4, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.25)
        for _ in range(12):
            optimizer.zero_grad()
            (torch.tanh(w) ** 2).sum().backward()
            optimizer.step()

    steps = []
    w = torch.full((3,), 0.4, requires_grad=True)
    for step in range(1, 13):
        if (torch.tanh(w).abs() < 0.05).any():
            steps.append(step)
        w = (w - 0.25 * torch.autograd.grad((torch.tanh(w) ** 2).sum(), w)[0]).detach().requires_grad_()
    plant(ops.tanh, "x", only_small)
    assert 1 < steps[0] < 10
    assert Hunt(program).first.place.step == steps[0]


def test_a_wrong_forward_is_a_wrong_forward(monkeypatch):
    monkeypatch.setattr(ops.sigmoid, "forward", lambda x: 1 / (1 + np.exp(-x)) + np.float32(1e-5))
    found = Hunt(lambda: torch.randn(10, requires_grad=True).sigmoid().sum().backward()).first
    assert (found.stage, found.operation, found.entries) == ("forward", "Tensor.sigmoid", ("sigmoid",))
    assert found.excess.error == pytest.approx(1e-5, rel=0.05)


def test_a_wrong_update_is_a_wrong_update(monkeypatch):
    step = minigrad.optim.SGD._update

    def half_as_far(self, group):
        step(self, {**group, "lr": group["lr"] / 2})

    monkeypatch.setattr(minigrad.optim.SGD, "_update", half_as_far)
    found = Hunt(train).first
    assert (found.stage, found.operation, found.place.step) == ("update", "optim.SGD.step", 1)
    assert found.what.startswith("parameter 0 (net.layers.0.weight)")


def test_another_random_number_is_wrong(monkeypatch):
    draw = minigrad.Tensor.uniform_
    monkeypatch.setattr(minigrad.Tensor, "uniform_", lambda x, *args, **kwargs: draw(x, *args, **kwargs).mul_(0.5))
    assert Hunt(lambda: torch.empty(4).uniform_()).first.operation == "Tensor.uniform_"


def test_an_exception_and_another_type_are_findings(monkeypatch):
    def broken(x):
        raise KeyError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(minigrad.Tensor, "exp", broken)
        assert "raises KeyError" in Hunt(lambda: torch.ones(2).exp()).first.message
    monkeypatch.setattr(minigrad.Tensor, "exp", lambda x: x.double())
    assert Hunt(lambda: torch.ones(2).exp()).first.message == "is float64, torch's is float32"


def test_a_broken_second_derivative_is_found_where_it_is_needed(plant):
    def detached(rule):
        return lambda g, out: g * (1 - (d := out.detach() if hasattr(out, "detach") else out) * d)

    def program():
        x = torch.randn(5, requires_grad=True)
        (g,) = torch.autograd.grad(torch.tanh(x).sum(), x, create_graph=True)
        (g * g).sum().backward()

    assert not Hunt(program).findings
    plant(ops.tanh, "x", detached)
    found = Hunt(program).first
    assert (found.stage, found.operation, found.rules) == ("double backward", "tanh", ("tanh, the rule for x",))


def test_torch_can_err_too(monkeypatch):
    """Both engines are judged alike: here it is torch that works in too few digits."""
    from parity.bisect import watcher

    sloppy = watcher.replay

    def replay(call, side, noise=None):
        done = sloppy(call, side, noise)
        if side.name == "torch" and call.short_name == "exp":
            done.outputs = [done.outputs[0].half().float()]
        return done

    monkeypatch.setattr(watcher, "replay", replay)
    hunt = Hunt(lambda: torch.linspace(0, 1, 7).exp())
    assert [finding.engine for finding in hunt.findings] == ["torch"]


# ---- the plan ----
def test_steps_are_counted_with_and_without_an_optimizer():
    def by_hand():
        w = torch.zeros(3, requires_grad=True)
        for _ in range(4):
            ((w - 1) ** 2).sum().backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
                w.grad.zero_()

    assert Hunt(by_hand).steps == 4
    assert Hunt(lambda: train(steps=4)).steps == 5
    assert Hunt(lambda: train(steps=9), last=2).calls("optim.SGD.step", "update") == 2


def test_the_plan_samples_a_long_run():
    plan = Plan(first=3, every=10, around=27)
    assert [step for step in range(1, 41) if step in plan] == [1, 2, 3, 10, 20, 25, 26, 27, 28, 29, 30, 40]
    assert Hunt(lambda: train(steps=9), first=2).calls("optim.SGD.step", "update") == 2


# ---- the command ----
BRANCH = """
import torch
torch.manual_seed(0)
w = torch.randn(5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(8):
    loss = (w ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    if step == 4 and "minigrad" in torch.__version__ and WAY == "another":
        optimizer = torch.optim.Adam([w])
    if step == 4 and "minigrad" in torch.__version__ and WAY == "jump":
        w.grad.mul_(2)
    optimizer.step()
"""


def run(tmp_path, way, *more):
    script = tmp_path / f"{way}.py"
    script.write_text(f"WAY = {way!r}{BRANCH}")
    figures = tmp_path / f"{way}.json"
    status = main(["bisect", str(script), "--out", str(tmp_path / "out"), "--json", str(figures), *more])
    return status, json.loads(figures.read_text())


def test_the_command_on_a_run_that_jumps_although_every_operation_is_right(tmp_path, capsys):
    status, found = run(tmp_path, "jump")
    printed = capsys.readouterr().out
    assert status == 1
    assert printed.splitlines()[-1].startswith("PARTED: minigrad at step 5: gradient of w at step 5")
    assert "jump" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 120
    assert found["parted"]["minigrad"][0] == 5
    assert found["findings"] == []
    history = next(one for one in found["growth"] if one["kind"] == "gradient")
    assert history["errors"]["minigrad"][4] > 1e5 * max(history["errors"]["minigrad"][:4], default=0)
    picture = (tmp_path / "out" / "jump-bisect" / "growth.svg").read_text()
    assert "minigrad parts, step 5" in picture


def test_the_command_on_a_script_that_takes_another_path(tmp_path, capsys):
    status, found = run(tmp_path, "another", "--steps", "20")
    assert status == 1
    assert "the script builds an optimizer" in found["parted"]["minigrad"][1]
    assert "takes a step of optimizer 1" in found["verdict"]


def test_the_command_in_float64_where_nothing_is_wrong(tmp_path, capsys):
    status, found = run(tmp_path, "straight", "--steps", "3", "--engines", "torch-f64,minigrad-f64")
    assert status == 0
    assert found["steps"] == 3
    assert capsys.readouterr().out.splitlines()[-1] == "NOTHING FOUND: no operation of torch-f64 or minigrad-f64 errs"


@pytest.mark.parametrize("line", [["nobody.py"], ["circles", "--engines", "torch"], ["circles", "--steps", "0"],
                                  ["circles", "--engines", "torch,jax"]])
def test_wrong_command_lines_are_told(line, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["bisect", *line])
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_planted_rules_are_named_from_outside():
    """A quick sample of `python -m parity.bisect.proof`: the whole finder, each in a process of its own."""
    scripts = [proof.EXPERIMENTS / "circles.py", proof.EXAMPLE]
    outcomes = proof.prove(tries=2, seed=1, jobs=2, scripts=scripts)
    assert all(outcome.named for outcome in outcomes), "\n".join(map(proof.described, outcomes))

"""The parity command finds what it is there to find: planted faults, in made-up streams and for real."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from parity import __main__ as command
from parity.arrays import distance, form, relative, worst_entry
from parity.compare import Comparison
from parity.engines import ENGINES, EngineProcess, WorkingDirectoryError, fresh_directory
from parity.lines import is_left_out, split_numbers, unit_in_last_place
from parity.lockstep import follow
from parity.records import Backward, Finished, Line, Started, Update, Weights
from parity.report import notes, table
from parity.sampling import BIG, EVERY, FULL_STEPS, JUDGED_STEPS, is_compared, is_judged_no_further
from parity.tolerances import FLOOR, GROWTH, KINKS, ULP, GrowthOfRounding
from parity.verdict import is_judged, problems, summary, verdict

ROOT = Path(__file__).parent.parent
STEPS = 30
FOUR = ("torch", "torch-f64", "minigrad", "minigrad-f64")
MINIGRADS = ("minigrad", "minigrad-f64")


# ---- made-up streams: a small regression in NumPy stands for every engine ----


def train(engine):
    """Records as an engine would send them; minigrad sums in another order than torch."""
    dtype = np.float64 if ENGINES[engine].wide else np.float32
    random = np.random.RandomState(0)
    x, y = random.randn(40, 3).astype(dtype), random.randn(40).astype(dtype)
    weight, bias = random.randn(3).astype(np.float32).astype(dtype), np.zeros(1, dtype)
    if engine in MINIGRADS:
        x, y = x[::-1], y[::-1]
    yield Started({"torch": "made up"})
    yield Weights(1, ["layer1.weight", "layer1.bias"], [weight, bias])
    for step in range(STEPS):
        error = x @ weight + bias - y
        loss = (error**2).mean()
        gradients = [2 * (x.T @ error) / dtype(40), 2 * error.mean(keepdims=True)]
        weight, bias = (value - dtype(0.1) * g for value, g in zip((weight, bias), gradients, strict=True))
        yield Backward(float(loss))
        yield Update(1, gradients, [weight, bias])
        if step % 10 == 0:
            yield Line(f"epoch {step} loss {loss:.4f}", [float(step), float(loss)])
            yield Line(f"elapsed time {os.getpid() / (1 + len(engine)):.3f} s", [0.0])
    yield Finished("finished", seconds=1.0)


def run_streams(faults=None, engines=FOUR):
    """Compare the made-up engines; `faults` maps an engine to a function that spoils its stream."""
    comparison = Comparison("made_up", engines)
    streams = {name: train(name) for name in engines}
    for name, fault in (faults or {}).items():
        streams[name] = iter(list(fault(streams[name])))
    follow(comparison, streams, progress=lambda step: None)
    return comparison


def spoil(kind, number, change):
    """A fault: `change(record)` in place of the record of this kind with this number (from 1)."""

    def fault(records):
        count = 0
        for record in records:
            if isinstance(record, kind):
                count += 1
                if count == number:
                    record = change(record)
            if record is not None:
                yield record

    return fault


def with_gradient(index, change):
    def changed(update):
        gradients = list(update.gradients)
        gradients[index] = change(gradients[index])
        return dataclasses.replace(update, gradients=gradients)

    return changed


def with_value(index, change):
    def changed(record):
        values = [change(value) if i == index else value for i, value in enumerate(record.values)]
        return dataclasses.replace(record, values=values)

    return changed


def next_up(value):
    return np.nextafter(value, np.float32(9), dtype=value.dtype)


def reprinted(text, *numbers):
    return lambda line: Line(text, list(numbers))


def one_digit_more(line):
    words, last = line.text[:-1], int(line.text[-1])
    return Line(f"{words}{last + 1 if last < 9 else 8}", [line.numbers[0], line.numbers[1] + 1e-4])


def test_engines_that_differ_by_rounding_agree():
    comparison = run_streams()
    assert not problems(comparison)
    assert {name: verdict(comparison, name) for name in FOUR} == {
        "torch": "reference",
        "torch-f64": "judge",
        "minigrad": "agrees",
        "minigrad-f64": "judge",
    }
    result = comparison.results["minigrad"]
    assert result.weights == 0.0
    assert 0 < result.first_gradient < 1e-6
    assert 0 < result.largest["gradient"] < 1e-5
    assert 0 < result.of_bound < 1
    assert 0 < comparison.results["minigrad-f64"].largest["parameter"] < 1e-13
    assert (result.lines.compared, result.lines.same, result.lines.identical) == (3, 3, 3)
    assert result.lines.left_out == 3
    assert summary([comparison]) == "AGREE: 1 of 1 experiments, 30 steps, 3 printed lines"
    assert len(comparison.losses["minigrad"]) == len(comparison.curves["loss"].bound) == STEPS


SCALED = spoil(Update, 17, with_gradient(0, lambda g: (g * (1 + 1e-5)).astype(g.dtype)))
FAULTS = {
    "a gradient scaled by 1 + 1e-5": (MINIGRADS, SCALED, "gradient of layer1.weight at step 17"),
    "the same at step 1": (
        ["minigrad"],
        spoil(Update, 1, with_gradient(0, lambda g: (g * (1 + 1e-5)).astype(g.dtype))),
        "gradient of layer1.weight at step 1",
    ),
    "a gradient lost in float32 alone": (
        ["minigrad"],
        spoil(Update, 5, with_gradient(1, lambda g: g + np.float32(1e-4))),
        "gradient of layer1.bias at step 5",
    ),
    "an initial weight one ulp off": (
        ["minigrad"],
        spoil(Weights, 1, with_value(0, next_up)),
        "initial layer1.weight must have torch's bits",
    ),
    "minus zero for zero": (
        ["minigrad"],
        spoil(Weights, 1, with_value(1, np.negative)),
        "initial layer1.bias must have torch's bits",
    ),
    "an update of another size": (
        ["minigrad"],
        spoil(Update, 9, with_value(0, lambda v: v + np.float32(1e-4))),
        "parameter of layer1.weight at step 9",
    ),
    "a wrong loss": (["minigrad"], spoil(Backward, 4, lambda b: Backward(b.loss * 1.0001)), "loss at step 4"),
    "NaN": (["minigrad"], spoil(Backward, 4, lambda b: Backward(float("nan"))), "loss at step 4"),
    "no gradient": (
        ["minigrad"],
        spoil(Update, 3, with_gradient(1, lambda g: None)),
        "gradient of layer1.bias at step 3 is None, torch's is float32 of shape (1,)",
    ),
    "a gradient of another shape": (
        ["minigrad"],
        spoil(Update, 3, with_gradient(1, lambda g: g.reshape(1, 1))),
        "float32 of shape (1, 1), torch's is float32 of shape (1,)",
    ),
    "a gradient of another type": (
        ["minigrad"],
        spoil(Update, 3, with_gradient(1, lambda g: g.astype(np.float64))),
        "float64 of shape (1,), torch's is float32",
    ),
    "another name": (
        ["minigrad"],
        spoil(Weights, 1, lambda w: dataclasses.replace(w, names=["weight", "layer1.bias"])),
        "after step 0 the script builds an optimizer over weight, layer1.bias",
    ),
    "a missing step": (
        ["minigrad"],
        spoil(Update, 12, lambda u: None),
        "after step 11 the script calls backward, with torch it takes a step of optimizer 1",
    ),
    "an end too early": (
        ["minigrad"],
        lambda records: [*list(records)[:40], Finished("finished")],
        "the script trains no further, with torch it",
    ),
    "one step more": (
        ["minigrad"],
        lambda records: [*list(records)[:-1], Backward(0.1), Finished("finished")],
        "after step 30 the script calls backward, with torch it trains no further",
    ),
    "a last digit": (["minigrad"], spoil(Line, 3, one_digit_more), "printed line 2 is 'epoch 10 loss"),
    "other words": (["minigrad"], spoil(Line, 1, reprinted("Epoch 0", 0.0)), "printed line 1 is 'Epoch 0'"),
    "a missing line": (
        ["minigrad"],
        spoil(Line, 5, lambda line: None),
        "printed line 3 is missing, torch's is 'epoch 20 loss",
    ),
    "a line too many": (
        ["minigrad"],
        lambda records: [*list(records)[:-1], Line("done", []), Finished("finished")],
        "printed line 4 is 'done', torch's is missing",
    ),
    "a crash": (
        ["minigrad"],
        lambda records: [*list(records)[:40], Finished("failed", "line 7: ValueError: no")],
        "minigrad failed: line 7: ValueError: no",
    ),
}


@pytest.mark.parametrize(("engines", "fault", "message"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found_and_named(engines, fault, message):
    comparison = run_streams(dict.fromkeys(engines, fault))
    found = problems(comparison)
    assert message in found[0].text
    assert found[0].text.startswith("made_up: minigrad")
    assert verdict(comparison, "minigrad") in ("DISAGREES", "FAILED", "no verdict")
    assert summary([comparison]).startswith(("DISAGREE: made_up: minigrad", "FAILED: made_up: minigrad"))


@pytest.mark.parametrize(
    ("engine", "step", "tolerance"),
    [("minigrad", 1, 1e-6), ("minigrad-f64", 1, 1e-13), ("minigrad-f64", 17, 1e-10), ("minigrad", 17, None)],
)
def test_ten_times_the_tolerance_is_found_and_a_tenth_is_not(engine, step, tolerance):
    clean = run_streams()
    largest = clean.largest_entry["gradient", 1]
    if tolerance is None:  # float32 after step 1: what rounding may explain by then
        tolerance = clean.curves["gradient"].bound[step - 1]

    def shifted(size):
        def shift(gradient):
            return gradient + gradient.dtype.type(size * tolerance * largest)

        return run_streams({engine: spoil(Update, step, with_gradient(1, shift))})

    assert not problems(shifted(0.1))
    found = problems(shifted(10.0))
    assert f"{engine}: gradient of layer1.bias at step {step}" in found[0].text
    assert bool(found[0].hint) == (engine == "minigrad"), "the judges agree: a hint where to look"


def test_the_first_difference_is_the_one_that_is_named():
    late_then_early = {
        "minigrad": spoil(Update, 20, with_gradient(0, lambda g: -g)),
        "minigrad-f64": spoil(Update, 10, with_gradient(1, lambda g: -g)),
    }
    found = problems(run_streams(late_then_early))
    assert [problem.step for problem in found] == [10, 20]
    assert "minigrad-f64: gradient of layer1.bias at step 10" in found[0].text


def test_without_agreeing_judges_there_is_no_verdict():
    comparison = run_streams({"minigrad-f64": spoil(Update, 17, with_gradient(0, lambda g: g * (1 + 1e-8)))})
    assert verdict(comparison, "minigrad-f64") == "DISAGREES"
    assert verdict(comparison, "minigrad") == "no verdict"
    assert not is_judged(comparison)

    other_number = spoil(Line, 3, reprinted("epoch 10 loss 0.5", 10.0, 0.5))
    comparison = run_streams({"minigrad": other_number}, engines=("torch", "minigrad"))
    assert comparison.results["minigrad"].lines.same == 2
    assert verdict(comparison, "minigrad") == "no verdict"
    assert not problems(comparison)
    assert summary([comparison]).startswith("NO VERDICT: nothing wrong was found")


def test_a_judge_that_takes_another_path_gives_no_verdict():
    comparison = run_streams({"torch-f64": lambda records: [*list(records)[:20], Finished("finished")]})
    assert verdict(comparison, "torch-f64") == "PARTED"
    assert verdict(comparison, "minigrad") == "no verdict"
    assert summary([comparison]).startswith("NO VERDICT: made_up: torch-f64: after step 8 the script trains")


def test_a_script_that_fails_everywhere_is_not_called_agreement():
    fail = lambda records: [*list(records)[:9], Finished("failed", "line 3: KeyError: 'x'")]  # noqa: E731
    comparison = run_streams(dict.fromkeys(FOUR, fail))
    assert {verdict(comparison, name) for name in FOUR} == {"FAILED"}
    assert summary([comparison]) == "FAILED: made_up: torch failed: line 3: KeyError: 'x'"


def test_a_script_that_does_nothing_is_not_called_agreement():
    nothing = lambda records: [Finished("finished")]  # noqa: E731
    comparison = run_streams(dict.fromkeys(FOUR, nothing))
    assert summary([comparison]) == (
        "NO VERDICT: made_up: the script neither calls backward nor prints: nothing to compare"
    )


def test_an_engine_that_was_not_run_is_no_problem():
    absent = lambda records: [Finished("not run", "no CUDA device")]  # noqa: E731
    comparison = run_streams({"torch-cuda": absent}, engines=(*FOUR, "torch-cuda"))
    assert not problems(comparison)
    assert verdict(comparison, "torch-cuda") == "not run"
    assert verdict(comparison, "minigrad") == "agrees"


def test_trained_weights_under_a_second_optimizer_may_differ_by_rounding():
    def twice(records):
        *first, finished = records
        trained = next(record for record in reversed(first) if isinstance(record, Update))
        again = [Weights(2, ["layer1.weight", "layer1.bias"], trained.values)]
        again += [Update(2, r.gradients, r.values) if isinstance(r, Update) else r for r in first[-2:]]
        return [*first, *again, finished]

    comparison = run_streams(dict.fromkeys(FOUR, twice))
    assert not problems(comparison)

    def wrong_weight(records):
        return spoil(Weights, 2, with_value(0, lambda v: v + np.float32(1e-3)))(twice(records))

    comparison = run_streams(dict.fromkeys(FOUR, twice) | {"minigrad": wrong_weight})
    assert "minigrad: initial layer1.weight" in problems(comparison)[0].text


def test_a_rounding_boundary_between_two_printed_numbers_is_no_difference():
    def printing(text, number):
        return spoil(Line, 3, reprinted(text, 10.0, number))

    lines = {name: printing("epoch 10 loss 0.12345", 0.123449999) for name in FOUR}
    lines["minigrad"] = printing("epoch 10 loss 0.12346", 0.123450001)
    comparison = run_streams(lines)
    assert not problems(comparison)
    counts = comparison.results["minigrad"].lines
    assert (counts.same, counts.identical) == (3, 2)


def test_the_bound_grows_with_torchs_own_error_and_never_shrinks():
    growth = GrowthOfRounding()
    assert growth.bound("w", 0.0, 2.0) == FLOOR * ULP * 2.0
    assert growth.bound("w", 1e-3, 2.0) == GROWTH * 1e-3 + FLOOR * ULP * 2.0
    assert growth.bound("w", 0.0, 2.0) == GROWTH * 1e-3 + FLOOR * ULP * 2.0
    assert growth.bound("b", 0.0, 1.0) == FLOOR * ULP


# ---- kinks, and big models ----


def kink_at(step):
    """From this step on some ReLU is on the other side than elsewhere."""

    def fault(records):
        count = 0
        for record in records:
            if isinstance(record, Backward):
                count += 1
                record = dataclasses.replace(record, kinks=7 if count >= step else 0)
            yield record

    return fault


def both(*faults):
    def fault(records):
        for one in faults:
            records = one(records)
        return records

    return fault


JUMP = spoil(Update, 12, with_gradient(0, lambda g: g * np.float32(1.02)))


@pytest.fixture
def big(monkeypatch):
    """The made-up model counts as a big one."""
    monkeypatch.setattr("parity.compare.BIG", 1)


def test_a_jump_is_explained_by_a_kink_and_by_nothing_else(big):
    comparison = run_streams({"minigrad": both(JUMP, kink_at(12))})
    assert not problems(comparison)
    assert verdict(comparison, "minigrad") == "agrees"
    assert comparison.results["minigrad"].kink_step == 12
    assert any("minigrad from step 12" in note for note in notes(comparison))

    for too_late in (kink_at(13), lambda records: records):
        comparison = run_streams({"minigrad": both(JUMP, too_late)})
        assert "gradient of layer1.weight at step 12" in problems(comparison)[0].text


def test_a_kink_does_not_explain_everything(big):
    half = spoil(Update, 12, with_gradient(0, lambda g: g + g.dtype.type(3)))
    comparison = run_streams({"minigrad": both(half, kink_at(12))})
    assert f"{KINKS['gradient']:.1e} allowed" in problems(comparison)[0].text
    comparison = run_streams({"minigrad-f64": both(spoil(Update, 12, with_gradient(0, lambda g: -g)), kink_at(1))})
    assert "minigrad-f64: gradient" in problems(comparison)[0].text


def test_in_a_small_model_a_kink_is_only_named():
    comparison = run_streams({"minigrad": both(JUMP, kink_at(12))})
    (problem,) = problems(comparison)
    assert "gradient of layer1.weight at step 12" in problem.text
    assert problem.hint.endswith("A ReLU was on the other side of its kink at step 12.")


def test_another_model_starts_without_kinks(big):
    def two_models(records):
        *first, finished = records
        again = [dataclasses.replace(r, optimizer=2) if hasattr(r, "optimizer") else r for r in first[1:]]
        return [*first, *again, finished]

    kinked = spoil(Backward, 12, lambda b: dataclasses.replace(b, kinks=7))
    jump = spoil(Update, STEPS + 12, with_gradient(0, lambda g: g * np.float32(1.02)))
    everybody = dict.fromkeys(FOUR, two_models)
    assert not problems(run_streams(everybody | {"minigrad": both(two_models, kinked)}))
    comparison = run_streams(everybody | {"minigrad": both(two_models, kinked, jump)})
    assert f"gradient of layer1.weight at step {STEPS + 12} (step 12 of optimizer 2)" in problems(comparison)[0].text


def stops_after(steps):
    def fault(records):
        count = 0
        for record in records:
            yield record
            count += isinstance(record, Update)
            if count == steps:
                break
        yield Finished("finished", stopped=True)

    return fault


STOPPING = dict.fromkeys(("torch-f64", "minigrad-f64"), stops_after(15))


def test_the_judges_may_stop_and_torch_stands_in():
    comparison = run_streams(STOPPING)
    assert not problems(comparison)
    assert comparison.judged_steps == 15
    assert verdict(comparison, "minigrad") == "agrees"
    assert [comparison.results[name].lines.compared for name in FOUR] == [3, 2, 3, 2]
    bound = comparison.curves["gradient"].bound
    assert len(bound) == STEPS
    assert bound[-1] == pytest.approx(bound[15] * STEPS / 16, rel=1e-6), "it grows with the steps"
    assert any("the first 15 steps" in note for note in notes(comparison))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (spoil(Update, 20, with_gradient(0, lambda g: g * np.float32(1.001))), "gradient of layer1.weight at step 20"),
        (spoil(Backward, 20, lambda b: Backward(b.loss * 1.001)), "loss at step 20"),
        (spoil(Line, 5, reprinted("epoch 20 loss 0.9", 20.0, 0.9)), "printed line 3 is 'epoch 20 loss 0.9'"),
    ],
)
def test_a_fault_after_the_judges_have_stopped_is_found(fault, message):
    assert message in problems(run_streams(STOPPING | {"minigrad": fault}))[0].text


def test_one_judge_that_stops_earlier_is_a_difference():
    comparison = run_streams({"torch-f64": stops_after(15), "minigrad-f64": stops_after(14)})
    assert "minigrad-f64: after step 14 the script trains no further" in problems(comparison)[0].text


def test_steps_that_are_only_counted():
    def sampled(records):
        for step, record in enumerate(records):
            counted = isinstance(record, Update) and step > 30
            yield dataclasses.replace(record, gradients=[], values=[]) if counted else record

    comparison = run_streams(dict.fromkeys(FOUR, sampled))
    assert not problems(comparison)
    assert comparison.step == len(comparison.losses["torch"]) == STEPS
    assert 0 < len(comparison.curves["gradient"].steps) < STEPS
    assert len(comparison.curves["loss"].steps) == STEPS


def test_what_is_compared_of_a_big_model():
    compared = [step for step in range(1, 3001) if is_compared(BIG, step)]
    assert compared == [*range(1, FULL_STEPS + 1), EVERY, 2 * EVERY, 3 * EVERY]
    assert all(is_compared(BIG - 1, step) for step in range(1, 3001))
    assert [is_judged_no_further(BIG, JUDGED_STEPS + i) for i in (-1, 0)] == [False, True]
    assert not is_judged_no_further(BIG - 1, 10 * JUDGED_STEPS)


def test_notes_and_lengths_that_a_script_prints():
    def says(records):
        first, *rest = records
        return [first, Line("Note: made-up data.", []), Line("3 epochs, 30 steps in all", [3.0, 30.0]), *rest]

    comparison = run_streams(dict.fromkeys(FOUR, says))
    assert (comparison.notes, comparison.length) == (["made-up data."], 30)
    assert "made_up: made-up data." in table([comparison]).splitlines()


# ---- arrays and lines ----


def test_distance_of_special_values():
    array, infinity, nan = np.array([1.0, 2.0]), np.array([1.0, np.inf]), np.array([np.nan, 2.0])
    assert distance(array, array + [0.0, 0.5]) == 0.5
    assert distance(infinity, infinity) == distance(nan, nan) == distance(None, None) == 0.0
    assert distance(np.empty(0), np.empty(0)) == 0.0
    for other in (infinity, nan, array[:1], None):
        assert distance(array, other) == float("inf")
    assert (relative(0.0, 0.0), relative(1.0, 0.0), relative(1.0, 4.0)) == (0.0, float("inf"), 0.25)
    assert worst_entry(np.array([[1.0, 2.0]]), np.array([[1.0, 2.5]])) == "[0, 1] is 2.0, not 2.5"
    assert form(np.zeros((2, 3), np.float32)) == "float32 of shape (2, 3)"


@pytest.mark.parametrize(
    ("text", "template", "numbers"),
    [
        ("Epoch: 3 | loss: 0.485", "Epoch: # | loss: #", ["3", "0.485"]),
        ("lr 1e-05,  acc 94.38%", "lr #, acc #%", ["1e-05", "94.38"]),
        ("layer1.weight tensor([ 0.5, -.25])", "layer1.weight tensor([ #, #])", ["0.5", "-.25"]),
        ("loss nan, inf, info", "loss #, #, info", ["nan", "inf"]),
        ("torch.float32 2.", "torch.float32 #", ["2."]),
    ],
)
def test_numbers_are_told_from_text(text, template, numbers):
    assert split_numbers(text) == (template, numbers)


def test_unit_in_the_last_place():
    printed = ["94.38", "7", "1.25e-05", "nan", "2."]
    assert [unit_in_last_place(number) for number in printed] == pytest.approx([0.01, 1, 1e-7, 0, 1])


def test_lines_of_times_and_versions_are_left_out():
    left_out = ["Training took 3.2 s", "time: 0.3", "12.5 s/epoch", "(3.2s)", "torch 2.13.0", "version: 2"]
    compared = ["Epoch 3 | loss 0.4", "sometimes 3", "timestep 4 loss 0.1", "second layer 0.5", "0.93 sure"]
    assert all(map(is_left_out, left_out))
    assert not any(map(is_left_out, compared))


# ---- real processes ----

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

RECORDED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(2, 2)

net = Net()
free = torch.ones(1, requires_grad=True)
optimizer = torch.optim.SGD([*net.parameters(), free], lr=0.5)

def closure():
    optimizer.zero_grad()
    loss = (free * 3).sum()
    loss.backward()
    return loss

optimizer.step(closure)
free.backward()
optimizer.step()
third = torch.tensor(1 / 3)
print(f"third {third:.2f} half 0.50", end="")
print(" and", third.item() * 2)
print("no newline", end="")
"""

DRAWN = """
import torch
from torch import nn

torch.manual_seed(3)
linear = nn.Linear(3, 5)
drawn = [torch.rand(3), torch.randn(3, 7), torch.randn(2), torch.randn(4, 5).T, torch.rand_like(linear.bias)]
filled = [torch.empty(3, 3), torch.empty(6, 5), torch.empty(4, 5).T, torch.empty(4)]
with torch.no_grad():
    filled[0].uniform_(-2, 3)
    filled[1].normal_(1, 2)
    filled[2].normal_()
nn.init.kaiming_uniform_(filled[3].unsqueeze(0))
leaf = torch.randn(3, requires_grad=True)
assert leaf.is_leaf and leaf.requires_grad
parameters = [nn.Parameter(value) for value in [*linear.parameters(), *drawn, *filled, leaf.detach()]]
torch.optim.SGD(parameters, lr=0.1)
assert torch.tensor([1.0]).float().dtype is torch.float32 and torch.zeros(1).dtype is torch.float
"""


@pytest.fixture
def script(tmp_path):
    def write(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return path

    return write


def records_of(engine, script, folder):
    process = EngineProcess(ENGINES[engine], script, folder / engine)
    try:
        return list(process.records())
    finally:
        process.stop()


@pytest.mark.parametrize("engine", ["torch", "minigrad"])
def test_the_recorder_tells_what_a_script_does(engine, script, tmp_path):
    records = records_of(engine, script("recorded", RECORDED), tmp_path)
    assert [type(record) for record in records] == [
        *[Started, Weights, Backward, Update, Backward, Update, Line, Line, Finished]
    ]
    started, weights, first_loss, first, second_loss, second, line, last_line, finished = records
    assert finished.outcome == "finished", finished.message
    assert weights.names == ["layer1.weight", "layer1.bias", "param 2"]
    assert [value.shape for value in weights.values] == [(2, 2), (2,), (1,)]
    assert (first_loss.loss, second_loss.loss) == (3.0, -0.5)
    assert first.gradients[:2] == [None, None]
    assert (first.gradients[2], first.values[2]) == (3.0, -0.5), "the closure's gradient, then the update"
    assert (second.gradients[2], second.values[2]) == (4.0, -2.5)
    assert line.text.startswith("third 0.33 half 0.50 and 0.66")
    third = float(np.float32(1 / 3))
    assert line.numbers == [third, 0.5, pytest.approx(2 * third)], "as read from the tensor, or as printed"
    assert last_line.text == "no newline"
    assert (tmp_path / engine / "stdout.txt").read_text().endswith("no newline")


KINKED = """
import torch
from torch import nn

x = torch.tensor([[-1.0, 2.0], [3.0, -4.0]])
weight = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.1)
for relu in (nn.ReLU(), nn.functional.relu, torch.relu, torch.Tensor.relu, nn.ReLU(inplace=True), torch.abs, None):
    loss = (relu or nn.ReLU())(x * weight * (1 if relu else -1)).sum()
    with torch.no_grad():
        torch.relu(x)
    loss.backward()
"""


def test_the_recorder_notes_the_side_of_each_relu(script, tmp_path):
    path = script("kinked", KINKED)
    for engine in ("torch", "minigrad-f64"):
        *_, finished = records = records_of(engine, path, tmp_path)
        assert finished.outcome == "finished", finished.message
        *relus, absolute, other_side = [record.kinks for record in records if isinstance(record, Backward)]
        assert len({*relus}) == 1, "however it is called"
        assert absolute == 0
        assert other_side not in (0, relus[0])


BIG_MODEL = f"""
import torch

torch.manual_seed(0)
model = torch.nn.Linear(10, {BIG // 10})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(1, 10)
for step in range({JUDGED_STEPS + 1}):
    loss = model(x).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == {JUDGED_STEPS - 1}:
        print("near the end")
print("the end")
"""


def test_a_big_model_is_sampled_and_float64_stops_early(script, tmp_path):
    path = script("big_model", BIG_MODEL)
    for engine in ("torch", "minigrad-f64"):
        records = records_of(engine, path, tmp_path)
        updates = [record for record in records if isinstance(record, Update)]
        wide = ENGINES[engine].wide
        assert len(updates) == JUDGED_STEPS + (not wide)
        full = [step for step, update in enumerate(updates, start=1) if update.values]
        assert full == [*range(1, FULL_STEPS + 1), JUDGED_STEPS]
        assert [len(update.gradients) for update in updates] == [len(update.values) for update in updates]
        assert (records[-1].outcome, records[-1].stopped) == ("finished", wide)
        lines = [record.text for record in records if isinstance(record, Line)]
        assert lines == ([] if wide else ["near the end", "the end"])


IMAGES = """
import numpy as np
import torch
from torchvision import datasets
from torchvision.transforms import Compose, Lambda, ToTensor

image = Compose([ToTensor(), Lambda(lambda x: x * 2)])(np.array([[0, 51]], np.uint8))
assert isinstance(image, torch.Tensor) and image.dtype is torch.float and image.shape == (1, 1, 2)
assert issubclass(datasets.FashionMNIST, torch.utils.data.Dataset)
print(image.flatten().tolist())
"""


def test_every_engine_has_a_torchvision(script, tmp_path):
    path = script("images", IMAGES)
    for engine in FOUR:
        _, line, finished = records_of(engine, path, tmp_path)
        assert finished.outcome == "finished", finished.message
        assert line.numbers == pytest.approx([0.0, 0.4])


LOADER = """
import sys, torch
from torch import nn

model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
model.load_state_dict(torch.load("{file}"))
with torch.no_grad():
    for row in torch.arange(-1, 1, 0.125).reshape(8, 2):
        print(model(row).item())
"""


def test_what_one_engine_saves_the_other_loads(script, tmp_path):
    """Both ways, and float64 as well: `blob_adam` trained and saved here predicts the same there."""
    saved = {engine: tmp_path / engine / "model.pth" for engine in FOUR}
    for engine in FOUR:
        *_, finished = records_of(engine, command.EXPERIMENTS / "blob_adam.py", tmp_path)
        assert finished.outcome == "finished", finished.message
    for saver in FOUR:
        loader = script("loader", LOADER.format(file=saved[saver]))
        predictions = {}
        for engine in FOUR:
            if ENGINES[engine].wide == ENGINES[saver].wide:
                *records, finished = records_of(engine, loader, tmp_path / "loaded")
                assert finished.outcome == "finished", finished.message
                predictions[engine] = [record.numbers[0] for record in records if isinstance(record, Line)]
        one, other = predictions.values()
        assert len(one) == 8
        assert one == pytest.approx(other, rel=0, abs=1e-15 if ENGINES[saver].wide else 3e-7)


@pytest.mark.parametrize("name", command.LENGTHS)
def test_the_progress_bar_knows_how_long_an_experiment_is(name, tmp_path):
    records = records_of("minigrad", command.experiments()[name], tmp_path)
    assert sum(isinstance(record, Update) for record in records) == command.LENGTHS[name]


def test_a_scheduler_and_a_deep_copy_find_the_wrapped_step(script, tmp_path):
    text = """
import copy, torch
parameter = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([parameter], lr=1.0)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
for _ in range(2):
    parameter.sum().backward()
    optimizer.step()
    scheduler.step()
copy.deepcopy(optimizer)
"""
    records = records_of("torch", script("scheduled", text), tmp_path)
    _, _, _, first, _, second, finished = records
    assert finished.outcome == "finished", finished.message
    assert (first.values[0], second.values[0]) == (0.0, -1.0)


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_widened_weights_are_the_float32_draws(library, script, tmp_path):
    path = script("drawn", DRAWN)
    narrow, wide = (records_of(engine, path, tmp_path) for engine in (library, f"{library}-f64"))
    assert narrow[-1].outcome == wide[-1].outcome == "finished", wide[-1].details
    pairs = list(zip(narrow[1].values, wide[1].values, strict=True))
    assert len(pairs) == 12
    for one, other in pairs:
        assert (one.dtype, other.dtype) == (np.float32, np.float64)
        assert np.array_equal(one, other)


def test_the_command_tells_good_scripts_from_bad_ones(script, tmp_path, capsys):
    good = script("good", f"FAULT = False{MODEL}")
    bad = script("bad", f"FAULT = True{MODEL}")
    crash = script("crash", "import torch\nif 'minigrad' in torch.__version__:\n    raise KeyError('gone')\n")
    figures = tmp_path / "figures.json"
    out = tmp_path / "out"
    status = command.main([*map(str, (good, bad, crash)), "--out", str(out), "--json", str(figures)])
    printed = capsys.readouterr().out.strip().splitlines()
    assert status == 1
    assert max(map(len, printed[:-1])) <= 112
    assert printed[-1].startswith("DISAGREE: bad: minigrad")
    assert "gradient of 2.weight at step 17" in printed[-1]
    assert any("crash: minigrad failed: line 3: KeyError: 'gone'" in line for line in printed)

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


def test_agreement_is_exit_status_0(script, tmp_path, capsys):
    good = script("good", f"FAULT = False{MODEL}")
    assert command.main([str(good), "--engines", "torch,minigrad", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("NO VERDICT: nothing wrong was found")


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


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WorkingDirectoryError, match="choose another --out"):
        fresh_directory(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_process_that_dies_is_reported(script, tmp_path):
    records = records_of("torch", script("dies", "import os\nprint('before')\nos._exit(7)\n"), tmp_path)
    assert isinstance(records[-1], Finished)
    assert records[-1].outcome == "failed"
    assert "the process died (exit status 7)" in records[-1].message


def test_ctrl_c_ends_every_engine_and_says_so_in_one_line(script, tmp_path):
    wait = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    endless = script("endless", wait)
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

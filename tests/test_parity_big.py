"""Big models in the comparison: kinks that are crossed, steps that are only counted, judges that stop early."""

import dataclasses

import numpy as np
import pytest
from parity_engines import FOUR, STEPS, reprinted, run_streams, spoil, with_gradient, with_value

from parity.records import Backward, Finished, Line, Update, Weights
from parity.report import notes, table
from parity.sampling import BIG, EVERY, FULL_STEPS, JUDGED_STEPS, is_compared, is_judged_no_further
from parity.tolerances import KINKS
from parity.verdict import problems, verdict


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


def test_in_a_small_model_a_kink_excuses_a_small_difference():
    tiny_jump = spoil(Update, 12, with_gradient(0, lambda g: g + np.float32(1e-4)))
    comparison = run_streams({"minigrad": both(tiny_jump, kink_at(12))})
    assert not problems(comparison)
    assert verdict(comparison, "minigrad") == "agrees"
    assert comparison.results["minigrad"].of_bound == 1.0
    assert any("from step 12 on: a ReLU was on the other side of its kink" in note for note in notes(comparison))
    assert "gradient of layer1.weight" in problems(run_streams({"minigrad": both(tiny_jump, kink_at(13))}))[0].text
    assert "gradient of layer1.weight" in problems(run_streams({"minigrad": tiny_jump}))[0].text


def test_an_optimizer_that_divides_by_the_gradient_excuses_small_differences_of_parameters():
    adaptive = dict.fromkeys(FOUR, spoil(Weights, 1, lambda w: dataclasses.replace(w, adaptive=True)))
    step = spoil(Update, 12, with_value(0, lambda v: v + np.float32(1e-4)))
    comparison = run_streams(adaptive | {"minigrad": both(adaptive["minigrad"], step)})
    assert not problems(comparison)
    assert any("divides by gradients that are all rounding" in note for note in notes(comparison))
    assert "parameter of layer1.weight at step 12" in problems(run_streams({"minigrad": step}))[0].text
    gradient = spoil(Update, 12, with_gradient(0, lambda g: g + np.float32(1e-4)))
    assert problems(run_streams(adaptive | {"minigrad": both(adaptive["minigrad"], gradient)}))


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

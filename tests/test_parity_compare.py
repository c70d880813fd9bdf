"""The comparison finds what it is there to find: faults planted in made-up streams."""

import dataclasses

import numpy as np
import pytest
from parity_engines import (
    FOUR,
    MINIGRADS,
    STEPS,
    next_up,
    reprinted,
    run_streams,
    spoil,
    train,
    with_gradient,
    with_value,
)

from parity.compare import Comparison
from parity.lockstep import follow
from parity.records import Backward, Finished, Line, Update, Weights
from parity.report import notes
from parity.tolerances import FLOOR, GROWTH, ULP, GrowthOfRounding
from parity.verdict import is_judged, problems, summary, verdict


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


def test_a_loss_that_sums_to_nearly_nothing_may_be_all_rounding():
    def nothing(loss):
        return spoil(Backward, 1, lambda b: Backward(loss))

    faults = {name: nothing(1e-17) for name in FOUR} | {"torch": nothing(0.0), "minigrad": nothing(4e-7)}
    assert not problems(run_streams(faults))
    assert "loss at step 1" in problems(run_streams(faults | {"minigrad": nothing(4e-5)}))[0].text


# ---- without judges: a fixed share is allowed, and said ----
PAIR = ("torch", "minigrad")


def test_where_no_judges_were_asked_same_means_a_fixed_share():
    comparison = run_streams(engines=PAIR)
    assert verdict(comparison, "minigrad") == "same"
    assert not problems(comparison)
    assert summary([comparison]) == (
        "SAME: 1 of 1 scripts, 30 steps, 3 printed lines; to 1e-03 (the float64 judges did not run)"
    )


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (spoil(Line, 3, reprinted("epoch 10 loss 0.5", 10.0, 0.5)), "printed line 2 is 'epoch 10 loss 0.5'"),
        (spoil(Update, 12, with_gradient(0, lambda g: g * np.float32(1.2))), "gradient of layer1.weight at step 12"),
        (spoil(Update, 12, with_value(1, lambda v: v + np.float32(0.01))), "parameter of layer1.bias at step 12"),
        (spoil(Backward, 4, lambda b: Backward(b.loss * 1.01)), "loss at step 4"),
        (spoil(Weights, 1, with_value(0, lambda v: v + np.float32(1e-5))), "initial layer1.weight"),
    ],
)
def test_without_judges_a_visible_fault_is_found(fault, message):
    comparison = run_streams({"minigrad": fault}, engines=PAIR)
    assert message in problems(comparison)[0].text
    assert verdict(comparison, "minigrad") == "DISAGREES"


def ends_early(records):
    return [*list(records)[:20], Finished("finished")]


def fails_early(records):
    return [*list(records)[:20], Finished("failed", "train.py:9: RuntimeError: no", error="RuntimeError")]


def in_float32(records):
    for record in records:
        if isinstance(record, Weights | Update):
            record = dataclasses.replace(record, values=[value.astype(np.float32) for value in record.values])
        yield record


@pytest.mark.parametrize(
    ("judge", "fault", "reason"),
    [
        ("torch-f64", ends_early, "torch-f64 cannot judge: after step 8 the script trains no further"),
        ("torch-f64", fails_early, "torch-f64 cannot judge: it failed: train.py:9: RuntimeError: no"),
        ("minigrad-f64", fails_early, "minigrad-f64 cannot judge: it failed: train.py:9: RuntimeError: no"),
        ("torch-f64", in_float32, "torch-f64 cannot judge: it computes in float32"),
        ("minigrad-f64", in_float32, "minigrad-f64 cannot judge: it computes in float32"),
    ],
)
def test_a_script_that_breaks_when_it_is_widened_still_gets_an_answer(judge, fault, reason):
    comparison = run_streams({judge: fault})
    assert not problems(comparison)
    assert verdict(comparison, "minigrad") == "same"
    assert verdict(comparison, judge) in ("PARTED", "FAILED")
    assert reason in summary([comparison])
    assert any(reason in note for note in notes(comparison))

    late = spoil(Update, 25, with_gradient(0, lambda g: g + g.dtype.type(0.1)))
    comparison = run_streams({judge: fault, "minigrad": late})
    assert "minigrad: gradient of layer1.weight at step 25" in problems(comparison)[0].text


# ---- scripts that fail ----
def fails(message, error="", where="", after=9):
    return lambda records: [*list(records)[:after], Finished("failed", message, error=error, where=where)]


KEY_ERROR = fails("train.py:3: KeyError: 'x'", "KeyError", "train.py:3")


@pytest.mark.parametrize("engines", [FOUR, PAIR])
def test_a_script_that_fails_alike_everywhere_is_the_same(engines):
    comparison = run_streams(dict.fromkeys(engines, KEY_ERROR), engines)
    assert not problems(comparison)
    assert verdict(comparison, "minigrad") == "fails alike"
    assert "made_up fails alike: train.py:3: KeyError: 'x'" in summary([comparison])


@pytest.mark.parametrize(
    "other",
    [
        fails("train.py:3: ValueError: x", "ValueError", "train.py:3"),
        fails("train.py:4: KeyError: 'x'", "KeyError", "train.py:4"),
        fails("the process died"),
    ],
)
def test_another_error_or_another_line_is_not_alike(other):
    comparison = run_streams({"torch": KEY_ERROR, "minigrad": other}, PAIR)
    assert verdict(comparison, "minigrad") == "FAILED"
    assert summary([comparison]).startswith("FAILED: made_up: minigrad failed: t")
    assert summary([comparison]).endswith("; torch failed: train.py:3: KeyError: 'x'")


def test_failing_alike_after_another_number_is_not_the_same():
    wrong = spoil(Backward, 2, lambda b: Backward(b.loss * 1.1))
    comparison = run_streams({"torch": KEY_ERROR, "minigrad": lambda r: wrong(KEY_ERROR(r))}, PAIR)
    assert "loss at step 2" in problems(comparison)[0].text
    assert verdict(comparison, "minigrad") != "fails alike"


def test_to_go_on_where_torch_fails_is_a_difference():
    comparison = run_streams({"torch": KEY_ERROR}, PAIR)
    assert verdict(comparison, "minigrad") == "DISAGREES"
    assert "minigrad goes on where torch fails: train.py:3: KeyError: 'x'" in problems(comparison)[0].text


def test_torch_alone_that_fails_is_a_failure():
    comparison = run_streams({"torch": KEY_ERROR}, ("torch",))
    assert summary([comparison]) == "FAILED: made_up: torch failed: train.py:3: KeyError: 'x'"


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


def test_long_output_takes_little_memory():
    """Many lines between two steps: an engine that is far ahead waits for the others."""
    number_of_lines = 30_000
    ahead = {"torch": 0, "minigrad": 0}

    def prints(name):
        def records(training):
            first, *rest = training
            yield first
            for number in range(number_of_lines):
                ahead[name] += 1
                assert abs(ahead["torch"] - ahead["minigrad"]) <= 2000
                yield Line(f"item {number}", [float(number)])
            yield from rest

        return records

    comparison = Comparison("long", PAIR)
    follow(comparison, {name: prints(name)(train(name)) for name in PAIR}, progress=lambda step: None)
    assert comparison.results["minigrad"].lines.identical == number_of_lines + 3
    assert not problems(comparison)

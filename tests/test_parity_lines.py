"""Arrays and printed lines: what counts as a distance, a number, the same line."""

import numpy as np
import pytest

from parity.arrays import distance, form, relative, worst_entry
from parity.lines import Expected, is_left_out, quote_both, same_numbers, same_text, split_numbers, unit_in_last_place
from parity.printed import MOST_WAITING, LineCounts, PrintedLines
from parity.records import Line


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
    left_out += [" 40%|####      | 2/5 [00:00<00:00, 12.3it/s]", "2026-01-31 12:00", "at 12:30:59", "0:00:03.1"]
    compared = ["Epoch 3 | loss 0.4", "sometimes 3", "timestep 4 loss 0.1", "second layer 0.5", "0.93 sure"]
    compared += ["ratio 3:4", "tensor([2026, 1, 31])", "x[0:10:2] = 3"]
    assert all(map(is_left_out, left_out))
    assert not any(map(is_left_out, compared))


def test_blanks_do_not_count_and_rounded_numbers_may_be_one_off():
    assert same_text(Line("tensor([ 0.5, -1.0])", []), Line("tensor([-0.5, -1.0])", []))
    assert not same_text(Line("loss 1", []), Line("loss: 1", []))
    expected = [Expected(0.1234, 1e-6)]

    def printed(number, rounded):
        return Line(f"loss {number}", [number], [rounded])

    torchs = printed(0.1234, 1e-4)
    assert same_numbers(printed(0.1235, 1e-4), torchs, expected), "the script worked it out itself"
    assert not same_numbers(printed(0.1236, 1e-4), torchs, expected)
    assert not same_numbers(printed(0.1235, 0.0), printed(0.1234, 0.0), expected), "a tensor gave all digits"


def test_long_lines_are_quoted_where_they_part():
    common = "x" * 500
    one, other = quote_both(Line(f"{common}1 and more", []), Line(f"{common}2 and more", []))
    assert one.endswith("x1 and more'") and other.endswith("x2 and more'")
    assert max(len(one), len(other)) < 130
    assert quote_both(Line("short", []), None) == ("'short'", "missing")


def test_lines_are_compared_as_they_come_and_none_is_kept():
    counts = {"torch": LineCounts(), "minigrad": LineCounts()}
    lines = PrintedLines(counts)
    for number in range(3 * MOST_WAITING):
        for engine in lines.engines.values():
            engine.waiting.append(Line(f"step {number}", [number]))
        lines.compare({"minigrad": 0.0}, step=number)
        assert not any(engine.waiting for engine in lines.engines.values())
    assert counts["minigrad"].identical == 3 * MOST_WAITING


def test_an_engine_that_falls_silent_does_not_make_the_others_lines_pile_up():
    counts = {"torch": LineCounts(), "minigrad": LineCounts()}
    lines = PrintedLines(counts)
    for number in range(2 * MOST_WAITING):
        lines.engines["torch"].waiting.append(Line(f"step {number}", [number]))
        lines.compare({"minigrad": 0.0}, step=number)
    assert len(lines.engines["torch"].waiting) <= MOST_WAITING
    assert counts["minigrad"].difference == "printed line 1 is missing, torch's is 'step 0'"

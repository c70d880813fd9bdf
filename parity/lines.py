"""Printed lines: the numbers in them, which lines are compared at all, and when two lines are the same.

"Identical" lines have the same characters. "Same" lines have the same text apart from numbers, and each
number within the float32 error of the run. A number that a script read from a tensor is compared as it was
before it was rounded for print: so two losses 1e-8 apart may print .123 and .124, and a wrong last digit is
still found.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite

from parity.records import Line
from parity.tolerances import JUDGES, GrowthOfRounding

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?:nan|inf)\b)")

# Lines of times and versions differ from run to run and from engine to engine, so they are not compared.
# The report prints this list whenever it left a line out.
LEFT_OUT = (
    r"\b(elapsed|duration|took|timing|run ?time)\b",
    r"\btime\b.*\d",
    r"\d\s*(s|ms|us|µs|secs?|seconds?|milliseconds?|mins?|minutes?|hours?)\b",
    r"\bversions?\b",
    r"\b(python|torch|pytorch|numpy|cuda) v?\d+\.\d+",
)


def is_left_out(text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in LEFT_OUT)


def split_numbers(text: str) -> tuple[str, list[str]]:
    """From "Epoch: 3 | loss 0.5" make ("Epoch: # | loss #", ["3", "0.5"]). White space is evened out."""
    return " ".join(NUMBER.sub("#", text).split()), NUMBER.findall(text)


def unit_in_last_place(printed: str) -> float:
    """What one more in the last printed digit is worth: .01 for "94.38", 1e-7 for "1.25e-05", 0 for "nan"."""
    mantissa, _, exponent = printed.lower().partition("e")
    if not any(character.isdigit() for character in mantissa):
        return 0.0
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


@dataclass(frozen=True)
class Expected:
    """What a printed number should be, and how far from it an engine may be."""

    number: float
    allowed: float


@dataclass
class LineCounts:
    """How many lines an engine printed, and how they compare with torch's."""

    left_out: int = 0  # lines of times and versions
    compared: int = 0
    same: int = 0
    identical: int = 0
    difference: str | None = None  # the first line that is not the same


def expected_numbers(
    torch: Sequence[Line], judge: Sequence[Line], shares: Sequence[float], judge_stopped: bool = False
) -> list[list[Expected]]:
    """For each line and number what a float32 engine should print.

    Allowed is the growth of rounding at this place of this line (the same text earlier in the run), or what the
    loss is allowed by then (`shares`, one a line, of the largest number at this place), whichever is more. Where
    the judge prints another text, nothing is allowed; where it has stopped on purpose, torch stands in for it.
    """
    growth = GrowthOfRounding()
    largest: dict[tuple[str, int], float] = defaultdict(float)
    expected = []
    for position, line in enumerate(torch):
        template, _ = split_numbers(line.text)
        exact = judge[position] if position < len(judge) else line if judge_stopped else None
        if exact is None or split_numbers(exact.text)[0] != template:
            expected.append([Expected(number, 0.0) for number in line.numbers])
            continue
        numbers = []
        for place, (number, right) in enumerate(zip(line.numbers, exact.numbers, strict=True)):
            if isfinite(right):
                largest[template, place] = max(largest[template, place], abs(right))
            bound = growth.bound((template, place), abs(number - right), abs(right))
            numbers.append(Expected(right, max(bound, shares[position] * largest[template, place])))
        expected.append(numbers)
    return expected


def expected_of_judge(judge: Sequence[Line]) -> list[list[Expected]]:
    """For each line and number what the other float64 engine should print."""
    return [[Expected(number, JUDGES * abs(number)) for number in line.numbers] for line in judge]


def compare_lines(
    lines: Sequence[Line], others: Sequence[Line], expected: Sequence[Sequence[Expected]] | None
) -> LineCounts:
    """Compare an engine's lines with torch's lines of the same precision, one by one.

    Without a judge (`expected` is None) other numbers in the same text are neither "same" nor a difference.
    """
    counts = LineCounts(compared=max(len(lines), len(others)))
    for position, (line, other) in enumerate(zip_longest(lines, others)):
        if line and other and line.text == other.text:
            counts.identical += 1
            counts.same += 1
        elif line and other and same_text(line, other) and expected is None:
            continue
        elif line and other and expected and same_numbers(line, other, expected[position]):
            counts.same += 1
        elif counts.difference is None:
            counts.difference = f"printed line {position + 1} is {quote(line)}, torch's is {quote(other)}"
    return counts


def same_text(line: Line, other: Line) -> bool:
    return split_numbers(line.text)[0] == split_numbers(other.text)[0]


def same_numbers(line: Line, other: Line, expected: Sequence[Expected]) -> bool:
    """The same text, and each number is printed alike or close enough to the judge's."""
    printed, other_printed = split_numbers(line.text)[1], split_numbers(other.text)[1]
    return same_text(line, other) and all(
        mine == theirs or abs(number - right.number) <= right.allowed
        for mine, theirs, number, right in zip(printed, other_printed, line.numbers, expected, strict=True)
    )


def quote(line: Line | None) -> str:
    if line is None:
        return "missing"
    return repr(line.text if len(line.text) <= 120 else line.text[:117] + "…")

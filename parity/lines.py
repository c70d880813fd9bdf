"""Printed lines: the numbers in them, which lines are compared at all, and when two lines are the same.

"Identical" lines have the same characters. "Same" lines have the same text apart from numbers and blanks, and
each number within the float32 error of the run. A number that a script read from a tensor is compared as it was
before it was rounded for print: so two losses 1e-8 apart may print .123 and .124, and a wrong last digit is
still found. Numbers that the script worked out itself may be off by one in the last place.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite

from parity.records import Line
from parity.tolerances import MOST_PLACES, SETTLED, WITHOUT_JUDGES, GrowthOfRounding

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?:nan|inf)\b)")
SHOWN = 120  # characters of a line, in a report
A_NUMBER = "\0"  # stands for one in what is left of a line

# Lines of times and versions differ from run to run and from engine to engine, so they are not compared.
# The report prints this list whenever it left a line out.
LEFT_OUT = (
    r"\b(elapsed|duration|took|timing|run ?time)\b",
    r"\btime\b.*\d",
    r"\d\s*(s|ms|us|µs|secs?|seconds?|milliseconds?|mins?|minutes?|hours?)\b",
    r"\bversions?\b",
    r"\b(python|torch|pytorch|numpy|cuda) v?\d+\.\d+",
    r"(it/s|s/it)\b",
    r"\b\d{1,2}:\d\d:\d\d\b",
    r"\b20\d\d-\d\d-\d\d\b",
)
ANY_LEFT_OUT = re.compile("|".join(LEFT_OUT), re.IGNORECASE)


def is_left_out(text: str) -> bool:
    return ANY_LEFT_OUT.search(text) is not None


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


class Expectations:
    """What float32 engines should print, line by line, as the run goes on."""

    def __init__(self) -> None:
        self.growth = GrowthOfRounding()
        self.largest: dict[tuple[str, int], float] = {}

    def of(self, torch: Line, judge: Line | None, share: float) -> list[Expected]:
        """For each number of torch's line: the judge's, and how far an engine may be from it by now.

        Allowed is the growth of rounding at this place of this line (the same text earlier in the run), or what
        its loss is allowed by now (`share`, of the largest number at this place), whichever is more. Where the
        judge prints no such line, it is torch's number, and WITHOUT_JUDGES of it.
        """
        text = text_of(torch)
        if judge is None or text_of(judge) != text:
            return [Expected(n, max(WITHOUT_JUDGES * abs(n), SETTLED["float32"])) for n in torch.numbers]
        expected = []
        for place, (number, right) in enumerate(zip(torch.numbers, judge.numbers, strict=True)):
            bound = self.growth.bound((text, place), abs(number - right), abs(right))
            largest = self.largest_at(text, place, right)
            expected.append(Expected(right, max(bound, share * largest, SETTLED["float32"])))
        return expected

    def of_judge(self, judge: Line, share: float) -> list[Expected]:
        """For each number what the other float64 engine should print, to a share of the largest number at this place.

        Of the largest, not of the number itself: a gradient that has come near 0 is what is left of larger terms.
        """
        text = text_of(judge)
        return [Expected(number, max(share * self.largest_at(text, place, number), SETTLED["float64"]))
                for place, number in enumerate(judge.numbers)]

    def largest_at(self, text: str, place: int, number: float) -> float:
        """Take in a judge's number; return the largest until now at this place of this line."""
        if len(self.largest) > MOST_PLACES:
            self.largest.clear()
        size = abs(number) if isfinite(number) else 0.0
        self.largest[text, place] = max(self.largest.get((text, place), 0.0), size)
        return self.largest[text, place]


def text_of(line: Line) -> str:
    """A line's text without its numbers, and without blanks: one makes room for a sign, and comes and goes with it."""
    return "".join(NUMBER.sub(A_NUMBER, line.text).split())


def same_text(line: Line, other: Line) -> bool:
    return text_of(line) == text_of(other)


def same_numbers(line: Line, other: Line, expected: Sequence[Expected]) -> bool:
    """The same text, and each number is printed alike or close enough to what is expected."""
    if not same_text(line, other):
        return False
    printed, other_printed = split_numbers(line.text)[1], split_numbers(other.text)[1]
    rounded = [max(pair) for pair in zip_longest(line.rounded, other.rounded, fillvalue=0.0)]
    return all(
        mine == theirs or abs(number - right.number) <= right.allowed + 1.000001 * by
        for mine, theirs, number, right, by in zip_longest(
            printed, other_printed, line.numbers, expected, rounded[: len(printed)], fillvalue=0.0
        )
    )


def quote_both(line: Line | None, other: Line | None) -> tuple[str, str]:
    """Two lines that differ, each with no more than SHOWN characters around the first that does."""
    texts = [line.text if line else "", other.text if other else ""]
    start = max(0, len(os.path.commonprefix(texts)) - SHOWN // 2) if max(map(len, texts)) > SHOWN else 0
    quoted = [repr("…"[:start] + text[start : start + SHOWN] + "…"[: len(text) - start - SHOWN]) for text in texts]
    return quoted[0] if line else "missing", quoted[1] if other else "missing"

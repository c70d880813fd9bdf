"""Knows which numbers are times: a printed duration is another in every run, and no difference.

The clocks of the module `time` return `Seconds` while a script runs: floats that remember, as do differences and
quotients of them, what they came to. A printed number that rounds one of these is a time.
"""

import time
import timeit
from collections import deque
from collections.abc import Callable
from typing import Any

CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "thread_time")
ARITHMETIC = ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "floordiv", "mod", "neg", "abs", "round")

noted: deque[float] = deque(maxlen=64)  # the last times that a script read or worked out


class Seconds(float):
    """A time, or a duration."""

    def __new__(cls, value: float) -> "Seconds":
        noted.append(float(value))
        return super().__new__(cls, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return float, (float(self),)


def stays_a_time(name: str) -> Callable[..., Any]:
    original = getattr(float, name)

    def method(self: Seconds, *args: Any) -> Any:
        result = original(self, *args)
        return Seconds(result) if isinstance(result, float) else result

    return method


for name in ARITHMETIC:
    setattr(Seconds, f"__{name}__", stays_a_time(f"__{name}__"))


def reading(clock: Callable[[], float]) -> Callable[[], Seconds]:
    return lambda: Seconds(clock())


def install() -> None:
    for name in CLOCKS:
        setattr(time, name, reading(getattr(time, name)))
    timeit.default_timer = time.perf_counter


def is_time(number: float, half_a_unit: float) -> bool:
    """Whether one of the last times rounds to this number."""
    return any(abs(seconds - number) <= half_a_unit for seconds in noted)

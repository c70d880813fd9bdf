"""What an engine's process reports while it trains: five kinds of record, and how they travel through a pipe.

One pickle after the other; each knows its own length. The parent reads only from processes that it started.
"""

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np


@dataclass(frozen=True)
class Started:
    """The engine is loaded; the script runs next."""

    versions: dict[str, str]


@dataclass(frozen=True)
class Weights:
    """An optimizer was built: the names of its parameters and their initial values."""

    optimizer: int  # 1 for the first optimizer that the script builds
    names: list[str]
    values: list[np.ndarray]


@dataclass(frozen=True)
class Backward:
    """`loss.backward()` was called. The loss is None where it is not a single number.

    `kinks` is a checksum: on which side of its kink each number in each ReLU was since the last backward.
    """

    loss: float | None
    kinks: int = 0


@dataclass(frozen=True)
class Update:
    """`optimizer.step()` was called: the gradients it was given, the parameters it left.

    Both lists are empty where a step of a big model is only counted (`sampling`).
    """

    optimizer: int
    gradients: list[np.ndarray | None]
    values: list[np.ndarray]


@dataclass(frozen=True)
class Line:
    """A printed line. `numbers` holds its numbers, unrounded where the script read them from a tensor."""

    text: str
    numbers: list[float]


@dataclass(frozen=True)
class Finished:
    """The last record. `outcome` is "finished", "failed", "not run" or "not applicable".

    `stopped` tells that the script had more to do, but was judged for long enough (`sampling`).
    """

    outcome: str
    message: str = ""
    details: str = ""
    seconds: float = 0.0
    stopped: bool = False


Training = Weights | Backward | Update
Record = Started | Training | Line | Finished


class Sender:
    """The engine's end of the pipe."""

    def __init__(self, pipe: IO[bytes]):
        self.pipe = pipe

    def send(self, record: Record) -> None:
        try:
            pickle.dump(record, self.pipe, protocol=pickle.HIGHEST_PROTOCOL)
            self.pipe.flush()
        except BrokenPipeError:  # the parent has gone; the script must not catch this and train on
            os._exit(1)


def receive(pipe: IO[bytes]) -> Iterator[Record]:
    """Records as they come, until the engine closes its end (or dies, perhaps in the middle of a record)."""
    while True:
        try:
            yield pickle.load(pipe)
        except (EOFError, pickle.UnpicklingError):
            return

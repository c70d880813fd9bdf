"""What an engine's process reports while it trains: six kinds of record, and how they travel through a pipe.

One pickle after the other; each knows its own length. The parent reads only from processes that it started.
`where` is the place in the script that led to the record: "train.py:12".
"""

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np

THE_END = "the end"  # where an Update by hand stands that tells what the script's last update left


@dataclass(frozen=True)
class Started:
    """The engine is loaded; the script runs next."""

    versions: dict[str, str]


@dataclass(frozen=True)
class Weights:
    """An optimizer was built: the names of its parameters and their initial values.

    Or, `by_hand`: backward reached tensors that no optimizer holds, in this company for the first time.
    """

    optimizer: int  # 1 for the first optimizer that the script builds
    names: list[str]
    values: list[np.ndarray]
    by_hand: bool = False
    adaptive: bool = False  # it may divide by the gradient's own size, as Adam does and SGD does not
    where: str = ""


@dataclass(frozen=True)
class Backward:
    """`loss.backward()` or `autograd.grad` was called. The loss is None where it is not a single number.

    `kinks` is a checksum: on which side of its kink each number in each ReLU was since the last backward.
    """

    loss: float | None
    kinks: int = 0
    where: str = ""


@dataclass(frozen=True)
class Update:
    """`optimizer.step()` was called: the gradients it was given, the parameters it left.

    `by_hand`: backward was, and these are the tensors that no optimizer holds, or at the script's end what
    became of them. Both lists are empty where a step of a big model is only counted (`sampling`).
    """

    optimizer: int
    gradients: list[np.ndarray | None]
    values: list[np.ndarray]
    by_hand: bool = False
    where: str = ""


@dataclass(frozen=True)
class Line:
    """A printed line. `numbers` holds its numbers, unrounded where the script read them from a tensor.

    `rounded` tells for each by how much print may have rounded it: 0 for what a tensor gave and for whole
    numbers, one in the last place for what the script worked out itself, infinite for times. Empty: 0 for all.
    """

    text: str
    numbers: list[float]
    rounded: list[float] = field(default_factory=list)
    where: str = ""


@dataclass(frozen=True)
class Finished:
    """The last record. `outcome` is "finished", "failed", "not run" or "not applicable".

    Of a script that failed: `error` is the exception's type, `where` the script's last line that led to it, and
    `source` what stands there. `stopped`: it had more to do, but was judged for long enough (`sampling`).
    """

    outcome: str
    message: str = ""
    details: str = ""
    seconds: float = 0.0
    stopped: bool = False
    error: str = ""
    where: str = ""
    source: str = ""

    def fails_like(self, other: "Finished") -> bool:
        """Both failed, with the same type of exception, at the same line of the script."""
        both = self.outcome == other.outcome == "failed" and bool(self.error)
        return both and (self.error, self.where) == (other.error, other.where)


Training = Weights | Backward | Update
Record = Started | Training | Line | Finished


class Sender:
    """The engine's end of the pipe."""

    def __init__(self, pipe: IO[bytes]):
        self.pipe = pipe
        self.process = os.getpid()

    def send(self, record: Record) -> None:
        if os.getpid() != self.process:
            return  # a data loader's worker, forked by the script: two writers would garble the pipe
        try:
            self.pipe.write(pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL))
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

"""The search: Hypothesis writes programs, each is run on both libraries, and what differs is made short."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count as numbers

from hypothesis import HealthCheck, Phase, given, seed, settings

from parity.programs.agreement import Judged, difference, judge
from parity.programs.machine import Program
from parity.programs.processes import Died, Send, in_processes
from parity.programs.shrinking import shrunk
from parity.programs.training import trainings
from parity.programs.writing import programs

KINDS = {"expressions": programs, "training": trainings}
PORTIONS = {"expressions": 200, "training": 20}  # how many one process writes and runs: a few seconds of work
MOST_SHRUNK = 20  # of the programs that differ
MOST_DEAD = 20  # processes; then the search ends


@dataclass
class Found:
    """What a search came to."""

    tried: Counter[str] = field(default_factory=Counter)  # by kind, each program once
    excused: Counter[str] = field(default_factory=Counter)  # how many programs used an excuse, by its name
    excused_programs: int = 0
    differing: list[tuple[Program, str]] = field(default_factory=list)
    died: list[str] = field(default_factory=list)  # processes that ended before their work did
    seen: set[bytes] = field(default_factory=set)

    def take(self, kind: str, program: Program, judged: Judged) -> bool:
        """Take a program's result in, unless the program is known. Returns whether it is new."""
        digest = hashlib.sha1("\n".join(program.statements).encode()).digest()
        if digest in self.seen:
            return False
        self.seen.add(digest)
        self.tried[kind] += 1
        self.excused.update(judged.excuses)
        self.excused_programs += bool(judged.excuses)
        if judged.difference:
            self.differing.append((program, judged.difference))
        return True


class Enough(BaseException):
    """Ends the search. Hypothesis would hold an Exception for a failure, and try it again."""


def search(kind: str, count: int, start: int, enough: int | None = None) -> Found:
    """Let Hypothesis write up to `count` programs, from a seed, and judge each in this process, until `enough` differ.

    It leaves out what it has written before, so there may be fewer.
    """
    found = Found()

    def take(program: Program, judged: Judged) -> None:
        found.take(kind, program, judged)
        if enough is not None and len(found.differing) >= enough:
            raise Enough

    with suppress(Enough):
        write_and_judge(kind, count, start, take)
    return found


def write_and_judge(kind: str, count: int, start: int, take: Callable[[Program, Judged], None]) -> None:
    write(kind, count, start, lambda program: take(program, judge(program)))


def write(kind: str, count: int, start: int, take: Callable[[Program], None]) -> None:
    """Let Hypothesis write up to `count` programs, from a seed."""
    @seed(start)
    @settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))
    @given(KINDS[kind]())
    def one(program: Program) -> None:
        take(program)

    one()


@dataclass(frozen=True)
class Portion:
    """What one process is to do."""

    kind: str
    count: int
    start: int

    def run(self, send: Send) -> None:
        write_and_judge(self.kind, self.count, self.start, lambda program, judged: send((program, judged)))


def search_all(found: Found, counts: dict[str, int], start: int, jobs: int) -> Iterator[None]:
    """Add as many programs of each kind to what was found. It comes back to the caller after each new one.

    The processes write from seeds of their own, so a few programs come twice; others are written in their place.
    """
    for kind, count in counts.items():
        size, seeds = PORTIONS[kind], numbers(start * 100_000)
        while (missing := count - found.tried[kind]) > 0 and len(found.died) < MOST_DEAD:
            portions = [Portion(kind, size, next(seeds)) for _ in range(max(missing // size, 1))]
            with closing(in_processes(Portion.run, portions, jobs)) as results:
                for portion, result in results:
                    if isinstance(result, Died):
                        found.died.append(f"{portion}: {result}")
                    elif found.take(kind, *result):
                        yield
                        if found.tried[kind] == count:  # a portion may be more than is missing
                            break


def made_short(program: Program) -> tuple[Program, str]:
    """A program that differs, without what it can do without, and the difference."""
    short = shrunk(program, lambda shorter: difference(shorter) is not None)
    return short, str(difference(short))


def all_made_short(found: Found, jobs: int) -> list[tuple[Program, str]]:
    """The first programs that differ, made short, in their order; as they were where that crashes."""
    short = dict(enumerate(found.differing[:MOST_SHRUNK]))
    for i, result in in_processes(lambda i, send: send(made_short(found.differing[i][0])), list(short), jobs):
        if not isinstance(result, Died):
            short[i] = result
    return list(short.values())

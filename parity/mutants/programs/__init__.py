"""Small programs for what torch's samples do not reach: the engine's own promises, random numbers, schedules.

Each is a function of the library, `program(torch)`, and returns what must be the same on both. What a program
raises is part of the answer, too.
"""

from __future__ import annotations

from parity.mutants.programs import (
    attention,
    cycles,
    derivatives,
    engine,
    hooks,
    layers,
    mathematics,
    random_numbers,
    searching,
    sequences,
    training,
    writing,
)
from parity.mutants.programs.registry import PROGRAMS

__all__ = ["PROGRAMS", "attention", "cycles", "derivatives", "engine", "hooks", "layers", "mathematics",
           "random_numbers", "searching", "sequences", "training", "writing"]

"""Small programs for what torch's samples do not reach: the engine's own promises, random numbers, schedules.

Each is a function of the library, `program(torch)`, and returns what must be the same on both. What a program
raises is part of the answer, too.
"""

from __future__ import annotations

from parity.mutants.programs import engine, hooks, layers, mathematics, random_numbers, training, writing
from parity.mutants.programs.registry import PROGRAMS

__all__ = ["PROGRAMS", "engine", "hooks", "layers", "mathematics", "random_numbers", "training", "writing"]

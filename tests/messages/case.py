"""A program that goes wrong, what its message must show, and where in minigrad the error was raised."""

from __future__ import annotations

import ast
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

import minigrad

MINIGRAD = Path(minigrad.__file__).parent
RAISING = ("_require", "_refuse")  # functions that raise what their callers say: each call counts
Place = tuple[str, int]  # a file of minigrad and a line


@dataclass(frozen=True)
class Case:
    """A program, as torch has it, and what the message that it ends with must contain."""

    program: str
    shown: tuple[str, ...]
    why: str = ""  # the message shows nothing that was given: why not
    ours: str = ""  # torch raises another type of error, or none: why

    def __str__(self) -> str:
        return " ".join(self.program.split())


def sees(program: str, *shown: str, ours: str = "") -> Case:
    """The message shows the shape, dtype or value that was given."""
    return Case(program, shown, ours=ours)


def tells(program: str, words: str, why: str, ours: str = "") -> Case:
    """The message has these words, and shows nothing that was given."""
    return Case(program, (words,), why, ours)


@dataclass(frozen=True)
class Outcome:
    """What is known of an error: its type, its message, and the lines of minigrad that it went through."""

    type: str = "no error"
    message: str = ""
    places: tuple[Place, ...] = ()


@cache
def outcome(case: Case, lib: Any) -> Outcome:
    """What becomes of a program that runs, on minigrad or on torch, in an empty folder."""
    names = {"torch": lib, "nn": lib.nn, "F": lib.nn.functional, "optim": lib.optim, "data": lib.utils.data, "np": np,
             "x": lib.ones(2, 3), "w": lib.ones(2, 3, requires_grad=True), "b": lib.ones(2, 3) > 0,
             "i": lib.arange(3), "net": lib.nn.Linear(3, 2)}
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            exec(case.program, names)
        except Exception as error:
            return Outcome(type(error).__name__, str(error), tuple(_places(error)))
        finally:
            os.chdir(here)
    return Outcome()


def _places(error: BaseException | None) -> Iterator[Place]:
    """The lines of minigrad that an error, and those that it was raised from, went through."""
    known: list[BaseException] = []
    while error is not None and error not in known:  # an error can be its own context, by a detour
        yield from _lines(error.__traceback__)
        known.append(error)
        error = error.__cause__ or error.__context__


def _lines(step: TracebackType | None) -> Iterator[Place]:
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if path.is_relative_to(MINIGRAD):
            yield path.relative_to(MINIGRAD).as_posix(), step.tb_lineno
        step = step.tb_next


@dataclass(frozen=True)
class Raise:
    """A statement that raises an error: the function that it stands in, its code, and the fixed words in that."""

    function: str
    code: str
    words: str


@cache
def raises() -> dict[Place, Raise]:
    """Every statement of minigrad that raises an error with a message."""
    found: dict[Place, Raise] = {}
    for path in sorted(MINIGRAD.rglob("*.py")):
        file = path.relative_to(MINIGRAD).as_posix()
        for scope, node in _scoped(ast.parse(path.read_text()), ""):
            if _has_message(node):
                fixed = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                found[file, node.lineno] = Raise(f"{file} {scope}", ast.unparse(node), " ".join(fixed))
    return found


def _scoped(tree: ast.AST, scope: str) -> Iterator[tuple[str, Any]]:
    """All nodes below one, each with the dotted name of the class or function that it stands in."""
    for node in ast.iter_child_nodes(tree):
        yield scope, node
        inner = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        yield from _scoped(node, f"{scope}.{node.name}".lstrip(".") if inner else scope)  # type: ignore[attr-defined]


def _has_message(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in RAISING
    return isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)  # else: `raise`, `raise StopIteration`

"""Running a program, statement by statement, on one library."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import numpy as np
import torch

from parity.conformance.devices import home_of
from parity.conformance.samples import Library

SEED = 20240229
HEADER = """\
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(20240229)
"""


@dataclass(frozen=True)
class Program:
    """Statements that can stand in a torch script one after the other. One that raises does not end the program."""

    statements: tuple[str, ...]

    def script(self, errors: Sequence[str | None]) -> str:
        """The program as a file to run, given what each statement raises on torch."""
        lines = [HEADER]
        for statement, error in zip(self.statements, errors, strict=True):
            lines += guarded(statement, error) if error else [statement]
        return "\n".join(lines) + "\n"


def guarded(statement: str, error: str) -> list[str]:
    body = ["    " + line for line in statement.splitlines()]
    return ["try:", *body, f"except Exception as error:  # {error}", "    print(repr(error))"]


@dataclass
class Outcome:
    """What a run came to: for each statement the name of its exception, and in the end every variable."""

    errors: list[str | None] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # the exceptions' texts
    variables: dict[str, Seen] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A tensor or a plain value, with nothing of the library's own in it."""

    value: Any  # an array, or what is no tensor
    facts: tuple[tuple[str, Any], ...] = ()  # requires_grad, is_leaf, ...: must be equal


class Machine:
    """A library and the variables of a program that runs on it."""

    def __init__(self, library: Library) -> None:
        nn, optim = library.nn, library.optim
        self.library = library
        self.given = {"torch": library, "F": nn.functional, "nn": nn, "optim": optim,
                      "lr_scheduler": optim.lr_scheduler, "DataLoader": library.utils.data.DataLoader,
                      "TensorDataset": library.utils.data.TensorDataset}
        self.names: dict[str, Any] = dict(self.given)
        library.default_generator.manual_seed(SEED)  # torch.manual_seed takes a millisecond, for other devices' sake

    def run(self, statement: str) -> Exception | None:
        """Run one statement; what it raises is returned."""
        try:
            with without_warnings():
                exec(compiled(statement), self.names)
        except Exception as error:
            return error.with_traceback(None)
        return None

    def variables(self) -> Iterator[tuple[str, Any]]:
        """What the program has made so far, by name."""
        for name, value in self.names.items():
            if name not in self.given and not name.startswith("__"):
                yield name, value


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let nobody see a warning. torch is made to say always what it says once in a process: it would be said now."""
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_warn_always(always)


@functools.lru_cache(maxsize=4096)
def compiled(statement: str) -> CodeType:
    return compile(statement, "<program>", "exec")


def run(library: Library, program: Program, after: Callable[[Machine], None] | None = None) -> Outcome:
    """The outcome of a program; `after` is called after each statement."""
    with home_of(library):
        return _run(library, program, after)


def _run(library: Library, program: Program, after: Callable[[Machine], None] | None) -> Outcome:
    machine, outcome = Machine(library), Outcome()
    for statement in program.statements:
        error = machine.run(statement)
        outcome.errors.append(None if error is None else type(error).__name__)
        outcome.said.append("" if error is None else str(error).strip().partition("\n")[0])
        if after is not None:
            after(machine)
    with without_warnings():  # torch warns of reading .grad where there is none
        for name, value in machine.variables():
            try:
                outcome.variables.update(seen(name, value))
            except RuntimeError as error:  # one of several views from one call whose base was written to
                outcome.variables[name] = Seen(error)
    return outcome


def seen(name: str, value: Any) -> dict[str, Seen]:
    """A variable, and what hangs on it: a tensor's gradient, a model's parameters, an optimizer's state."""
    if is_tensor(value):
        facts = (("shape", tuple(value.shape)), ("dtype", str(value.dtype).removeprefix("torch.")),
                 ("requires_grad", value.requires_grad), ("is_leaf", value.is_leaf))
        found = {name: Seen(np.array(value.detach().numpy(force=True)), facts)}  # torch may only have noted: all is 0
        gradient = value.grad
        return found if gradient is None else {**found, **seen(f"{name}.grad", gradient)}
    if hasattr(value, "state_dict"):
        found = seen(f"{name}.state_dict()", value.state_dict())
        for key, parameter in value.named_parameters() if hasattr(value, "named_parameters") else ():
            found.update(seen(f"{name}.{key}.grad", parameter.grad))
        return found
    if isinstance(value, dict):
        return {k: v for key in value for k, v in seen(f"{name}[{key!r}]", value[key]).items()}
    if isinstance(value, (list, tuple)):
        return {k: v for i, part in enumerate(value) for k, v in seen(f"{name}[{i}]", part).items()}
    if isinstance(value, float):
        return {name: Seen(np.array(value), (("type", "float"),))}
    return {name: Seen(value)} if isinstance(value, (bool, int, str, type(None))) else {}


def is_tensor(x: Any) -> bool:
    return hasattr(x, "requires_grad") and hasattr(x, "detach")

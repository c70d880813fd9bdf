"""What a generator sees while it writes a program: the tensors there are so far, because torch has run all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from hypothesis import strategies as st

from parity.programs.machine import Machine, Program, is_tensor

Draw = Callable[[st.SearchStrategy[Any]], Any]
Wanted = Callable[[torch.Tensor], bool]
LARGEST = 200.0  # larger numbers, inf and nan are used no further


class Scene:
    """A program that is being written."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.machine = Machine(torch)
        self.statements: list[str] = []
        self.count = 0

    # ------------------------------------------------------------------------------- choosing

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[0] if len(choices) == 1 else self.draw(st.sampled_from(choices))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def chance(self, one_in: int) -> bool:
        """True once in so many times; what shrinks, shrinks to False."""
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    # ------------------------------------------------------------------------------- tensors

    def tensors(self, wanted: Wanted = lambda t: True) -> list[str]:
        """The names of the tensors that can be gone on with, the newest last."""
        return [name for name,
                t in self.machine.variables() if is_tensor(t) and is_readable(t) and is_tame(t) and wanted(t)]

    def tensor(self, wanted: Wanted = lambda t: t.is_floating_point()) -> str | None:
        """A tensor's name; mostly that of a recent one. None if there is none of that kind."""
        names = self.tensors(wanted)
        return self.one_of(names[::-1]) if names else None

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.machine.names[name]

    def partner(self, name: str, wanted: Wanted = lambda t: t.is_floating_point()) -> str | None:
        """A tensor that can be broadcast with another; once in a while one that can not."""
        x = self[name]
        if self.chance(40):
            return self.tensor(wanted)
        return self.tensor(lambda t: wanted(t) and broadcast(t, x))

    # ------------------------------------------------------------------------------- writing

    def new_name(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def write(self, statement: str) -> Exception | None:
        self.statements.append(statement)
        return self.machine.run(statement)

    def program(self) -> Program:
        return Program(tuple(self.statements))


def is_tame(t: torch.Tensor) -> bool:
    values = t.detach()
    return not t.is_floating_point() or bool((values.abs() <= LARGEST).all())


def is_readable(t: torch.Tensor) -> bool:
    """Whether torch lets it be used: not one of several views from one call whose base was written to."""
    try:
        return t.grad_fn is None or t.requires_grad
    except RuntimeError:
        return False


def broadcast(x: torch.Tensor, y: torch.Tensor) -> bool:
    return all(n == m or n == 1 or m == 1 for n, m in zip(x.shape[::-1], y.shape[::-1], strict=False))

"""A training loop that is judged step by step: where rounding grows, both libraries are held to each single step.

Adam, RMSprop and Adagrad make steps of equal length out of gradients that are 0 but for rounding, and what is 1e-9 in
one library is exactly 0 in the other: a few steps on nothing agrees, and neither is wrong. So the loop runs once more.
Before every forward and every update both meet: all parameters, buffers, gradients and the optimizer's state are
compared, and then the run goes on with those of torch. So every step begins from equal numbers, and what differs at a
meeting has come about since the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from parity.programs.machine import Machine, Outcome, Program, Seen, is_tensor, run, seen
from parity.programs.noise import Noise

RUNS_OR_UPDATES = re.compile(r"^( *)(?=.*(?:optimizer\.step\(|return loss|model\())", re.MULTILINE)


def is_training(program: Program) -> bool:
    return any(statement.startswith("optimizer = ") for statement in program.statements)


def with_meetings(program: Program) -> Program:
    """The program with a call of meet() before each line that runs the model or updates it."""
    return Program(tuple(RUNS_OR_UPDATES.sub(r"\1meet()\n\1", statement) for statement in program.statements))


@dataclass
class Meetings:
    """What stood at each meeting of one run; with a `leader`, whose numbers the run takes over."""

    leader: Meetings | None = None
    noted: list[dict[str, Seen]] = field(default_factory=list)

    def meet(self, machine: Machine) -> None:
        """Note what stands, and go on with what the leader noted."""
        tensors = dict(standing(machine))
        self.noted.append({name: s for name, t in tensors.items() for s in seen(name, t.detach()).values()})
        if self.leader is None or len(self.noted) > len(self.leader.noted):
            return
        with machine.library.no_grad():
            for name, told in self.leader.noted[len(self.noted) - 1].items():
                if name in tensors:
                    tensors[name].copy_(machine.library.from_numpy(told.value))


def standing(machine: Machine) -> Iterator[tuple[str, Any]]:
    """All tensors that a step of training begins with, by name."""
    model, optimizer = machine.names["model"], machine.names["optimizer"]
    yield from model.state_dict().items()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            yield f"gradient of {name}", parameter.grad
        for key, value in optimizer.state.get(parameter, {}).items():
            if is_tensor(value):
                yield f"{name}[{key!r}]", value


def run_with(meetings: Meetings, library: Any, program: Program, noise: Noise | None = None) -> Outcome:
    """The outcome of a program; what was noted at its meetings is among the variables."""

    def after(machine: Machine) -> None:
        machine.names["meet"] = partial(meetings.meet, machine)
        if noise is not None:
            noise(machine)

    outcome = run(library, with_meetings(program), after)
    outcome.variables.update({f"meeting {i + 1}: {name}": told for i, noted in enumerate(meetings.noted)
                              for name, told in noted.items()})
    return outcome

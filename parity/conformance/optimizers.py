"""Judging one optimizer by torch's OptimizerInfo: parameters after every step, its state saved and loaded, errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import minigrad
from parity.conformance import metadata
from parity.conformance.agreement import difference_in_values
from parity.conformance.judging import both, broken, judge_error, judge_of
from parity.conformance.results import Row, new_row
from parity.conformance.running import Ready
from parity.conformance.samples import Arguments, Library

STEPS = 8


class Training:
    """A small regression whose loss is steep in some directions and flat in others, for any library."""

    def __init__(self, library: Library, dtype: Any) -> None:
        random = np.random.default_rng(7)

        def drawn(*shape: int) -> Any:
            return library.from_numpy(random.standard_normal(shape)).to(dtype)

        self.weight, self.bias = library.nn.Parameter(drawn(3, 4)), library.nn.Parameter(drawn(3))
        self.unused = library.nn.Parameter(drawn(2))  # never gets a gradient: no step may change it
        self.x, self.y = drawn(6, 4), drawn(6, 3)

    @property
    def parameters(self) -> list[Any]:
        return [self.weight, self.bias, self.unused]

    def step(self, optimizer: Any) -> list[Any]:
        """One step; the parameters after it."""
        optimizer.zero_grad()
        error = (self.x @ self.weight.t() + self.bias).tanh() - self.y
        error.square().mean().backward()
        optimizer.step()
        return [p.detach().clone() for p in self.parameters]


class OptimizerCase:
    """An optimizer's arguments besides the parameters, and what to do with it."""

    def __init__(self, name: str, options: Arguments, dtype: str, act: Callable[..., Any]) -> None:
        self.name, self.options, self.dtype, self.act = name, options, dtype, act

    def ready(self, library: Library) -> Ready:
        make = getattr(library.optim, self.name)
        args, kwargs, tensors = self.options.on(library)
        training = Training(library, getattr(library, self.dtype))

        def new_optimizer() -> Any:
            return make(*(args or (training.parameters,)), **kwargs)

        return Ready(lambda: self.act(training, new_optimizer), tensors)

    def widened(self) -> OptimizerCase:
        return OptimizerCase(self.name, self.options.widened(), "float64", self.act)


def several_steps(training: Training, new_optimizer: Callable[[], Any]) -> Any:
    """The parameters after each of several steps."""
    optimizer = new_optimizer()
    return [training.step(optimizer) for _ in range(STEPS)]


def saved_and_loaded(training: Training, new_optimizer: Callable[[], Any]) -> Any:
    """Its state after some steps, and how it goes on when another optimizer has loaded that state."""
    first = new_optimizer()
    for _ in range(STEPS // 2):
        training.step(first)
    saved = first.state_dict()
    second = new_optimizer()
    second.load_state_dict(saved)
    return [saved, [training.step(second) for _ in range(STEPS // 2)], second.state_dict()]


def one_step_strictly(training: Training, new_optimizer: Callable[[], Any]) -> Any:
    """Make it and take a step; a warning counts as an exception, as in torch's list of errors."""
    with warnings.catch_warnings(action="error"):
        return training.step(new_optimizer())


def judge_optimizer(name: str, tier: str) -> Row:
    """The row of one optimizer of torch's metadata."""
    row = new_row("optimizer", name, tier)
    with metadata.quietly():
        info = metadata.optimizers()[name]
        if not hasattr(minigrad.optim, name):
            row.missing = f"torch.optim.{name}"
            return row
        for dtype in (torch.float64, torch.float32):
            metadata.seed_everything()
            for number, given in enumerate(info.optim_inputs_func(device="cpu", dtype=dtype)):
                judge_options(row, f"sample {number} ({given.desc})", name, Arguments((), given.kwargs), dtype)
        for number, wrong in enumerate(info.optim_error_inputs_func("cpu", torch.float32)):
            given = wrong.optimizer_error_input
            options = Arguments(() if given.params is None else (given.params,), given.kwargs)
            case = OptimizerCase(name, options, "float32", one_step_strictly)
            judge_error(row, f"error input {number} ({given.desc})", case)
    return row


def judge_options(row: Row, text: str, name: str, options: Arguments, dtype: torch.dtype) -> None:
    """What one choice of options does to the parameters, and what of it is in the state."""
    for check, act in (("samples", several_steps), ("state", saved_and_loaded)):
        case = OptimizerCase(name, options, str(dtype).removeprefix("torch."), act)
        if runs := both(row, case):
            ours, theirs = runs
            judge = judge_of(case) if dtype == torch.float32 else None
            row.checks[check].add(f"{text}, {dtype}", broken(theirs) or difference_in_values(ours, theirs, judge))

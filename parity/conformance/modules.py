"""Judging one module by torch's ModuleInfo: forward, gradients to inputs and parameters, train and eval."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import torch

import minigrad
from parity.conformance import metadata
from parity.conformance.judging import judge_error, judge_sample
from parity.conformance.results import Row, new_row
from parity.conformance.running import Ready
from parity.conformance.samples import Arguments, Library, counterpart


class ModuleCase:
    """A module's constructor arguments, and those of its forward; the dtype to bring it to, and its mode."""

    def __init__(self, info: Any, module_input: Any, dtype: torch.dtype | None = None, training: bool = True) -> None:
        self.name, self.dtype, self.training = info.name.removeprefix("nn."), dtype, training
        constructor, forward = module_input.constructor_input, module_input.forward_input
        self.constructor = Arguments(constructor.args, constructor.kwargs)
        self.forward = Arguments(forward.args, forward.kwargs) if forward else Arguments((), {})

    def ready(self, library: Library) -> Ready:
        """Build it (both libraries draw the same weights), and be ready to call it.

        The names of its state and the weights that it begins with count as part of the result.
        """
        given, named, _ = self.constructor.on(library)
        module = getattr(library.nn, self.name)(*given, **named)
        args, kwargs, tensors = self.forward.on(library)
        if self.dtype is not None:
            module = module.to(counterpart(self.dtype, library))
        module.train(self.training)
        state = list(module.state_dict())
        start = [p.detach().clone() for p in module.parameters()]
        weights = [*module.parameters(), *module.buffers()]
        return Ready(lambda: (module(*args, **kwargs), state, start), tensors + weights)

    def rounded(self) -> ModuleCase:
        return self._with(self.constructor.rounded(), self.forward.rounded(), self.dtype)

    def widened(self) -> ModuleCase:
        return self._with(self.constructor.widened(), self.forward.widened(), torch.float64)

    def _with(self, constructor: Arguments, forward: Arguments, dtype: torch.dtype | None) -> ModuleCase:
        other = copy(self)
        other.constructor, other.forward, other.dtype = constructor, forward, dtype
        return other

    def __str__(self) -> str:
        return f"{self.name}{self.constructor}{self.forward} {'train' if self.training else 'eval'}"


def judge_module(name: str, tier: str) -> Row:
    """The row of one module of torch's metadata."""
    row = new_row("module", name, tier)
    with metadata.quietly():
        info = metadata.modules()[name]
        if not hasattr(minigrad.nn, name):
            row.missing = f"torch.nn.{name}"
            return row
        for number, case, dtype in cases_of(info):
            judge_sample(row, f"sample {number} {case}", case, case.rounded(), dtype, info.supports_gradgrad)
        for number, case in enumerate(error_cases_of(info)):
            judge_error(row, f"error input {number} {case}", case)
    return row


def cases_of(info: Any) -> Iterator[tuple[int, ModuleCase, torch.dtype]]:
    """Every module input in float64 and float32, in train mode, and in eval mode where that is something else."""
    for training in (True, False) if info.train_and_eval_differ else (True,):
        for dtype in (torch.float64, torch.float32):
            metadata.seed_everything()
            inputs = info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training)
            for number, module_input in enumerate(list(inputs)):
                yield number, ModuleCase(info, module_input, dtype, training), dtype


def error_cases_of(info: Any) -> list[ModuleCase]:
    """Every input that must raise, in the constructor or in forward; the module stays as it was made."""
    if info.module_error_inputs_func is None:
        return []
    metadata.seed_everything()
    wrong = info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=True)
    return [ModuleCase(info, error_input.module_error_input) for error_input in wrong]

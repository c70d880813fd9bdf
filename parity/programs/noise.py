"""What rounding may make of a program: torch runs it again with a rounding error added to every number.

What a statement computes gets its errors after the statement. Inside a model they go to what each layer gives and to
the gradient that comes back through it: two rows that cancel in a weight's gradient leave nothing but such errors, and
Adam divides them by their own size. What a layer passes back gets errors of the size of what came to it (a
normalization takes the mean away, and mostly that is all). What is exactly 0 stays 0: a dropped number, a dead unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from parity.programs.machine import Machine, Outcome, is_tensor
from parity.tolerances import PROGRAM_POLE


class Noise:
    """Adds a rounding error to each number that is computed, in place and behind autograd's back."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.done: set[str] = set()

    def __call__(self, machine: Machine) -> None:
        for name, value in machine.variables():
            if name in self.done:
                continue
            self.done.add(name)
            if isinstance(value, torch.nn.Module):
                self.listen(value)
            if is_tensor(value) and value.is_floating_point() and not value._is_view() and value.numel():
                self.disturb(value)

    def listen(self, model: torch.nn.Module) -> None:
        """Disturb the parameters now, and whatever goes through the layers from now on."""
        for parameter in model.parameters():
            self.disturb(parameter)
        for layer in model.modules():
            if not any(layer.children()):
                layer.register_forward_hook(lambda layer, given, out: self.disturb(out))
                layer.register_full_backward_hook(lambda layer, left, came: self.disturbed(left, came))

    def disturb(self, value: torch.Tensor) -> None:
        x = value.data
        x.copy_(self.with_errors(x, x.double().abs() + 1))  # it may be what is left of larger numbers that cancelled

    def disturbed(self, left: Sequence[torch.Tensor | None], came: Sequence[torch.Tensor | None]) -> tuple[Any, ...]:
        """The gradients that a layer passes back, given those that came to it."""
        finite = [g[g.isfinite()].abs() for g in (*left, *came) if g is not None]
        largest = max((float(g.max()) for g in finite if g.numel()), default=0.0)
        # The errors are added as a constant: the gradient keeps its graph. torch gives class numbers one of integers.
        return tuple(g if g is None or not g.is_floating_point() else
                     g + (self.with_errors(g.detach(), largest) - g.detach()) for g in left)

    def with_errors(self, x: torch.Tensor, size: Any) -> torch.Tensor:
        """x with errors of up to 2 ulps of a number of this size, where x is inexact."""
        inexact = (x.double() * 2**10) % 1 != 0
        error = torch.empty(x.shape).uniform_(-2, 2, generator=self.generator).double() * torch.finfo(x.dtype).eps
        return torch.where(inexact, (x.double() + error * size).to(x.dtype), x)


def spreads(theirs: Outcome, noisy: Sequence[Outcome]) -> dict[str, Any]:
    """For each number how far torch with errors added is from torch, at most; nan where any number may come out."""
    found = {}
    with np.errstate(all="ignore"):
        for name, seen in theirs.variables.items():
            if not isinstance(seen.value, np.ndarray) or seen.value.dtype.kind != "f":
                continue
            others = [n.variables[name].value for n in noisy
                      if name in n.variables and np.shape(n.variables[name].value) == seen.value.shape]
            away = [np.where((x == seen.value) | (np.isnan(x) & np.isnan(seen.value)), 0,
                             np.abs(x.astype(float) - seen.value)) for x in others]
            found[name] = np.where(at_a_pole([seen.value, *others]), np.nan, np.max(away, axis=0, initial=0))
    return found


def at_a_pole(values: Sequence[Any]) -> Any:
    """Whether all runs came to huge numbers, and to both signs: a quotient by what is 0 but for rounding."""
    huge = np.min(np.abs(values), axis=0) > PROGRAM_POLE / np.finfo(values[0].dtype).eps
    return huge & (np.min(values, axis=0) < 0) & (np.max(values, axis=0) > 0)

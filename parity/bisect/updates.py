"""A step of an optimizer, made again from equal parameters, gradients and state on every side."""

from __future__ import annotations

import inspect
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from parity.bisect.judging import Array
from parity.bisect.replays import Side
from parity.conformance.samples import NotApplicable, mapped


@dataclass
class Step:
    """What an optimizer had before its step."""

    optimizer: Any
    parameters: list[Array] = field(default_factory=list)
    gradients: list[Array | None] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"optim.{type(self.optimizer).__name__}.step"


def is_torchs(optimizer: Any) -> bool:
    """Whether it is one of torch's own; what a script's own optimizer does are calls like any other."""
    return type(optimizer).__module__.startswith("torch.optim")


def parameters_of(optimizer: Any) -> list[Any]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def before_step(optimizer: Any) -> Step:
    parameters = parameters_of(optimizer)
    gradients = [None if p.grad is None else np.array(p.grad.detach().cpu().numpy()) for p in parameters]
    return Step(optimizer, [np.array(p.detach().cpu().numpy()) for p in parameters], gradients,
                deepcopy(optimizer.state_dict()))


def after_step(optimizer: Any) -> dict[str, Array]:
    """By name: every parameter ("parameter 0"), and every tensor in its state ("exp_avg of parameter 0")."""
    found = {f"parameter {i}": np.array(p.detach().cpu().numpy()) for i, p in enumerate(parameters_of(optimizer))}
    for i, state in sorted(optimizer.state_dict()["state"].items()):
        for key, value in state.items():
            if hasattr(value, "detach"):
                found[f"{key} of parameter {i}"] = np.array(value.detach().cpu().numpy())
    return found


def step_again(step: Step, side: Side) -> dict[str, Array]:
    """The same step on a side; NotApplicable if it has no such optimizer."""
    kind = getattr(side.library.optim, type(step.optimizer).__name__, None)
    if kind is None:
        raise NotApplicable(f"{side.name} has no {type(step.optimizer).__name__}")
    tensors = [side.tensor(array).requires_grad_() for array in step.parameters]
    for tensor, gradient in zip(tensors, step.gradients, strict=True):
        tensor.grad = None if gradient is None else side.tensor(gradient)
    known = inspect.signature(kind).parameters
    options = {name: value for name, value in step.optimizer.defaults.items() if name in known}
    remaining = iter(tensors)
    groups = [{"params": [next(remaining) for _ in group["params"]]} for group in step.state["param_groups"]]
    optimizer = kind(groups, **mapped(lambda leaf: on_side(leaf, side), options))
    optimizer.load_state_dict(mapped(lambda leaf: on_side(leaf, side), step.state))
    optimizer.step()
    return after_step(optimizer)


def on_side(leaf: Any, side: Side) -> Any:
    return side.tensor(leaf.detach().cpu().numpy()) if isinstance(leaf, torch.Tensor) else leaf

"""What Adam, RMSprop and Adagrad share: every weight has a step size of its own, from the gradients it has seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..device import CPU, place
from ..dtypes import float32, float64, get_default_dtype
from ..engine import Array, wrap
from ..tensor import Tensor
from .optimizer import Group, Optimizer, refuse_what_needs_more

BLOCK = 1 << 15  # elements: a block of each array of an update fits in the processor's cache together

# What a group is taken to say of options that the torch which saved it did not have yet.
BEFORE_IT_EXISTED: dict[str, Any] = {"amsgrad": False, "capturable": False, "centered": False,
                                     "decoupled_weight_decay": False, "differentiable": False, "foreach": None,
                                     "fused": None, "maximize": False, "momentum": 0}


class Adaptive(Optimizer):
    """Base class. The state of a parameter is `step`, how often it was updated, and tensors of its own shape.

    `foreach` and `fused` choose among implementations in torch and change no result; here they are only remembered.
    """

    def _gradients(self, group: Group, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """For every parameter with a gradient: (numbers, w, g, *state arrays of these names), to be updated in place.

        The numbers are those of `_numbers_at`, w are its weights, g is the gradient to descend: `maximize` and
        `weight_decay` are in it, or (`decoupled_weight_decay`) the weights have decayed already. Big parameters come
        in several blocks.
        """
        refuse_what_needs_more(group)
        decay, decoupled = float(group["weight_decay"]), group.get("decoupled_weight_decay")
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            state = self.state[p] or self._start(p, group, names)
            kept, *numbers = self._numbers(group, state)
            tensors = [state[name] for name in names]
            for tensor in (p, *tensors):
                tensor.bump()
            uphill = -grad.array if group["maximize"] else grad.array
            for w, g, *averages in blocks(p.array, uphill, *[tensor.array for tensor in tensors]):
                if decay and decoupled:
                    w *= kept
                elif decay:
                    g = g + decay * w
                yield numbers, w, g, *averages

    def _numbers(self, group: Group, state: dict[str, Any]) -> tuple[float, ...]:
        """Count a parameter's update. The share of the weights that decoupled decay keeps, and `_numbers_at`."""
        count = state["step"]
        count.bump()
        count.array[...] = t = float(count.array) + 1
        kept = 1 - scalar(group["lr"]) * float(group["weight_decay"])
        return float(kept), *self._numbers_at(t, group, state)

    def _numbers_at(self, t: float, group: Group, state: dict[str, Any]) -> tuple[float, ...]:
        """What an update needs of the learning rate and of t, which counts the parameter's updates from 1."""
        return float(scalar(group["lr"])),

    def _start(self, p: Tensor, group: Group, names: Sequence[str]) -> dict[str, Any]:
        """Make the state before the first update: no steps, and averages of zero; a sum may start at a value."""
        value = self.defaults.get("initial_accumulator_value", 0.0)
        state = {name: wrap(np.full_like(p.array, value)) for name in names}
        self.state[p] = {"step": step_count(0.0, group), **state}
        return self.state[p]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state and options, also those that an older torch saved."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for name, value in BEFORE_IT_EXISTED.items():
                if name in self.defaults:
                    group.setdefault(name, value)
            for p in group["params"]:
                state = self.state.get(p)
                if state and not isinstance(state["step"], Tensor):
                    state["step"] = step_count(state["step"], group)


def blocks(*arrays: Array) -> Sequence[Sequence[Array]]:
    """The arrays as they are, or (on a CPU) cut alike into blocks if they are long.

    An update is a dozen operations: on a block all but the first find their operands in the cache. For a million
    float64 weights that is twice as fast.
    """
    whole = arrays[0].size <= BLOCK or not isinstance(arrays[0], np.ndarray)
    if whole or not all(a.flags.c_contiguous for a in arrays):
        return (arrays,)
    flat = [a.reshape(-1) for a in arrays]
    return [[a[i : i + BLOCK] for a in flat] for i in range(0, flat[0].size, BLOCK)]


def lerp(a: Array, b: Array, weight: float) -> None:
    """a = (1 - weight) * a + weight * b, in place: one step of an exponential moving average.

    Written so that it is exact at weight 0 and 1, as torch's lerp is.
    """
    if weight < 0.5:
        a += weight * (b - a)
    else:
        a[...] = b - (1 - weight) * (b - a)


def scalar(option: Any) -> Any:
    """An option as a number. A one-element tensor keeps its dtype: torch, too, computes with it in that precision."""
    return place(option.array, CPU).reshape(())[()] if isinstance(option, Tensor) else option


def step_count(steps: float, group: Group) -> Tensor:
    """A count of steps, or another number of the state: torch keeps it as a 0-d tensor."""
    double = get_default_dtype() is float64 and not group.get("fused")
    return wrap(np.asarray(steps, (float64 if double else float32).numpy))

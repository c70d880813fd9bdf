"""Adagrad: steps that shrink as gradients add up."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .adaptive import Adaptive, scalar
from .optimizer import Group, ParamsT, checked


class Adagrad(Adaptive):
    """Adaptive subgradient method (Duchi, Hazan & Singer, 2011).

    At its step t a parameter w with the gradient g is updated by

        g = -g                                   maximize: climb instead of descending
        g = g + weight_decay * w                 pull the weights towards zero
        s = s + g**2                             sum, from initial_accumulator_value on
        w = w - lr' * g / (sqrt(s) + eps)        with lr' = lr / (1 + (t - 1) * lr_decay)

    A weight whose gradient is mostly zero keeps its long steps: made for sparse features. `lr` may be a one-element
    tensor. ValueError for negative options. `foreach` and `fused` are only remembered. `differentiable=True` is not
    supported (NotImplementedError).

    >>> from minigrad import nn, tensor
    >>> w = nn.Parameter(tensor([1.0, -1.0]))
    >>> optimizer = Adagrad([w], lr=0.1)
    >>> (1000 * w[0] + w[1]).backward()
    >>> optimizer.step()
    >>> w
    Parameter containing:
    tensor([ 0.9000, -1.1000], requires_grad=True)
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        super().__init__(params, checked({
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused}))
        for group in self.param_groups:  # torch, too, makes this optimizer's state at once
            for p in group["params"]:
                self._start(p, group, ["sum"])

    def _update(self, group: Group) -> None:
        eps = group["eps"]
        for (step_size,), w, g, s in self._gradients(group, ["sum"]):
            s += g * g
            w -= step_size * g / (np.sqrt(s) + eps)

    def _numbers_at(self, t: float, group: Group, state: dict[str, Any]) -> tuple[float, ...]:
        return float(scalar(group["lr"]) / (1 + (t - 1) * group["lr_decay"])),

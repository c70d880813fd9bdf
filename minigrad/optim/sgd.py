"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import wrap
from ..tensor import Tensor
from .adaptive import blocks
from .optimizer import Group, Optimizer, ParamsT, checked


class SGD(Optimizer):
    """p <- p - lr * g, for every parameter p with the gradient g.

    In full, with torch's options (Sutskever et al., 2013, for the momentum):

        g = -g                               maximize: climb instead of descending
        g = g + weight_decay * p             pull the weights towards zero
        b = momentum * b + (1 - dampening) * g    a running sum of gradients; the first step sets b = g
        g = g + momentum * b, or g = b       the former with nesterov
        p = p - lr * g

    `lr` may be a one-element tensor. `foreach` and `fused` choose among implementations in torch and change no
    result; here they are only remembered. `differentiable=True` is not supported (NotImplementedError).
    ValueError for negative options, and for nesterov without momentum or with dampening.

    >>> from minigrad import nn, ones
    >>> w = nn.Parameter(ones(2))
    >>> optimizer = SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0,
                 weight_decay: float | Tensor = 0, nesterov: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, differentiable: bool = False, fused: bool | None = None) -> None:
        options = checked({
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused})
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(f"Nesterov momentum requires a momentum and zero dampening: {momentum}, {dampening}")
        super().__init__(params, options)

    def _update(self, group: Group) -> None:
        (lr,), weight_decay, momentum = self._numbers(group), float(group["weight_decay"]), group["momentum"]
        maximize = group["maximize"]
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            arrays = [p.array, grad.array]
            if momentum:
                state = self.state[p]
                first = state.get("momentum_buffer") is None
                if first:
                    state["momentum_buffer"] = wrap(np.empty_like(p.array))
                buffer = state["momentum_buffer"]
                buffer.bump()
                arrays.append(buffer.array)
            p.bump()
            for w, g, *b in blocks(*arrays):
                if maximize:
                    g = -g
                if weight_decay:
                    g = g + weight_decay * w
                if momentum:
                    g = self._running_sum(b[0], g, group, first)
                w -= lr * g

    def _numbers(self, group: Group) -> tuple[float, ...]:
        return float(group["lr"]),

    def _running_sum(self, b: Any, g: Any, group: Group, first: bool) -> Any:
        """b = momentum * b + (1 - dampening) * g, in place; g itself at the first step. What to descend then."""
        momentum, dampening = group["momentum"], group["dampening"]
        if first:
            b[...] = g
        else:
            b *= momentum
            b += (1 - dampening) * g if dampening else g
        return g + momentum * b if group["nesterov"] else b

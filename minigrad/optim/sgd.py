"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from ..engine import own, wrap
from ..tensor import Tensor
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
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, options)

    def _update(self, group: Group) -> None:
        lr, weight_decay = float(group["lr"]), float(group["weight_decay"])
        momentum, nesterov, maximize = group["momentum"], group["nesterov"], group["maximize"]
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            w, g = p.array, grad.array
            if maximize:
                g = -g
            if weight_decay:
                g = g + weight_decay * w
            if momentum:
                b = self._running_sum(p, g, momentum, group["dampening"])
                g = g + momentum * b if nesterov else b
            w -= lr * g
            p.bump()

    def _running_sum(self, p: Tensor, g: Any, momentum: float, dampening: float) -> Any:
        """b = momentum * b + (1 - dampening) * g, in place; g itself at the first step."""
        state = self.state[p]
        buffer = state.get("momentum_buffer")
        if buffer is None:
            buffer = state["momentum_buffer"] = wrap(own(g))
        else:
            buffer.array *= momentum
            buffer.array += (1 - dampening) * g if dampening else g
            buffer.bump()
        return buffer.array

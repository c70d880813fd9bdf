"""RMSprop: steps divided by the gradient's recent size."""

from __future__ import annotations

import numpy as np

from ..tensor import Tensor
from .adaptive import Adaptive, lerp
from .optimizer import Group, ParamsT, checked


class RMSprop(Adaptive):
    """Divide the gradient by its root mean square (Tieleman & Hinton, 2012: lecture 6.5 of their Coursera course).

    A parameter w with the gradient g is updated by

        g = -g                                   maximize: climb instead of descending
        g = g + weight_decay * w                 pull the weights towards zero
        v = alpha * v + (1 - alpha) * g**2       square_avg: the gradient's mean square
        a = alpha * a + (1 - alpha) * g          grad_avg: its mean; centered divides by the spread about it
        d = g / (sqrt(v) + eps)                  with sqrt(v - a**2) if centered (Graves, 2013)
        b = momentum * b + d                     momentum_buffer
        w = w - lr * d, or w - lr * b            the latter with momentum

    v, a and b start at 0. `lr` may be a one-element tensor. ValueError for negative options. `foreach` is only
    remembered. `differentiable=True` is not supported (NotImplementedError), nor is `capturable=True` on a CPU
    (AssertionError).
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0, momentum: float = 0, centered: bool = False, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False) -> None:
        super().__init__(params, checked({
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable}))

    def _update(self, group: Group) -> None:
        alpha, eps = group["alpha"], group["eps"]
        momentum, centered = group["momentum"], group["centered"]
        names = ["square_avg"] + ["momentum_buffer"] * (momentum > 0) + ["grad_avg"] * centered
        for (lr,), w, g, v, *rest in self._gradients(group, names):
            v *= alpha
            v += (1 - alpha) * g * g
            if centered:
                a = rest[-1]
                lerp(a, g, 1 - alpha)
            size = np.sqrt(v - a * a if centered else v) + eps
            if momentum > 0:
                b = rest[0]
                b *= momentum
                b += g / size
                w -= lr * b
            else:
                w -= lr * g / size

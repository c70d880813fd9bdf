"""Adam and its relatives: steps scaled by running averages of the gradient and of its size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..tensor import Tensor
from .adaptive import Adaptive, lerp, scalar, step_count
from .optimizer import Group, ParamsT, checked


class Adam(Adaptive):
    """Adaptive moment estimation (Kingma & Ba, 2015).

    At its step t a parameter w with the gradient g is updated by

        g = -g                                   maximize: climb instead of descending
        g = g + weight_decay * w                 pull the weights towards zero ...
        w = w - lr * weight_decay * w            ... or, with decoupled_weight_decay, apart from g: AdamW
        m = beta1 * m + (1 - beta1) * g          exp_avg: where the gradient points lately
        v = beta2 * v + (1 - beta2) * g**2       exp_avg_sq: how large it is
        w = w - lr * m' / (sqrt(v') + eps)       with m' = m / (1 - beta1**t), v' = v / (1 - beta2**t)

    m and v start at 0; dividing by 1 - beta**t makes up for the averages' being too small at first. So a step is
    about lr long whatever the gradient's scale. With `amsgrad` (Reddi et al., 2018) the largest v so far stands in
    v's place in the last line.

    `lr` may be a one-element tensor, and so may both betas. ValueError for negative options and for betas outside of
    [0, 1). `foreach` and `fused` are only remembered. `differentiable=True` is not supported (NotImplementedError),
    nor is `capturable=True` on a CPU (AssertionError).

    >>> from minigrad import nn, tensor
    >>> w = nn.Parameter(tensor([1.0, -1.0]))
    >>> optimizer = Adam([w], lr=0.1)
    >>> (1000 * w[0] + w[1]).backward()
    >>> optimizer.step()
    >>> w
    Parameter containing:
    tensor([ 0.9000, -1.1000], requires_grad=True)
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3,
                 betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None, decoupled_weight_decay: bool = False) -> None:
        for name, option in (("lr", lr), ("betas[0]", betas[0])):
            if isinstance(option, Tensor) and foreach and not capturable:
                raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError(f"betas must be either both floats or both Tensors, not {betas}")
        super().__init__(params, checked({
            "lr": lr, "betas": tuple([b.reshape(()) if isinstance(b, Tensor) else b for b in betas]), "eps": eps,
            "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay}))

    def _update(self, group: Group) -> None:
        eps, (beta1, beta2) = group["eps"], map(scalar, group["betas"])
        keep2, new1, new2 = float(beta2), float(1 - beta1), float(1 - beta2)
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if group["amsgrad"] else 2]
        for (step_size, root), w, g, m, v, *largest in self._gradients(group, names):
            lerp(m, g, new1)
            v *= keep2
            v += new2 * g * g
            for top in largest:
                v = np.maximum(top, v, out=top)
            w -= step_size * m / (np.sqrt(v) / root + eps)

    def _numbers_at(self, t: float, group: Group, state: dict[str, Any]) -> tuple[float, ...]:
        beta1, beta2 = map(scalar, group["betas"])
        return float(scalar(group["lr"]) / (1 - beta1**t)), math.sqrt(1 - beta2**t)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019).

    Adam would add weight_decay * w to the gradient, and then divide it by sqrt(v) with the rest: weights with large
    gradients would hardly decay. Here all weights decay alike, w = w - lr * weight_decay * w, before Adam's step.
    """

    def __init__(
        self, params: ParamsT, lr: float | Tensor = 1e-3, betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
        foreach: bool | None = None, capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused,
                         decoupled_weight_decay=True)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state and options; one that Adam saved decays the weights as AdamW does from now on."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


class NAdam(Adaptive):
    """Adam with Nesterov's look ahead (Dozat, 2016).

    m and v as in Adam; at its step t a parameter w with the gradient g is updated by

        mu_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2)      how much of m counts: it grows
        M_t = mu_1 * mu_2 * ... * mu_t                           mu_product: makes up for the start at 0
        m' = (1 - mu_t) / (1 - M_t) * g + mu_(t+1) / (1 - M_(t+1)) * m
        w = w - lr * m' / (sqrt(v') + eps)                       with v' = v / (1 - beta2**t)

    `decoupled_weight_decay` is as in AdamW. Errors as for Adam.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False) -> None:
        super().__init__(params, checked({
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable}))

    def _numbers_at(self, t: float, group: Group, state: dict[str, Any]) -> tuple[float, ...]:
        lr, (beta1, beta2) = scalar(group["lr"]), group["betas"]
        mu, mu_next = [beta1 * (1 - 0.5 * 0.96 ** (n * group["momentum_decay"])) for n in (t, t + 1)]
        product = state.setdefault("mu_product", step_count(1.0, group)).mul_(mu).item()
        of_g, of_m = (1 - mu) / (1 - product), mu_next / (1 - product * mu_next)
        return float(lr * of_g), float(lr * of_m), 1 - beta2**t

    def _update(self, group: Group) -> None:
        eps, (beta1, beta2) = group["eps"], group["betas"]
        for (of_g, of_m, correction), w, g, m, v in self._gradients(group, ["exp_avg", "exp_avg_sq"]):
            lerp(m, g, 1 - beta1)
            v *= beta2
            v += (1 - beta2) * g * g
            size = np.sqrt(v / correction) + eps
            w -= of_g * g / size
            w -= of_m * m / size

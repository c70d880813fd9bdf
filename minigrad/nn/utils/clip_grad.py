"""Gradient clipping: between `loss.backward()` and `optimizer.step()`, keep gradients from being too long.

`foreach` chooses among implementations in torch and changes no result; it is there for scripts that pass it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...creation import tensor
from ...engine import wrap
from ...modes import no_grad
from ...tensor import Tensor

Tensors = Tensor | Iterable[Tensor]


def clip_grad_norm_(parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                    foreach: bool | None = None) -> Tensor:
    """Shorten the gradients, all by the same factor, until their norm is at most `max_norm`. In place.

    The norm is that of all gradients' elements together, (sum |g|**norm_type)**(1 / norm_type), and is returned as it
    was before. RuntimeError, if `error_if_nonfinite` asks for it, where it is inf or nan.

    >>> from minigrad import nn, tensor
    >>> w = nn.Parameter(tensor([0.0, 0.0]))
    >>> w.grad = tensor([3.0, 4.0])
    >>> clip_grad_norm_([w], max_norm=1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    grads, order = _grads(parameters), float(norm_type)
    norms = [np.linalg.norm(grad.array.ravel(), order) for grad in grads]
    total = wrap(np.linalg.norm(np.stack(norms), order, None, True).reshape(())) if norms else tensor(0.0)
    if error_if_nonfinite and not np.isfinite(total.array):
        raise RuntimeError(f"The total norm of order {order} for gradients from `parameters` is non-finite, so it "
                           "cannot be clipped. To disable this error and scale the gradients by the non-finite norm "
                           "anyway, set `error_if_nonfinite=False`")
    factor = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
    with no_grad():
        for grad in grads:
            grad.mul_(factor)
    return total


clip_grad_norm = clip_grad_norm_  # its old name


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Cut every element of the gradients off at -clip_value and at clip_value. In place."""
    with no_grad():
        for grad in _grads(parameters):
            grad.clamp_(-float(clip_value), float(clip_value))


def _grads(parameters: Tensors) -> list[Tensor]:
    """The gradients of those parameters that have one."""
    return [p.grad for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]

"""torch.autograd: gradients asked for by hand.

>>> from minigrad import tensor
>>> x = tensor(3.0, requires_grad=True)
>>> (dx,) = grad(x**3, x, create_graph=True)
>>> grad(dx, x)  # the second derivative of x ** 3 is 6 x
(tensor(18.),)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import engine
from .engine import TensorCore
from .modes import enable_grad, inference_mode, no_grad, set_grad_enabled

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]


def _listed(given: Any, n: int | None = None) -> Sequence[Any]:
    """One tensor or a sequence of them, as a sequence; None stands for n times None."""
    if given is None:
        return [None] * (n or 0)
    found = [given] if isinstance(given, TensorCore) else list(given)
    if n is not None and len(found) != n:
        raise RuntimeError(f"got {n} tensors and {len(found)} gradients")
    return found


def backward(
    tensors: Tensor | Sequence[Tensor], grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of the tensors, times grad_tensors, to `.grad` of the leaves (see Tensor.backward)."""
    outputs = _listed(tensors)
    engine.backward(outputs, _listed(grad_tensors, len(outputs)), retain_graph, create_graph,
                    None if inputs is None else _listed(inputs))


def grad(
    outputs: Tensor | Sequence[Tensor], inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None, retain_graph: bool | None = None,
    create_graph: bool = False, allow_unused: bool | None = None, materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs, times grad_outputs, with respect to the inputs, as a tuple.

    An input that the outputs do not depend on is an error, unless allow_unused (it gets None) or
    materialize_grads (it gets zeros).
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False.")
    outs, ins = _listed(outputs), _listed(inputs)
    unused = materialize_grads or bool(allow_unused)
    found = engine.grad(outs, ins, _listed(grad_outputs, len(outs)), retain_graph, create_graph, unused)
    if not materialize_grads:
        return found
    return tuple([x.detach().clone().zero_() if g is None else g for x, g in zip(ins, found, strict=True)])

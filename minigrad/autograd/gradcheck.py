"""torch.autograd.gradcheck: compare the gradients of a function with finite differences of its values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Array, TensorCore, wrap
from .walks import grad

if TYPE_CHECKING:
    from ..tensor import Tensor


class GradcheckError(RuntimeError):
    """The gradients are wrong."""


def gradcheck(func: Callable[..., Any], inputs: Tensor | Sequence[Any], *, eps: float = 1e-6, atol: float = 1e-5,
              rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """Whether the gradients of func(*inputs), with respect to inputs that require grad, are those that the values show:
    (f(x + eps) - f(x - eps)) / (2 * eps) for each element. Use float64: float32 has too few digits.

    GradcheckError if not, or, without raise_exception, False. ValueError if no input requires grad.
    """
    given = _tuple(inputs)
    checked = [i for i, x in enumerate(given) if isinstance(x, TensorCore) and x.node is not None]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have "
                         "requires_grad=True.")
    for i in checked:
        if given[i].array.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=2)
    outputs = _tuple(func(*given))
    for o, out in enumerate(outputs):
        if not (_differentiable(out) or (isinstance(out, TensorCore) and not any(map(_differentiable, outputs)))):
            continue
        for i in checked:
            analytical = _analytical(out, given[i])
            numerical = _numerical(lambda o=o: _tuple(func(*given))[o].array, given[i].array, eps)  # type: ignore[misc]
            if not np.allclose(analytical, numerical, rtol, atol):
                if not raise_exception:
                    return False
                raise GradcheckError(f"Jacobian mismatch for output {o} with respect to input {i},\n"
                                     f"numerical:{wrap(numerical)}\nanalytical:{wrap(analytical)}\n")
    return True


def gradgradcheck(func: Callable[..., Any], inputs: Tensor | Sequence[Any],
                  grad_outputs: Tensor | Sequence[Any] | None = None, *, eps: float = 1e-6, atol: float = 1e-5,
                  rtol: float = 1e-3, raise_exception: bool = True) -> bool:
    """gradcheck of func's gradients: whether second derivatives are right. Random grad_outputs unless given."""
    given = _tuple(inputs)
    if grad_outputs is None:
        grad_outputs = [wrap(np.empty_like(out.array)).uniform_(-1, 1).requires_grad_()
                        for out in filter(_differentiable, _tuple(func(*given)))]

    def gradients(*args: Any) -> tuple[Any, ...]:
        xs, gs = args[: len(given)], args[len(given) :]
        found = grad(filter(_differentiable, _tuple(func(*xs))), filter(_differentiable, xs), gs, create_graph=True,
                     allow_unused=True)
        return tuple([g for g in found if g is not None])

    return gradcheck(gradients, (*given, *_tuple(grad_outputs)), eps=eps, atol=atol, rtol=rtol,
                     raise_exception=raise_exception)


def _tuple(given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, TensorCore) else tuple(given)


def _differentiable(t: Any) -> bool:
    return isinstance(t, TensorCore) and t.current_node() is not None


def _analytical(out: Tensor, x: Tensor) -> Array:
    """d out / d x as backward finds it: a row for each element of x, a column for each of out."""
    jacobian = np.zeros((x.array.size, out.array.size), out.array.dtype)
    for k in range(out.array.size if _differentiable(out) else 0):
        one = np.zeros(out.array.size, out.array.dtype)
        one[k] = 1
        (g,) = grad(out, x, wrap(one.reshape(out.array.shape)), retain_graph=True, allow_unused=True)
        if g is not None:
            jacobian[:, k] = g.array.ravel()
    return jacobian


def _numerical(f: Callable[[], Array], x: Array, eps: float) -> Array:
    """The same, as the values of f show when one element of x after the other is moved up and down."""
    rows = []
    for at in np.ndindex(x.shape):
        old = x[at]
        x[at] = old + eps
        above = f().copy()
        x[at] = old - eps
        rows.append((above - f()).ravel() / (2 * eps))
        x[at] = old
    return np.array(rows)

"""torch.autograd.functional: whole matrices of derivatives of a function, and their products with vectors.

>>> from minigrad import tensor
>>> jacobian(lambda x: x**2, tensor([1.0, 2.0, 3.0]))
tensor([[2., 0., 0.],
        [0., 4., 0.],
        [0., 0., 6.]])
>>> hessian(lambda x: (x**3).sum(), tensor([1.0, 2.0]))
tensor([[ 6.,  0.],
        [ 0., 12.]])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..creation import ones_like, zeros_like
from ..engine import TensorCore
from ..functions.joining import stack
from ..modes import enable_grad
from .walks import grad

OneOrMany = Any  # a tensor, or a tuple of tensors
Function = Callable[..., OneOrMany]


def jacobian(func: Function, inputs: OneOrMany, create_graph: bool = False, strict: bool = False,
             vectorize: bool = False, strategy: str = "reverse-mode") -> OneOrMany:
    """The derivatives of each element of func(*inputs) by each element of the inputs: a tensor of shape (*output,
    *input), a tuple for several inputs, and a tuple of these for several outputs.

    With `create_graph` they have a graph of their own. An input that does not matter gets zeros, with `strict` a
    RuntimeError. `vectorize` and `strategy` choose ways to the same result in torch.
    """
    xs, outs = _run(func, inputs, create_graph)
    rows = tuple([_of_one_output(out, xs, create_graph, strict, isinstance(inputs, tuple)) for out in _tuple(outs)])
    return rows if isinstance(outs, tuple) else rows[0]


def _of_one_output(out: Any, xs: Sequence[Any], create_graph: bool, strict: bool, several: bool) -> OneOrMany:
    gradients = [_gradients([element], xs, None, create_graph, strict) for element in out.reshape(-1)]
    columns = zip(*gradients, strict=True)
    parts = tuple([stack(column).reshape(*out.shape, *x.shape) for x, column in zip(xs, columns, strict=True)])
    return parts if several else parts[0]


def hessian(func: Function, inputs: OneOrMany, create_graph: bool = False, strict: bool = False,
            vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode") -> OneOrMany:
    """The second derivatives of a function with one number as its value: the `jacobian` of its gradient."""

    def gradient(*xs: Any) -> OneOrMany:
        return jacobian(lambda *args: _one_number(func(*args)), xs if isinstance(inputs, tuple) else xs[0], True)

    return jacobian(gradient, inputs, create_graph, strict)


def vjp(func: Function, inputs: OneOrMany, v: OneOrMany = None, create_graph: bool = False,
        strict: bool = False) -> tuple[OneOrMany, OneOrMany]:
    """func(*inputs), and the product of a vector, shaped as the outputs, with the jacobian: what backward computes."""
    xs, outs = _run(func, inputs, create_graph)
    products = _gradients(_tuple(outs), xs, _vectors(v, outs), create_graph, strict)
    return _detached(outs, create_graph), products if isinstance(inputs, tuple) else products[0]


def jvp(func: Function, inputs: OneOrMany, v: OneOrMany = None, create_graph: bool = False,
        strict: bool = False) -> tuple[OneOrMany, OneOrMany]:
    """func(*inputs), and the product of the jacobian with a vector, shaped as the inputs.

    By backward alone: u J is linear in u, and its derivative by u, times v, is J v.
    """
    xs, outs = _run(func, inputs, create_graph)
    us = [zeros_like(out).requires_grad_() for out in _tuple(outs)]
    with enable_grad():
        products = _gradients(_tuple(outs), xs, us, True, strict)
    columns = _gradients(products, us, _vectors(v, tuple(xs)), create_graph, strict)
    return _detached(outs, create_graph), columns if isinstance(outs, tuple) else columns[0]


def vhp(func: Function, inputs: OneOrMany, v: OneOrMany = None, create_graph: bool = False,
        strict: bool = False) -> tuple[OneOrMany, OneOrMany]:
    """The value of a function with one number, and the product of a vector with its `hessian`, which is symmetric."""
    value = _run(func, inputs, create_graph)[1]
    _one_number(value)  # or a RuntimeError
    vs = None if v is None else _tuple(v)
    product = vjp(lambda *xs: vjp(func, xs, None, True)[1], _tuple(inputs), vs, create_graph, strict)[1]
    return _detached(value, create_graph), product if isinstance(inputs, tuple) else product[0]


hvp = vhp


def _run(func: Function, inputs: OneOrMany, create_graph: bool) -> tuple[list[Any], OneOrMany]:
    """The inputs as tensors that require grad, apart from what they come from unless create_graph; and the outputs."""
    xs = [x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in _tuple(inputs)]
    with enable_grad():
        return xs, func(*xs)


def _gradients(outs: Sequence[Any], xs: Sequence[Any], vs: Any, create_graph: bool, strict: bool) -> tuple[Any, ...]:
    """autograd.grad with zeros for what does not matter, which is a RuntimeError under `strict`."""
    live = [i for i, out in enumerate(outs) if out.requires_grad]
    found = grad([outs[i] for i in live], xs, vs and [vs[i] for i in live], True, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        raise RuntimeError("The output of the user-provided function is independent of input "
                           f"{[g is None for g in found].index(True)}. This is not allowed in strict mode.")
    return tuple([zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)])


def _vectors(v: OneOrMany, like: OneOrMany) -> list[Any]:
    """The vectors, checked to fit; 1 unless given, which is for one number only."""
    like = _tuple(like)
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError("The vector v can only be None if there is one number to go with it.")
        return [ones_like(like[0])]
    vs = list(_tuple(v))
    if [tuple(x.shape) for x in vs] != [tuple(x.shape) for x in like]:
        raise RuntimeError(f"v has invalid size: should be {[tuple(x.shape) for x in like]} but got "
                           f"{[tuple(x.shape) for x in vs]}.")
    return vs


def _one_number(out: OneOrMany) -> Any:
    if not isinstance(out, TensorCore) or out.array.size != 1:
        raise RuntimeError("The function given to hessian, vhp and hvp should return one tensor with one element, not "
                           f"{out!r}")
    return out.reshape(())  # type: ignore[attr-defined]  # a TensorCore is a Tensor


def _tuple(given: OneOrMany) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) else (given,)


def _detached(outs: OneOrMany, create_graph: bool) -> OneOrMany:
    if create_graph:
        return outs
    return tuple([out.detach() for out in outs]) if isinstance(outs, tuple) else outs.detach()

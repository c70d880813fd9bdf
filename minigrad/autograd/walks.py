"""autograd.grad and autograd.backward: where a walk back along the tape begins, and what becomes of what it brings.

>>> from minigrad import tensor
>>> x = tensor(3.0, requires_grad=True)
>>> (dx,) = grad(x**3, x, create_graph=True)
>>> grad(dx, x)  # the second derivative of x ** 3 is 6 x
(tensor(18.),)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Node, TensorCore, own, walk_back, wrap
from ..modes import mode
from .anomaly_mode import warn_of_forward

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["backward", "grad"]

OneOrMany = Any  # a tensor, or a sequence of tensors (of which gradients may be None)


def backward(tensors: OneOrMany, grad_tensors: OneOrMany = None, retain_graph: bool | None = None,
             create_graph: bool = False, inputs: OneOrMany = None) -> None:
    """Add to `.grad` of every leaf (or of `inputs` alone) the gradient of the tensors, times grad_tensors.

    A scalar's grad_tensor is 1 unless given. The graph's saved values are freed on the way, unless retain_graph;
    with create_graph the gradients have a graph of their own.
    """
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient. Use autograd.grad for gradients with a graph, or reset .grad to None afterwards.", stacklevel=3)
    if inputs is None:
        _run(tensors, grad_tensors, None, retain_graph, create_graph)
        return
    wanted = _listed(inputs)
    found = _run(tensors, grad_tensors, _input_nodes(wanted), retain_graph, create_graph)
    for t in wanted:
        if t.node in found and not t.retains_grad:  # who retains it has it already
            t.receive(own(found.pop(t.node)))


def grad(outputs: OneOrMany, inputs: OneOrMany, grad_outputs: OneOrMany = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None, *,
         materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradients of the outputs, times grad_outputs, with respect to the inputs, as a tuple; no `.grad` changes.

    An input that the outputs do not depend on is an error, unless allow_unused (it gets None) or
    materialize_grads (it gets zeros).
    """
    if not only_inputs:
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
                      "gradient for other parts of the graph, please use torch.autograd.backward.", FutureWarning,
                      stacklevel=2)
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: False.")
    wanted = _listed(inputs)
    nodes = _input_nodes(wanted)
    found = _run(outputs, grad_outputs, nodes, retain_graph, create_graph)
    gradients: list[Tensor | None] = []
    for i, node in enumerate(nodes):
        g = found.get(node)
        if g is None and materialize_grads:
            g = np.zeros_like(wanted[i].array)
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} (shape {list(node.shape)}) appears to not have been used in "
                "the graph. Set allow_unused=True if this is the desired behavior.")
        gradients.append(g if g is None or isinstance(g, TensorCore) else wrap(own(g)))  # type: ignore[arg-type]
    return tuple(gradients)


def _run(outputs: OneOrMany, gradients: OneOrMany, targets: Sequence[Node] | None, retain_graph: bool | None,
         create_graph: bool) -> dict[Node, Any]:
    """Find where to start, and walk. Only under create_graph is the walk itself recorded."""
    outs = _listed(outputs)
    given = [None] * len(outs) if gradients is None else _listed(gradients)
    if len(given) < len(outs):  # as torch, which overlooks those beyond
        raise RuntimeError(f"got {len(outs)} tensors and {len(given)} gradients")
    roots = [_output_node(out, i) for i, out in enumerate(outs)]
    seeds = [_first_cotangent(out, g, i) for i, (out, g) in enumerate(zip(outs, given, strict=False))]
    keep = create_graph if retain_graph is None else retain_graph
    before, mode.grad = mode.grad, create_graph
    try:
        return walk_back(roots, seeds if create_graph else [seed.array for seed in seeds], targets,
                         retain_graph=keep, create_graph=create_graph)
    except Exception as error:
        if mode.source:
            _warn_of_node(error)
        raise
    finally:
        mode.grad = before


def _warn_of_node(error: Exception) -> None:
    """Detecting anomalies: warn of the node that the walk had come to. Its frame knows, so the walk need not tell."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code is not walk_back.__code__:
        trace = trace.tb_next
    if trace is not None and "node" in trace.tb_frame.f_locals:
        warn_of_forward(trace.tb_frame.f_locals["node"])


def _listed(given: OneOrMany) -> Sequence[Any]:
    return [given] if isinstance(given, TensorCore) else list(given)


def _output_node(out: Tensor, i: int) -> Node:
    """Where the walk starts for the i-th output."""
    if not out.requires_grad or out.node is None or getattr(out.node, "frozen", False):  # frozen: a no_grad view
        raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
    return out.node


def _first_cotangent(out: Tensor, g: Tensor | None, i: int) -> Tensor:
    """What the walk starts with: 1 for a scalar, else what the caller gave."""
    if g is None:
        if out.array.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs, not for shape {list(out.array.shape)}: "
                "call backward(gradient), with a number for each element, or reduce to a scalar first")
        one = np.empty_like(out.array)
        one.fill(1)
        return wrap(one)
    if g.array.shape != out.array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{i}] has a shape of torch.Size({list(g.array.shape)}) and output[{i}] "
            f"has a shape of torch.Size({list(out.array.shape)}).")
    return g if g.array.dtype == out.array.dtype else g.to(out.dtype)


def _input_nodes(inputs: Sequence[Tensor]) -> list[Node]:
    """The nodes of the tensors that a gradient is asked for."""
    if not inputs:
        raise RuntimeError("inputs argument cannot be empty: name at least one tensor")
    for i, t in enumerate(inputs):
        if t.current_node() is None:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (index {i}, shape {list(t.array.shape)})")
    return [t.node for t in inputs if t.node is not None]

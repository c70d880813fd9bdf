"""torch.autograd.Function: an operation with a gradient that the user writes.

>>> from minigrad import tensor
>>> class Cube(Function):
...     @staticmethod
...     def forward(ctx, x):
...         ctx.save_for_backward(x)
...         return x**3
...     @staticmethod
...     def backward(ctx, g):
...         (x,) = ctx.saved_tensors
...         return g * 3 * x**2
>>> x = tensor(2.0, requires_grad=True)
>>> Cube.apply(x)
tensor(8., grad_fn=<CubeBackward>)

On the tape. A node has one output, and a Function may have several. So a call leaves one FunctionNode behind, whose
rules run the user's backward, and on top of it a small Output node for each tensor that it returned:

    x ─┐                   ┌─ Output 0 ── a
       ├── FunctionNode ───┤
    y ─┘                   └─ Output 1 ── b

The gradient of an Output is an array, as of any node. Its rule labels it with the output's number, as `Cotangents`;
where those of several outputs meet, adding them up means putting them side by side; and so the FunctionNode
receives what backward(ctx, *grads) wants: all of them, at once. The engine needs to know none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import inplace
from ..device import as_array, of, place
from ..engine import NEVER, Cell, Leaf, Node, Op, Pullback, TensorCore, own, wrap
from ..modes import mode, no_grad

if TYPE_CHECKING:
    from ..tensor import Tensor


class FunctionCtx:
    """What a Function's forward tells its backward: saved tensors, and any attribute that the user sets."""

    saved_tensors: tuple[Tensor | None, ...]  # in backward: what save_for_backward was given
    needs_input_grad: tuple[bool, ...]  # for each argument of forward, whether its gradient is asked for
    to_save: tuple[Tensor | None, ...] = ()
    dirty_tensors: tuple[Tensor, ...] = ()
    non_differentiable: tuple[Tensor, ...] = ()
    materialize_grads = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for backward, and refuse to run it when one was written to in the meantime."""
        for i, t in enumerate(tensors):
            if not isinstance(t, TensorCore | None):
                raise TypeError("save_for_backward can only save variables, but argument "
                                f"{i} is of type {type(t).__name__}")
        self.to_save = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Name the inputs that forward wrote to; it has to return them, too."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Name the outputs that no gradient flows through."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros, or (False) None, for an output that no gradient arrived at."""
        self.materialize_grads = value


class Function:
    """The base class of the user's own operations: define `forward` and `backward`, and call `apply`.

    `forward(ctx, *args)` computes; alternatively `forward(*args)` does, and `setup_context(ctx, inputs, output)`
    saves. `backward(ctx, *grads)` gets a gradient for each output, and returns one for each argument of forward: None
    for what is no tensor, or has no gradient.
    """

    setup_context: Callable[[Any, tuple[Any, ...], Any], None] | None = None

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("You must implement either the backward or vjp method for your custom "
                                  "autograd.Function to use it with backward mode AD.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward on the arguments, and record that backward belongs to it."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple([isinstance(a, TensorCore) and a.current_node() is not None for a in args])
        with no_grad():
            if cls.setup_context is None:
                returned = cls.forward(ctx, *args)
            else:
                returned = cls.forward(*args)
                cls.setup_context(ctx, args, returned)
        if not mode.grad or not any(ctx.needs_input_grad):
            return returned
        outputs = returned if isinstance(returned, tuple) else (returned,)
        for t in ctx.dirty_tensors:
            _check_dirty(t, outputs)
        node = FunctionNode(cls, ctx, args, outputs)
        tracked = tuple([_track(node, i, t, args) for i, t in enumerate(outputs)])
        ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
        return tracked if isinstance(returned, tuple) else tracked[0]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a backward that can't itself be differentiated: doing so is an error, not a wrong number."""

    @wraps(backward)
    def run(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            found = backward(ctx, *grads)
        if not mode.grad:
            return found
        found = found if isinstance(found, tuple) else (found,)
        return _Once.apply(*[None if t is None else t.detach().requires_grad_() for t in found])

    return run


class _Once(Function):
    """The identity, with a gradient that refuses."""

    @staticmethod
    def forward(ctx: FunctionCtx, *tensors: Any) -> Any:
        return tuple([t if t is None else t.clone() for t in tensors])

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


# --------------------------------------------------------------------------------------------------- on the tape


class HandMade(Pullback):
    """The rules of a node of this file; other nodes' are read off the table."""

    def __init__(self, name: str, rules: Sequence[Callable[..., Any]], saved: int = 0) -> None:
        self.op = Op(name, Function.forward, inputs=tuple([f"x{i}" for i in range(len(rules))]))
        self.names = tuple([f"saved_tensors[{i}]" for i in range(saved)])
        self.steps = [(i, rule, tuple) for i, rule in enumerate(rules)]
        self.keeps_values = saved > 0


class Cotangents:
    """The gradients of a Function's outputs, by the outputs' numbers: as many as have arrived so far."""

    shape, dtype = (), None  # as the FunctionNode's: there is nothing that the engine would have to fit

    def __init__(self, arrived: dict[int, Any]) -> None:
        self.arrived = arrived
        self.results: list[Any] | None = None

    def __add__(self, other: Cotangents) -> Cotangents:
        both = dict(self.arrived)
        for i, g in other.arrived.items():
            both[i] = both[i] + g if i in both else g
        return Cotangents(both)

    def pulled_back(self, node: FunctionNode) -> list[Any]:
        """The gradients of the node's parents. The user's backward runs once, for the first that is asked for."""
        if self.results is None:
            self.results = node.run_backward(self.arrived)
        return self.results


class FunctionNode(Node):
    """One call of a Function: its gradient is Cotangents, its rules are the user's backward."""

    __slots__ = ("function", "ctx", "tensor_at", "like", "origins")

    function: type[Function]
    ctx: FunctionCtx
    tensor_at: list[int]  # where among the arguments the tensors are, that `parents` belong to
    like: list[Any]  # for each output its array's shape, dtype and device, or None if it is no tensor
    origins: list[Node | int | None]  # for each saved tensor the node that made it, or its number as an output

    def __init__(self, function: type[Function], ctx: FunctionCtx, args: Sequence[Any], outputs: Sequence[Any]) -> None:
        self.function, self.ctx = function, ctx
        self.tensor_at = [i for i, a in enumerate(args) if isinstance(a, TensorCore)]
        self.like = [(t.array.shape, t.array.dtype, of(t.array)) if isinstance(t, TensorCore) else None
                     for t in outputs]
        rules = [_argument(i) for i in range(len(self.tensor_at))]
        pullback = HandMade(f"{function.__name__}Backward", rules, len(ctx.to_save))
        parents = [args[i].node for i in self.tensor_at]
        saved = tuple([None if t is None else t.array for t in ctx.to_save])
        cells: Any = tuple([NEVER if t is None else t.cell for t in ctx.to_save])
        super().__init__(pullback, parents, saved, cells, Cotangents)  # it has the shape and dtype of this gradient
        unchanged = {id(a) for a in args} - {id(t) for t in ctx.dirty_tensors}
        made = {id(t): i for i, t in enumerate(outputs) if _has_gradient(ctx, t) and id(t) not in unchanged}
        self.origins = [made.get(id(t), None if t is None else t.node) for t in ctx.to_save]

    def read(self, as_tensors: bool) -> tuple[Any, ...]:
        """This node: its rules read what they need from it."""
        super().read(as_tensors=False)
        return (self,)

    def run_backward(self, arrived: dict[int, Any]) -> list[Any]:
        """Call the user's backward; the gradient, or None, for each parent."""
        assert self.saved is not None
        self.ctx.saved_tensors = tuple([
            array if array is None else _output(self, o, array, cell) if isinstance(o, int) else wrap(array, o, cell)
            for array, o, cell in zip(self.saved, self.origins, self.cells, strict=True)])
        grads = [self._as_tensor(i, arrived.get(i)) for i in range(len(self.like))]
        found = self.function.backward(self.ctx, *grads)
        del self.ctx.saved_tensors
        found = found if isinstance(found, tuple) else (found,)
        n = len(self.ctx.needs_input_grad)
        if len(found) < n or any(g is not None for g in found[n:]):
            raise RuntimeError(f"function {self.op_name} returned an incorrect number of gradients (expected {n}, "
                               f"got {len(found)})")
        for i in range(n):
            if found[i] is not None and i not in self.tensor_at:
                raise RuntimeError(f"function {self.op_name} returned a gradient different than None at position "
                                   f"{i + 1}, but the corresponding forward input was not a Variable")
        return [self._passed_on(i, found[at], (*grads, *found)) for i, at in enumerate(self.tensor_at)]

    def _as_tensor(self, i: int, g: Any) -> Any:
        """The gradient of the i-th output, for the user's backward."""
        if g is None and self.like[i] is not None and self.ctx.materialize_grads:
            shape, dtype, where = self.like[i]
            g = place(np.zeros(shape, dtype), where)
        return g if g is None or isinstance(g, TensorCore) else wrap(as_array(g))

    def _passed_on(self, i: int, g: Any, others: Sequence[Any]) -> Any:
        """The gradient of the i-th parent, for the engine. What the user may hold, or returned twice, is copied."""
        parent = self.parents[i]
        if g is None or parent is None:
            return None
        if not isinstance(g, TensorCore):
            raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
        if not inplace.stretches_to(parent.shape, g.array.shape):
            raise RuntimeError(f"Function {self.op_name} returned an invalid gradient at index {i} - got "
                               f"{list(g.array.shape)} but expected shape compatible with {list(parent.shape)}")
        if not mode.grad:
            return own(g.array)
        recorded = g.node is not None and not isinstance(g.node, Leaf)
        return g if recorded and sum(g is other for other in others) == 1 else own(g)


class Output(Node):
    """One output of a FunctionNode: it passes its gradient on, labelled with the output's number."""

    __slots__ = ()

    @property
    def call(self) -> Node | None:
        """The FunctionNode: what a tensor's grad_fn shows."""
        return self.parents[0]


def _output(call: FunctionNode, i: int, array: Any, cell: Cell | None) -> Tensor:
    """The tensor of an array that is the i-th output."""
    return wrap(array, Output(_labelling(i), (call,), (), (), array), cell)


@cache
def _labelling(i: int) -> HandMade:
    """The pullback of the i-th output."""
    return HandMade("output", [lambda g: Cotangents({i: g})])


@cache
def _argument(i: int) -> Callable[[Cotangents, FunctionNode], Any]:
    """The rule for the i-th tensor among the arguments."""
    return lambda g, node: g.pulled_back(node)[i]


def _has_gradient(ctx: FunctionCtx, output: Any) -> bool:
    """Whether a gradient flows through this output of forward."""
    return (isinstance(output, TensorCore) and output.array.dtype.kind == "f"
            and not any(output is t for t in ctx.non_differentiable))


def _check_dirty(t: Tensor, outputs: tuple[Any, ...]) -> None:
    """An input that was written to: it must be one that may be, and an output."""
    if not any(t is out for out in outputs):
        raise RuntimeError("Some elements marked as dirty during the forward method were not returned as output. The "
                           "inputs that are modified inplace must all be outputs of the Function.")
    inplace.check_writable(t)
    t.bump()


def _track(call: FunctionNode, i: int, t: Any, args: tuple[Any, ...]) -> Any:
    """The i-th output, with its place on the tape.

    One that shares memory with an input, as in `return x`, is copied: if one of the two were written to, the other's
    history would be wrong. (torch shares, and forbids the writing.)
    """
    if not isinstance(t, TensorCore):
        return t
    if not _has_gradient(call.ctx, t):
        return wrap(t.array, cell=t.cell)
    if any(t is dirty for dirty in call.ctx.dirty_tensors):
        inplace.continue_as(t, _output(call, i, t.array, t.cell))  # type: ignore[arg-type]  # a Tensor
        return t
    shared = any(isinstance(a, TensorCore) and a.cell is t.cell for a in args)
    return _output(call, i, t.array.copy() if shared else t.array, None if shared else t.cell)

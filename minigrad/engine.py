"""Reverse-mode automatic differentiation. Read this file first, then `ops.py`.

The idea in five sentences. Every operation on tensors computes its result with NumPy at once, and if a
gradient may be wanted later it also leaves a `Node` behind: which operation it was, where its inputs came
from, and the few values that its derivative needs. The nodes are the *tape*. `backward` walks the tape from
the newest node to the oldest; each node receives g, the gradient of the loss with respect to its output, and
its op's rules turn g into the gradients with respect to its inputs (a *vjp*: vector-Jacobian product). Where
two paths meet, gradients add. What arrives at a *leaf* (a tensor that the user made) is stored as `.grad`.

Words used throughout:
    array      a NumPy array, or one of another library with NumPy's interface
    g          the incoming gradient, or cotangent: it has the shape of the node's output
    leaf       a tensor with requires_grad that no operation made: parameters, mostly
    constant   a tensor with no node: no gradient flows to it
    tick       a number that only rises; every node is stamped with one, and so is every write to a storage
    cell       a one-element list with the tick of the last write to a storage; all views of it share the cell
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from .blas import sum_of_rows
from .device import gathered
from .modes import mode, user_line

if TYPE_CHECKING:
    from .gradient import Kept
    from .tensor import Tensor

Array = Any  # NumPy's ndarray, CuPy's, or a scalar of theirs: whatever the arithmetic gives
Cell = list[int]
Rule = Callable[..., Any]
NEVER: Cell = [0]  # the cell of what nobody writes to: numbers, shapes, parameters

tick: Callable[[], int] = itertools.count(1).__next__
_new = object.__new__


# ------------------------------------------------------------------------------------ the table's entries


class Traced:
    """What may stand in an array's place in a rule: a Tensor, which records, or a Symbol, which prints."""

    __slots__ = ()

    def _apply(self, op: Op, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError("each kind of stand-in says what applying an op to it means")


class Op:
    """One entry of the table in ops.py: how to run an operation, and a rule for each input's gradient.

    `forward(x, y, /, dim)` takes inputs before the slash and parameters after it. A rule is `rule(g, ...)`
    and names, after g, what else it needs: `out`, an input, an input's shape (`x_shape`), a parameter. What
    no rule names is not kept alive. An op can be called on arrays (it only computes), on tensors (it records)
    and on symbols (it prints); that is how rules are written in terms of other entries.
    """

    def __init__(self, name: str, forward: Callable[..., Array], *, view: bool = False, inputs: tuple[str, ...] = (),
                 params: tuple[str, ...] = (), **rules: Rule) -> None:
        if not inputs:
            inputs, params = _inputs_and_params(forward)
        if not rules.keys() <= set(inputs):
            raise TypeError(f"{name} has rules for {list(rules)}, and its inputs are {inputs}: what stands before the "
                            "slash of its forward function, as in lambda x, /, dim: ...")
        self.name, self.forward, self.rules = name, forward, rules
        self.inputs, self.params = inputs, params
        self.ruled = sum(1 << i for i, word in enumerate(inputs) if word in rules)  # a bit for each rule
        self.view = view  # the result may share memory with the first input
        self.shapes = any(word.endswith("_shape") for rule in rules.values() for word in names_of(rule))
        self.pullbacks: dict[int, Pullback] = {}  # made on first use, by the bit mask of wanted inputs

    def __call__(self, *args: Any) -> Any:
        for a in args:
            if isinstance(a, Traced):
                return a._apply(self, args)
        return self.forward(*args)

    def named(self, name: str) -> Op:
        """The same op under another of torch's names."""
        return Op(name, self.forward, view=self.view, inputs=self.inputs, params=self.params, **self.rules)

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.inputs + self.params)})>"


class Pullback:
    """The rules that pull g back to the inputs that want a gradient, and what those rules need kept.

    `keep` picks the kept values out of (out, *args, *shapes); each step is (the input's position, its rule,
    what picks the rule's arguments out of the kept values: None if it takes them all).
    """

    __slots__ = ("op", "names", "keep", "steps", "keeps_values")

    def __init__(self, op: Op, wanted: int) -> None:
        rules = [(i, op.rules[n]) for i, n in enumerate(op.inputs) if wanted >> i & 1]
        layout = ("out", *op.inputs, *op.params, *(f"{n}_shape" for n in op.inputs if op.shapes))
        needed = {name for _, rule in rules for name in names_of(rule)}
        self.op = op
        self.names = tuple(name for name in layout if name in needed)
        self.keep = _picker(layout, self.names)
        self.steps = [(i, rule, None if names_of(rule) == self.names else _picker(self.names, names_of(rule)))
                      for i, rule in rules]
        self.keeps_values = any(name == "out" or name in op.inputs for name in self.names)


def names_of(rule: Rule) -> tuple[str, ...]:
    """What a rule asks for, after g: read off its signature."""
    code = rule.__code__
    return code.co_varnames[1 : code.co_argcount]


def _inputs_and_params(forward: Callable[..., Array]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if isinstance(forward, np.ufunc):
        return ("x", "y")[: forward.nin], ()
    if not isinstance(forward, FunctionType):
        return (), ()  # it does not say
    code = forward.__code__
    names = code.co_varnames[: code.co_argcount]
    return names[: code.co_posonlyargcount], names[code.co_posonlyargcount :]


def _picker(layout: Sequence[str], names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that picks the named values, as a tuple, out of a tuple laid out as `layout`."""
    at = [layout.index(name) for name in names]
    if len(at) < 2:  # itemgetter gives a tuple only for two and more; a slice gives one always
        return itemgetter(slice(at[0], at[0] + 1) if at else slice(0))
    return itemgetter(*at)


# --------------------------------------------------------------------------------- the tape and the tensor


class Node:
    """The trace of one operation, or (subclass Leaf) the end of the tape.

    Nodes point to older nodes only, and never to a tensor: there are no cycles, so a graph that nobody
    holds any more is freed at once. A node's tick is larger than its parents': creation order is a
    topological order, and the backward walk is a loop over sorted nodes.
    """

    __slots__ = ("pullback", "parents", "saved", "cells", "tick", "shape", "dtype", "hooks", "source", "seen")

    pullback: Pullback
    parents: Sequence[Node | None]  # for each argument of the op the node that made it
    saved: tuple[Any, ...] | None  # the values of pullback.names; None once freed
    cells: tuple[Cell, ...]  # for each saved value its storage's cell; NEVER if it has none
    tick: int
    shape: tuple[int, ...]  # of the output, and so of its gradient
    dtype: np.dtype[Any]
    hooks: dict[Any, Callable[[Any], Any]] | None  # run on the gradient before the rules see it
    source: tuple[str, int] | None  # the user's file and line, in the modes that ask for it
    seen: object  # a mark of the last walk that came here: quicker than a set of nodes, most of all for a million

    def __init__(self, pullback: Pullback, parents: Sequence[Node | None], saved: tuple[Any, ...],
                 cells: tuple[Cell, ...], out: Array) -> None:
        if None in cells:
            raise RuntimeError(
                f"Inference tensors cannot be saved for backward, and {pullback.op.name} needs to save one. "
                "Make a clone of it, or use torch.no_grad() instead of torch.inference_mode().")
        self.pullback = pullback
        self.parents = parents
        self.saved = saved
        self.cells = cells
        self.tick = tick()
        self.shape = out.shape
        self.dtype = out.dtype
        self.hooks = self.seen = None
        self.source = user_line() if mode.source else None

    @property
    def op_name(self) -> str:
        return self.pullback.op.name

    def read(self, as_tensors: bool) -> tuple[Any, ...]:
        """The saved values, after making sure that none was overwritten or freed since.

        With `as_tensors` they come with their place on the tape, so that running the rules on them records
        the gradient's own graph.
        """
        if self.saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they have "
                f"already been freed). The saved values of {self.op_name} went with the first .backward() or "
                "autograd.grad(). Specify retain_graph=True there if you need them a second time.")
        for cell in self.cells:
            if cell[0] > self.tick:
                raise self._overwritten()
        if not as_tensors:
            return self.saved
        place = dict(zip(("out", *self.pullback.op.inputs), (self, *self.parents), strict=False))
        return tuple([value if cell is NEVER else wrap(value, place.get(name), cell)
                      for name, value, cell in zip(self.pullback.names, self.saved, self.cells, strict=True)])

    def _overwritten(self) -> RuntimeError:
        assert self.saved is not None
        i = [cell[0] > self.tick for cell in self.cells].index(True)
        return RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{self.op_name} saved its {self.pullback.names[i]!r} (shape {list(self.saved[i].shape)}, "
            f"{self.saved[i].dtype}) and it was written to afterwards. Change a copy of it, or write x = x + ... for "
            "x += ...")

    def free(self) -> None:
        """Let go of saved arrays. A node that kept none (a sum, a view) can run backward again."""
        if self.pullback.keeps_values:
            self.saved = None


class Leaf(Node):
    """Where gradients end up: a tensor that the user made. Its gradient is a buffer of its own."""

    __slots__ = ("grad", "frozen", "after")

    grad: Tensor | None
    frozen: bool  # what arrives is not wanted: requires_grad was switched off, or a view was taken under no_grad
    after: dict[Any, Callable[[], None]] | None  # hooks: run when a gradient was added

    def __init__(self, array: Array, frozen: bool = False) -> None:
        self.parents, self.saved, self.cells = (), (), ()
        self.tick, self.shape, self.dtype = tick(), array.shape, array.dtype
        self.hooks = self.grad = self.source = self.after = self.seen = None
        self.frozen = frozen

    @property
    def op_name(self) -> str:
        return "AccumulateGrad"

    def accumulate(self, g: Any) -> None:
        """Add g to the gradient: in place, so that whoever holds `p.grad` sees it, as in torch.

        Under create_graph g is a tensor with a history, and the sum is a new tensor that has one too.
        """
        old = self.grad
        if self.frozen:
            return
        if isinstance(g, TensorCore):
            self.grad = g if old is None else old + g  # type: ignore[assignment]  # a Tensor: TensorCore's only kind
        elif old is None:
            self.grad = wrap(np.asarray(g) if isinstance(g, np.generic) else g)
        else:
            old.bump()
            old.array += g
        for hook in list(self.after.values()) if self.after else ():
            hook()


class TensorCore(Traced):
    """What the engine needs of a tensor: its array, and its place on the tape. The rest: gradient.py, tensor.py."""

    __slots__ = ("array", "node", "place", "cell", "base", "base_tick")

    array: Array
    node: Node | None  # None for a constant
    place: Leaf | Kept | None  # where its gradient is kept, also while requires_grad is off
    cell: Cell | None  # None for an inference tensor: it can't be saved, so nothing watches writes to it
    base: Tensor | None  # the tensor that this one is a view of
    base_tick: int  # when the view was taken; after a later write it has to `follow` its base

    result_class: type[Tensor]  # tensor.py's Tensor: what operations return

    def _apply(self, op: Op, args: tuple[Any, ...]) -> Tensor:
        return apply(op, args)

    def follow(self) -> None:
        """If this is a view and its memory was written to: take it anew, so that its history fits its values."""
        raise NotImplementedError("gradient.py does it, with inplace.py: the engine itself knows no writing")

    def current_node(self) -> Node | None:
        """The node, after a view has followed its base."""
        self.follow()
        return self.node

    def bump(self) -> None:
        """Note that the storage is written to: saved values that share it are stale from now on."""
        if self.cell is not None:
            self.cell[0] = tick()
        elif not mode.inference:
            raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed: clone it")


def wrap(array: Array, node: Node | None = None, cell: Cell | None = None, base: Tensor | None = None) -> Tensor:
    """A new tensor around an array (not copied)."""
    t = _new(TensorCore.result_class)
    t.array, t.node, t.base, t.place = array, node, base, None
    t.cell = [0] if cell is None and not mode.inference else cell
    return t


def apply(op: Op, args: tuple[Any, ...]) -> Tensor:
    """Run an op on tensors (and numbers, and parameters), and record a node if a gradient may be wanted."""
    arrays: list[Any] = []  # one pass over the arguments, and lists that the node keeps: this is the hot path
    parents: list[Node | None] = []
    cells: list[Cell | None] = []
    wanted, bit = 0, 1
    for a in args:
        if isinstance(a, TensorCore):
            if a.base is not None:
                a.follow()
            if a.node is not None:
                wanted |= bit
            arrays.append(a.array)
            parents.append(a.node)
            cells.append(a.cell)
        else:
            arrays.append(a)
            parents.append(None)
            cells.append(NEVER)
        bit += bit
    try:
        array = op.forward(*arrays)
    except TypeError as error:  # arrays of two devices, perhaps
        return apply(op, tuple(gathered(args, error)))
    if isinstance(array, np.generic):  # NumPy turns 0-d results into scalars
        array = np.asarray(array)
    if op.view and (not array.size or np.may_share_memory(array, arrays[0])):
        out = wrap(array, base=args[0] if args[0].base is None else args[0].base)
        out.cell, out.base_tick = args[0].cell, tick()
        out.node = Leaf(array, frozen=True) if wanted and not mode.grad else None
    else:
        out = wrap(array)
    wanted &= op.ruled
    if wanted and mode.grad and array.dtype.kind == "f":  # only floating-point results have gradients
        pullback = op.pullbacks.get(wanted)
        if pullback is None:
            pullback = op.pullbacks[wanted] = Pullback(op, wanted)
        if op.shapes:
            arrays += [np.shape(x) for x in arrays[: len(op.inputs)]]
            cells += [NEVER] * len(op.inputs)
        out.node = Node(pullback, parents, pullback.keep((array, *arrays)), pullback.keep((out.cell, *cells)), array)
    return out


# ------------------------------------------------------------------------------------ the walk backwards


def walk_back(roots: Sequence[Node], cotangents: Sequence[Any], targets: Sequence[Node] | None, *, retain_graph: bool,
              create_graph: bool) -> dict[Node, Any]:
    """Carry the cotangents back to the leaves, or only to the `targets`, whose gradients are returned.

    Cotangents are arrays, or tensors under create_graph: the same rules run on either. As in torch, the hooks of a
    single root run even if it leads to no target.
    """
    pending: dict[Node, Any] = {}  # gradients on their way: the sum of what has arrived at a node so far
    for root, g in zip(roots, cotangents, strict=True):
        pending[root] = (pending[root] + g if root in pending
                         else own(g) if isinstance(root, Leaf) and targets is None else g)
    nodes = newest_first(roots)
    useful = None if targets is None else leading_to([*targets, *roots] if len(roots) == 1 else targets, nodes)
    captured: dict[Node, Any] = {}
    watch = mode.watch
    for node in nodes:
        g = pending.pop(node, None)
        if g is None or (useful is not None and node not in useful):
            continue
        if node.hooks:
            for hook in list(node.hooks.values()):
                g = hook(g)
        if targets is not None and node in targets:
            captured[node] = g
        if isinstance(node, Leaf):
            if targets is None:
                node.accumulate(g)
            continue
        if useful is not None and not any(parent in useful for parent in node.parents):
            continue  # a target itself, with nothing of interest behind it: its saved values stay
        saved = node.read(as_tensors=create_graph)
        for i, rule, pick in node.pullback.steps:
            parent = node.parents[i]
            if parent is None or (useful is not None and parent not in useful):
                continue
            grad = rule(g, *(saved if pick is None else pick(saved)))
            if grad is None:  # the user's own rule (autograd.Function) may say so: no gradient goes there
                continue
            if watch is not None:
                watch(node, i, grad)
            if grad.shape != parent.shape or grad.dtype is not parent.dtype:
                grad = fit(grad, parent)
            if parent in pending:
                pending[parent] = pending[parent] + grad
            elif targets is None and isinstance(parent, Leaf) and (grad is g or grad.base is not None):
                pending[parent] = own(grad)  # a rule may pass g itself on, or a view of it
            else:
                pending[parent] = grad
        if not retain_graph:
            node.free()
    return captured


def newest_first(roots: Iterable[Node]) -> list[Node]:
    """All nodes that the roots depend on, in the order in which their gradients become complete."""
    nodes = list(dict.fromkeys(roots))
    walk = object()
    for node in nodes:
        node.seen = walk
    for node in nodes:  # the list grows while it is read
        for parent in node.parents:
            if parent is not None and parent.seen is not walk:
                parent.seen = walk
                nodes.append(parent)
    nodes.sort(key=attrgetter("tick"), reverse=True)
    return nodes


def leading_to(targets: Sequence[Node], nodes: list[Node]) -> set[Node]:
    """Those of the nodes (newest first) from which a target can be reached."""
    useful = set(targets)
    for node in reversed(nodes):  # oldest first: parents are decided before their children
        if any(parent in useful for parent in node.parents):
            useful.add(node)
    return useful


def fit(grad: Any, node: Node) -> Any:
    """Undo broadcasting and promotion: give a gradient the shape and dtype of the value that it belongs to."""
    array = grad.array if isinstance(grad, TensorCore) else grad
    if array.shape != node.shape and isinstance(grad, np.ndarray) and grad.ndim == 2 and node.shape == grad.shape[1:]:
        grad = array = sum_of_rows(grad)  # of a bias
    elif array.shape != node.shape:
        extra = array.ndim - len(node.shape)
        stretched = [extra + i for i, n in enumerate(node.shape) if n == 1 and array.shape[extra + i] != 1]
        grad = grad.sum((*range(extra), *stretched)).reshape(node.shape)
    if array.dtype != node.dtype:
        grad = grad.to(node.dtype) if hasattr(grad, "to") else grad.astype(node.dtype)
    return grad


def own(g: Any) -> Any:
    """A copy: a leaf's gradient shares memory with nothing."""
    return g.clone() if hasattr(g, "clone") else np.array(g) if isinstance(g, np.generic) else g.copy()

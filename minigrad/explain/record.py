"""Sees one training step happen: what every operation was given and made, every gradient, every update.

Nothing of the engine changes. While a `Recording` is entered it stands in front of six doors that every step goes
through (making a node, calling a module, detaching, walking back, building an optimizer, its step), notes what passes,
and passes it on. What a node was made of is noted on the node itself, in its `source`, so it lives as long as the node.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Any, NamedTuple, Self

import numpy as np

from ..autograd import walks
from ..engine import Array, Leaf, Node, TensorCore, newest_first
from ..gradient import WithGradient
from ..modes import mode, user_line
from ..nn import Module
from ..optim import Optimizer

Place = tuple[str, int] | None  # the user's file and line


class Given(NamedTuple):
    """A tensor that an operation was given."""

    node: Node | None  # None for a constant
    key: tuple[int, int]  # the same for the same memory with the same values
    value: Array  # a copy
    base: int | None  # of a view: its base's id, as in `Walk.names`
    detached_at: Place


class Call:
    """One call of a module. Operations that run in it form a group."""

    def __init__(self, module: Module, args: Sequence[Any]) -> None:
        self.module = module
        self.given = {id(a.array) for a in args if isinstance(a, TensorCore)}  # what comes from outside


class Made(tuple[str, int]):
    """A node's source, (file, line), and what was seen when the node was made."""

    value: Array | None  # the output; None for a Function, which may have several
    args: Sequence[Any]  # a Given for each tensor, the rest as it is
    calls: tuple[Call, ...]  # the modules it ran in, the outermost first


class Walk:
    """One walk back along the tape: what arrived at each node, and what each rule made of it."""

    def __init__(self, roots: Sequence[Node], cotangents: Sequence[Any], stores: bool) -> None:
        self.place, self.roots = user_line(), roots
        self.cotangents = [_copy(g) for g in cotangents]
        self.stores = stores  # whether gradients are added to .grad, or only returned
        self.nodes = newest_first(roots)
        self.arrived: dict[Node, Any] = {}  # in the order of the walk
        self.shares: dict[Node, list[tuple[int, Any]]] = {}  # the i-th rule's result, before it is fitted to the input
        self.grads = {node: _copy(node.grad) for node in self.nodes if isinstance(node, Leaf)}  # .grad before the walk
        self.names = _names(inspect.currentframe())

    def see(self, node: Node, g: Any) -> Any:
        self.arrived[node] = _copy(g)
        return g

    def watch(self, before: Callable[..., None] | None, node: Node, i: int, grad: Any) -> None:
        self.shares.setdefault(node, []).append((i, _copy(grad)))
        if before is not None:
            before(node, i, grad)

    def run(self, walk_back: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Walk, with a hook on every node (behind the user's own) and a watch on every rule."""
        before = mode.watch
        for node in self.nodes:
            node.hooks = {**(node.hooks or {}), self: partial(self.see, node)}
        mode.watch = partial(self.watch, before)
        try:
            return walk_back(*args, **options)
        finally:
            mode.watch = before
            for node in self.nodes:
                if node.hooks is not None:
                    node.hooks.pop(self, None)


class Updated(NamedTuple):
    """What an optimizer's step did to one parameter."""

    optimizer: Optimizer
    options: dict[str, Any]
    parameter: Any
    node: Node | None
    before: Array
    after: Array
    grad: Array | None
    state: dict[str, tuple[Array | None, Array]]  # before and after
    place: Place


class EndOfStep(BaseException):
    """Ends the script: the step that was asked for is done. No `except Exception` of the script stops it."""


class Recording:
    """Records while it is entered: all of it, or only the `step`-th training step, after which EndOfStep is raised.

    A training step ends with an optimizer's step; where no optimizer exists, with a walk back.
    """

    def __init__(self, step: int | None = None) -> None:
        self.step, self.steps_done = step, 0
        self.walks: list[Walk] = []
        self.updates: list[Updated] = []
        self.calls: list[Call] = []
        self.copies: dict[tuple[int, int], tuple[Array, Array]] = {}
        self.detached: dict[int, tuple[Array, Place]] = {}  # by id; the array is held, so that the id stays its own
        self.has_optimizer = self.in_step = False
        self.originals: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        self.source_before = mode.source
        self.stand_before(Optimizer, "__init__", self.on_optimizer)
        self.stand_before(walks, "walk_back", self.on_walk)
        self.watch_steps(_subclasses(Optimizer))
        if self.step in (None, 1):
            self.look_closely()
        return self

    def __exit__(self, *exc: object) -> None:
        for owner, name, original in reversed(self.originals):
            setattr(owner, name, original)
        mode.source = self.source_before

    def look_closely(self) -> None:
        """Note every operation, from now on."""
        mode.source = True
        self.stand_before(Node, "__init__", self.on_node)
        self.stand_before(Module, "__call__", self.on_call)
        self.stand_before(WithGradient, "detach", self.on_detach)

    def stand_before(self, owner: Any, name: str, door: Callable[..., Any]) -> None:
        """Let calls of owner.name come to door(original, ...)."""
        original = getattr(owner, name)
        self.originals.append((owner, name, original))
        setattr(owner, name, lambda *args, **kwargs: door(original, *args, **kwargs))

    # -------------------------------------------------------------------------------------------- the doors

    def on_node(self, init: Callable[..., None], node: Node, *args: Any) -> None:
        init(node, *args)
        caller: Any = inspect.currentframe().f_back.f_back  # type: ignore[union-attr]  # past the lambda of `stand_before`
        given = caller.f_locals.get("args", ())  # `apply`'s: its frame knows, so it need not tell
        given = [given[i] for i in getattr(node, "tensor_at", range(len(given)))]  # a Function's: its tensors alone
        out = args[-1]
        made = Made(node.source or ("", 0))
        made.value = np.array(out) if isinstance(out, np.ndarray) else None
        made.args = [self.given(a) if isinstance(a, TensorCore) else a for a in given]
        made.calls = tuple(self.calls)
        node.source = made

    def given(self, t: TensorCore) -> Given:
        key = (id(t.array), t.cell[0] if t.cell else 0)
        if key not in self.copies:
            self.copies[key] = t.array, np.array(t.array)
        base = None if t.base is None else id(t.base.array)
        return Given(t.node, key, self.copies[key][1], base, self.detached.get(id(t.array), (None, None))[1])

    def on_call(self, call: Callable[..., Any], module: Module, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(Call(module, [*args, *kwargs.values()]))
        try:
            return call(module, *args, **kwargs)
        finally:
            self.calls.pop()

    def on_detach(self, detach: Callable[..., Any], t: WithGradient) -> Any:
        if t.current_node() is not None:
            self.detached[id(t.array)] = t.array, user_line()
        return detach(t)

    def on_walk(self, walk_back: Callable[..., Any], roots: Sequence[Node], *args: Any, **options: Any) -> Any:
        walk = partial(self.walk, walk_back) if self.is_close else walk_back
        result = walk(roots, *args, **options)
        if not self.has_optimizer:
            self.end_step()
        return result

    def walk(self, walk_back: Callable[..., Any], roots: Sequence[Node], cotangents: Sequence[Any],
             targets: Sequence[Node] | None, **options: Any) -> Any:
        """Walk back, and note it."""
        self.walks.append(Walk(roots, cotangents, stores=targets is None))
        return self.walks[-1].run(walk_back, roots, cotangents, targets, **options)

    def on_optimizer(self, init: Callable[..., None], optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
        self.has_optimizer = True
        init(optimizer, *args, **kwargs)
        self.watch_steps(type(optimizer).__mro__)  # of a class that the script has defined since

    def watch_steps(self, kinds: Iterable[type[Any]]) -> None:
        watched = {owner for owner, name, _ in self.originals if name == "step"}
        for kind in kinds:
            if issubclass(kind, Optimizer) and "step" in vars(kind) and kind not in watched:
                self.stand_before(kind, "step", self.on_step)

    def on_step(self, step: Callable[..., Any], optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self.in_step:  # a step that calls another class's
            return step(optimizer, *args, **kwargs)
        self.in_step = self.has_optimizer = True
        before = [(p, _copy(p), _states(optimizer, p)) for p in _parameters(optimizer)] if self.is_close else []
        try:
            result = step(optimizer, *args, **kwargs)
        finally:
            self.in_step = False
        for p, value, old in before:
            options = next(group for group in optimizer.param_groups if any(p is q for q in group["params"]))
            state = {name: (old.get(name), new) for name, new in _states(optimizer, p).items()}
            self.updates.append(Updated(optimizer, options, p, p.place, value, _copy(p), _copy(p.grad), state,
                                        user_line()))
        self.end_step()
        return result

    # ------------------------------------------------------------------------------------------- the steps

    @property
    def is_close(self) -> bool:
        """Whether this is the step that is recorded."""
        return self.step is None or self.steps_done == self.step - 1

    def end_step(self) -> None:
        if self.step is None:
            return
        self.steps_done += 1
        if self.steps_done == self.step:
            raise EndOfStep
        if self.steps_done == self.step - 1:
            self.look_closely()


def _copy(x: Any) -> Any:
    """A tensor's, or an array's, values as they are now. A Function's gradients (Cotangents) stay what they are."""
    x = x.array if isinstance(x, TensorCore) else x
    return np.array(x) if isinstance(x, (np.ndarray, np.generic)) else x


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from _subclasses(sub)


def _parameters(optimizer: Optimizer) -> list[Any]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _states(optimizer: Optimizer, p: Any) -> dict[str, Array]:
    state = optimizer.state.get(p, {})
    return {name: _copy(value) for name, value in state.items() if isinstance(value, TensorCore)}


def _names(frame: FrameType | None) -> dict[int, str]:
    """What the script calls its tensors' nodes and arrays, and its modules, by their ids; inner frames come first."""
    names: dict[int, str] = {}
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] != "minigrad":
            for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                if name.startswith("_"):
                    continue  # a notebook's own: _, _1
                if isinstance(value, TensorCore):
                    names.setdefault(id(value.array if value.node is None else value.node), name)
                elif isinstance(value, Module):
                    names.setdefault(id(value), name)
        frame = frame.f_back
    return names

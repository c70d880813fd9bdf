"""Recording: the step runs as it is written, and everything that it does to arrays is noted on the way.

Nothing in the engine knows of it. While a step is recorded some doors are watched, attributes of a few classes that
everything has to pass (see `doors`): reading a tensor's array gives a stand-in for it, which notes the calls; a
gradient that is set or cleared is noted, too, and so are an optimizer's numbers, random draws and schedules.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import gradient
from ..device import CPU, copied, device, is_array, place, share_memory
from ..engine import Array, Leaf, TensorCore, tick, wrap
from ..nn.modules.module import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from ..random import Generator
from ..tensor import Tensor
from .standin import Number, ReplayError, StandIn, no_value

FORM_ONLY = frozenset({np.shape, np.ndim, np.size, np.may_share_memory, np.result_type})  # no value matters to them
DRAWS = ("uniform", "normal", "bernoulli", "randint", "randperm", "exponential", "multinomial", "state_bytes")
VALUES = ("item", "tolist", "numpy", "__array__", "__bool__", "__float__", "__int__", "__index__", "__repr__",
          "__format__")  # the methods of a tensor that look at its values
MODULE_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
one_at_a_time = threading.Lock()


recording: set[int] = set()  # the threads that are recording a step


def expect(value: Any, wanted: Any) -> None:
    """The check of a program: a value on which the way of the recorded step depended."""
    if not np.array_equal(value, wanted):
        seen, before = place(value, CPU), place(wanted, CPU)
        raise ReplayError(f"a check in the replayed step gave {seen}, and {before} when it was recorded (an index out "
                          "of range, a target that is no class?): call the step without replay to see its own error")


@dataclass
class Call:
    """One line of the program: function(*args, **named), and what it returned when it was recorded."""

    function: Any
    args: tuple[Any, ...]
    named: dict[str, Any]
    result: Any = None
    fresh: bool = False  # the result has memory of its own; else it is an argument, a view of one, or no array


@dataclass
class Recorder:
    """What is known of a step once it ran: its calls, and all that it met from outside."""

    calls: list[Call] = field(default_factory=list)
    arguments: list[Tensor] = field(default_factory=list)  # stand for the step's own: see `argument`
    outside: dict[int, tuple[Any, Array]] = field(default_factory=dict)  # tensors from before the step
    constants: dict[int, tuple[Array, Array]] = field(default_factory=dict)  # arrays of unknown origin, and copies
    grads: dict[int, tuple[Leaf, Any]] = field(default_factory=dict)  # leaves whose .grad was read before it was set
    touched: dict[int, Leaf] = field(default_factory=dict)  # all leaves whose .grad was used
    modules: dict[int, tuple[Module, dict[str, Any]]] = field(default_factory=dict)  # and what they were like at first
    optimizers: dict[int, Optimizer] = field(default_factory=dict)
    made: dict[int, Any] = field(default_factory=dict)  # weak references to the tensors that the step made
    standins: dict[int, StandIn] = field(default_factory=dict)  # by the array's id; they keep the arrays alive
    thread: int = field(default_factory=threading.get_ident)
    began: int = field(default_factory=tick)
    paused: bool = False

    # ---------------------------------------------------------------------------------------- noting calls

    def call(self, function: Any, args: Any, named: dict[str, Any]) -> Any:
        """Call a NumPy function on the arrays themselves, and note it."""
        args, named = self.arrays(tuple(args)), self.arrays(named)
        result = function(*values(args), **values(named))
        if function in FORM_ONLY:
            return result
        if isinstance(result, np.generic):
            result = np.asarray(result)
        if result is not None and not is_array(result):
            raise no_value(f"{function.__name__}()")
        known = [a for a in flat((args, named)) if is_array(a)]
        fresh = result is not None and not any(share_memory(result, a) for a in known)
        self.calls.append(Call(function, args, named, result, fresh))
        return None if result is None else self.standin(result)

    def expect(self, value: Array) -> Any:
        """Note that a value is looked at, and must be the same at every call."""
        self.calls.append(Call(expect, (value, value.copy()), {}))
        return value

    def arrays(self, x: Any) -> Any:
        """Arguments with the arrays themselves in the stand-ins' places."""
        return mapped(x, lambda v: v.value if type(v) is StandIn else self.constant(v) if is_array(v) else v)

    def constant(self, array: Array) -> Array:
        """An array that no noted call has made; a copy tells whether the step writes to it."""
        if id(array) not in self.standins:
            self.standin(array)
            self.constants[id(array)] = array, array.copy()
        return array

    def standin(self, array: Array) -> StandIn:
        """The stand-in for an array: always the same one."""
        return self.standins.setdefault(id(array), StandIn(array, self))

    def argument(self, t: Tensor) -> Tensor:
        """A tensor that stands for the step's argument t, so that t itself is another one if the step knows it, too."""
        own = wrap(t.array.view(), cell=t.cell)
        self.arguments.append(own)
        self.standin(own.array)
        return own

    # ------------------------------------------------------------------------------------- behind the doors

    @property
    def listening(self) -> bool:
        """Whether what happens now is the step's doing."""
        return not self.paused and threading.get_ident() == self.thread

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let Python code run on the arrays themselves: the program will run it anew each time."""
        self.paused = True
        try:
            yield
        finally:
            self.paused = False

    def host(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Run Python code that the program is to run anew at every call."""
        with self.pause():
            result = function(*args, **named)
        if result is not None and not isinstance(result, (tuple, Generator)):
            raise no_value(f"what {function.__qualname__} returns")
        numbers = tuple(map(Number, result)) if isinstance(result, tuple) else None
        self.calls.append(Call(function, args, named, numbers))
        return numbers if numbers is not None else result

    def read_array(self, t: TensorCore, array: Array) -> StandIn:
        """Reading tensor.array: note where the tensor comes from."""
        if id(t) not in self.made and not any(t is own for own in self.arguments) and id(t) not in self.outside:
            if t.node is not None and not isinstance(t.node, Leaf):
                raise ReplayError(f"the step uses a tensor of shape {list(array.shape)} with a history from before the "
                                  "call: compute it inside the step, or detach() it")
            self.outside[id(t)] = t, array
        elif id(t) in self.made:
            self.constant(array)
        return self.standin(array)

    def write_array(self, t: TensorCore, array: Array, before: Array | None) -> None:
        """Setting tensor.array: a new tensor, or (p.data = x) an old one with other memory."""
        if before is None:
            self.made[id(t)] = weakref.ref(t)
        elif before is not array and id(t) not in self.made:
            raise ReplayError("the step gives a tensor from outside other memory (p.data = ..., resize): copy_() "
                              "into it instead")

    def read_grad(self, leaf: Leaf, grad: Any) -> None:
        """Reading leaf.grad: what it was at the beginning matters if it was not set before."""
        if leaf.after or leaf.hooks:
            raise ReplayError("a gradient hook runs Python code that a replayed step would leave out")
        if id(leaf) not in self.touched:
            self.grads[id(leaf)] = leaf, grad
            self.touched[id(leaf)] = leaf

    def write_grad(self, leaf: Leaf, grad: Any) -> None:
        """Setting leaf.grad."""
        if grad is not None and grad.node is not None:
            raise ReplayError("a gradient with a history of its own (create_graph=True) can't outlive a replayed step; "
                              "use autograd.grad inside it")
        if any(grad is own for own in self.arguments):
            raise ReplayError("the step makes its argument a .grad: give it a clone()")
        self.touched[id(leaf)] = leaf
        self.calls.append(Call(setattr, (leaf, "grad", grad), {}))

    def draw(self, method: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """A random draw: a call like NumPy's."""
        return self.call(method, args, named)

    def copy(self, copied: Callable[..., Any], array: Any, where: device) -> Any:
        """A copy on another device: once, of a constant. The host can get none: it is done when a GPU begins."""
        if where == CPU:
            raise no_value("a copy to the host (cpu())")
        return self.call(copied, (array, where), {}) if type(array) is StandIn else copied(array, where)

    def step(self, step: Callable[..., Any], optimizer: Optimizer, *args: Any, **named: Any) -> Any:
        """optimizer.step(): minigrad's own optimizers are recorded, a user's Python code is run anew each time."""
        if args or named:
            raise ReplayError("optimizer.step(closure) can't be replayed: compute the gradients before the step")
        own = type(optimizer)._update.__module__.startswith("minigrad.") and "step" not in vars(type(optimizer))
        if not own or optimizer._step_pre_hooks or optimizer._step_post_hooks:
            return self.host(step, optimizer)
        self.optimizers[id(optimizer)] = optimizer
        return step(optimizer)

    def is_new(self, t: Any) -> bool:
        """Whether it is a tensor that the step made (or that stands for its argument), and no leaf's gradient now."""
        made = id(t) in self.made and self.made[id(t)]() is t
        kept = any(leaf.grad is t for leaf in self.touched.values())
        return made and not kept or any(t is own for own in self.arguments)

    def module(self, call: Callable[..., Any], module: Module, *args: Any, **named: Any) -> Any:
        """Calling a module: note it, for its options and its members are to be the same at every call."""
        if any(getattr(module, hooks) for hooks in MODULE_HOOKS):
            raise ReplayError("a module's hook runs Python code that a replayed step would leave out")
        self.modules.setdefault(id(module), (module, dict(vars(module))))
        return call(module, *args, **named)


@contextmanager
def doors(recorder: Recorder) -> Iterator[None]:
    """Watch everything that reaches arrays, for this thread, until the end of the block."""
    with one_at_a_time:
        changes = [(owner, name, door, vars(owner)[name]) for owner, name, door in all_doors(recorder)]
        recording.add(recorder.thread)
        try:
            for owner, name, door, _ in changes:
                setattr(owner, name, door)
            yield
        finally:
            recording.discard(recorder.thread)
            for owner, name, _, before in changes:
                setattr(owner, name, before)


def all_doors(recorder: Recorder) -> Iterator[tuple[Any, str, Any]]:
    """(class or module, the attribute to watch, what stands in its place while a step is recorded)."""
    yield TensorCore, "array", _array_door(recorder)
    yield Leaf, "grad", _grad_door(recorder)
    yield gradient, "_run_hook", _refusing(recorder, gradient._run_hook, "a gradient hook")
    yield Module, "__call__", _through(recorder, Module.__call__, recorder.module)
    for cls in Tensor.__mro__[:-1]:
        for name in set(VALUES) & vars(cls).keys():
            yield cls, name, _refusing(recorder, getattr(cls, name), f"{name.strip('_')}()")
    for name in DRAWS:
        yield Generator, name, _through(recorder, getattr(Generator, name), recorder.draw)
    yield sys.modules[copied.__module__], "copied", _through(recorder, copied, recorder.copy)
    for name in ("manual_seed", "random64"):
        yield Generator, name, _through(recorder, getattr(Generator, name), recorder.host)
    for cls in subclasses(Optimizer):
        if "step" in vars(cls):
            yield cls, "step", _through(recorder, cls.step, recorder.step)
        if "_numbers" in vars(cls):
            yield cls, "_numbers", _through(recorder, cls._numbers, recorder.host)
    for cls in subclasses(LRScheduler):
        if "step" in vars(cls):
            yield cls, "step", _through(recorder, cls.step, recorder.host)


def _array_door(recorder: Recorder) -> property:
    slot = vars(TensorCore)["array"]

    def read(t: TensorCore) -> Any:
        array = slot.__get__(t)
        return recorder.read_array(t, array) if recorder.listening else array

    def write(t: TensorCore, array: Any) -> None:
        array = array.value if type(array) is StandIn else array
        if recorder.listening:
            try:
                before = slot.__get__(t)
            except AttributeError:
                before = None
            recorder.write_array(t, array, before)
        slot.__set__(t, array)

    return property(read, write)


def _grad_door(recorder: Recorder) -> property:
    slot = vars(Leaf)["grad"]

    def read(leaf: Leaf) -> Any:
        grad = slot.__get__(leaf)
        if recorder.listening:
            recorder.read_grad(leaf, grad)
        return grad

    def write(leaf: Leaf, grad: Any) -> None:
        if recorder.listening and (grad is not None or hasattr(leaf, "frozen")):  # not in Leaf's own __init__
            recorder.write_grad(leaf, grad)
        slot.__set__(leaf, grad)

    return property(read, write)


def _through(recorder: Recorder, method: Callable[..., Any], door: Callable[..., Any]) -> Callable[..., Any]:
    """The method, or while the recorder listens door(method, *its arguments)."""

    def watched(*args: Any, **named: Any) -> Any:
        return door(method, *args, **named) if recorder.listening else method(*args, **named)

    watched.__qualname__ = watched.__name__ = method.__qualname__
    return watched


def _refusing(recorder: Recorder, method: Callable[..., Any], what: str) -> Callable[..., Any]:
    def refuse(*args: Any, **named: Any) -> Any:
        raise no_value(what)

    return _through(recorder, method, refuse)


def subclasses(cls: type) -> list[Any]:
    """The class and all that are derived from it."""
    derived: list[type] = cls.__subclasses__()
    return [cls, *[each for sub in derived for each in subclasses(sub)]]


# ------------------------------------------------------------------------------------------ nested arguments


def mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    """x with function applied to all that is no tuple, list, dict or slice."""
    if isinstance(x, tuple):
        items = [mapped(v, function) for v in x]
        return type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    if isinstance(x, list):
        return [mapped(v, function) for v in x]
    if isinstance(x, dict):
        return {k: mapped(v, function) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(*[mapped(v, function) for v in (x.start, x.stop, x.step)])
    return function(x)


def flat(x: Any) -> list[Any]:
    """All that is in x, however nested."""
    found: list[Any] = []
    mapped(x, found.append)
    return found


def values(x: Any) -> Any:
    """Arguments as NumPy takes them."""
    return mapped(x, lambda v: v.value if type(v) is Number else v)

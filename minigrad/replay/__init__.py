"""minigrad.replay: a training step recorded once is a program. docs/replay.md explains it on one page.

    standin.py    what stands in an array's place while the step is recorded
    recorder.py   what the step does to arrays, noted down
    program.py    the notes as Python source, one line for each call, on memory that is there
    guards.py     what has to be as it was, or the step is recorded again
"""

from __future__ import annotations

import gc
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from functools import update_wrapper
from threading import get_ident
from types import MethodType, ModuleType
from typing import Any

from ..device import is_array
from ..engine import TensorCore, wrap
from .guards import Guards, surroundings
from .program import SIMPLE, Program, same
from .recorder import Recorder, doors, flat, mapped, recording
from .standin import ReplayError

__all__ = ["Replayed", "ReplayError", "replay"]


class _Replay(ModuleType):
    """This module, which can be called: @minigrad.replay."""

    def __call__(self, step: Callable[..., Any]) -> Replayed:
        return replay(step)


sys.modules[__name__].__class__ = _Replay

PATIENCE = 4  # recordings that differ from one another before the step is given up


class Replayed:
    """A step that is recorded, and from then on runs as a program. `programs` are those in use: print one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.function = function
        self._accepted: defaultdict[Any, list[tuple[Guards, Program]]] = defaultdict(list)
        self._candidates: defaultdict[Any, list[tuple[Guards, Program]]] = defaultdict(list)  # recorded once
        self._problem: str | None = None  # of the last recording: the first may make what the next ones find
        self._in_vain = 0  # recordings since one was accepted
        self._objects: list[Any] = []  # arguments that programs are made for: alive, so that ids stay theirs

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    @property
    def programs(self) -> list[Program]:
        """The programs that were recorded, for all forms of arguments."""
        return [program for accepted in self._accepted.values() for _, program in accepted]

    def __call__(self, *args: Any, **named: Any) -> Any:
        if recording and get_ident() in recording:  # a replayed step inside another one is a part of it
            return self.function(*args, **named)
        arrays: list[Any] = []
        key = (signature(args, arrays), signature(named, arrays)) if named else signature(args, arrays)
        for guards, program in self._accepted.get(key, ()):
            if guards.hold(arrays):
                return program.run(*arrays)
        return self._record(key, arrays, args, named)

    def _record(self, key: Any, arrays: list[Any], args: Any, named: dict[str, Any]) -> Any:
        """Run the step as it is, note what it does, and take the program into use if an earlier recording agrees."""
        earlier = [entry for entry in self._candidates[key] if entry[0].hold(arrays)]
        if self._accepted and not earlier:
            self._say_why(key, arrays)
        objects = [x for x in flat((args, named)) if not is_input(x)]
        self._objects += objects
        recorder, around = Recorder(), surroundings(self.function, objects)
        given = mapped((args, named), lambda x: recorder.argument(x) if is_input(x) else x)
        with doors(recorder):
            result = self.function(*given[0], **given[1])
        if any(t.cell and t.cell[0] > recorder.began for t in recorder.arguments):
            raise ReplayError("the step writes into its argument: let it write into a clone()")
        program, guards = Program(recorder, result), Guards(recorder, around)
        returned = mapped(result, lambda x: wrap(x.array.copy()) if recorder.is_new(x) else x)
        del result, given
        problem = left_behind(recorder) or changed(recorder, around, surroundings(self.function, objects))
        recorder.standins.clear()  # they know the recorder, which knows them: without this the arrays would stay
        self._in_vain += 1
        if any(not problem and not program.difference(candidate) for _, candidate in earlier):
            self._accepted[key].append((guards, program))
            self._candidates[key].clear()
            self._in_vain = 0
        elif (problem and self._problem) or self._in_vain >= (2 if earlier else 4) * PATIENCE:
            differs = program.difference(earlier[-1][1]) if earlier else "other arguments or variables at every call"
            raise ReplayError(f"{self.function.__qualname__} can't be replayed: "
                              + (problem or f"no two calls are alike: {differs}"))
        else:
            self._candidates[key].append((guards, program))
        self._problem = problem
        return returned

    def _say_why(self, key: Any, arrays: list[Any]) -> None:
        known = self._accepted.get(key)
        reason = known[-1][0].broken(arrays) if known else "other arguments"
        warnings.warn(f"replay: {self.function.__qualname__} is recorded again: {reason}", stacklevel=4)


def replay(step: Callable[..., Any]) -> Replayed:
    """Record a training step, and run the recording from then on: the same numbers without tape and bookkeeping.

    >>> from minigrad import nn, optim, randn, replay
    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> @replay
    ... def step(x, y):
    ...     loss = nn.functional.mse_loss(model(x), y)
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> for _ in range(10):
    ...     loss = step(randn(5, 2), randn(5, 1))
    >>> print(step.programs[0])  # doctest: +ELLIPSIS
    def run(x0, x1):
    ...

    The first two calls or three run as they are written, and are recorded; once two recordings agree, the program is
    taken. Arguments, learning rates, step counts and random draws are read anew at every call; everything else in
    Python (numbers, branches, lists) is as it was when it was recorded. The step is recorded again, with a warning,
    when arguments have another form, or a mode, an option, or a variable of the step changes.

    Tensors that the step returns are copies without a history; what it makes must not be kept in another way.
    ReplayError for what a recording can't hold: looking at values (item, bool, numpy, print, if), hooks, closures.
    """
    return Replayed(step)


def is_input(x: Any) -> bool:
    """Whether an argument is read anew at every call: a tensor without history. All else belongs to the program."""
    return isinstance(x, TensorCore) and x.node is None


def signature(x: Any, arrays: list[Any]) -> Any:
    """What arguments have in common that one program serves, but for the form of inputs: these go to `arrays`."""
    if isinstance(x, (tuple, list)):
        return tuple([signature(v, arrays) for v in x])
    if is_input(x):
        arrays.append(x.array)
        return TensorCore
    if isinstance(x, dict):
        return *x, *[signature(v, arrays) for v in x.values()]
    if is_array(x):
        raise ReplayError("a NumPy array as an argument of a replayed step: give it a tensor, torch.from_numpy(array)")
    return (type(x), x) if isinstance(x, SIMPLE) else id(x)


def left_behind(recorder: Recorder) -> str | None:
    """What is wrong if tensors that the step made are still there: they would never change again."""
    kept = {id(t) for call in recorder.calls for t in call.args if isinstance(t, TensorCore)}  # gradients, mostly

    def alive() -> list[Any]:
        return [t for t in (ref() for ref in recorder.made.values()) if t is not None and id(t) not in kept]

    if alive():
        gc.collect()
    shapes = [list(t.array.shape) for t in alive()]
    return f"it keeps tensors that it makes, of shape {shapes[0]}, other than by returning them" if shapes else None


def changed(recorder: Recorder, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """What is wrong if the step changes modules or variables of its surroundings: the program would not."""
    for module, attributes in recorder.modules.values():
        for name, value in vars(module).items():
            if name != "training" and not same(attributes.get(name), value):
                return f"it changes the attribute {name!r} of {type(module).__name__}, which a program does not"
    for name, (*_, value, inside) in after.items():
        if name not in before or not same(before[name][2], value) or not same(before[name][3], inside):
            return f"it changes {name}, which a program does not; return the value instead"
    return None

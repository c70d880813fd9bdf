"""From a recording to a program: Python source with one line for each call, which writes to memory that is there.

Views cost nothing at all: memory stays where it is, so a view of it is made once. A buffer whose array is not needed
any more serves the next array of its form. What the lines compute is what was recorded, in its order: nothing is left
out, put together or moved, so the numbers are the same to the last bit.
"""

from __future__ import annotations

import math
import operator
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np

from ..device import CPU, beside, copied, is_array, of, place, share_memory
from ..engine import Array, Leaf, TensorCore, tick, wrap
from .graph import Captured
from .recorder import Call, Recorder, expect, flat, mapped
from .standin import REDUCTIONS, Number, ReplayError

SIMPLE = (int, float, bool, str, type(None), type(...))
LINES = {operator.setitem: "{0}[{1}] = {2}", operator.getitem: "{0}[{1}]", operator.pow: "{0} ** {1}",
         operator.ipow: "{0} **= {1}", setattr: "{0}.grad = {2}"}
FILLED = {np.zeros_like: "0", np.ones_like: "1", np.full_like: "{1}"}


def store(buffer: Array, value: Any) -> None:
    """Keep what a function without out= returned. ReplayError if its form depends on values, and has changed."""
    if value.shape != buffer.shape or value.dtype != buffer.dtype:
        raise ReplayError(f"an array in the replayed step has the form {value.dtype}{list(value.shape)}, and had "
                          f"{buffer.dtype}{list(buffer.shape)} when it was recorded: its shape depends on values")
    buffer[...] = value


def same(a: Any, b: Any) -> bool:
    """Whether two recordings mean the same by a name: one object, equal values, or an array with the same bytes."""
    if is_array(a) and is_array(b):
        return a is b or (form(a) == form(b) and place(a, CPU).tobytes() == place(b, CPU).tobytes())
    return a is b or (type(a) is type(b) and not isinstance(a, TensorCore) and bool(a == b))


def form(array: Array) -> Any:
    """What two arrays have in common that can take each other's place."""
    return array.shape, array.strides, array.dtype, of(array)


class Lives:
    """How long the memory of each new array is needed. An array's views share its memory, and so its life."""

    def __init__(self, recorder: Recorder, result: Any, on_gpu: bool) -> None:
        self.owner: dict[int, int] = {}  # for the id of an array that the step made: that of the memory's first array
        self.last: dict[int, float] = {}  # for the owner: the number of the last call that needs it
        self.written: set[int] = set()  # the ids of arrays that calls write to
        self._buffers: dict[int, Array] = {}
        if on_gpu:  # the arguments are copied to memory of the program's own
            self.owner |= {id(t.array): id(t.array) for t in recorder.arguments}
        for i, call in enumerate(recorder.calls):
            used, made = arrays_of(call), call.result
            if is_array(made):
                if call.fresh:
                    self.owner[id(made)] = id(made)
                elif id(made) not in self.owner:
                    bases = [a for a in used if id(a) in self.owner and share_memory(a, made)]
                    self.owner |= {id(made): self.owner[id(a)] for a in bases}
                used.append(made)
            late = on_gpu and call.function is expect  # it looks when the GPU has done all its calls
            for a in used:
                self._needed(a, len(recorder.calls) if late else i)
            for t in [t for t in flat(call.args) if isinstance(t, TensorCore)]:
                self._needed(t.array, math.inf)
            if "out" in call.named or call.result is None:
                targets = flat((call.named.get("out"), call.args[:1]))
                self.written |= {id(a) for a in targets if is_array(a)}
        for t in [t for t in flat(result) if isinstance(t, TensorCore)]:
            self._needed(t.array, len(recorder.calls))

    def _needed(self, array: Array, until: float) -> None:
        if id(array) in self.owner:
            owner = self.owner[id(array)]
            self.last[owner] = max(until, self.last.get(owner, 0))

    def give(self, array: Array, buffer: Array) -> None:
        """Note the buffer that an array lives in."""
        self._buffers[id(array)] = buffer

    def ending(self, i: int) -> list[Array]:
        """The buffers that are free after the i-th call."""
        return [buffer for owner, buffer in self._buffers.items() if self.last[owner] == i]


def arrays_of(call: Call) -> list[Array]:
    """The arrays among a call's arguments."""
    return arrays_in((call.args, call.named))


def arrays_in(x: Any) -> list[Array]:
    """The arrays in what a call returned."""
    return [a for a in flat(x) if is_array(a)]


def _function(name: str, arguments: str, lines: list[str]) -> str:
    """The source of a function."""
    return f"def {name}({arguments}):\n    " + "\n    ".join(lines or ["pass"]) + "\n"


class Program:
    """The lines, `source`, and what the names in them stand for. `run(*arrays)` runs it on a step's arguments.

    A program on a GPU has three parts, `before`, `calls` and `after`: the calls there go together (see graph.py).

        x0, ...   the arguments' arrays, and v0, ... views of them
        p0, ...   parameters; s0, ...: other tensors from before the step, such as running averages
        n0, ...   numbers of the optimizer, read anew at every call
        a0, ...   all other arrays: buffers, views, constants
    """

    def __init__(self, recorder: Recorder, result: Any) -> None:
        self.names: dict[str, Any] = {"__name__": __name__}  # NumPy's warnings are silenced in minigrad's own modules
        self.made: set[str] = set()  # names of memory that this recording made: another one makes its own
        self.lines: list[str] = []
        self.on_gpu = any(of(a) != CPU for call in recorder.calls for a in (*arrays_of(call), *arrays_in(call.result)))
        self.before: list[str] = [] if self.on_gpu else self.lines
        self.after: list[str] = [] if self.on_gpu else self.lines
        self._part = self.before  # where lines go at the moment
        self._name_of: dict[int, str] = {}  # by id
        self._count: Counter[str] = Counter()
        self._arrays: dict[int, Array] = {}  # for the recorded array's id: the array that the program works on
        self._lives = Lives(recorder, result, self.on_gpu)
        self._leaves = [t.node for t, _ in recorder.outside.values()]
        self._free: defaultdict[Any, list[Array]] = defaultdict(list)
        self._numbers: dict[Any, Array] = {}
        self._begin(recorder)
        for i, call in enumerate(recorder.calls):
            self._part = self._part_of(call)
            self._add(call)
            for buffer in self._lives.ending(i):
                self._free[form(buffer)].append(buffer)
        self._part = self.after
        self._note_writes(recorder)
        self.after.append(f"return {self._result(result, recorder)}")
        arguments = ", ".join(f"x{i}" for i in range(len(recorder.arguments)))
        self.source = _function("before", arguments, self.before) + _function("calls", "", self.lines) + _function(
            "after", arguments, self.after) if self.on_gpu else _function("run", arguments, self.lines)
        exec(compile(self.source, "<replay>", "exec"), self.names)
        self.run: Callable[..., Any] = (Captured(*map(self.names.pop, ("before", "calls", "after"))) if self.on_gpu
                                        else self.names.pop("run"))
        del self._name_of, self._arrays, self._lives, self._leaves, self._free, self._numbers

    def __repr__(self) -> str:
        return self.source

    def difference(self, other: Program) -> str | None:
        """The first difference to another recording's program, if there is one."""
        for mine, theirs in zip_longest(self.source.splitlines(), other.source.splitlines(), fillvalue="nothing"):
            if mine != theirs:
                return f"{theirs.strip()}, then {mine.strip()}"
        for name, value in self.names.items():
            if name not in self.made and not same(value, other.names[name]):
                then, now = [place(v, CPU) if is_array(v) else v for v in (other.names[name], value)]
                return f"{name} is {then!r}, then {now!r}"
        return None

    # ------------------------------------------------------------------------------------------------ names

    def _bind(self, value: Any, name: str, numbered: bool = False, made: bool = False) -> str:
        """The name under which a value is known in the source."""
        if id(value) not in self._name_of:
            if numbered or name in self.names:
                self._count[name] += 1
                name = f"{name}{self._count[name] - 1}"
            self._name_of[id(value)] = name
            self.names[name] = value
            if made:
                self.made.add(name)
        return self._name_of[id(value)]

    def _local(self, value: Any, prefix: str) -> str:
        """A name for what a line of the program computes anew."""
        self._count[prefix] += 1
        return self._name_of.setdefault(id(value), f"{prefix}{self._count[prefix] - 1}")

    def _text(self, x: Any) -> str:
        """A value as the source has it."""
        if id(x) in self._name_of and not isinstance(x, SIMPLE):
            return self._name_of[id(x)]
        if is_array(x):
            return self._bind(self._arrays.get(id(x), x), "a", numbered=True, made=id(x) in self._lives.owner)
        if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
            items = ", ".join(map(self._text, x))
            return f"[{items}]" if isinstance(x, list) else f"({items}{',' * (len(x) == 1)})"
        if isinstance(x, slice):
            return f"slice({self._text(x.start)}, {self._text(x.stop)}, {self._text(x.step)})"
        if type(x) in SIMPLE and x == x and x not in (math.inf, -math.inf):
            return "..." if x is ... else repr(x)
        made = isinstance(x, TensorCore) or (isinstance(x, Leaf) and not any(x is leaf for leaf in self._leaves))
        return self._bind(x, type(x).__name__.lower().strip("_"), numbered=True, made=made)

    def _call(self, function: Any, args: Any, named: dict[str, Any], *more: str) -> str:
        if isinstance(function, np.ufunc):
            args = self._with_arrays(args)
            extremes = np.maximum, np.minimum  # these two deprecate what for the others is quicker: out by its position
            if is_array(named.get("out")) and function not in extremes:
                args, named = (*args, named["out"]), {k: v for k, v in named.items() if k not in ("out", "order")}
        if self._part is self.lines and self.on_gpu and any(isinstance(a, Number) for a in flat((args, named))):
            raise ReplayError(f"{function.__name__} of a number that changes with every call can't be a part of a CUDA "
                              "graph, which keeps its numbers")
        texts = [self._text(a) for a in args]
        if function in LINES:
            return LINES[function].format(*texts)
        ufunc = getattr(function, "__self__", None)
        name = (f"{self._bind(ufunc, ufunc.__name__)}.{function.__name__}" if isinstance(ufunc, np.ufunc)  # add.reduce
                else self._bind(function, function.__name__ if function.__name__.isidentifier() else "function"))
        return f"{name}({', '.join([*texts, *more, *[f'{k}={self._text(v)}' for k, v in named.items()]])})"

    def _with_arrays(self, args: Any) -> Any:
        """A ufunc's arguments with arrays for Python's numbers, which NumPy would convert at every call.

        A number takes the dtype of the array beside it, as NumPy has it.
        """
        arrays = [a for a in args if is_array(a)]
        dtypes = {a.dtype for a in arrays}
        if len(dtypes) != 1:
            return args
        (dtype,), like = dtypes, arrays[0]
        if dtype.kind == "f":
            return tuple([self._as_array(a, like) if type(a) in (int, float, Number) else a for a in args])
        small = [type(a) is int and dtype.kind == "i" and abs(a) < 128 for a in args]  # every int dtype holds it
        return tuple([self._as_array(a, like) if fits else a for a, fits in zip(args, small, strict=True)])

    def _as_array(self, number: Any, like: Array) -> Array:
        """A number as an array without dimensions: one that each call of the program sets anew, or a constant."""
        key = (id(number) if isinstance(number, Number) else repr(number)), like.dtype, of(like)
        if key not in self._numbers:
            value = number.value if isinstance(number, Number) else number
            self._numbers[key] = beside(np.array(value, like.dtype), like)
            if isinstance(number, Number):
                name = self._bind(self._numbers[key], "a", numbered=True, made=True)
                (self.before if self.on_gpu else self._part).append(f"{name}[()] = {self._text(number)}")
        return self._numbers[key]

    # ------------------------------------------------------------------------------------------------ lines

    def _begin(self, recorder: Recorder) -> None:
        for i, argument in enumerate(recorder.arguments):
            if self.on_gpu:  # a graph reads the same memory each time
                buffer = self._arrays[id(argument.array)] = np.empty_like(argument.array)
                self.before.append(f"{self._bind(buffer, 'a', numbered=True, made=True)}[...] = x{i}")
            else:
                self._name_of[id(argument.array)] = f"x{i}"
        for t, array in recorder.outside.values():
            self._bind(array, "p" if t.node is not None else "s", numbered=True)
        for array, before in recorder.constants.values():
            if id(array) in self._lives.written or not same(array, before):  # it starts anew at every call
                self._bind(array, "a", numbered=True, made=True)
                self.before.append(f"{self._text(array)}[...] = {self._text(before)}")

    def _part_of(self, call: Call) -> list[str]:
        """Where a call's line goes: on a GPU, what it does there is one part, what the host does is done before."""
        if not self.on_gpu:
            return self.lines
        if call.function in (expect, setattr):
            return self.after
        arrays = [*arrays_of(call), *arrays_in(call.result)]
        return self.before if call.function is copied or all(of(a) == CPU for a in arrays) else self.lines

    def _add(self, call: Call) -> None:
        """Write the line for a call, if one is needed."""
        result = call.result
        in_place = any(result is a for a in arrays_of(call))
        if in_place and call.function.__name__ == "astype":
            return  # it had the dtype already
        if is_array(result) and not in_place:
            if call.fresh:
                self._compute(call, self._buffer(result))
            else:
                self._view(call)
            return
        numbers = "".join(f"{self._local(number, 'n')}, " for number in result) + "= " if type(result) is tuple else ""
        self._part.append(numbers + self._call(call.function, call.args, call.named))

    def _view(self, call: Call) -> None:
        """A view is made now, once; one of an argument, which is another array each time, in a line."""
        texts = [self._text(a) for a in arrays_of(call)]
        if any(text[0] in "xv" for text in texts):
            line = self._call(call.function, call.args, call.named)
            self._part.append(f"{self._local(call.result, 'v')} = {line}")
        else:
            args, named = mapped((call.args, call.named), lambda a: self._arrays.get(id(a), a))
            self._arrays[id(call.result)] = call.function(*args, **named)

    def _buffer(self, array: Array) -> Array:
        """Memory for a new array: its own if it outlives the step, else what is free, else new."""
        free = self._free[form(array)] if self._part is self.lines else []  # what comes before may not be overwritten
        kept = self._lives.last[id(array)] == math.inf
        buffer = array if kept else free.pop() if free else np.empty_like(array)
        self._arrays[id(array)] = buffer
        self._lives.give(array, buffer)
        return buffer

    def _compute(self, call: Call, out: Array) -> None:
        """The line for a call that makes a new array: it writes to `out`."""
        function, args, named = call.function, call.args, call.named
        to = self._bind(out, "a", numbered=True, made=True)
        if function is np.empty_like:
            return
        if function.__name__ in ("copy", "astype"):
            line = f"{to}[...] = {self._text(args[0])}"
        elif function in FILLED:
            line = f"{to}.fill({FILLED[function].format(*map(self._text, args))})"
        elif isinstance(function, np.ufunc):
            line = self._call(function, args, {**named, "out": out})
        elif function is np.dot and out.flags.c_contiguous:
            line = self._call(function, args, {}, to)
        elif of(out) != CPU and function.__name__ in REDUCTIONS:
            line = self._call(function, args, {**named, "out": out})
        elif isinstance(getattr(function, "__self__", None), np.ufunc) and function.__name__ == "reduce":
            dtype, keepdims = named.get("dtype"), str(named.get("keepdims", False))
            rest = {name: value for name, value in named.items() if name not in ("dtype", "keepdims")}
            line = self._call(function, (*args, dtype), rest, to, keepdims)
        else:
            line = f"{self._bind(store, 'store')}({to}, {self._call(function, args, named)})"
        self._part.append(line)

    def _note_writes(self, recorder: Recorder) -> None:
        """As the step does, tell the tape which storages were written to."""
        cells = [t.cell for t, _ in recorder.outside.values() if t.cell is not None and t.cell[0] > recorder.began]
        if cells:
            targets = "".join(f"{self._bind(cell, 'cell', numbered=True, made=True)}[0] = " for cell in cells)
            self._part.append(f"{targets}{self._bind(tick, 'tick')}()")

    def _result(self, x: Any, recorder: Recorder) -> str:
        """What the step returns: copies of what it made, so that the next call changes nothing under the user."""
        if isinstance(x, TensorCore):
            copied = recorder.is_new(x)
            return f"{self._bind(wrap, 'wrap')}({self._text(x.array)}.copy())" if copied else self._text(x)
        if isinstance(x, (list, tuple)):
            items = "".join(f"{self._result(v, recorder)}, " for v in x)
            plain = f"[{items}]" if isinstance(x, list) else f"({items})"
            return f"{self._bind(type(x), type(x).__name__)}(*{plain})" if hasattr(x, "_fields") else plain
        if isinstance(x, dict):
            return "{" + ", ".join(f"{self._text(k)}: {self._result(v, recorder)}" for k, v in x.items()) + "}"
        return self._text(x)

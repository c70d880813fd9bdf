"""Guards: what has to be as it was when a program was recorded. One expression for each, compiled to one function."""

from __future__ import annotations

import dis
import types
from collections.abc import Callable
from typing import Any

from ..dtypes import get_default_dtype
from ..engine import Array, Leaf, TensorCore
from ..modes import mode
from ..nn.modules.module import Module
from ..optim import Optimizer
from .program import SIMPLE
from .recorder import MODULE_HOOKS, Recorder

NOT_LOOKED_INTO = (types.ModuleType, types.FunctionType, type, TensorCore)  # they count as the objects that they are


class Guards:
    """`hold()` says whether a program fits the state of things; `broken()` names what does not."""

    def __init__(self, recorder: Recorder, around: dict[str, Any]) -> None:
        self.names: dict[str, Any] = {"mode": mode, "get_default_dtype": get_default_dtype}
        self.reasons: dict[str, str] = {}  # for each expression what it means if it fails
        self.arguments = [f"x{i}" for i in range(len(recorder.arguments))]
        for x, t in zip(self.arguments, recorder.arguments, strict=True):
            for part in ("shape", "strides", "dtype"):
                self._add(f"{x}.{part} == {self._name(getattr(t.array, part))}", f"an argument has another {part}")
        for name in ("grad", "inference", "source", "watch"):
            self._add(f"mode.{name} is {getattr(mode, name)}", f"the mode {name} was switched")
        self._add(f"get_default_dtype() is {self._name(get_default_dtype())}", "the default dtype changed")
        for name, found in around.items():
            self._around(name, *found)
        states = [t for o in recorder.optimizers.values() for state in o.state.values() for t in state.values()]
        for t, array in recorder.outside.values():
            if not any(t is own for own in states):  # those are the optimizer's, which is looked at below
                self._tensor(t, array)
        for leaf, grad in recorder.grads.values():
            self._add(f"{self._name(leaf)}.grad is {self._name(grad)}", "a .grad that the step adds to is another one")
        for module, _ in recorder.modules.values():
            self._module(module)
        for optimizer in recorder.optimizers.values():
            self._optimizer(optimizer)
        conditions = "\n            and ".join(self.reasons)
        source = f"def hold({', '.join(self.arguments)}):\n    return ({conditions})\n"
        exec(compile(source, "<guards>", "exec"), self.names)
        self._hold: Callable[..., bool] = self.names.pop("hold")

    def hold(self, arrays: list[Array]) -> bool:
        """Whether the program may run on these arguments."""
        try:
            return self._hold(*arrays)
        except (AttributeError, KeyError, ValueError, RuntimeError):  # something is gone, or can't even be compared
            return False

    def broken(self, arrays: list[Array]) -> str:
        """Why it may not."""
        given = dict(zip(self.arguments, arrays, strict=True))
        for expression, reason in self.reasons.items():
            try:
                if eval(expression, self.names, given):
                    continue
            except (AttributeError, KeyError, ValueError, RuntimeError):
                pass
            return reason
        return "nothing"

    def _name(self, value: Any) -> str:
        self.names[f"v{len(self.names)}"] = value
        return f"v{len(self.names) - 1}"

    def _add(self, expression: str, reason: str) -> None:
        self.reasons[expression] = reason

    def _equal(self, expression: str, value: Any, reason: str) -> None:
        """The expression must give an equal number or text, or the same object."""
        comparison = "==" if isinstance(value, SIMPLE) else "is"
        self._add(f"{expression} {comparison} {self._name(value)}", reason)

    def _around(self, name: str, where: Any, key: Any, value: Any, inside: Any) -> None:
        if where is not None:
            found = f"{self._name(where)}.cell_contents" if key is None else f"{self._name(where)}[{key!r}]"
            self._equal(found, value, f"{name} is another one")
        if inside is not None:
            content = self._name(value) if isinstance(value, (dict, list)) else f"vars({self._name(value)})"
            self._add(f"{content} == {self._name(inside)}", f"{name} has changed")

    def _tensor(self, t: TensorCore, array: Any) -> None:
        name = self._name(t)
        shape = list(array.shape)
        self._add(f"{name}.array is {self._name(array)}", f"a tensor of shape {shape} has other memory")
        self._add(f"{name}.node is {self._name(t.node)}", f"requires_grad of a tensor of shape {shape} changed")
        if isinstance(t.node, Leaf):
            self._add(f"not {name}.node.hooks and not {name}.node.after", f"a tensor of shape {shape} has a hook")

    def _module(self, module: Module) -> None:
        name, kind = self._name(module), type(module).__name__
        now = self._name(dict(vars(module)))  # its parameters and parts are there, too
        self._add(f"vars({name}) == {now}", f"{kind} changed: train(), eval(), an option, a parameter?")
        self._add(f"not ({' or '.join(f'{name}.{hooks}' for hooks in MODULE_HOOKS)})", f"{kind} has a hook")

    def _optimizer(self, optimizer: Optimizer) -> None:
        name, kind = self._name(optimizer), type(optimizer).__name__
        self._add(f"{name}.param_groups is {self._name(optimizer.param_groups)}", f"{kind} has other groups")
        self._add(f"{name}.state is {self._name(optimizer.state)}", f"{kind} has another state")
        self._add(f"not {name}._step_pre_hooks and not {name}._step_post_hooks", f"{kind} has hooks")
        for i, group in enumerate(optimizer.param_groups):
            g = self._name(group)
            self._add(f"{name}.param_groups[{i}] is {g}", f"{kind} has other groups")
            self._add(f"{g}['params'] == {self._name(list(group['params']))}", f"{kind} has other parameters")
            for option in group.keys() - {"params", "lr", "initial_lr"}:
                self._equal(f"{g}[{option!r}]", group[option], f"{kind} has another {option}")
        for state in optimizer.state.values():
            self._add(f"{self._name(state)} == {self._name(dict(state))}", f"{kind} has another state")


def surroundings(function: Any, objects: list[Any]) -> dict[str, Any]:
    """What a step finds outside itself, by name: (where, under which key there, the value, what is in the value).

    `where` is a closure's cell (it has no keys), the globals, the attributes of the object that a method belongs to, or
    None for the objects among the arguments.
    """
    found: list[tuple[str, Any, Any, Any]] = [(f"argument {i}", None, None, x) for i, x in enumerate(objects)]
    code = getattr(function, "__code__", None)
    if code is not None:
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        found += [(repr(name), cell, None, cell.cell_contents) for name, cell in cells if cell != types.CellType()]
        codes = [code, *[inner for inner in code.co_consts if isinstance(inner, types.CodeType)]]
        names = {line.argval for each in codes for line in dis.get_instructions(each) if line.opname == "LOAD_GLOBAL"}
        known = function.__globals__
        found += [(repr(name), known, name, known[name]) for name in sorted(names & known.keys())]
    if isinstance(function, types.MethodType):
        mine = vars(function.__self__)
        found += [(f"'self.{name}'", mine, name, value) for name, value in mine.items()]
    return {name: (where, key, value, content(value)) for name, where, key, value in found}


def content(value: Any) -> Any:
    """A copy of what is in a list or dict, or of the attributes of an object: the user's own, or a module's."""
    if isinstance(value, (dict, list)):
        return value.copy()
    own = type(value).__module__.startswith("minigrad.") and not isinstance(value, Module)
    return None if own or isinstance(value, NOT_LOOKED_INTO) or not hasattr(value, "__dict__") else dict(vars(value))

"""Running one case on one library: what comes out, the gradients, the gradients of the gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from parity.conformance.devices import check_home, home_of
from parity.conformance.samples import Arguments, Library, NotApplicable
from parity.conformance.spellings import Spelling

SEED = 20240229
Array = np.ndarray


@dataclass
class Ready:
    """A call with its arguments in place, and the tensors to look at."""

    call: Callable[[], Any]
    tensors: list[Any]  # every tensor that went in: the call must leave them as torch leaves them

    @property
    def leaves(self) -> list[Any]:
        return [t for t in self.tensors if t.requires_grad and t.is_leaf]


class Case(Protocol):
    """Something that both libraries can do."""

    def ready(self, library: Library) -> Ready: ...

    def widened(self) -> Case: ...


@dataclass(frozen=True)
class Value:
    """One thing in a result, as plain data: what both libraries must agree on."""

    where: str  # "[0]" in a tuple, "" for the result itself
    kind: str  # "tensor", or the name of a Python type
    data: Any  # an array for a tensor; else the value itself, or a container's length
    requires_grad: bool = False


@dataclass
class Outcome:
    """What a run came to; arrays alone, nothing of the library's own."""

    error: Exception | None = None
    values: list[Value] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)  # as the call left them
    differentiable: bool = False
    gradients: list[Array | None] = field(default_factory=list)
    gradient_error: Exception | None = None
    second: list[Array] = field(default_factory=list)


class FunctionCase:
    """An operation, written in one way, and the arguments to call it with."""

    def __init__(self, spelling: Spelling, arguments: Arguments) -> None:
        self.spelling, self.arguments = spelling, arguments

    def ready(self, library: Library) -> Ready:
        self.spelling.check(self.arguments)
        function = self.spelling.find(library)
        args, kwargs, tensors = self.arguments.on(library)
        return Ready(lambda: function(*args, **kwargs), tensors)

    def rounded(self) -> FunctionCase:
        return FunctionCase(self.spelling, self.arguments.rounded())

    def widened(self) -> FunctionCase:
        return FunctionCase(self.spelling, self.arguments.widened())


def run(library: Library, case: Case, second_order: bool = False) -> Outcome:
    """The outcome of a case on a library; an exception of the library's is an outcome, too."""
    with home_of(library):
        return _run(library, case, second_order)


def _run(library: Library, case: Case, second_order: bool) -> Outcome:
    library.default_generator.manual_seed(SEED)  # torch.manual_seed takes a millisecond, for other devices' sake
    outcome = Outcome()
    try:
        ready = case.ready(library)
        result = ready.call()
        outcome.values = values_of(result)
        check_home(library, [*ready.tensors, *tensors_in(result)])
    except NotApplicable:
        raise
    except Exception as error:
        outcome.error = error
        return outcome
    outcome.inputs = [array_of(t) for t in ready.tensors]
    outputs = [t for t in tensors_in(result) if t.requires_grad]
    outcome.differentiable = bool(outputs and ready.leaves)
    if outcome.differentiable:
        try:
            differentiate(library, outcome, outputs, ready.leaves, second_order)
        except Exception as error:
            outcome.gradient_error = error
    return outcome


def differentiate(library: Library, outcome: Outcome, outputs: Sequence[Any], leaves: Sequence[Any],
                  second_order: bool) -> None:
    """The gradients of the outputs, times random cotangents; on demand those of these gradients, likewise."""
    grad = library.autograd.grad
    cotangents = [cotangent(library, output, (1, i)) for i, output in enumerate(outputs)]
    if second_order:
        cotangents = [c.requires_grad_() for c in cotangents]
    gradients = grad(outputs, leaves, cotangents, allow_unused=True, create_graph=second_order)
    outcome.gradients = [None if g is None else array_of(g) for g in gradients]
    check_home(library, [g for g in gradients if g is not None])
    if not second_order:
        return
    inputs = [*leaves, *cotangents]
    live = [(i, g) for i, g in enumerate(gradients) if g is not None and g.requires_grad]
    second: Sequence[Any] = [None] * len(inputs)
    if live:
        again = [cotangent(library, g, (2, i)) for i, g in live]
        second = grad([g for _, g in live], inputs, again, allow_unused=True)
    # Whether a second derivative that is 0 everywhere is None depends on how a rule is written: it counts as 0.
    outcome.second = [np.zeros(x.shape) if g is None else array_of(g) for x, g in zip(inputs, second, strict=True)]


def cotangent(library: Library, like: Any, number: tuple[int, int]) -> Any:
    """A random tensor of the same shape and dtype, the same in both libraries."""
    array = np.random.default_rng(number).standard_normal(tuple(like.shape))
    return library.from_numpy(np.asarray(array)).to(like.dtype)


def is_tensor(x: Any) -> bool:
    return hasattr(x, "requires_grad") and hasattr(x, "detach")


def array_of(tensor: Any) -> Array:
    return np.array(tensor.detach().numpy(force=True))


def tensors_in(result: Any) -> list[Any]:
    if is_tensor(result):
        return [result]
    if isinstance(result, (list, tuple)):
        return [t for part in result for t in tensors_in(part)]
    return []


def values_of(result: Any, where: str = "") -> list[Value]:
    """A result taken apart, containers included: their kinds, lengths and field names count."""
    if is_tensor(result):
        return [Value(where, "tensor", array_of(result), result.requires_grad)]
    if isinstance(result, (list, tuple)):
        fields = list(getattr(type(result), "__match_args__", ()))
        kind = f"tuple with {fields}" if fields else type(result).__name__
        parts = [value for i, part in enumerate(result) for value in values_of(part, f"{where}[{i}]")]
        return [Value(where, kind, len(result)), *parts]
    if isinstance(result, dict):
        keys = sorted(result, key=str)
        parts = [value for key in keys for value in values_of(result[key], f"{where}[{key!r}]")]
        return [Value(where, f"dict with {keys}", len(result)), *parts]
    return [Value(where, type(result).__name__, result)]

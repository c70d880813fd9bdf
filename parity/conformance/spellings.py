"""How an operation is written in torch: the function, and its other spellings, for any library with torch's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from parity.conformance.samples import Arguments, Library, NotApplicable

Find = Callable[[Library], Callable[..., Any]]


@dataclass(frozen=True)
class Spelling:
    """A way to write an operation; `find` gives the callable, or raises AttributeError where a library lacks it."""

    text: str
    find: Find
    is_function: bool = True  # else it is a method or an operator, and the first argument must be a tensor
    takes_names: bool = True  # an operator has no arguments by name

    def check(self, arguments: Arguments) -> None:
        """NotApplicable, where these arguments cannot be written so."""
        if not self.takes_names and arguments.kwargs:
            raise NotApplicable("arguments by name, which an operator cannot have")
        if not self.is_function and not hasattr(arguments.args[0], "requires_grad"):
            raise NotApplicable("methods of a Python number, which has none")


def at(path: str) -> Find:
    """What stands at a path: at("nn.functional.relu")."""
    return lambda library: reduce(getattr, path.split("."), library)


def method(name: str) -> Find:
    """A method, as a function whose first argument is the tensor."""
    def find(library: Library) -> Callable[..., Any]:
        if not hasattr(library.Tensor, name):
            raise AttributeError(f"Tensor.{name}")
        return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)

    return find


def in_place(find: Find) -> Find:
    """The in-place function on a copy of the tensor, since a leaf that requires a gradient must not be written to.

    It gives the copy, and whether that is what the function returned.
    """
    def found(library: Library) -> Callable[..., Any]:
        function = find(library)

        def on_a_copy(x: Any, *args: Any, **kwargs: Any) -> tuple[Any, bool]:
            copy = x.clone()
            return copy, function(copy, *args, **kwargs) is copy

        return on_a_copy

    return found


def with_inplace(path: str) -> Find:
    """The function with inplace=True: F.elu(x, inplace=True)."""
    def found(library: Library) -> Callable[..., Any]:
        function = at(path)(library)
        return lambda x, *args, **kwargs: function(x, *args, **{**kwargs, "inplace": True})

    return found


def reordered(path: str, order: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Find:
    """A function whose arguments torch's metadata gives in another order."""
    return lambda library: order(at(path)(library))


# Where torch's metadata wraps a method.
METHODS = ("view", "expand", "item", "float", "double", "long", "repeat", "contiguous", "to", "int", "bool")
# Where torch's metadata wraps the function: what the wrapper does, for any library.
WRAPPED: dict[str, Find] = {
    "where": reordered("where", lambda where: lambda x, condition, other: where(condition, x, other)),
    "einsum": reordered("einsum", lambda einsum: lambda operands, equation: einsum(equation, operands)),
    "nn.functional.embedding": reordered("nn.functional.embedding", lambda embedding: (
        lambda weight, index, **kwargs: embedding(index, weight, **kwargs))),
    "zero_": reordered("zero_", lambda zero_: lambda x: zero_(x.clone())),
    "T": reordered("Tensor.T", lambda _: lambda x: x.T),
}


def main_spelling(op: Any) -> Spelling:
    """The one that the samples are run with first."""
    if is_method(op):
        return Spelling(f"x.{op.name}", method(op.name), is_function=False)
    return Spelling(f"torch.{op.name}", WRAPPED.get(op.name) or at(op.name))


def is_method(op: Any) -> bool:
    """Whether the main spelling is a method: x.view(shape), x.__radd__(y)."""
    return op.name in METHODS or op.name.startswith("__")


def other_spellings(op: Any) -> list[Spelling]:
    """Methods, operators, in-place forms and aliases, as torch's metadata names them."""
    found = []
    if op.method_variant is not None and not is_method(op):
        found.append(Spelling(f"x.{op.name}", method(op.name), is_function=False))
    if op.inplace_variant is not None:
        found.append(in_place_spelling(op.name))
    if op.operator_variant is not None:
        found.append(operator_spelling(op.operator_variant, lambda find: find))
    if op.inplace_operator_variant is not None:
        found.append(operator_spelling(op.inplace_operator_variant, in_place))
    for alias in op.aliases:
        found += [] if is_elsewhere(alias) else alias_spellings(alias)
    return found


def in_place_spelling(name: str) -> Spelling:
    if name.startswith("nn.functional."):
        return Spelling(f"{name}(inplace=True)", in_place(with_inplace(name)), is_function=False)
    name = name.removesuffix("_") + "_"
    return Spelling(f"x.{name}", in_place(method(name)), is_function=False)


def operator_spelling(operator: Callable[..., Any], change: Callable[[Find], Find]) -> Spelling:
    text = f"operator.{operator.__name__}"
    return Spelling(text, change(lambda library: operator), is_function=False, takes_names=False)


def is_elsewhere(alias: Any) -> bool:
    """Whether an alias is in a namespace of torch's that no tier asks for."""
    return alias.name.startswith(("special.", "linalg."))


def alias_spellings(alias: Any) -> list[Spelling]:
    """An alias as function, method and in-place method."""
    found = [Spelling(f"torch.{alias.name}", at(alias.name))]
    if alias.method_variant is not None:
        found.append(Spelling(f"x.{alias.name}", method(alias.name), is_function=False))
    if alias.inplace_variant is not None:
        found.append(in_place_spelling(alias.name))
    return found

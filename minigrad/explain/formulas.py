"""Runs the table's rules on symbols: what comes out is the formula as text.

>>> from minigrad import explain
>>> explain.formula("tanh")
'g * (1 - out * out)'
>>> print(explain.formulas("mul"))
mul(x, y)
  for x: g * y
  for y: g * x
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..engine import Op, Traced, names_of

# How tightly operators bind, as in Python; a word or a call binds tighter than all of them.
_COMPARE, _OR, _AND, _ADD, _MUL, _NEG, _POW, _WORD = range(8)


def _infix(sign: str, binds: int, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """The method of Symbol that writes an operator between two operands."""
    # (a * b) * c needs no brackets, a * (b * c) keeps them: the text stands for the same floating-point numbers
    tight_left, tight_right = (binds + 1, binds) if sign == "**" else (binds, binds + 1)

    def method(self: Symbol, other: Any) -> Symbol:
        left, right = (other, self) if swapped else (self, other)
        return Symbol(f"{_text(left, tight_left)} {sign} {_text(right, tight_right)}", binds)

    return method


class Symbol(Traced):
    """A name or an expression. Operators on it write a longer expression, with no more brackets than it needs."""

    __slots__ = ("text", "binds")

    def __init__(self, text: str, binds: int = _WORD) -> None:
        self.text, self.binds = text, binds

    def _apply(self, op: Op, args: tuple[Any, ...]) -> Symbol:
        word = next(word for word, entry in ops.TABLE.items() if entry is op)
        return Symbol(f"{word}({', '.join(_text(a) for a in args)})")

    def __neg__(self) -> Symbol:
        return Symbol(f"-{_text(self, _NEG)}", _NEG)

    __add__ = _infix("+", _ADD)
    __sub__ = _infix("-", _ADD)
    __rsub__ = _infix("-", _ADD, swapped=True)
    __mul__ = _infix("*", _MUL)
    __rmul__ = _infix("*", _MUL, swapped=True)
    __truediv__ = _infix("/", _MUL)
    __matmul__ = _infix("@", _MUL)
    __pow__ = _infix("**", _POW)
    __and__ = _infix("&", _AND)
    __or__ = _infix("|", _OR)
    __gt__ = _infix(">", _COMPARE)
    __ge__ = _infix(">=", _COMPARE)
    __lt__ = _infix("<", _COMPARE)
    __le__ = _infix("<=", _COMPARE)
    __eq__ = _infix("==", _COMPARE)
    __ne__ = _infix("!=", _COMPARE)

    def __getitem__(self, key: Any) -> Symbol:
        return Symbol(f"{_text(self, _WORD)}[{_text(key)}]")

    __hash__ = None  # type: ignore[assignment]  # == makes an expression, so a symbol can't be looked up

    def __repr__(self) -> str:
        return self.text


def _text(x: Any, at_least: int = _COMPARE) -> str:
    if not isinstance(x, Symbol):
        return repr(x)
    return x.text if x.binds >= at_least else f"({x.text})"


def formula(op: str | Op, input: str | None = None) -> str:
    """The gradient of an op with respect to one of its inputs (the first, unless named), as text."""
    entry = _entry(op)
    rule = entry.rules[input or next(iter(entry.rules))]
    return _text(rule(Symbol("g"), *[Symbol(name) for name in names_of(rule)]))


def formulas(op: str | Op) -> str:
    """An op with all its formulas, one a line."""
    entry = _entry(op)
    lines = [f"{entry.name}({', '.join(entry.inputs + entry.params)})"]
    lines += [f"  for {name}: {formula(entry, name)}" for name in entry.rules]
    return "\n".join(lines if entry.rules else [*lines, "  no gradient"])


def _entry(op: str | Op) -> Op:
    if isinstance(op, Op):
        return op
    if op not in ops.TABLE:
        raise KeyError(f"the table has no op {op!r}; it has {', '.join(sorted(ops.TABLE))}")
    return ops.TABLE[op]

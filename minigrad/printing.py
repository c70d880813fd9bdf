"""Prints an array exactly as torch prints the tensor that holds it, character for character.

    tensor([[ 1.0000, -2.5000],                    <- the body: format_array
            [ 0.0000,  3.1416]], dtype=torch.float64, grad_fn=<MulBackward0>)
                                 ^ the suffixes: array_suffixes names those that the array itself implies

Three decisions make the body, each in one function: which elements are shown, all or the corners of a large
array (`_corners`); how a number is written, `3.`, `3.1416` or `3.1416e+00`, one style for the whole array
(`_choose_column`); where brackets, commas and line breaks go (`_brackets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class _Options:
    precision: int = 4  # digits after the point
    threshold: float = 1000  # an array with more elements than this is summarised
    edgeitems: int = 3  # how many a summary shows at either end of each axis
    linewidth: int = 80
    sci_mode: bool | None = None  # None: decided by the values


_PROFILES = {"default": _Options(), "short": _Options(precision=2, edgeitems=2), "full": _Options(threshold=inf)}

_options = _Options()


def set_printoptions(precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
                     linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None) -> None:
    """Change how tensors are printed from now on; what is given beside a profile overrides it.

    As in torch, every call sets `sci_mode`, so that leaving it out hands the choice back to the values.

    >>> set_printoptions(precision=2)
    >>> format_array(np.array([1.12345]), indent=0)
    '[1.12]'
    >>> set_printoptions(profile="default")
    """
    global _options
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    start = _PROFILES.get(profile or "", _options)  # torch passes over an unknown name in silence
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _options = replace(start, **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for `set_printoptions`.

    >>> get_printoptions()
    {'precision': 4, 'threshold': 1000, 'edgeitems': 3, 'linewidth': 80, 'sci_mode': None}
    """
    return asdict(_options)


def tensor_repr(array: Array, *, prefix: str = "tensor(", suffixes: Sequence[str]) -> str:
    """The whole text. torch's order of suffixes is device, array_suffixes, then grad_fn or requires_grad.

    >>> print(tensor_repr(np.eye(2), suffixes=["dtype=torch.float64", "requires_grad=True"]))
    tensor([[1., 0.],
            [0., 1.]], dtype=torch.float64, requires_grad=True)
    """
    indent = len(prefix)
    text = prefix + format_array(array, indent)
    # The column that the next suffix starts from. On the body's last line torch counts two too many.
    column = len(text.rpartition("\n")[2]) + 2
    for suffix in suffixes:
        if column + len(", " + suffix) > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(", " + suffix)
    return text + ")"


def array_suffixes(array: Array, default_dtype: DTypeLike) -> list[str]:
    """What the body leaves untold about the array: its size, when no element shows it, and its dtype.

    A default float, an int64 and a bool are known by their elements. An empty tensor has none to tell by.

    >>> array_suffixes(np.zeros((0, 3)), np.float32)
    ['size=(0, 3)', 'dtype=torch.float64']
    >>> array_suffixes(np.array([1, 2]), np.float32), array_suffixes(np.array([], np.int64), np.float32)
    ([], ['dtype=torch.int64'])
    """
    empty = array.size == 0
    show_size = array.ndim > 1 if empty else _options.edgeitems == 0
    implied_dtypes = [default_dtype] if empty else [default_dtype, np.int64, np.bool_]
    suffixes = [f"size={array.shape}"] if show_size else []
    if all(array.dtype != np.dtype(implied) for implied in implied_dtypes):
        suffixes.append(f"dtype=torch.{array.dtype.name}")
    return suffixes


def format_array(array: Array, indent: int) -> str:
    """The bracketed body, for a place that begins `indent` columns from the left.

    >>> format_array(np.array([1.0, -2.5, np.nan]), indent=0)
    '[ 1.0000, -2.5000,     nan]'
    >>> format_array(np.arange(1001), indent=0)
    '[   0,    1,    2,  ...,  998,  999, 1000]'
    """
    if array.size == 0:
        return "[]"
    summarise = array.size > _options.threshold
    if summarise and _options.edgeitems == 0 and array.ndim > 0:
        return "[...]"
    shown = _corners(array, _options.edgeitems) if summarise else array
    return _brackets(shown, array.shape, _choose_column(shown), indent)


def format_scalar(array: Array, spec: str) -> str:
    """What `format(tensor, spec)` gives for a 0-d tensor. Others get `object.__format__`, as in torch.

    >>> format_scalar(np.array(0.12345, np.float32), ".3f")
    '0.123'
    """
    return format(array.item(), spec)


def _corners(array: Array, edge: int) -> Array:
    """The array with only the first and last `edge` positions left along each axis that has more."""
    for axis, size in enumerate(array.shape):
        if size > 2 * edge:
            array = np.take(array, [*range(edge), *range(size - edge, size)], axis)
    return array


class _Column(NamedTuple):
    """How each element of one array is written, and how wide."""

    write: Callable[[Any], str]
    width: int

    def cell(self, value: Any) -> str:
        return self.write(value).rjust(self.width)


def _choose_column(shown: Array) -> _Column:
    """One style for all. Floats nan, inf and 0 have no say in it, nor in the width, which they may exceed."""
    values = shown.ravel()
    write: Callable[[Any], str] = str
    if values.dtype.kind == "f":
        values = values[np.isfinite(values) & (values != 0)]
        write = _choose_float_style(values)
    return _Column(write, max((len(write(value)) for value in values.tolist()), default=1))


def _choose_float_style(values: Array) -> Callable[[float], str]:
    """Scientific for values far apart, huge or tiny; `3.` if all are whole; else digits after the point."""
    precision = _options.precision
    if values.size == 0:
        return _whole
    if _options.sci_mode or (_options.sci_mode is None and _needs_exponent(values)):
        return lambda value: f"{value:.{precision}e}"
    if (values == np.ceil(values)).all():
        return _whole
    return lambda value: f"{value:.{precision}f}"


def _needs_exponent(values: Array) -> bool:
    magnitudes = np.abs(values)
    # Python's floats: 1e8 is beyond float16, and NumPy's would warn where the ratio overflows to inf.
    smallest, largest = float(magnitudes.min()), float(magnitudes.max())
    return largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4


def _whole(value: float) -> str:
    """`3.`: the point alone says that it is a float; nan and inf need none to say so."""
    return f"{value:.0f}." if isfinite(value) else str(value)


def _brackets(shown: Array, full_shape: tuple[int, ...], column: _Column, indent: int) -> str:
    """Lay out `shown`, the corners of an array of shape `full_shape`, with dots where an axis was cut.

    Rows stand on lines of their own; each axis before that sets its parts one more blank line apart.
    """
    if shown.ndim == 0:
        return column.cell(shown.item())
    if shown.ndim == 1:
        parts = [column.cell(value) for value in shown.tolist()]
    else:
        parts = [_brackets(part, full_shape[1:], column, indent + 1) for part in shown]
    if len(parts) < full_shape[0]:
        parts.insert(_options.edgeitems, " ..." if shown.ndim == 1 else "...")
    if shown.ndim == 1:
        parts = _fill_lines(parts, column.width, indent)
    newlines = "\n" * max(1, shown.ndim - 1)
    return "[" + ("," + newlines + " " * (indent + 1)).join(parts) + "]"


def _fill_lines(cells: list[str], width: int, indent: int) -> list[str]:
    """As many cells to a line as fit, each counted with its comma and blank."""
    per_line = max(1, (_options.linewidth - indent) // (width + 2))
    return [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]

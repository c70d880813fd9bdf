"""Before an op is applied: operands get their common dtype, and what does not fit is refused in torch's words."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import ops
from ..dtypes import BOOL, FLOATING, INTEGER, dtype, from_numpy_dtype, result_type
from ..engine import Op, TensorCore, apply

if TYPE_CHECKING:
    from ..tensor import Tensor

Number = float | int | bool
F = TypeVar("F", bound=Callable[..., Any])
NUMBERS = (int, float, np.number, np.bool_)  # what torch takes for a Python number


def cast(input: Tensor, d: dtype) -> Tensor:
    """`input` with dtype d: itself where it has it already."""
    return input if input.array.dtype == d.numpy else apply(ops.cast, (input, d.numpy))


def promoted(*operands: Any, at_least: dtype | None = None) -> list[Any]:
    """Tensors cast to their common dtype (see `dtypes.result_type`); numbers stay numbers."""
    common = result_type(*operands)
    if at_least is not None and at_least.category > common.category:
        common = at_least
    out = []
    for x in operands:
        if isinstance(x, TensorCore):
            x = cast(x, common)  # type: ignore[arg-type]  # a Tensor
        elif common.category == INTEGER and isinstance(x, (int, np.integer)):
            x = np.array(x).astype(common.numpy)[()]  # NumPy refuses uint8 + 300; torch wraps it round
        elif isinstance(x, (np.number, np.bool_)):
            x = x.item()
        out.append(x)
    return out


def binary(op: Op, x: Any, y: Any, at_least: dtype | None = None) -> Tensor:
    """Apply a two-input op to tensors or numbers; NotImplemented for anything else."""
    if not (
        isinstance(x, TensorCore)
        and x.array.dtype.kind == "f"  # the common case first: nothing to promote
        and ((isinstance(y, TensorCore) and y.array.dtype == x.array.dtype) or type(y) is float or type(y) is int)
    ):
        for operand in (x, y):
            if not isinstance(operand, (TensorCore, *NUMBERS)):
                return NotImplemented
        x, y = promoted(x, y, at_least=at_least)
    try:
        return apply(op, (x, y))
    except ValueError:
        raise shape_error(x, y) from None


def shape_error(*tensors: Tensor) -> RuntimeError:
    """torch's words for shapes that do not broadcast, or for a second one that does not stretch to the first."""
    shapes = [t.array.shape for t in tensors]
    for a, b in combinations(shapes, 2):
        for back in range(1, min(len(a), len(b)) + 1):
            if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
                return RuntimeError(
                    f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton "
                    f"dimension {max(len(a), len(b)) - back} (shapes {list(a)} and {list(b)})")
    return RuntimeError(f"output with shape {list(shapes[0])} doesn't match the broadcast shape "
                        f"{list(np.broadcast_shapes(*shapes))}")


def tensor_only(name: str, x: Any) -> None:
    """torch's error for a number, list or array where a tensor is needed."""
    if not isinstance(x, TensorCore):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")


def numpy_names(function: F) -> F:
    """Also accept NumPy's names for dim and keepdim, axis and keepdims, as torch does."""

    @wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for numpy, ours in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpy in kwargs:
                    kwargs[ours] = kwargs.pop(numpy)
        if args:
            tensor_only(function.__name__, args[0])
        return function(*args, **kwargs)

    return renamed  # type: ignore[return-value]  # the same signature


def number_only(name: str, x: Any) -> None:
    """Functions, unlike operators, raise at once for what is neither tensor nor number."""
    if not isinstance(x, (TensorCore, *NUMBERS)):
        raise TypeError(f"{name}(): argument 'other' must be Tensor or a number, not {type(x).__name__}")


def kind(x: Any) -> int:
    """The category of an operand: BOOL, INTEGER or FLOATING."""
    if isinstance(x, TensorCore):
        return from_numpy_dtype(x.array.dtype).category
    return BOOL if isinstance(x, (bool, np.bool_)) else INTEGER if isinstance(x, (int, np.integer)) else FLOATING

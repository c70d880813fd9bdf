"""torch's element-by-element functions: promotion and checks here, the calculus in ops.py.

Every function is also a method of Tensor (see tensor.py) and, where Python has one, an operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..dtypes import BOOL, FLOATING, INTEGER, dtype, from_numpy_dtype, get_default_dtype, result_type
from ..engine import Op, TensorCore, apply, wrap

if TYPE_CHECKING:
    from ..tensor import Tensor

Number = float | int | bool
NUMBERS = (int, float, np.number, np.bool_)  # what torch takes for a Python number


# ---------------------------------------------------------------------------------------------- promotion


def cast(input: Tensor, d: dtype) -> Tensor:
    """`input` with dtype d: itself where it has it already."""
    return input if input.array.dtype == d.numpy else apply(ops.cast, (input, d.numpy))


def floating(op: Op, input: Tensor, *params: Any) -> Tensor:
    """Apply an op whose result is floating point: integers and bools become the default dtype first."""
    tensor_only(op.name, input)
    if input.array.dtype.kind != "f":
        input = cast(input, get_default_dtype())
    return apply(op, (input, *params))


def promoted(*operands: Any, at_least: dtype | None = None) -> list[Any]:
    """Tensors cast to their common dtype (see `dtypes.result_type`); numbers stay numbers."""
    common = result_type(*operands)
    if at_least is not None and at_least.category > common.category:
        common = at_least
    out = []
    for x in operands:
        if isinstance(x, TensorCore):
            x = cast(x, common)  # type: ignore[arg-type]
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


def shape_error(x: Tensor, y: Tensor) -> RuntimeError:
    """torch's words for two shapes that do not broadcast."""
    a, b = x.array.shape, y.array.shape
    for back in range(1, min(len(a), len(b)) + 1):
        if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
            dim = max(len(a), len(b)) - back
            return RuntimeError(
                f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) at non-singleton "
                f"dimension {dim} (shapes {list(a)} and {list(b)})")
    return RuntimeError(f"shapes {list(a)} and {list(b)} do not broadcast")


def tensor_only(name: str, x: Any) -> None:
    """torch's error for a number, list or array where a tensor is needed."""
    if not isinstance(x, TensorCore):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")


def number_only(name: str, x: Any) -> None:
    """Functions, unlike operators, raise at once for what is neither tensor nor number."""
    if not isinstance(x, (TensorCore, *NUMBERS)):
        raise TypeError(f"{name}(): argument 'other' must be Tensor or a number, not {type(x).__name__}")


def kind(x: Any) -> int:
    """The category of an operand: BOOL, INTEGER or FLOATING."""
    if isinstance(x, TensorCore):
        return from_numpy_dtype(x.array.dtype).category
    return BOOL if isinstance(x, (bool, np.bool_)) else INTEGER if isinstance(x, (int, np.integer)) else FLOATING


# --------------------------------------------------------------------------------------------- arithmetic


def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input + alpha * other."""
    number_only("add", other)
    return binary(ops.add, input, other if alpha == 1 else _scaled(input, other, alpha))


def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input - alpha * other."""
    number_only("sub", other)
    return subtract_operator(input, other if alpha == 1 else _scaled(input, other, alpha))


def _scaled(input: Any, other: Any, alpha: Number) -> Any:
    if isinstance(alpha, float) and FLOATING not in (kind(input), kind(other)):
        raise RuntimeError(
            f"For integral input tensors, argument alpha must not be a floating point number, as {alpha}")
    return other * alpha


def subtract_operator(x: Any, y: Any) -> Tensor:
    """x - y, which torch refuses for masks."""
    for operand, other in ((x, y), (y, x)):
        if isinstance(operand, (bool, np.bool_)) or (isinstance(operand, TensorCore) and operand.array.dtype == bool):
            both = kind(other) == BOOL
            raise RuntimeError(
                f"Subtraction, the `-` operator, with {'two bool tensors' if both else 'a bool tensor'} is not "
                f"supported. Use {'the `^` or `logical_xor()`' if both else 'the `~` or `logical_not()`'} instead.")
    return binary(ops.sub, x, y)


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input * other."""
    number_only("mul", other)
    return binary(ops.mul, input, other)


def div(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input / other: always floating point."""
    number_only("div", other)
    return divide_operator(input, other)


def divide_operator(x: Any, y: Any) -> Tensor:
    """x / y; two integers give the default dtype."""
    return binary(ops.div, x, y, at_least=get_default_dtype())


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """input ** exponent."""
    number_only("pow", exponent)
    return power_operator(input, exponent)


def power_operator(x: Any, y: Any) -> Tensor:
    """x ** y; a number as exponent has a simpler derivative than a tensor."""
    if isinstance(x, TensorCore) and isinstance(y, NUMBERS):
        x, y = promoted(x, y)
        if x.array.dtype.kind != "f" and y < 0:
            raise RuntimeError(f"Integers to negative integer powers are not allowed (exponent {y}).")
        return apply(ops.power, (x, y))
    if isinstance(x, NUMBERS) and isinstance(y, TensorCore):
        common = result_type(x, y)  # type: ignore[arg-type]
        x = wrap(np.asarray(x, common.numpy))
    if (
        isinstance(x, TensorCore)
        and isinstance(y, TensorCore)
        and FLOATING not in (kind(x), kind(y))
        and (y.array < 0).any()
    ):
        raise RuntimeError(f"Integers to negative integer powers are not allowed (smallest exponent {y.array.min()}).")
    return binary(ops.pow, x, y)


def neg(input: Tensor) -> Tensor:
    """-input."""
    if input.array.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
                           "invert a mask, use the `~` or `logical_not()` operator instead.")
    return apply(ops.neg, (input,))


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of each pair; where both are equal each gets half of the gradient."""
    tensor_only("maximum", input)
    tensor_only("maximum", other)
    return binary(ops.maximum, input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of each pair; where both are equal each gets half of the gradient."""
    tensor_only("minimum", input)
    tensor_only("minimum", other)
    return binary(ops.minimum, input, other)


def clamp(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """input, but min where it is less and max where it is more."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    given = [bound for bound in (min, max) if bound is not None]
    for bound in given:
        number_only("clamp", bound)
    x, *bounds = promoted(input, *given)
    least, most = (-np.inf, np.inf) if x.array.dtype.kind == "f" else _integer_range(x.array.dtype)
    lo = bounds.pop(0) if min is not None else least
    hi = bounds.pop(0) if max is not None else most
    return apply(ops.clamp, (x, lo, hi))


def _integer_range(d: np.dtype[Any]) -> tuple[int, int]:
    return (0, 1) if d.kind == "b" else (np.iinfo(d).min, np.iinfo(d).max)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; with the condition alone, its `nonzero` indices."""
    if input is None and other is None:
        return tuple([wrap(i) for i in np.nonzero(condition.array)])
    if condition.array.dtype != bool:
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{from_numpy_dtype(condition.array.dtype)}")
    x, y = promoted(input, other)
    if not isinstance(x, TensorCore) and not isinstance(y, TensorCore):
        x = wrap(np.asarray(x, result_type(x, y).numpy))
    try:
        return apply(ops.where, (condition, x, y))
    except ValueError:
        raise shape_error(*[a for a in (x, y, condition) if isinstance(a, TensorCore)][:2]) from None  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------- one input


def exp(input: Tensor) -> Tensor:
    """e to the power of each element."""
    return floating(ops.exp, input)


def log(input: Tensor) -> Tensor:
    """The natural logarithm; -inf at 0, nan below."""
    return floating(ops.log, input)


def sqrt(input: Tensor) -> Tensor:
    """The square root; nan below 0, and a gradient of inf at 0."""
    return floating(ops.sqrt, input)


def square(input: Tensor) -> Tensor:
    """input * input."""
    tensor_only("square", input)
    return apply(ops.square, (input,))


def reciprocal(input: Tensor) -> Tensor:
    """1 / input."""
    return floating(ops.reciprocal, input)


def sin(input: Tensor) -> Tensor:
    """The sine of radians."""
    return floating(ops.sin, input)


def cos(input: Tensor) -> Tensor:
    """The cosine of radians."""
    return floating(ops.cos, input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return floating(ops.tanh, input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return floating(ops.sigmoid, input)


def relu(input: Tensor) -> Tensor:
    """max(input, 0); the gradient at 0 is 0."""
    tensor_only("relu", input)
    return apply(ops.relu, (input,))


def abs(input: Tensor) -> Tensor:
    """The absolute value; the gradient at 0 is 0."""
    tensor_only("abs", input)
    return apply(ops.abs, (input,))


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1."""
    return apply(ops.sign, (input,))


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to the even one, or to so many decimals."""
    if input.array.dtype.kind != "f":
        return clone(input)
    if decimals == 0:
        return apply(ops.round, (input,))
    if decimals > 0:
        return apply(ops.round, (input * 10.0**decimals,)) / 10.0**decimals
    return apply(ops.round, (input / 10.0**-decimals,)) * 10.0**-decimals


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with memory of its own; gradients flow through."""
    return apply(ops.clone, (input,))


def positive(input: Tensor) -> Tensor:
    """+input: the tensor itself."""
    return input


# ----------------------------------------------------------------------------------- comparisons and masks


def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """Whether each pair is equal."""
    number_only("eq", other)
    return binary(ops.eq, input, other)


def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """Whether each pair differs."""
    number_only("ne", other)
    return binary(ops.ne, input, other)


def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """Whether input is less."""
    number_only("lt", other)
    return binary(ops.lt, input, other)


def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """Whether input is less or equal."""
    number_only("le", other)
    return binary(ops.le, input, other)


def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """Whether input is greater."""
    number_only("gt", other)
    return binary(ops.gt, input, other)


def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """Whether input is greater or equal."""
    number_only("ge", other)
    return binary(ops.ge, input, other)


def _bits(op: Op, x: Any, y: Any) -> Tensor:
    if FLOATING in (kind(x), kind(y)):
        raise NotImplementedError(f'"{op.name}_cpu" not implemented for floating point: {x!r} and {y!r}')
    return binary(op, x, y)


def and_operator(x: Tensor, y: Any) -> Tensor:
    """x & y of masks or integers."""
    return _bits(ops.bitwise_and, x, y)


def or_operator(x: Tensor, y: Any) -> Tensor:
    """x | y of masks or integers."""
    return _bits(ops.bitwise_or, x, y)


def xor_operator(x: Tensor, y: Any) -> Tensor:
    """x ^ y of masks or integers."""
    return _bits(ops.bitwise_xor, x, y)


def not_operator(x: Tensor) -> Tensor:
    """~x of masks or integers."""
    if kind(x) == FLOATING:
        raise TypeError(f"~ (operator.invert) is only implemented on integer and Boolean-type tensors, not {x.dtype}")
    return apply(ops.invert, (x,))

"""torch's element-by-element functions: checks here, promotion in promotion.py, the calculus in ops.py.

Every function is also a method of Tensor (see tensor.py) and, where Python has one, an operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes, ops
from ..device import beside
from ..dtypes import BOOL, FLOATING, from_numpy_dtype, get_default_dtype, result_type
from ..engine import Op, TensorCore, apply, wrap
from .promotion import NUMBERS, Number, binary, cast, kind, number_only, promoted, shape_error, tensor_only

if TYPE_CHECKING:
    from ..tensor import Tensor


def _refused(g: Any) -> Any:
    raise RuntimeError("derivative for aten::floor_divide is not implemented. torch.div(x, y, rounding_mode='floor') "
                       "has one: zero")


# Ops of the table under other names, as torch prints them, and ops that take no part in the calculus.
_rsub, _pow_of_number = ops.sub.named("rsub1"), ops.pow.named("pow2")
_clamp_to_numbers, _masked_fill = ops.clamp.named("clamp1"), ops.where.named("masked_fill")
_floor_divide = Op("floor_divide", np.floor_divide, x=_refused, y=_refused)
_left_shift, _right_shift = Op("lshift", np.left_shift), Op("rshift", np.right_shift)


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
        mask = isinstance(operand, TensorCore) and operand.array.dtype.kind == "b"
        if mask or isinstance(operand, (bool, np.bool_)):
            both = kind(other) == BOOL
            raise RuntimeError(
                f"Subtraction, the `-` operator, with {'two bool tensors' if both else 'a bool tensor'} is not "
                f"supported. Use {'the `^` or `logical_xor()`' if both else 'the `~` or `logical_not()`'} instead.")
    return binary(ops.sub if isinstance(x, TensorCore) else _rsub, x, y)


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """other - alpha * input."""
    return sub(other, input, alpha=alpha)


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input * other."""
    number_only("mul", other)
    return binary(ops.mul, input, other)


def div(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; with rounding_mode "floor" or "trunc" the quotient rounded down or towards zero."""
    number_only("div", other)
    if rounding_mode is None:
        return divide_operator(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                           f"'{rounding_mode}'")
    if rounding_mode == "floor":
        return _divided(ops.floor_div, input, other)
    if FLOATING in (kind(input), kind(other)):
        return binary(ops.trunc_div, input, other)
    return _divided(ops.floor_div, input - fmod(input, other), other)  # type: ignore[arg-type,operator]


def _divided(op: Op, x: Any, y: Any) -> Tensor:
    """Apply a division whose result may be an integer, which has no inf to answer a division by zero with."""
    by_zero = FLOATING not in (kind(x), kind(y)) and ((y.array == 0).any() if isinstance(y, TensorCore) else y == 0)
    if by_zero:
        raise RuntimeError("ZeroDivisionError")
    return binary(op, x, y)


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input // other, rounded down; torch has no gradient for it, and backward raises."""
    return _divided(_floor_divide, input, other)


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input % other: what is left after `floor_divide`, with the sign of other."""
    tensor_only("remainder", input if isinstance(input, TensorCore) else other)
    return _divided(ops.remainder, input, other)


def fmod(input: Tensor, other: Tensor | Number) -> Tensor:
    """What is left after a division rounded towards zero, with the sign of input."""
    tensor_only("fmod", input)
    return _divided(ops.fmod, input, other)


def divide_operator(x: Any, y: Any) -> Tensor:
    """x / y; two integers give the default dtype."""
    return binary(ops.div, x, y, at_least=get_default_dtype())


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """input ** exponent."""
    number_only("pow", exponent)
    tensor_only("pow", input if isinstance(input, TensorCore) else exponent)
    return power_operator(input, exponent)


def power_operator(x: Any, y: Any) -> Tensor:
    """x ** y; a number as exponent has a simpler derivative than a tensor."""
    op = ops.pow
    if isinstance(x, TensorCore) and isinstance(y, NUMBERS):
        x, y = promoted(x, y)
        if x.array.dtype.kind != "f" and y < 0:
            raise RuntimeError(f"Integers to negative integer powers are not allowed (exponent {y}).")
        return apply(ops.power, (x, y))
    if isinstance(x, NUMBERS) and isinstance(y, TensorCore):
        x, op = _as_tensor(x, y, y), _pow_of_number
    if (
        isinstance(x, TensorCore)
        and isinstance(y, TensorCore)
        and FLOATING not in (kind(x), kind(y))
        and (y.array < 0).any()
    ):
        raise RuntimeError("Integers to negative integer powers are not allowed (smallest exponent "
                           f"{y.array.min().item()}).")
    return binary(op, x, y)


def neg(input: Tensor) -> Tensor:
    """-input."""
    if input.array.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
                           "invert a mask, use the `~` or `logical_not()` operator instead.")
    return apply(ops.neg, (input,))


def _pairwise(op: Op, doc: str, *, numbers: bool = False) -> Callable[..., Tensor]:
    """The function that applies an op to two tensors, or also to a tensor and a number."""

    def function(input: Tensor, other: Any) -> Tensor:
        tensor_only(op.name, input)
        (number_only if numbers else tensor_only)(op.name, other)
        return binary(op, input, other)

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = doc
    return function


maximum = _pairwise(ops.maximum, "The larger of each pair; where both are equal each gets half of the gradient.")
minimum = _pairwise(ops.minimum, "The smaller of each pair; where both are equal each gets half of the gradient.")
eq = _pairwise(ops.eq, "Whether each pair is equal.", numbers=True)
ne = _pairwise(ops.ne, "Whether each pair differs.", numbers=True)
lt = _pairwise(ops.lt, "Whether input is less.", numbers=True)
le = _pairwise(ops.le, "Whether input is less or equal.", numbers=True)
gt = _pairwise(ops.gt, "Whether input is greater.", numbers=True)
ge = _pairwise(ops.ge, "Whether input is greater or equal.", numbers=True)
logical_and = _pairwise(Op("logical_and", np.logical_and), "Whether both are true, that is not 0.")
logical_or = _pairwise(Op("logical_or", np.logical_or), "Whether one or both are true.")
logical_xor = _pairwise(Op("logical_xor", np.logical_xor), "Whether one, and not the other, is true.")


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
    to_tensors = isinstance(min, TensorCore) or isinstance(max, TensorCore)
    try:
        return apply(ops.clamp if to_tensors else _clamp_to_numbers, (x, lo, hi))
    except ValueError:
        raise shape_error(*[a for a in (input, min, max) if isinstance(a, TensorCore)]) from None


def clamp_min(input: Tensor, min: Tensor | Number) -> Tensor:
    """input, but min where it is less."""
    return clamp(input, min)


def clamp_max(input: Tensor, max: Tensor | Number) -> Tensor:
    """input, but max where it is more."""
    return clamp(input, max=max)


def _integer_range(d: np.dtype[Any]) -> tuple[int, int]:
    return (0, 1) if d.kind == "b" else (np.iinfo(d).min, np.iinfo(d).max)


def _as_tensor(x: Any, y: Any, like: Any) -> Tensor:
    """The number x as a tensor that lives beside another one, in the dtype that it has together with y."""
    return wrap(beside(np.asarray(x, result_type(x, y).numpy), like.array))


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; with the condition alone, its `nonzero` indices."""
    if input is None and other is None:
        return tuple([wrap(i) for i in np.nonzero(np.atleast_1d(condition.array))])
    if condition.array.dtype != bool:
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{from_numpy_dtype(condition.array.dtype)}")
    x, y = promoted(input, other)
    if not isinstance(x, TensorCore) and not isinstance(y, TensorCore):
        x = _as_tensor(x, y, condition)
    try:
        return apply(ops.where, (condition, x, y))
    except ValueError:
        raise shape_error(*[a for a in (condition, x, y) if isinstance(a, TensorCore)]) from None  # type: ignore[arg-type]


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """input, but value where the mask holds."""
    if mask.array.dtype != bool:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    if isinstance(value, TensorCore) and value.array.ndim:
        raise RuntimeError("masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                           f"{value.array.ndim} dimension(s).")
    if not isinstance(value, (TensorCore, *NUMBERS)) or kind(value) > kind(input):
        raise RuntimeError(f"value cannot be converted to type {input.dtype} without overflow or loss: {value}")
    value = cast(value, input.dtype) if isinstance(value, TensorCore) else value
    try:
        return apply(_masked_fill, (mask, value, input))
    except ValueError:
        raise shape_error(input, mask) from None


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value * tensor1 * tensor2."""
    return add(input, tensor1 * tensor2, alpha=value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value * tensor1 / tensor2."""
    return add(input, tensor1 / tensor2, alpha=value)


def lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """input + weight * (end - input): from input, at weight 0, to end, at 1; both of one dtype."""
    tensor_only("lerp", end)
    if kind(input) != FLOATING:
        raise NotImplementedError(f"\"lerp_kernel_scalar\" not implemented for '{input.dtype.type_name}'")
    if input.array.dtype != end.array.dtype:
        raise RuntimeError(f"expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    if isinstance(weight, TensorCore):
        return input + (end - input) * weight
    try:  # from the nearer end: so it is exact at both
        return apply(ops.lerp, (input, end, weight) if weight < 0.5 else (end, input, 1 - weight))
    except ValueError:
        raise shape_error(input, end) from None


# ---------------------------------------------------------------------------------------------- one input


def _elementwise(op: Op, doc: str, *, to_float: bool = False) -> Callable[[Tensor], Tensor]:
    """The function that applies an op to one tensor; with to_float integers become the default dtype first."""

    def function(input: Tensor) -> Tensor:
        tensor_only(op.name, input)
        if to_float and input.array.dtype.kind != "f":
            input = cast(input, get_default_dtype())
        return apply(op, (input,))

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = doc
    return function


exp = _elementwise(ops.exp, "e to the power of each element.", to_float=True)
expm1 = _elementwise(ops.expm1, "exp(input) - 1, exact also near 0.", to_float=True)
log = _elementwise(ops.log, "The natural logarithm; -inf at 0, nan below.", to_float=True)
log1p = _elementwise(ops.log1p, "log(1 + input), exact also near 0.", to_float=True)
log2 = _elementwise(ops.log2, "The logarithm to base 2.", to_float=True)
log10 = _elementwise(ops.log10, "The logarithm to base 10.", to_float=True)
sqrt = _elementwise(ops.sqrt, "The square root; nan below 0, and a gradient of inf at 0.", to_float=True)
rsqrt = _elementwise(ops.rsqrt, "1 / sqrt(input).", to_float=True)
reciprocal = _elementwise(ops.reciprocal, "1 / input.", to_float=True)
sin = _elementwise(ops.sin, "The sine of radians.", to_float=True)
cos = _elementwise(ops.cos, "The cosine of radians.", to_float=True)
tan = _elementwise(ops.tan, "The tangent of radians.", to_float=True)
asin = _elementwise(ops.asin, "The angle, in radians, whose sine it is; nan beyond -1 and 1.", to_float=True)
acos = _elementwise(ops.acos, "The angle, in radians, whose cosine it is; nan beyond -1 and 1.", to_float=True)
atan = _elementwise(ops.atan, "The angle, in radians, whose tangent it is.", to_float=True)
sinh = _elementwise(ops.sinh, "The hyperbolic sine.", to_float=True)
cosh = _elementwise(ops.cosh, "The hyperbolic cosine.", to_float=True)
tanh = _elementwise(ops.tanh, "The hyperbolic tangent.", to_float=True)
sigmoid = _elementwise(ops.sigmoid, "1 / (1 + exp(-input)).", to_float=True)
erf = _elementwise(ops.erf, "The error function: the integral of 2 / sqrt(pi) exp(-t * t) from 0 on.", to_float=True)
square = _elementwise(ops.square, "input * input.")
relu = _elementwise(ops.relu, "max(input, 0); the gradient at 0 is 0.")
abs = _elementwise(ops.abs, "The absolute value; the gradient at 0 is 0.")
sign = _elementwise(ops.sign, "-1, 0 or 1.")
floor = _elementwise(ops.floor, "The next whole number below.")
ceil = _elementwise(ops.ceil, "The next whole number above.")
trunc = _elementwise(ops.trunc, "The whole number next to it towards 0.")
frac = _elementwise(Op("frac", lambda x, /: x - np.trunc(x), x=lambda g: g), "What stands after the point.")
isnan = _elementwise(Op("isnan", np.isnan), "Whether it is not a number.")
isinf = _elementwise(Op("isinf", np.isinf), "Whether it is inf or -inf.")
isfinite = _elementwise(Op("isfinite", np.isfinite), "Whether it is a number other than inf and -inf.")
logical_not = _elementwise(Op("logical_not", np.logical_not), "Whether it is 0.")


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to the even one, or to so many decimals."""
    tensor_only("round", input)
    if input.array.dtype.kind != "f":
        return clone(input)
    if decimals == 0:
        return apply(ops.round, (input,))
    if decimals > 0:
        return apply(ops.round, (input * 10.0**decimals,)) / 10.0**decimals
    return apply(ops.round, (input / 10.0**-decimals,)) * 10.0**-decimals


def clone(input: Tensor, *, memory_format: dtypes.MemoryFormat = dtypes.preserve_format) -> Tensor:
    """A copy with memory of its own, in the order of the input's or in plain order; gradients flow through."""
    return apply(ops.contiguous if memory_format is dtypes.contiguous_format else ops.clone, (input,))


def positive(input: Tensor) -> Tensor:
    """+input: the tensor itself."""
    return input


# -------------------------------------------------------------------------------------- masks and bits


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


def left_shift_operator(x: Tensor, y: Any) -> Tensor:
    """x << y of integers."""
    return _bits(_left_shift, x, y)


def right_shift_operator(x: Tensor, y: Any) -> Tensor:
    """x >> y of integers."""
    return _bits(_right_shift, x, y)

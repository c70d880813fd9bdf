"""Arithmetic down to the last bit, for random.py: fused steps, and log, sin and cos as torch computes them.

For float64 that is the C library, for float32 polynomials, as torch on x86 with AVX2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


def libm(function: Callable[[float], float], x: Array) -> Array:
    """function of each float64 in x by the C library, as in torch; NumPy's SIMD loops can be 1 ulp off it."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def narrow(x: Array, dtype: np.dtype[Any]) -> Array:
    """x in dtype. torch reaches float16 through float32: rounded twice, if it comes from float64."""
    return (x.astype(np.float32) if dtype == np.float16 else x).astype(dtype)


def _sum(a: Any, b: Any) -> tuple[Array, Array]:
    """a + b and, exactly, what rounding cut off it (Knuth). float64."""
    total = a + b
    b_seen = total - a
    return total, (a - (total - b_seen)) + (b - b_seen)


def _sum_to_odd(a: Array, b: Any) -> Array:
    """a + b, 1-d, where an inexact sum goes to the neighbour with last bit 1, and may be rounded again.

    (Boldo and Melquiond, 2008. Rounded as usual, a sum can land midway between two results and hide which of
    them is nearer.)
    """
    total, cut = _sum(a, b)
    even = np.flatnonzero((cut != 0) & (total.view(np.int64) & 1 == 0))
    total[even] = np.nextafter(total[even], np.copysign(np.inf, cut[even]))
    return total


def fused(x: Array, scale: Any, shift: Any) -> Array:
    """x * scale + shift, rounded once; scale is a number, shift a number or an array, all float32 or float64."""
    product: Array = x * scale
    if np.all(shift == 0):
        product += shift  # changes no value, only -0.0 to 0.0
        return product
    if x.dtype == np.float32:
        exact: Array = np.multiply(x, scale, dtype=np.float64)  # 24 bits by 24 bits fit in 53
        return _sum_to_odd(exact, shift).astype(np.float32)
    # Split into a head and a tail of 26 bits each, the factors have exact products (Dekker).
    x_head, scale_head = (((v.view(np.int64) + 2**26) & -(2**27)).view(np.float64) for v in (x, scale))
    x_tail, scale_tail = x - x_head, scale - scale_head
    cut = (x_head * scale_head - product) + x_head * scale_tail + x_tail * scale_head + x_tail * scale_tail
    low, lowest = _sum(shift, cut)
    high, middle = _sum(product, low)
    return np.add(high, _sum_to_odd(middle, lowest))


# float32 polynomials, highest power first, from Moshier's Cephes library (1984); torch takes fused steps.
# A constant in several parts has more digits than one float32 holds.
_LOG = np.array(
    [7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1]
    + [-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1], np.float32)
_SIN = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
_COS = np.array([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32)
_LOG_2 = np.array([0.693359375, -2.12194440e-4], np.float32)
_HALF_PI = np.array([1.5703125, 4.837512969970703e-4, 7.549789954891882e-8], np.float32)


def _fused_fast(x: Array, scale: Any, shift: Any) -> Array:
    """As `fused`, of float32, but four times as fast: it may be wrong by a bit about once in 2**29 times."""
    exact: Array = np.multiply(x, scale, dtype=np.float64) + shift
    return exact.astype(np.float32)


def _polynomial(coefficients: Array, x: Array) -> Array:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = _fused_fast(value, x, coefficient)
    return value


def _log_float32(x: Array) -> Array:
    """log x, 0 < x <= 1: with x = 2**e * (1 + f), e * log 2 + f - f**2 / 2 + f**3 * polynomial(f)."""
    mantissa, exponent = np.frexp(x)  # a mantissa of 1/2 to 1; a small one is doubled, to keep f near 0
    small = mantissa < np.float32(math.sqrt(0.5))
    e = (exponent - small).astype(np.float32)
    f = np.where(small, 2 * mantissa, mantissa) - 1
    rest = _fused_fast(_polynomial(_LOG, f) * f, f * f, e * _LOG_2[1])
    rest = _fused_fast(f * f, np.float32(-0.5), rest)
    return _fused_fast(e, _LOG_2[0], f + rest)


def _cos_sin_float32(x: Array) -> tuple[Array, Array]:
    """cos x and sin x, x >= 0: quarter turns bring x to within 1/8 turn of 0, where the polynomials hold."""
    quarters = ((x * np.float32(4 / math.pi)).astype(np.int32) + 1) // 2
    for part in _HALF_PI:
        x = _fused_fast(quarters.astype(np.float32), -part, x)
    square = x * x
    sin = _fused_fast(_polynomial(_SIN, square) * square, x, x)
    cos = _fused_fast(_polynomial(_COS, square) * square, square, np.float32(-0.5) * square) + 1
    odd = quarters % 2 == 1  # after an odd number of quarter turns cos and sin have changed places
    cos, sin = np.where(odd, sin, cos), np.where(odd, cos, sin)
    return np.where((quarters + 1) & 2, -cos, cos), np.where(quarters & 2, -sin, sin)


def box_muller_16(u: Array) -> Array:
    """As many normals as u, in blocks of 16: from 8 radii and 8 angles, 8 x and 8 y."""
    blocks = u.reshape(-1, 2, 8)
    u_radius, u_angle = 1 - blocks[:, 0], blocks[:, 1]
    angle = u.dtype.type(2 * math.pi) * u_angle
    if u.dtype == np.float64:
        log, cos, sin = libm(math.log, u_radius), libm(math.cos, angle), libm(math.sin, angle)
    else:
        log, (cos, sin) = _log_float32(u_radius), _cos_sin_float32(angle)
    radius = np.sqrt(-2 * log)
    return np.stack([radius * cos, radius * sin], axis=1).ravel()

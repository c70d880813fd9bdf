"""Running totals along a dimension, and products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import ops
from ..device import beside
from ..dtypes import dtype, float64
from ..engine import apply, wrap
from .joining import cat
from .pointwise import where
from .promotion import cast, numpy_names
from .reductions import one_dim, sum, summable
from .shapes import narrow, reshape, roll

if TYPE_CHECKING:
    from ..tensor import Tensor

_prod, _prod_dim, _cumprod = [ops.cast.named(name) for name in ("prod", "prod1", "cumprod")]


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """Along dim the sums of all elements up to here."""
    x = summable(input, dtype)
    one_dim(dim, x.array.ndim)
    return apply(ops.cumsum, (x, dim)) if x.array.ndim else apply(ops.clone, (x,))


# Multiplied out as trees of products, these two need no rules of their own: those of mul are right also where
# factors are 0, which is where out / x, the shorter rule, is 0 / 0. In float64 they round as one long product would.


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """Along dim the products of all elements up to here."""
    x = summable(input, dtype)
    at, given = one_dim(dim, x.array.ndim), x.array.dtype
    x = cast(x, float64) if given.kind == "f" else x
    n = x.array.shape[at] if x.array.ndim else 1
    position = beside(np.arange(n).reshape(-1, *[1] * (x.array.ndim - 1 - at)), x.array)
    step = 1
    while step < n:  # each element holds the product of the last `step` ones; then of twice as many
        x = x * where(wrap(position >= step), roll(x, step, at), 1)
        step *= 2
    return apply(_cumprod, (x, given))


@numpy_names
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    """The product over dim, or of all elements."""
    x = summable(input, dtype)
    given, shape = x.array.dtype, list(x.array.shape)
    at = 0 if dim is None else one_dim(dim, len(shape))
    x = reshape(x, -1) if dim is None or not shape else x
    x = cast(x, float64) if given.kind == "f" else x
    if not x.array.shape[at]:
        x = sum(x, at, True) + 1
    while (n := x.array.shape[at]) > 1:  # halve: pair the first half with the second; an odd last one waits
        pairs = narrow(x, at, 0, n // 2) * narrow(x, at, n // 2, n // 2)
        x = cat([pairs, narrow(x, at, n - 1, 1)], at) if n % 2 else pairs
    if dim is None:
        return apply(_prod, (reshape(x, ()), given))
    shape[at : at + 1] = [1] if keepdim and shape else []
    return apply(_prod_dim, (reshape(x, shape), given))

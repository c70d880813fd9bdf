"""Attention: each query looks at all keys, and takes the mean of their values by how well they fit."""

from __future__ import annotations

import math
import warnings

from .. import ops
from ..creation import full, zeros
from ..dtypes import dtype
from ..engine import apply
from ..functions.shapes import repeat_interleave
from ..tensor import Tensor
from .dropout import dropout

__all__ = ["scaled_dot_product_attention"]

# torch computes these in one piece, and names the gradient after it.
_flash = ops.matmul.named("scaled_dot_product_flash_attention_for_cpu")


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
                                 dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:
    """softmax(scale * Q K^T + mask) V, with scale = 1 / sqrt(E) unless given (Vaswani et al., 2017).

    Shapes: query (..., L, E), key (..., S, E), value (..., S, D) -> (..., L, D). The mask, which broadcasts to
    (..., L, S), is added; if it is of bool, only what is True is looked at. `is_causal` lets query i look at keys
    0 ... i alone. A query that may look at nothing gets zeros. `dropout_p` always drops weights: give 0 after training.
    With `enable_gqa` groups of query heads share a key's and a value's. RuntimeError for what does not fit.
    """
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError("Expected query, key, and value to have the same dtype, but got query.dtype: "
                           f"{query.dtype.type_name.lower()} key.dtype: {key.dtype.type_name.lower()} and value.dtype: "
                           f"{value.dtype.type_name.lower()} instead.")
    if enable_gqa:
        key, value = [repeat_interleave(x, query.shape[-3] // x.shape[-3], -3) for x in (key, value)]
    if is_causal:
        shape = (query.shape[-2], key.shape[-2])
        attn_mask = full(shape, -math.inf, dtype=query.dtype, device=query.device).triu(1)
    if attn_mask is not None and not attn_mask.is_floating_point():
        (attn_mask,) = as_summands(query.dtype, attn_mask=~attn_mask)
    flash = query.ndim == 4 and not dropout_p and not enable_gqa and query.shape[-1] == value.shape[-1]
    weights = attention_weights(query, key, attn_mask, dropout_p, scale)
    return apply(_flash, (weights, value)) if flash else weights @ value


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None, dropout_p: float, scale: float | None = None,
                      zero_if_empty: bool = True) -> Tensor:
    """softmax(scale * Q K^T + mask), after dropout: how much of each value each query takes, (..., L, S).

    Where the mask leaves nothing to look at, the weights are 0 and no gradient flows, unless `zero_if_empty` is False;
    then they are nan.
    """
    scores = (query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)) @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores + mask
        empty = (scores == -math.inf).all(-1, keepdim=True)
        if zero_if_empty and empty.any():
            return dropout(scores.masked_fill(empty, 0.0).softmax(-1).masked_fill(empty, 0.0), dropout_p)
    return dropout(scores.softmax(-1), dropout_p)


def as_summands(dtype: dtype, **masks: Tensor | None) -> list[Tensor | None]:
    """Masks that are added to the scores: -inf where a bool mask is True, else 0; a float mask as it is.

    AssertionError for a mask of another dtype, a warning for masks of different dtypes.
    """
    given = {name: mask for name, mask in masks.items() if mask is not None}
    for name, mask in given.items():
        if not mask.is_floating_point() and mask.array.dtype != bool:
            raise AssertionError(f"only bool and floating types of {name} are supported, not {mask.dtype}")
    if len({mask.dtype for mask in given.values()}) > 1:
        warnings.warn(f"Support for mismatched {' and '.join(masks)} is deprecated. Use same type for both instead.",
                      stacklevel=3)
    return [mask if mask is None or mask.is_floating_point() else
            zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(mask, -math.inf) for mask in masks.values()]

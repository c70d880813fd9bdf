"""Dropout: in training some elements become zero, at random."""

from __future__ import annotations

from collections.abc import Callable

from ..creation import empty, empty_like
from ..tensor import Tensor
from .parameter import typename

__all__ = ["check_dropout_probability", "dropout", "dropout1d", "dropout2d"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """x * mask / (1 - p), where the mask is 0 with probability p, else 1; the input itself unless `training`.

    The mask is drawn from the default random stream; p = 0 and p = 1 draw nothing. With `inplace` it overwrites its
    input. ValueError unless 0 <= p <= 1, RuntimeError for integers.
    """
    check_dropout_probability(p)
    if not isinstance(input, Tensor):
        raise TypeError(f"dropout(): argument 'input' (position 1) must be Tensor, not {typename(input)}")
    return _dropped(input, p, training, inplace, empty_like)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels: of (N, C, L), or (C, L)."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input.")
    return _channel_dropout(input, p, training, inplace, unbatched=input.ndim == 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels: of (N, C, H, W); dimension 1 of what has other dimensions, too."""
    return _channel_dropout(input, p, training, inplace, unbatched=False)


def _channel_dropout(input: Tensor, p: float, training: bool, inplace: bool, unbatched: bool) -> Tensor:
    check_dropout_probability(p)
    kept = input.shape[: 1 if unbatched else 2]
    shape = (*kept, *[1] * (input.ndim - len(kept)))
    return _dropped(input, p, training, inplace, lambda x: empty(shape, dtype=x.dtype))


def _dropped(input: Tensor, p: float, training: bool, inplace: bool, empty_mask: Callable[[Tensor], Tensor]) -> Tensor:
    """x * mask / (1 - p), with a mask of the kind that `empty_mask` makes."""
    if not training or p == 0 or not input.array.size:
        return input
    mask = empty_mask(input).bernoulli_(1 - p).div_(1 - p) if p != 1 else 0
    return input.mul_(mask) if inplace else input * mask


def check_dropout_probability(p: float) -> None:
    """torch's error for a p outside [0, 1]."""
    if p < 0 or p > 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")

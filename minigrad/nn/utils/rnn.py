"""Sequences of different lengths, for recurrent layers: padded to one tensor, or packed without the padding.

Packed, the elements stand in the order in which a recurrent layer needs them: the first of all sequences, then the
second of all that have one, and so on, the longest sequence first. `batch_sizes` says how many there are of each.

    a1 a2 a3
    b1 b2          data: a1 b1 c1 a2 b2 a3        batch_sizes: 3 2 1
    c1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import ops
from ...creation import as_tensor, full
from ...dtypes import int64
from ...engine import apply
from ...functions.joining import stack
from ...functions.sorting import argsort, sort
from ...tensor import Tensor
from ..convolution import pad

_pack = ops.index.named("pack_padded_sequence")


class PackedSequence(NamedTuple):
    """What `pack_sequence` and `pack_padded_sequence` return: data (sum of lengths, ...), batch_sizes (longest,).

    `sorted_indices` says which sequence comes first, second, ...; `unsorted_indices` where each has gone. Both are None
    if the sequences were sorted already.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With the data in another dtype, or on another device."""
        return self._replace(data=self.data.to(*args, **kwargs))


def pad_sequence(sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:
    """Tensors (L_i, ...) side by side, filled up to the longest: (L, N, ...), with batch_first (N, L, ...).

    >>> from minigrad import tensor
    >>> pad_sequence([tensor([1, 2, 3]), tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    sequences = list(sequences)
    longest = max(len(s) for s in sequences)
    widths = [(longest - len(s), 0) if padding_side == "left" else (0, longest - len(s)) for s in sequences]
    return stack([pad(s, (0, 0) * (s.ndim - 1) + width, value=padding_value)
                  for s, width in zip(sequences, widths, strict=True)], 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences that `pad_sequence` put side by side."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(rows, lengths.tolist(), strict=True)]


def pack_padded_sequence(input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """What is no padding in (L, N, ...), with batch_first in (N, L, ...).

    RuntimeError for lengths that are less than 1, or not of N sequences; with `enforce_sorted` for those that do not
    fall.
    """
    sizes = as_tensor(lengths, dtype=int64)
    padded, order = input.transpose(0, 1) if batch_first else input, None
    if not enforce_sorted:
        sizes, order = sort(sizes, descending=True)
        padded = padded.index_select(1, order)
    counts = sizes.array
    if counts.shape != padded.shape[1:2]:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {counts.size} "
                           f"(batch_size={padded.shape[1]})")
    if counts.min() <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is "
                           f"<= 0: {counts.min()}")
    if (counts[1:] > counts[:-1]).any():
        raise RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can "
                           "pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
                           f"requirement if you do not need ONNX exportability. Got {counts.tolist()}")
    steps = np.arange(counts.max())
    return PackedSequence(apply(_pack, (padded, _places(counts))), as_tensor((counts > steps[:, None]).sum(1)), order,
                          None if order is None else argsort(order))


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Tensors (L_i, ...) packed; the longest has to come first, unless enforce_sorted=False."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:
    """A packed sequence as a padded one, (L, N, ...) or with batch_first (N, L, ...), and the lengths (N,).

    L is the longest length, or `total_length`; ValueError if that is less.
    """
    data, sizes, _, back = sequence
    longest = len(sizes) if total_length is None else total_length
    if longest < len(sizes):
        raise ValueError("Expected total_length to be at least the length of the longest sequence in input, but got "
                         f"total_length={total_length} and max sequence length being {len(sizes)}")
    n = int(sizes.array[0])
    counts = (sizes.array > np.arange(n)[:, None]).sum(1)
    padded = full((longest, n, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    padded[_places(counts)] = data
    padded, lengths = padded.transpose(0, 1) if batch_first else padded, as_tensor(counts)
    return (padded, lengths) if back is None else (padded.index_select(0 if batch_first else 1, back), lengths[back])


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that `pack_sequence` packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))


def _places(counts: Any) -> tuple[Any, Any]:
    """Where the packed elements are in (L, N, ...): their steps, and their sequences."""
    steps, rows = np.nonzero(np.arange(counts.max())[:, None] < counts)
    return steps, rows

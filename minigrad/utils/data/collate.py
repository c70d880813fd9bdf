"""Collating: a list of items becomes one batch with the same structure, its numbers joined to tensors.

It calls torch by its public names, as a script would: what replaces those (parity's float64 runs do) acts here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

import minigrad as torch

from ...engine import wrap

NUMPY_NUMBERS = (np.bool_, np.number)


def default_collate(batch: Sequence[Any]) -> Any:
    """Join items along a new first dimension: a DataLoader's way of making a batch.

    Tensors (of one shape), arrays and numbers become a tensor, Python's floats one of float64; str and bytes stay
    a list. Dicts, lists and named tuples are collated field by field; a tuple becomes a list. RuntimeError for
    shapes or lengths that differ, TypeError for anything else.

    >>> default_collate([(1, {"name": "a"}), (2, {"name": "b"})])
    [tensor([1, 2]), {'name': ['a', 'b']}]
    """
    item = batch[0]
    if isinstance(item, torch.Tensor):
        return _stack(batch)
    if isinstance(item, np.ndarray) and not _is_text(item):
        return _stack([torch.as_tensor(array) for array in batch])
    if isinstance(item, NUMPY_NUMBERS):
        return torch.as_tensor(batch)
    if isinstance(item, (int, float)):
        return torch.tensor(batch, dtype=torch.float64 if isinstance(item, float) else None)
    if isinstance(item, (str, bytes)):
        return batch
    if isinstance(item, Mapping):
        return _like(item, {key: default_collate([each[key] for each in batch]) for key in item})
    if isinstance(item, Sequence):
        if any(len(each) != len(item) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size, not of sizes "
                               f"{[len(each) for each in batch]}")
        return _like(item, [default_collate(column) for column in zip(*batch, strict=True)])
    found = item.dtype if isinstance(item, np.ndarray) else type(item)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {found}")


def default_convert(data: Any) -> Any:
    """Arrays and NumPy's numbers as tensors, also inside dicts, lists and tuples; the rest as it is.

    A DataLoader with batch_size=None does this to each item.
    """
    if isinstance(data, (np.ndarray, *NUMPY_NUMBERS)) and not _is_text(data):
        return torch.as_tensor(data)
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [default_convert(value) for value in data])
    return data


def _is_text(array: Any) -> bool:
    """Whether an array holds text or Python's objects, of which no tensor can be made."""
    return array.dtype.kind in "SUO"


def _stack(tensors: Sequence[Any]) -> Any:
    """torch.stack, in one call to NumPy where that is enough: constants of one shape and dtype, on the CPU."""
    kinds = {(t.array.shape, t.array.dtype, type(t.array)) for t in tensors}
    if any(t.requires_grad for t in tensors) or len(kinds) > 1 or not isinstance(tensors[0].array, np.ndarray):
        return torch.stack(tensors)
    return wrap(np.array([t.array for t in tensors]))


def _like(original: Any, fields: Any) -> Any:
    """The fields in a container like the original (an OrderedDict, say); as they are in place of a tuple, and if it
    cannot be rebuilt."""
    if isinstance(original, tuple):
        return type(original)(*fields) if hasattr(original, "_fields") else fields
    try:
        if not isinstance(original, (MutableMapping, MutableSequence)):
            return type(original)(fields)
        same = copy.copy(original)  # it may carry more than its fields
        for key, value in fields.items() if isinstance(fields, dict) else enumerate(fields):
            same[key] = value
        return same
    except TypeError:
        return fields

"""Data sets: `dataset[i]` is item i, `len(dataset)` says how many there are.

A data set may also know how to hand out a whole batch at once, sliced from its arrays: that is `__whole__`, and
`whole_batch` asks for it. It gives what collating the single items would give, only faster, and nobody has to
write it.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ... import random
from ...engine import wrap
from ...tensor import Tensor

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """The base of data sets: a subclass defines `__getitem__` and, for nearly every use, `__len__`."""

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """The base of streams: a subclass defines `__iter__` instead of `__getitem__`, and need not have a length."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Item i is the tuple of the i-th rows of the tensors, which must be equally long (AssertionError).

    >>> from minigrad import tensor
    >>> TensorDataset(tensor([[1, 2], [3, 4]]), tensor([5, 6]))[1]
    (tensor([3, 4]), tensor(6))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            raise AssertionError(f"Size mismatch between tensors: {[tensor.size(0) for tensor in tensors]}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))

    def __whole__(self, indices: list[int]) -> list[Tensor] | None:
        if any(tensor.requires_grad for tensor in self.tensors):
            return None  # the graph is to show the single items
        return [wrap(tensor.array.take(indices, 0)) for tensor in self.tensors]


class Subset(Dataset[Any]):
    """The items of `dataset` at `indices`, in that order.

    A loader calls `__getitems__`: NotImplementedError for a subclass that redefines `__getitem__` alone.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(f"{kind.__name__} overrides __getitem__ but not __getitems__, which loaders call")
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitems__(self, indices: list[int]) -> Any:
        """The items at `indices` in a list: all at once where the data set itself can do that."""
        return fetch_items(self.dataset, [self.indices[i] for i in indices])

    def __whole__(self, indices: list[int]) -> Any:
        return whole_batch(self.dataset, [self.indices[i] for i in indices])


class ConcatDataset(Dataset[Any]):
    """Data sets one after another; AssertionError if there are none, or one of them is a stream."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> Any:
        if idx < -len(self):
            raise ValueError(f"absolute value of index should not exceed dataset length: {idx} of {len(self)}")
        if idx < 0:
            idx += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        return self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(dataset: Any, lengths: Sequence[float], generator: random.Generator | None = None) -> list[Subset]:
    """Cut a data set, in random order, into Subsets of these lengths; fractions that add up to 1 will do, too.

    Fractions are rounded down, and what is left over goes round the parts, one item each. ValueError if the
    lengths do not add up to the data set's. Draws one randperm.
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _from_fractions(len(dataset), lengths)
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset! "
                         f"Got {lengths} of {len(dataset)}")
    order = (generator or random.default_generator).randperm(len(dataset)).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


def _from_fractions(n: int, fractions: Sequence[float]) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1, but {fraction}")
    lengths = [math.floor(n * fraction) for fraction in fractions]
    for i in range(n - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=3)
    return lengths


# ---- items and batches ----


def fetch_items(dataset: Any, indices: Any) -> Any:
    """The items at `indices`, for collating: by the data set's own `__getitems__`, or one by one."""
    if getattr(dataset, "__getitems__", None):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices]


def whole_batch(dataset: Any, indices: Any) -> Any:
    """What default_collate makes of the items at `indices`, sliced in one go; None where that cannot be done.

    Only for a list of plain ints: whatever else a sampler may yield goes to `__getitem__` as it is.
    """
    whole = shortcut(dataset, "__whole__", replaced_by={"__getitem__", "__getitems__"})
    plain = type(indices) is list and indices and {int, np.int64}.issuperset(map(type, indices))
    return whole(indices) if whole and plain else None


def shortcut(x: Any, name: str, replaced_by: set[str]) -> Any:
    """x's method `name`, but None if x's class has none, or redefines what it is a shortcut for."""
    for kind in type(x).__mro__:
        if name in vars(kind):
            return getattr(x, name)
        if replaced_by & vars(kind).keys():
            return None
    return None

"""Samplers: iterables that say which item, or which list of items, comes next.

Random ones are generator functions, so that they draw when torch's do: nothing before the first item is asked
for, and each further permutation only when the one before is used up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic

from ... import random
from ...creation import as_tensor, multinomial
from ...dtypes import float64
from .dataset import T_co


class Sampler(Generic[T_co]):
    """The base of samplers: a subclass defines `__iter__`, and `__len__` if `len(loader)` is to work."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... up to the length of `data_source`."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """`num_samples` indices in random order (all of them, by default), or drawn anew each time: `replacement`.

    Without a generator it makes its own at each iteration, seeded from the default one: so however long an
    epoch goes on, it takes one number out of the main stream. TypeError if replacement is no bool, ValueError
    unless num_samples is a positive int: no samples can be drawn from an empty data set.
    """

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None,
                 generator: random.Generator | None = None) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices one iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, generator = len(self.data_source), self.generator
        if generator is None:
            generator = random.Generator().manual_seed(random.default_generator.random64())
        at_once = 32 if self.replacement else n
        rounds, rest = divmod(self.num_samples, at_once)
        for size in [at_once] * rounds + [rest]:
            if self.replacement:
                yield from generator.randint(0, n, (size,)).tolist()
            else:  # also for a rest of 0: a used-up epoch draws one permutation for nothing
                yield from generator.randperm(n).tolist()[:size]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: random.Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in (self.generator or random.default_generator).randperm(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, each drawn in proportion to its weight, with `replacement` or each index once.

    ValueError for weights that are no vector, and as RandomSampler for the other arguments.
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True,
                 generator: random.Generator | None = None) -> None:
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ValueError("weights should be a 1d sequence but given weights have shape "
                             f"{tuple(self.weights.shape)}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """What `sampler` yields, in lists of `batch_size`; a shorter last one is left out with `drop_last`.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler: Any = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)


def _check_positive(name: str, n: Any) -> None:
    """ValueError unless n is an int above 0; a bool is no batch size, but torch lets it be a number of samples."""
    if not isinstance(n, int) or n <= 0 or (isinstance(n, bool) and name == "batch_size"):
        raise ValueError(f"{name} should be a positive integer value, but got {name}={n}")

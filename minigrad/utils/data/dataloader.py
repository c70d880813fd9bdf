"""The DataLoader: it walks through a data set in batches, and draws random numbers exactly as torch's does."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice, repeat
from typing import Any, Generic

from ... import random
from .collate import default_collate, default_convert
from .dataset import IterableDataset, T_co, fetch_items, whole_batch
from .sampler import BatchSampler, RandomSampler, SequentialSampler

FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}


class DataLoader(Generic[T_co]):
    """An iterable over batches of `dataset`: each `for` loop over it is one epoch.

    Which items make a batch: `batch_size` of them in order, or with `shuffle` in an order drawn anew each epoch,
    or as `sampler` (items) or `batch_sampler` (lists of items) say. `drop_last` leaves out a last batch that
    is too short; batch_size=None gives single items. `collate_fn` makes a batch out of a list of items.
    `generator` is where random numbers come from, if not the default one. ValueError for options that
    contradict each other.

    All work is done in this process. With `num_workers` the batches and the random stream are still those of
    torch's worker processes: what a data set draws comes from a stream of each worker's own. There is no worker to
    call `worker_init_fn` in (NotImplementedError), a stream (IterableDataset) is not repeated for every worker, and
    Python's and NumPy's random numbers are this process's. `pin_memory`, `timeout`, `multiprocessing_context` and
    `in_order` change nothing.

    >>> list(DataLoader([1.5, 2.5, 3.5], batch_size=2))
    [tensor([1.5000, 2.5000], dtype=torch.float64), tensor([3.5000], dtype=torch.float64)]
    """

    _ready = False

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
                 sampler: Iterable[Any] | None = None, batch_sampler: Iterable[Any] | None = None,
                 num_workers: int = 0, collate_fn: Callable[[list[Any]], Any] | None = None, pin_memory: bool = False,
                 drop_last: bool = False, timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None,
                 multiprocessing_context: Any = None, generator: random.Generator | None = None, *,
                 prefetch_factor: int | None = None, persistent_workers: bool = False, pin_memory_device: str = "",
                 in_order: bool = True) -> None:
        if worker_init_fn is not None and num_workers:
            raise NotImplementedError("minigrad loads in this process: there is no worker to call worker_init_fn in")
        alone, batched, stream = num_workers == 0, batch_sampler is not None, isinstance(dataset, IterableDataset)
        _refuse({
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing. "
            f"Got {num_workers=}": num_workers < 0,
            f"timeout option should be non-negative, but got {timeout=}": timeout < 0,
            "prefetch_factor needs num_workers > 0; leave it at None without": alone and prefetch_factor is not None,
            f"prefetch_factor option should be non-negative, but got {prefetch_factor=}":
                prefetch_factor is not None and prefetch_factor < 0,
            "persistent_workers option needs num_workers > 0": alone and persistent_workers,
            "multiprocessing_context needs num_workers > 0": alone and multiprocessing_context is not None})
        if stream:
            given = {"shuffle": shuffle or None, "sampler": sampler, "batch_sampler": batch_sampler}
            _refuse({f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}":
                     value is not None for name, value in given.items()})
        _refuse({
            "sampler option is mutually exclusive with shuffle": sampler is not None and shuffle,
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last":
                batched and (batch_size != 1 or shuffle or sampler is not None or drop_last),
            "batch_size=None option disables auto-batching and is mutually exclusive with drop_last":
                batch_size is None and drop_last})
        if batched:
            batch_size = None
        if sampler is None and stream:
            sampler = repeat(None)  # no index, only: one more
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)

        self.dataset = dataset
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler: Any = sampler
        self.batch_sampler: Any = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.generator = generator
        self.num_workers, self.persistent_workers = num_workers, persistent_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn, self.in_order = timeout, worker_init_fn, in_order
        self.multiprocessing_context = multiprocessing_context
        self._iterator: _Epoch | None = None
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        """The number of batches; TypeError where the data set or the sampler has no length."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self.index_sampler)
        length = len(self.dataset)  # type: ignore[arg-type]  # not every stream has one
        return length if self.batch_size is None else len(BatchSampler(range(length), self.batch_size, self.drop_last))

    def __iter__(self) -> Iterator[Any]:
        if not self.persistent_workers:
            return _Epoch(self)
        if self._iterator is None:
            self._iterator = _Epoch(self)
        else:  # the workers live on, with their streams: no new base seed
            self._iterator.start(iter(self.index_sampler))
        return self._iterator

    @property
    def index_sampler(self) -> Any:
        """What says what to fetch next: lists of indices, or single ones where there is no batching."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler


class _Epoch:
    """One pass over a loader.

    The order of draws is torch's: `iter(sampler)`, then the base seed, whether anybody needs it or not, and the
    sampler's own numbers when the first index is asked for. With workers that is at once: they work ahead. The
    workers take turns, each with a random stream of its own; without any, it is always the default generator's turn.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.pin_memory:
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, "
                          "then device pinned memory won't be used.", stacklevel=3)
        self._loader = loader
        indices = iter(loader.index_sampler)
        base_seed = (loader.generator or random.default_generator).random64()
        self._workers = [random.Generator().manual_seed(base_seed + i) for i in range(loader.num_workers)]
        self.start(iter(loader.index_sampler) if self._workers else indices)

    def start(self, indices: Iterator[Any]) -> None:
        """Fetch what stands at these indices, the first worker first."""
        self._indices = indices
        self._fetch = _fetcher(self._loader)
        self._turns = cycle(self._workers or [random.default_generator])
        self._ahead = deque(islice(indices, (self._loader.prefetch_factor or 0) * len(self._workers)))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self._loader.index_sampler)

    def __next__(self) -> Any:
        self._ahead.extend(islice(self._indices, 1))
        if not self._ahead:
            raise StopIteration
        main, worker = random.default_generator, next(self._turns)
        main.__dict__, worker.__dict__ = worker.__dict__, main.__dict__  # the data set draws from the worker's stream
        try:
            return self._fetch(self._ahead.popleft())
        finally:
            main.__dict__, worker.__dict__ = worker.__dict__, main.__dict__


def _fetcher(loader: DataLoader[Any]) -> Callable[[Any], Any]:
    """The function from indices to a batch, or from an index to an item where there is no batching.

    A stream's items come one after the other, as many as there are indices, up to StopIteration at its end.
    """
    dataset, collate = loader.dataset, loader.collate_fn
    stream = iter(dataset) if isinstance(dataset, IterableDataset) else None

    def fetch(indices: Any) -> Any:
        if loader.batch_sampler is None:
            return collate(dataset[indices] if stream is None else next(stream))
        if stream is None:
            batch = whole_batch(dataset, indices) if collate is default_collate else None
            return collate(fetch_items(dataset, indices)) if batch is None else batch
        items = list(islice(stream, len(indices)))
        if not items or (loader.drop_last and len(items) < len(indices)):
            raise StopIteration
        return collate(items)

    return fetch


def get_worker_info() -> None:
    """None, as in torch outside a worker process: minigrad loads everything in this one."""
    return None


def _refuse(problems: dict[str, Any]) -> None:
    """ValueError for the first problem that is there."""
    for text, is_there in problems.items():
        if is_there:
            raise ValueError(text)

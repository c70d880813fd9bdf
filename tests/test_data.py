"""utils.data against torch's: the same batches, and the same place in the random stream after every step."""

from __future__ import annotations

import collections
import hashlib
import random as python_random
import types
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from side_by_side import plain, same, same_error, same_warnings

import minigrad as mg
import minigrad.utils.data as mg_data

N = 11


def state(lib: Any, generator: Any = None) -> str:
    """A short name for where in the stream a generator (the default one) is."""
    bits = lib.get_rng_state() if generator is None else generator.get_state()
    return hashlib.sha256(bytes(bits.tolist())).hexdigest()[:12]


def tensors(lib: Any, n: int = N) -> Any:
    x = lib.arange(n * 3, dtype=lib.float32).reshape(n, 3)
    return lib.utils.data.TensorDataset(x, lib.arange(n))


class Squares:
    """A data set as users write one, without a base class: item i is (i, i²)."""

    def __init__(self, n: int = N) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[int, float]:
        return i, float(i) ** 2


def dtypes(batch: Any) -> Any:
    """The types and dtypes of a batch, which == of values does not see."""
    if isinstance(batch, (mg.Tensor, torch.Tensor)):
        return str(batch.dtype), batch.is_contiguous(), batch.requires_grad
    if isinstance(batch, dict):
        return type(batch).__name__, {key: dtypes(value) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return type(batch).__name__, [dtypes(value) for value in batch]
    return type(batch).__name__


def walk(lib: Any, loader: Any, stop: int | None = None, generator: Any = None) -> list[Any]:
    """The batches of an epoch, up to `stop`, with the state of the stream before, between and after them."""
    seen: list[Any] = []
    iterator = iter(loader)
    seen.append(state(lib, generator))
    for i, batch in enumerate(iterator):
        seen += [batch, dtypes(batch), state(lib), state(lib, generator)]
        if i == stop:
            break
    return [*seen, state(lib), state(lib, generator), lib.rand(2)]


# ---- the order of draws ----


@pytest.mark.parametrize("generator", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [None, 1, 4, N, N + 5])
def test_epochs_draw_as_torch_does(batch_size: Any, drop_last: bool, shuffle: bool, generator: bool) -> None:
    if batch_size is None and drop_last:
        return

    def scenario(lib: Any) -> Any:
        lib.manual_seed(7)
        own = lib.Generator().manual_seed(3) if generator else None
        loader = lib.utils.data.DataLoader(tensors(lib), batch_size, shuffle, drop_last=drop_last, generator=own)
        seen = [walk(lib, loader, stop, own) for stop in (None, None, 0, 1, None)]
        next(iter(loader), None)
        return [*seen, len(loader), len(iter(loader)), state(lib), lib.randn(5)]

    same(scenario)


def test_two_loaders_and_nested_loops() -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(1)
        DataLoader = lib.utils.data.DataLoader
        a, b = DataLoader(tensors(lib), 4, shuffle=True), DataLoader(tensors(lib, 5), 2, shuffle=True)
        seen: list[Any] = []
        for x in a:
            for y in b:
                seen += [x, y, lib.rand(1)]
            for z in a:  # the same loader, nested in itself
                seen += [z, lib.rand(1)]
                break
        seen += [list(zip(a, b, strict=False)), state(lib)]
        return seen

    same(scenario)


SHUFFLED = st.fixed_dictionaries(
    {
        "n": st.integers(1, 40),
        "batch_size": st.integers(1, 12),
        "drop_last": st.booleans(),
        "replacement": st.booleans(),
        "num_samples": st.none() | st.integers(1, 100),
        "own": st.booleans(),
        "stops": st.lists(st.none() | st.integers(0, 6), max_size=4),
    }
)
DRAWN_BY_32 = dict(n=5, batch_size=1, drop_last=False, replacement=True, num_samples=70, own=True, stops=[None])


@settings(max_examples=60, deadline=None)
@example(DRAWN_BY_32)
@given(SHUFFLED)
def test_random_sampler(case: dict[str, Any]) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(0)
        own = lib.Generator().manual_seed(5) if case["own"] else None
        data = tensors(lib, case["n"])
        sampler = lib.utils.data.RandomSampler(data, case["replacement"], case["num_samples"], own)
        batches = lib.utils.data.BatchSampler(sampler, case["batch_size"], case["drop_last"])
        by_batch = lib.utils.data.DataLoader(data, batch_sampler=batches, generator=own)
        by_item = lib.utils.data.DataLoader(
            data, case["batch_size"], sampler=sampler, drop_last=case["drop_last"], generator=own
        )
        seen = [walk(lib, loader, stop, own) for stop in case["stops"] for loader in (by_batch, by_item)]
        return [seen, len(sampler), len(batches), list(batches), state(lib)]

    same(scenario)


class Noisy(Squares):
    """Draws while it loads, as augmentations do."""

    def __init__(self, lib: Any) -> None:
        super().__init__(N)
        self.lib = lib

    def __getitem__(self, i: int) -> Any:
        return self.lib.rand(2) + i


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_streams(persistent: bool) -> None:
    """Each of torch's worker processes has a stream of its own, and works ahead of the loop: so it seems here."""

    def scenario(lib: Any) -> Any:
        lib.manual_seed(2)
        own = lib.Generator().manual_seed(9)
        options = {"num_workers": 2, "persistent_workers": persistent, "generator": own}
        loader = lib.utils.data.DataLoader(Noisy(lib), 2, shuffle=True, **options)
        seen = [walk(lib, loader, None, own), walk(lib, loader, None, own), lib.initial_seed()]
        iterator = iter(loader)
        return [*seen, state(lib, own), next(iterator), state(lib, own), lib.rand(3)]

    same(scenario)


def test_draws_in_the_data_set_without_workers_are_the_main_streams() -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(2)
        return walk(lib, lib.utils.data.DataLoader(Noisy(lib), 3, shuffle=True))

    same(scenario)


def test_an_error_in_a_worker_gives_the_main_stream_back() -> None:
    class Broken(Noisy):
        def __getitem__(self, i: int) -> Any:
            self.lib.rand(1)
            raise KeyError(i)

    mg.manual_seed(4)
    loader = mg_data.DataLoader(Broken(mg), num_workers=1)
    iterator = iter(loader)
    before = state(mg)
    with pytest.raises(KeyError):
        next(iterator)
    assert state(mg) == before


def test_subset_random_sampler_and_users_own() -> None:
    def scenario(lib: Any) -> Any:
        class Eager(lib.utils.data.Sampler):  # type: ignore[misc,name-defined]
            def __iter__(self) -> Any:
                return iter(lib.randperm(N).tolist())  # draws when iter() is called, before the base seed

            def __len__(self) -> int:
                return N

        lib.manual_seed(3)
        some = lib.utils.data.SubsetRandomSampler([5, 3, 8])
        loaders = [lib.utils.data.DataLoader(tensors(lib), 4, sampler=sampler) for sampler in (Eager(), some, [1, -1])]
        return [[walk(lib, loader), len(loader)] for loader in loaders]

    same(scenario)


# ---- whole batches ----


def sampled(lib: Any, kind: str) -> Any:
    """Ways to say which items make the batch; only plain ints may take the shortcut."""
    lists = {
        "ints": [[3, 0, -1], [2]],
        "numpy": [[np.int64(4), np.int64(1)]],
        "array": [np.array([4, 1])],
        "tuple": [(1, 2)],
        "tensor": [lib.tensor([4, 1])],
        "tensors": [[lib.tensor(4), lib.tensor(1)]],
        "generator": [(i for i in (1, 2))],
    }
    return lists[kind]


@pytest.mark.parametrize("kind", ["ints", "numpy", "array", "tuple", "tensor", "tensors", "generator"])
@pytest.mark.parametrize("subset", [False, True])
def test_batches_by_any_kind_of_index(kind: str, subset: bool) -> None:
    def scenario(lib: Any) -> Any:
        data = tensors(lib)
        if subset:
            data = lib.utils.data.Subset(lib.utils.data.Subset(data, list(range(9, 2, -1))), np.array([0, 2, 3, 5, 6]))
        loader = lib.utils.data.DataLoader(data, batch_sampler=sampled(lib, kind))
        return [(batch, dtypes(batch)) for batch in loader]

    same(scenario)


@pytest.mark.parametrize("bad", [[[N]], [[-N - 1]], [[]], [["a"]]])
def test_bad_indices(bad: Any) -> None:
    same_error(lambda lib: list(lib.utils.data.DataLoader(tensors(lib), batch_sampler=bad)), text=False)


def test_a_batch_is_sliced_and_its_memory_is_its_own() -> None:
    data = tensors(mg)
    calls = []
    data_type = type(data)
    spy = types.FunctionType(data_type.__getitem__.__code__, data_type.__getitem__.__globals__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_type, "__getitem__", lambda self, i: calls.append(i) or spy(self, i))
        batches = list(mg_data.DataLoader(data, 4))
        assert calls == []
        list(mg_data.DataLoader(data, 4, collate_fn=lambda items: items))
    assert calls == list(range(N))
    batches[0][0].mul_(0)
    assert data[0][0].tolist() == [0, 1, 2] and data[3][0].tolist() == [9, 10, 11]


def test_subclasses_are_asked_for_their_items() -> None:
    """A shortcut past a redefined __getitem__ would skip what the user wrote there."""

    def scenario(lib: Any) -> Any:
        TensorDataset, Subset, DataLoader = (
            lib.utils.data.TensorDataset,
            lib.utils.data.Subset,
            lib.utils.data.DataLoader,
        )

        class Negative(TensorDataset):  # type: ignore[misc,valid-type]
            def __getitem__(self, i: Any) -> Any:
                return tuple(-x for x in super().__getitem__(i))

        class ManyAtOnce(TensorDataset):  # type: ignore[misc,valid-type]
            def __getitems__(self, indices: Any) -> Any:
                return [10 * i for i in indices]

        class Named(TensorDataset):  # type: ignore[misc,valid-type]
            pass

        x = lib.arange(5)
        kinds = [kind(x, x * 2) for kind in (Negative, ManyAtOnce, Named)]
        kinds += [Subset(kind, [4, 2, 0]) for kind in kinds]
        return [[(batch, dtypes(batch)) for batch in DataLoader(kind, 2)] for kind in kinds]

    same(scenario)


def test_tensors_that_require_grad_keep_their_graph() -> None:
    def scenario(lib: Any) -> Any:
        w = lib.ones(4, 2, requires_grad=True)
        (batch,) = next(iter(lib.utils.data.DataLoader(lib.utils.data.TensorDataset(w), 3)))
        (batch * lib.tensor([2.0, 3.0])).sum().backward()
        return w.grad

    same(scenario)


def test_layouts_of_memory() -> None:
    def scenario(lib: Any) -> Any:
        x = lib.arange(24).reshape(2, 3, 4).permute(2, 0, 1)
        data = lib.utils.data.TensorDataset(x, x.permute(0, 2, 1), lib.arange(8)[::2], lib.zeros(4, 0))
        return [(batch, dtypes(batch)) for batch in lib.utils.data.DataLoader(data, 3)]

    same(scenario)


# ---- data sets ----


def test_random_split() -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(8)
        split = lib.utils.data.random_split
        own = lib.Generator().manual_seed(1)
        parts = [split(range(10), [7, 3]), split(range(11), [0.5, 0.3, 0.2]), split(range(5), [1.0], generator=own)]
        data = tensors(lib)
        parts.append(split(data, [6, 0, 5], own))
        indices = [[list(part.indices) for part in each] for each in parts]
        return [
            indices,
            [len(part) for part in parts[3]],
            parts[3][0][2],
            parts[3][0][[0, 1]],
            state(lib),
            state(lib, own),
        ]

    same(scenario)


@pytest.mark.parametrize("lengths", [[5, 5], [0.5, 0.6], [1.5, -0.5], [5.0, 6.0], []])
def test_random_split_errors(lengths: Any) -> None:
    same_error(lambda lib: lib.utils.data.random_split(range(11), lengths), text=lengths not in ([], [5.0, 6.0]))


def test_random_split_warns_of_empty_parts() -> None:
    assert len(same_warnings(lambda lib: lib.utils.data.random_split(range(2), [0.4, 0.1, 0.5]))) == 1


def test_data_sets_joined() -> None:
    def scenario(lib: Any) -> Any:
        one, two = tensors(lib, 3), tensors(lib, 4)
        both = one + lib.utils.data.ConcatDataset([two, one])
        return [both[i] for i in (0, 2, 3, 6, 9, -1, -10)], len(both), list(lib.utils.data.DataLoader(both, 4))

    same(scenario)


ERRORS = {
    "no item": lambda d, lib: d.Dataset()[0],
    "lengths": lambda d, lib: d.TensorDataset(lib.zeros(3), lib.zeros(2)),
    "nothing to join": lambda d, lib: d.ConcatDataset([]),
    "no such item": lambda d, lib: d.ConcatDataset([range(3)])[-4],
    "joined stream": lambda d, lib: d.ConcatDataset([stream(lib)]),
    "empty": lambda d, lib: d.DataLoader([], shuffle=True),
    "batch_size 0": lambda d, lib: d.DataLoader(range(3), 0),
    "batch_size True": lambda d, lib: d.DataLoader(range(3), True),
    "batch_size 2.0": lambda d, lib: d.DataLoader(range(3), 2.0),
    "drop_last": lambda d, lib: d.BatchSampler(range(3), 2, 1),
    "replacement": lambda d, lib: d.RandomSampler(range(3), 1),
    "num_samples": lambda d, lib: d.RandomSampler(range(3), num_samples=0),
    "sampler, shuffle": lambda d, lib: d.DataLoader(range(3), shuffle=True, sampler=[1]),
    "batch_sampler, batch_size": lambda d, lib: d.DataLoader(range(3), 2, batch_sampler=[[1]]),
    "batch_sampler, shuffle": lambda d, lib: d.DataLoader(range(3), shuffle=True, batch_sampler=[[1]]),
    "batch_sampler, drop_last": lambda d, lib: d.DataLoader(range(3), drop_last=True, batch_sampler=[[1]]),
    "batch_sampler, sampler": lambda d, lib: d.DataLoader(range(3), sampler=[1], batch_sampler=[[1]]),
    "drop_last without batches": lambda d, lib: d.DataLoader(range(3), None, drop_last=True),
    "num_workers": lambda d, lib: d.DataLoader(range(3), num_workers=-1),
    "timeout": lambda d, lib: d.DataLoader(range(3), timeout=-1),
    "persistent_workers": lambda d, lib: d.DataLoader(range(3), persistent_workers=True),
    "set later": lambda d, lib: setattr(d.DataLoader(range(3)), "batch_size", 2),
    "stream, shuffle": lambda d, lib: d.DataLoader(stream(lib), shuffle=True),
    "stream, sampler": lambda d, lib: d.DataLoader(stream(lib), sampler=[1]),
    "stream, batch_sampler": lambda d, lib: d.DataLoader(stream(lib), batch_sampler=[[1]]),
    "end": lambda d, lib: [next(it) for it in [iter(d.DataLoader(range(1)))] for _ in range(2)],
    "set": lambda d, lib: d.default_collate([{1}, {2}]),
    "None": lambda d, lib: d.default_collate([None]),
    "strings": lambda d, lib: d.default_collate([np.array(["a"])]),
    "ragged": lambda d, lib: d.default_collate([[1, 2], [1]]),
    "shapes": lambda d, lib: d.default_collate([lib.zeros(2), lib.zeros(3)]),
}
LONGER_IN_TORCH = {
    "prefetch_factor": lambda d, lib: d.DataLoader(range(3), prefetch_factor=2),
    "prefetch_factor -1": lambda d, lib: d.DataLoader(range(3), prefetch_factor=-1, num_workers=1),
    "context": lambda d, lib: d.DataLoader(range(3), multiprocessing_context="fork"),
    "length of a stream": lambda d, lib: len(d.DataLoader(stream(lib))),
    "half a subset": lambda d, lib: half_a_subset(d),
    "missing key": lambda d, lib: d.default_collate([{"a": 1}, {"b": 1}]),
    "empty batch": lambda d, lib: d.default_collate([]),
}


def half_a_subset(d: Any) -> Any:
    class Half(d.Subset):  # type: ignore[misc,name-defined]
        def __getitem__(self, i: Any) -> Any:
            return 0

    return Half(range(3), [0])


@pytest.mark.parametrize("name", [*ERRORS, *LONGER_IN_TORCH])
def test_errors(name: str) -> None:
    call = (ERRORS | LONGER_IN_TORCH)[name]
    same_error(lambda lib: call(lib.utils.data, lib), text=name in ERRORS and not name.startswith(("end", "stream,")))


def test_pin_memory_warns_at_each_epoch() -> None:
    assert same_warnings(lambda lib: list(lib.utils.data.DataLoader(range(2), pin_memory=True)))


# ---- streams ----


def stream(lib: Any, n: int = 5) -> Any:
    class Countdown(lib.utils.data.IterableDataset):  # type: ignore[misc,name-defined]
        def __iter__(self) -> Any:
            assert lib.utils.data.get_worker_info() is None
            return iter(range(n, 0, -1))

    return Countdown()


@pytest.mark.parametrize(
    "batch_size, drop_last", [(None, False), (1, False), (2, False), (2, True), (5, True), (9, True)]
)
def test_streams(batch_size: int | None, drop_last: bool) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(0)
        loader = lib.utils.data.DataLoader(stream(lib), batch_size, drop_last=drop_last)
        return walk(lib, loader), walk(lib, loader, 0)

    same(scenario)


def test_length_of_a_stream_that_has_one() -> None:
    def scenario(lib: Any) -> Any:
        data = stream(lib)
        type(data).__len__ = lambda self: 5
        DataLoader = lib.utils.data.DataLoader
        return len(DataLoader(data, 2)), len(DataLoader(data, 2, drop_last=True)), len(DataLoader(data, None))

    same(scenario)


# ---- collating ----


class Point(NamedTuple):
    x: float
    y: Any


class Frozen(collections.abc.Mapping):  # type: ignore[type-arg]
    """A mapping that cannot be made from a dict."""

    def __init__(self) -> None:
        self.fields = {"a": 1}

    def __getitem__(self, key: str) -> int:
        return self.fields[key]

    def __iter__(self) -> Any:
        return iter(self.fields)

    def __len__(self) -> int:
        return 1


ITEMS = {
    "ints": lambda lib: [1, 2],
    "bools": lambda lib: [True, False],
    "floats": lambda lib: [0.1, 1 / 3],
    "int, float": lambda lib: [1, 2.5],
    "text": lambda lib: ["a", "b"],
    "bytes": lambda lib: [b"a", b"b"],
    "numpy numbers": lambda lib: [np.float32(0.1), np.float32(3)],
    "numpy float64": lambda lib: [np.float64(0.1), np.float64(3)],
    "numpy ints": lambda lib: [np.int16(1), np.int16(3)],
    "numpy bools": lambda lib: [np.bool_(True), np.bool_(False)],
    "arrays": lambda lib: [np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32)],
    "0-d arrays": lambda lib: [np.array(1.5), np.array(2)],
    "tensors": lambda lib: [lib.ones(2), lib.zeros(2)],
    "0-d tensors": lambda lib: [lib.tensor(1), lib.tensor(2)],
    "dtypes": lambda lib: [lib.ones(2), lib.ones(2, dtype=lib.float64)],
    "leaves": lambda lib: [lib.ones(2, requires_grad=True), lib.ones(2)],
    "tuples": lambda lib: [(1, "a", lib.ones(1)), (2, "b", lib.zeros(1))],
    "lists": lambda lib: [[1, [2.5]], [3, [4.5]]],
    "dicts": lambda lib: [{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "y"}}],
    "ordered": lambda lib: [collections.OrderedDict(b=1, a=2.0)] * 2,
    "default": lambda lib: [collections.defaultdict(int, a=1)] * 2,
    "frozen": lambda lib: [Frozen(), Frozen()],
    "named tuples": lambda lib: [Point(1.0, (1, 2)), Point(2.0, (3, 4))],
    "ranges": lambda lib: [range(2), range(2)],
    "deques": lambda lib: [collections.deque([1, 2])] * 2,
    "one": lambda lib: [(1, 2)],
}


@pytest.mark.parametrize("name", ITEMS)
def test_collate_and_convert(name: str) -> None:
    def scenario(lib: Any) -> Any:
        collated = lib.utils.data.default_collate(ITEMS[name](lib))
        converted = [lib.utils.data.default_convert(item) for item in ITEMS[name](lib)]
        assert not isinstance(collated, collections.deque) or collated.maxlen is None
        return [
            [type(x).__name__, dtypes(x), x if not hasattr(x, "maxlen") else list(x)] for x in (collated, converted)
        ]

    same(scenario)


def test_batches_of_users_data_sets_and_collate_fn() -> None:
    def scenario(lib: Any) -> Any:
        DataLoader = lib.utils.data.DataLoader
        loaders = [
            DataLoader(Squares(), 4),
            DataLoader(Squares(), None),
            DataLoader(Squares(), 4, collate_fn=lambda items: [i for i, _ in items]),
            DataLoader(list("abcde"), 2),
            DataLoader({"a": 1, "b": 2}, 2, sampler=["a", "b"]),
            DataLoader(np.arange(6.0), 4),
            DataLoader(lib.arange(6), 4),
        ]
        return [[(batch, dtypes(batch)) for batch in loader] for loader in loaders]

    same(scenario)


def test_other_random_numbers_are_left_alone() -> None:
    before = python_random.getstate(), plain(np.random.get_state()[1].tolist())
    list(mg_data.DataLoader(tensors(mg), 2, shuffle=True, num_workers=2))
    assert before == (python_random.getstate(), plain(np.random.get_state()[1].tolist()))

"""minigrad.random draws torch's numbers: same bits, dtype and shape, the same place in the stream afterwards.

Comparisons are of bits, and they end with the generators' whole states, byte by byte: a draw that takes a
word too many, or forgets the spare normal, fails at once. The table DRAWS pairs our calls with torch's, and
Hypothesis strings its entries together in random order. The float32 normals are those of an x86 CPU with
AVX2: elsewhere torch's differ in the last bits, from its own and from ours.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import minigrad.random as mr
from minigrad import exact as exact_math
from minigrad.random import Generator

SEEDS = [0, 1, 42, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 2**63, 2**64 - 1, -1, -7, -(2**63)]
SIZES = [0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 100, 623, 624, 625, 1000]
FLOATS = {np.float16: torch.float16, np.float32: torch.float32, np.float64: torch.float64}


def pair(seed: int = 0) -> tuple[Generator, torch.Generator]:
    return Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def assert_same_bits(ours: np.ndarray, theirs: torch.Tensor) -> None:
    expected = theirs.numpy()
    assert ours.dtype == expected.dtype and ours.shape == expected.shape
    assert ours.flags.writeable and ours.flags.c_contiguous
    different = np.flatnonzero(ours.ravel() != expected.ravel())
    first = different[:3]
    message = f"{len(different)} of {ours.size} differ: {ours.ravel()[first]} != {expected.ravel()[first]}"
    assert ours.tobytes() == expected.tobytes(), message


def assert_in_step(ours: Generator, theirs: torch.Generator) -> None:
    """Equal states, and equal numbers from there on, far enough to pass the end of a block of 624 words."""
    assert ours.state_bytes().tobytes() == theirs.get_state().numpy().tobytes()
    later = torch.rand(700, generator=theirs.clone_state())
    assert_same_bits(ours.clone_state().uniform((700,), np.float32), later)


def filled(shape: tuple[int, ...], dtype: type, method: str, *args: float, **options: Any) -> torch.Tensor:
    return getattr(torch.empty(shape, dtype=FLOATS[dtype]), method)(*args, **options)


def column(n: int, dtype: type, mean: float, std: float, generator: torch.Generator) -> torch.Tensor:
    """Normals drawn into a column of a matrix, whose memory is not contiguous."""
    return torch.empty(n, 2, dtype=FLOATS[dtype])[:, 0].normal_(mean, std, generator=generator).contiguous()


WEIGHTS = np.array([0.1, 3, 0.5, 7, 2, 0.01, 4], np.float32)

Draw = tuple[Callable[[Generator, int], np.ndarray], Callable[[torch.Generator, int], torch.Tensor]]
DRAWS: dict[str, Draw] = {
    "randint": (lambda g, n: g.randint(-3, 12, (n,)), lambda t, n: torch.randint(-3, 12, (n,), generator=t)),
    "randint long": (lambda g, n: g.randint(-5, 2**40, (n,)), lambda t, n: torch.randint(-5, 2**40, (n,), generator=t)),
    "randperm": (lambda g, n: g.randperm(n), lambda t, n: torch.randperm(n, generator=t)),
    "bernoulli": (
        lambda g, n: g.bernoulli(0.3, (n,)),
        lambda t, n: torch.empty(n, dtype=torch.bool).bernoulli_(0.3, generator=t),
    ),
    "random64": (
        lambda g, n: np.array(g.random64()),
        lambda t, n: torch.empty((), dtype=torch.int64).random_(generator=t),
    ),
    "multinomial": (
        lambda g, n: g.multinomial(WEIGHTS, 4),
        lambda t, n: torch.multinomial(torch.tensor(WEIGHTS), 4, generator=t),
    ),
    "multinomial with replacement": (
        lambda g, n: g.multinomial(WEIGHTS, n + 1, True),
        lambda t, n: torch.multinomial(torch.tensor(WEIGHTS), n + 1, True, generator=t),
    ),
}
for dtype in FLOATS:
    name = dtype.__name__
    DRAWS |= {
        f"rand {name}": (
            lambda g, n, d=dtype: g.uniform((n,), d),
            lambda t, n, d=dtype: torch.rand(n, dtype=FLOATS[d], generator=t),
        ),
        f"uniform {name}": (
            lambda g, n, d=dtype: g.uniform((n,), d, -0.3, 0.45),
            lambda t, n, d=dtype: filled((n,), d, "uniform_", -0.3, 0.45, generator=t),
        ),
        f"randn {name}": (
            lambda g, n, d=dtype: g.normal((n,), d),
            lambda t, n, d=dtype: torch.randn(n, dtype=FLOATS[d], generator=t),
        ),
        f"normal {name}": (
            lambda g, n, d=dtype: g.normal((n,), d, 0.7, 0.02),
            lambda t, n, d=dtype: filled((n,), d, "normal_", 0.7, 0.02, generator=t),
        ),
        f"normal, not contiguous {name}": (
            lambda g, n, d=dtype: g.normal((n,), d, -1.3, 2.1, contiguous=False),
            lambda t, n, d=dtype: column(n, d, -1.3, 2.1, t),
        ),
        f"exponential {name}": (
            lambda g, n, d=dtype: g.exponential((n,), d, 0.7),
            lambda t, n, d=dtype: filled((n,), d, "exponential_", 0.7, generator=t),
        ),
        f"bernoulli of {name}": (
            lambda g, n, d=dtype: g.bernoulli(np.linspace(0, 1, n).astype(d), (n,)),
            lambda t, n, d=dtype: torch.bernoulli(torch.tensor(np.linspace(0, 1, n).astype(d)), generator=t).bool(),
        ),
    }


# ---- one kind of draw at a time, then all of them mixed ----


@pytest.mark.parametrize("name", DRAWS)
def test_every_draw_for_every_size(name: str) -> None:
    ours, theirs = DRAWS[name]
    for seed, n in enumerate(SIZES):
        g, t = pair(seed)
        for _ in range(2):  # the second call starts in the middle of a block, or with a spare
            assert_same_bits(ours(g, n), theirs(t, n))
        assert_in_step(g, t)


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds(seed: int) -> None:
    g, t = pair(seed)
    assert g.initial_seed() == t.initial_seed()
    assert_in_step(g, t)
    for ours, theirs in DRAWS.values():
        assert_same_bits(ours(g, 37), theirs(t, 37))
    assert g.initial_seed() == t.initial_seed()
    assert_in_step(g, t)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(-(2**63), 2**64 - 1),
    st.lists(st.tuples(st.sampled_from(sorted(DRAWS)), st.integers(0, 40)), max_size=15),
)
def test_any_sequence_of_draws(seed: int, calls: list[tuple[str, int]]) -> None:
    g, t = pair(seed)
    for name, n in calls:
        ours, theirs = DRAWS[name]
        assert_same_bits(ours(g, n), theirs(t, n))
    assert_in_step(g, t)


# ---- parameters ----

bounds = st.floats(-1e3, 1e3, width=32).map(lambda x: x + 0.0)  # no -0.0, whose sign we do not keep


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(list(FLOATS)), bounds, bounds)
@example(0, np.float32, 1e-30, 1.5)  # many products lie midway between two float32s: 1e-30 decides for the upper
@example(0, np.float64, 1e-60, 1.5)
def test_uniform_with_any_bounds(seed: int, dtype: type, a: float, b: float) -> None:
    g, t = pair(seed)
    low, high = min(a, b), max(a, b)
    assert_same_bits(g.uniform((300,), dtype, low, high), filled((300,), dtype, "uniform_", low, high, generator=t))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(list(FLOATS)),
    st.integers(1, 99),
    bounds,
    st.just(0.0) | st.floats(1e-20, 50),
)
def test_normal_with_any_mean_and_std(seed: int, dtype: type, n: int, mean: float, std: float) -> None:
    g, t = pair(seed)
    assert_same_bits(g.normal((n,), dtype, mean, std), filled((n,), dtype, "normal_", mean, std, generator=t))
    assert_in_step(g, t)


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_never_returns_the_upper_bound(dtype: type) -> None:
    """In a range of one ulp, half of the draws round up to the end; torch turns those into the start."""
    low, high = 1.0, float(np.nextafter(dtype(1), dtype(2)))
    g, t = pair(5)
    ours = g.uniform((1000,), dtype, low, high)
    assert_same_bits(ours, filled((1000,), dtype, "uniform_", low, high, generator=t))
    assert (ours == dtype(low)).all()


RANDINT_CASES = [
    (0, 1, torch.int64),
    (0, 2**28 - 1, torch.int64),
    (0, 2**28, torch.int64),
    (-(2**31), 2**31, torch.int32),
    (-(2**63), 2**63 - 1, torch.int64),
    (2**62, 2**63 - 1, torch.int64),
    (-128, 128, torch.int8),
    (0, 256, torch.uint8),
    (-7, 9, torch.int16),
    (0, 2, torch.bool),
    (-(2**24), 2**24 + 1, torch.float32),
    (-(2**40), 2**50, torch.float64),
    (-5, 2**11 + 1, torch.float16),
]


@pytest.mark.parametrize(("low", "high", "dtype"), RANDINT_CASES)
def test_randint_ranges_and_dtypes(low: int, high: int, dtype: torch.dtype) -> None:
    g, t = pair(11)
    expected = torch.randint(low, high, (20, 40), dtype=dtype, generator=t)
    assert_same_bits(g.randint(low, high, (20, 40), expected.numpy().dtype), expected)
    assert_in_step(g, t)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_multinomial(dtype: type) -> None:
    g, t = pair(3)
    values = np.random.RandomState(0).rand(6, 300).astype(dtype)
    values[values < 0.2] = 0
    for weights in (values, values[0], values[:0]):
        for samples, replacement in [(1, False), (1, True), (2, False), (100, False), (500, True)]:
            expected = torch.multinomial(torch.tensor(weights), samples, replacement, generator=t)
            assert_same_bits(g.multinomial(weights, samples, replacement), expected)
    assert_in_step(g, t)


def test_multinomial_cumulates_in_float32() -> None:
    """Over 50,000 weights a float64 sum would pick the neighbour of many a chosen index."""
    g, t = pair(3)
    weights = np.random.RandomState(1).rand(50_000).astype(np.float32)
    expected = torch.multinomial(torch.tensor(weights), 20_000, True, generator=t)
    assert_same_bits(g.multinomial(weights, 20_000, True), expected)


def test_multinomial_ties_go_to_the_lowest_index() -> None:
    weights = np.zeros(100, np.float32)
    weights[[7, 60]] = 1
    order = Generator().multinomial(weights, 100).tolist()
    assert sorted(order[:2]) == [7, 60]
    assert order[2:] == [i for i in range(100) if i not in (7, 60)]


def test_bernoulli_broadcasts_probabilities_and_takes_the_ends() -> None:
    g, t = pair(9)
    p = np.array([0, 0.25, 1], np.float32)
    expected = torch.bernoulli(torch.tensor(p).expand(50, 3), generator=t).bool()
    assert_same_bits(g.bernoulli(p, (50, 3)), expected)
    for end in (0.0, 1.0):
        expected = torch.empty(33, dtype=torch.bool).bernoulli_(end, generator=t)
        assert_same_bits(g.bernoulli(end, (33,)), expected)
    assert_in_step(g, t)


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 0, 4), (4, 4, 4)])
def test_shapes(shape: tuple[int, ...]) -> None:
    g, t = pair(8)
    assert_same_bits(g.uniform(shape, np.float32), torch.rand(shape, generator=t))
    assert_same_bits(g.normal(shape, np.float32), torch.randn(shape, generator=t))
    assert_same_bits(g.randint(0, 9, shape), torch.randint(0, 9, shape, generator=t))
    assert_in_step(g, t)


@pytest.mark.parametrize(("dtype", "n"), [(np.float32, 500_000), (np.float64, 100_000)])
def test_many_normals(dtype: type, n: int) -> None:
    """Enough to meet every exponent of the logarithm and every octant of the angle."""
    g, t = pair(2024)
    assert_same_bits(g.normal((n,), dtype, 0.1, 1.7), filled((n,), dtype, "normal_", 0.1, 1.7, generator=t))


def test_float16_is_rounded_twice_on_the_way_from_float64() -> None:
    g, t = pair(16)
    ours = g.normal((200_000,), np.float16, 0.1, 1.7, contiguous=False)
    assert_same_bits(ours, column(200_000, np.float16, 0.1, 1.7, t))


def test_a_large_shuffle() -> None:
    g, t = pair(60)
    assert_same_bits(g.randperm(60_000), torch.randperm(60_000, generator=t))
    assert_in_step(g, t)


# ---- rounding, against exact fractions ----

numbers = st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-9)
tiny = st.integers(-(2**30), 2**30).map(lambda k: k * 2.0**-60)


@settings(max_examples=300, deadline=None)
@given(numbers | st.integers(-(2**53), 2**53).map(float), numbers | tiny)
def test_sum_to_odd(a: float, b: float) -> None:
    exact = Fraction(a) + Fraction(b)
    rounded = exact_math._sum_to_odd(np.array([a]), np.float64(b))
    if Fraction(float(exact)) == exact:
        assert rounded[0] == float(exact)
    else:
        assert rounded.view(np.int64)[0] % 2 == 1
        assert abs(Fraction(float(rounded[0])) - exact) < Fraction(float(np.spacing(abs(rounded[0]))))


@settings(max_examples=300, deadline=None)
@given(numbers, numbers, numbers | tiny)
def test_fused_float64_rounds_once(x: float, scale: float, shift: float) -> None:
    exact = Fraction(x) * Fraction(scale) + Fraction(shift)
    assert exact_math.fused(np.array([x]), np.float64(scale), np.float64(shift))[0] == float(exact)


# ---- state ----


@pytest.mark.parametrize("words", [0, 1, 2, 623, 624, 625, 1248])
@pytest.mark.parametrize("normals", [0, 1, 2])
def test_state_goes_both_ways(words: int, normals: int) -> None:
    """torch continues from our state and we from torch's; an odd number of normals leaves a spare."""
    g, t = pair(77)
    g.uniform((words,), np.float32)
    g.normal((normals,), np.float32)
    t.set_state(torch.tensor(g.state_bytes()))
    assert t.initial_seed() == 77
    for ours, theirs in DRAWS.values():
        assert_same_bits(ours(g, 3), theirs(t, 3))

    torch.rand(words, generator=t)
    torch.randn(normals, generator=t)
    g = Generator().manual_seed(1)
    g.normal((1,), np.float32)  # a spare of its own, which the state must replace
    g.set_state_bytes(t.get_state().numpy())
    assert g.initial_seed() == 77
    for ours, theirs in DRAWS.values():
        assert_same_bits(ours(g, 3), theirs(t, 3))
    assert_in_step(g, t)


@pytest.mark.parametrize("copied", [Generator.clone_state, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copy_goes_its_own_way(copied: Callable[[Generator], Generator]) -> None:
    g, t = pair(4)
    g.normal((3,), np.float64), torch.randn(3, dtype=torch.float64, generator=t)
    other = copied(g)
    other.normal((100,), np.float32)
    assert_in_step(g, t)
    assert copied(g).state_bytes().tobytes() == g.state_bytes().tobytes()


def test_seeding_forgets_the_spare() -> None:
    g, t = pair(4)
    g.normal((1,), np.float32), torch.randn(1, generator=t)
    g.manual_seed(6), t.manual_seed(6)
    assert_same_bits(g.normal((1,), np.float32), torch.randn(1, generator=t))
    assert_in_step(g, t)


def test_default_generator() -> None:
    assert Generator().initial_seed() == torch.Generator().initial_seed()
    assert_in_step(Generator(), torch.Generator())
    assert mr.manual_seed(-5) is mr.default_generator
    torch.manual_seed(-5)
    assert mr.initial_seed() == torch.initial_seed()
    assert_same_bits(mr.default_generator.uniform((5,), np.float32), torch.rand(5))
    assert mr.manual_seed(3.9).initial_seed() == torch.manual_seed(3.9).initial_seed() == 3  # type: ignore[arg-type]


def test_seed_from_the_system() -> None:
    chosen = mr.seed()
    assert chosen == mr.initial_seed() and 0 <= chosen < 2**64
    assert_in_step(mr.default_generator, torch.Generator().manual_seed(chosen))
    assert len({Generator().seed() for _ in range(5)}) == 5


# ---- errors: torch's type, and the value that caused them ----


def broken_state(field: str, value: int) -> np.ndarray:
    state = Generator().state_bytes()
    state.view(mr._STATE)[field] = value
    return state


ones = np.ones(3, np.float32)
nan = float("nan")
ERRORS: list[tuple[Callable[[Generator], Any], Callable[[], Any], str]] = [
    (lambda g: g.randint(5, 5, (3,)), lambda: torch.randint(5, 5, (3,)), "from=5 >= to=5"),
    (lambda g: g.randint(6, 5, (0,)), lambda: torch.randint(6, 5, (0,)), "from=6 >= to=5"),
    (lambda g: g.randint(0, 300, (3,), np.uint8), lambda: torch.randint(0, 300, (3,), dtype=torch.uint8), "299"),
    (lambda g: g.randint(-1, 3, (3,), np.bool_), lambda: torch.randint(-1, 3, (3,), dtype=torch.bool), "from.*-1"),
    (lambda g: g.randperm(-4), lambda: torch.randperm(-4), "-4"),
    (lambda g: g.bernoulli(1.5, (3,)), lambda: torch.empty(3).bernoulli_(1.5), "p=1.5"),
    (lambda g: g.bernoulli(nan, (3,)), lambda: torch.empty(3).bernoulli_(nan), "p=nan"),
    (lambda g: g.bernoulli(ones * -0.5, (3,)), lambda: torch.bernoulli(torch.tensor(ones * -0.5)), "p=-0.5"),
    (
        lambda g: g.bernoulli(np.ones(3, np.int64), (3,)),
        lambda: torch.bernoulli(torch.ones(3, dtype=torch.int64)),
        "int64",
    ),
    (lambda g: g.normal((3,), np.float32, 0, -1), lambda: torch.empty(3).normal_(0, -1), "std -1"),
    (lambda g: g.normal((3,), np.float32, 0, nan), lambda: torch.empty(3).normal_(0, nan), "std nan"),
    (lambda g: g.normal((3,), np.int64), lambda: torch.empty(3, dtype=torch.int64).normal_(), "int64"),
    (lambda g: g.uniform((3,), np.int64), lambda: torch.rand(3, dtype=torch.int64), "int64"),
    (lambda g: g.uniform((3,), np.float32, 2, 1), lambda: torch.empty(3).uniform_(2, 1), "from=2.*to=1"),
    (lambda g: g.uniform((3,), np.float32, 0, 1e39), lambda: torch.empty(3).uniform_(0, 1e39), "1e.39"),
    (lambda g: g.uniform((3,), np.float32, nan, 1), lambda: torch.empty(3).uniform_(nan, 1), "nan"),
    (lambda g: g.uniform((3,), np.float32, -3e38, 3e38), lambda: torch.empty(3).uniform_(-3e38, 3e38), "-3e.38"),
    (lambda g: g.exponential((3,), np.float32, 0), lambda: torch.empty(3).exponential_(0), "lambda=0"),
    (lambda g: g.exponential((3,), np.float32, nan), lambda: torch.empty(3).exponential_(nan), "lambda=nan"),
    (lambda g: g.multinomial(ones, 4), lambda: torch.multinomial(torch.ones(3), 4), "4 > 3"),
    (lambda g: g.multinomial(ones, 0), lambda: torch.multinomial(torch.ones(3), 0), "num_samples=0"),
    (lambda g: g.multinomial(-ones, 2), lambda: torch.multinomial(-torch.ones(3), 2), "-1"),
    (lambda g: g.multinomial(-ones, 2, True), lambda: torch.multinomial(-torch.ones(3), 2, True), "-1"),
    (lambda g: g.multinomial(ones * nan, 1), lambda: torch.multinomial(torch.ones(3) * nan, 1), "nan"),
    (lambda g: g.multinomial(ones * np.inf, 2), lambda: torch.multinomial(torch.ones(3) / 0, 2), "inf"),
    (lambda g: g.multinomial(ones * 0, 1), lambda: torch.multinomial(torch.zeros(3), 1), "sum of prob"),
    (
        lambda g: g.multinomial(ones.reshape(3, 1, 1), 1),
        lambda: torch.multinomial(torch.ones(3, 1, 1), 1),
        "1 or 2 dim.*3",
    ),
    (
        lambda g: g.multinomial(np.ones(3, np.int64), 1),
        lambda: torch.multinomial(torch.ones(3, dtype=torch.int64), 1),
        "got: ",
    ),
    (lambda g: g.manual_seed(2**64), lambda: torch.Generator().manual_seed(2**64), "Overflow"),
    (lambda g: g.manual_seed(-(2**63) - 1), lambda: torch.Generator().manual_seed(-(2**63) - 1), "Overflow"),
    (lambda g: g.manual_seed(1.5), lambda: torch.Generator().manual_seed(1.5), "float"),  # type: ignore[arg-type]
    (lambda g: g.manual_seed(True), lambda: torch.Generator().manual_seed(True), "bool"),
    (
        lambda g: g.set_state_bytes(np.zeros(10, np.uint8)),
        lambda: torch.Generator().set_state(torch.zeros(10, dtype=torch.uint8)),
        "5056.*10",
    ),
    (
        lambda g: g.set_state_bytes(np.zeros(5056, np.uint8)),
        lambda: torch.Generator().set_state(torch.zeros(5056, dtype=torch.uint8)),
        "left=0",
    ),
    (
        lambda g: g.set_state_bytes(broken_state("seeded", 0)),
        lambda: torch.Generator().set_state(torch.tensor(broken_state("seeded", 0))),
        "seeded=0",
    ),
    (
        lambda g: g.set_state_bytes(broken_state("next", 625)),
        lambda: torch.Generator().set_state(torch.tensor(broken_state("next", 625))),
        "next=625",
    ),
    (
        lambda g: g.set_state_bytes(np.zeros(5056, np.float32)),
        lambda: torch.Generator().set_state(torch.zeros(5056)),
        "float32",
    ),
    (lambda g: Generator("cuda"), lambda: torch.Generator("nonsense"), "cuda"),
]


@pytest.mark.parametrize(("ours", "theirs", "message"), ERRORS)
def test_errors(ours: Callable[[Generator], Any], theirs: Callable[[], Any], message: str) -> None:
    with pytest.raises(Exception) as expected:
        theirs()
    g, t = pair(1)
    with pytest.raises(expected.type, match=message):
        ours(g)
    assert_in_step(g, t)  # nothing was drawn and no seed was lost


def test_refused_where_torch_only_warns() -> None:
    with pytest.raises(RuntimeError, match="16777217"):
        Generator().randint(0, 2**24 + 2, (3,), np.float32)

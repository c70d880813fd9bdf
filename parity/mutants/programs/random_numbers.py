"""Random numbers, digit for digit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from parity.mutants.programs.registry import bits, drawn, error, program

SIZES = ((), (1,), (7,), (15,), (16,), (17,), (33,), (5, 5), (1000,), (0,))


def streams(torch: Any, draw: Callable[[], Any], seeds: tuple[int, ...] = (0, 1, 42, 2**40 + 3)) -> Any:
    found = []
    for seed in seeds:
        torch.manual_seed(seed)
        drawn_now = [draw(), draw()]
        found.append([(t, bits(t)) for pair in drawn_now for t in (pair if isinstance(pair, tuple) else (pair,))])
    return found


@program
def uniform_numbers(torch: Any) -> Any:
    return [streams(torch, lambda s=s, d=d: torch.rand(s, dtype=d)) for s in SIZES
            for d in (torch.float32, torch.float64)]


@program
def normal_numbers(torch: Any) -> Any:
    return [streams(torch, lambda s=s, d=d: torch.randn(s, dtype=d)) for s in SIZES
            for d in (torch.float32, torch.float64)]


@program
def normal_numbers_with_moments(torch: Any) -> Any:
    return [streams(torch, lambda s=s: (torch.empty(s).normal_(3, 2), torch.empty(s).uniform_(-2, 5))) for s in SIZES]


@program
def normal_numbers_in_columns(torch: Any) -> Any:
    return streams(torch, lambda: (torch.empty(6, 5).t().normal_(), torch.empty(4, 3, 2).permute(2, 0, 1).uniform_()))


@program
def whole_numbers(torch: Any) -> Any:
    ranges = ((0, 10), (-5, 3), (0, 2**31), (0, 2**33), (0, 2**62))
    return [streams(torch, lambda r=r, s=s: torch.randint(*r, s)) for r in ranges for s in ((3,), (40,))]


@program
def shuffles(torch: Any) -> Any:
    return [streams(torch, lambda n=n: torch.randperm(n)) for n in (0, 1, 2, 10, 1000)]


@program
def coins(torch: Any) -> Any:
    ps = drawn(torch, 9, grad=False).sigmoid()
    return [streams(torch, lambda p=p, s=s: torch.empty(s).bernoulli_(p)) for p in (0.1, 0.5, 1.0) for s in SIZES] + [
        streams(torch, lambda: torch.empty(9).bernoulli_(ps))]


@program
def dropped_out(torch: Any) -> Any:
    x = drawn(torch, 40, grad=False).float()
    return streams(torch, lambda: (torch.nn.functional.dropout(x), torch.nn.functional.dropout(x, 0.1)))


@program
def generators(torch: Any) -> Any:
    own = torch.Generator().manual_seed(7)
    first = torch.randn(5, generator=own)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    a = torch.rand(3), torch.randn(3)
    torch.set_rng_state(state)
    seeds = own.initial_seed(), torch.initial_seed()
    return first, a, torch.rand(3), torch.randn(3), seeds, torch.randn(2, generator=own)


@program
def initial_weights(torch: Any) -> Any:
    torch.manual_seed(5)
    init = torch.nn.init
    w = torch.empty(7, 5)
    return [fill(w.clone()) for fill in (init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_,
                                         init.kaiming_normal_, init.normal_, init.uniform_)] + [
        p.detach() for p in torch.nn.Linear(4, 3).parameters()]


@program
def many_numbers_digit_for_digit(torch: Any) -> Any:
    """The last digit depends on every step of exact.py, for one number in thousands."""
    found = []
    for seed in (0, 1, 2):
        torch.manual_seed(seed)
        for dtype in (torch.float32, torch.float64):
            n = 200_000 if dtype is torch.float32 else 20_000
            found += [bits(torch.rand(n, dtype=dtype)), bits(torch.randn(n, dtype=dtype))]
            for a, b in ((3.0, 2.0), (-0.1, 0.3), (1e-3, 7.0), (1.0, 1.0), (1e5, 1e-4), (0.7, 1 / 3), (-5.0, 1e3)):
                found += [bits(torch.empty(n // 4, dtype=dtype).normal_(a, b)),
                          bits(torch.empty(n // 4, dtype=dtype).uniform_(-b, a + b + 10))]
    return found


@program
def points_that_are_spared(torch: Any) -> Any:
    torch.manual_seed(3)
    found = [torch.randn(n, dtype=d) for n in (1, 3, 0, 2, 5, 15, 1, 1) for d in (torch.float64, torch.float32)]
    found.append(torch.randn(1))  # an odd number in all: one is spared
    state = torch.get_rng_state()
    found += [state, torch.randn(1), torch.randn(20), torch.get_rng_state(), torch.randn(1)]
    torch.set_rng_state(state)
    other = torch.Generator()
    other.set_state(state)
    return [(t, bits(t)) for t in (*found, torch.randn(3), torch.randn(3, generator=other), torch.rand(2))]


@program
def states(torch: Any) -> Any:
    found = []
    for draws in (0, 1, 2, 311, 312, 313, 623, 624, 625, 1248):
        torch.manual_seed(2**63 + 5)
        torch.rand(draws)
        found += [torch.get_rng_state(), torch.initial_seed()]
        state = torch.get_rng_state()
        following = torch.rand(700)
        torch.set_rng_state(state)
        found += [following, torch.rand(700), torch.get_rng_state()]
    for seed in (12345, 2**32 + 5):  # just seeded, a state looks otherwise
        torch.manual_seed(seed)
        found.append(torch.get_rng_state())
    torch.manual_seed(-1)
    own = torch.Generator()
    copy = own.clone_state()
    return [*found, torch.initial_seed(), torch.rand(3), own.initial_seed(), torch.rand(3, generator=own),
            torch.rand(2, generator=copy), torch.rand(2, generator=own)]


@program
def narrow_numbers(torch: Any) -> Any:
    return [streams(torch, lambda n=n: (torch.empty(n, dtype=torch.float16).normal_(1, 3),
                                        torch.empty(n, dtype=torch.float16).uniform_(-1, 2)))
            for n in (5, 16, 40, 3000)]


@program
def many_narrow_numbers(torch: Any) -> Any:
    """One in ten thousand is rounded twice on its way from float64."""
    torch.manual_seed(0)
    return [bits(torch.empty(15, dtype=torch.float16).normal_()) for _ in range(3000)]


@program
def whole_numbers_of_every_dtype(torch: Any) -> Any:
    dtypes = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.float16, torch.float32,
              torch.float64)
    return [streams(torch, lambda d=d: (torch.empty(9, dtype=d).random_(), torch.empty(9, dtype=d).random_(5),
                                        torch.empty(9, dtype=d).random_(3, 90),
                                        torch.empty(9, dtype=d).random_(3, None))) for d in dtypes]


@program
def no_spread(torch: Any) -> Any:
    """0, and never -0."""
    return streams(torch, lambda: (torch.empty(40).normal_(0, 0), torch.empty(5).normal_(0, 0)))


@program
def steps_rounded_once(torch: Any) -> Any:
    """x * scale + shift next to the middle between two numbers, where rounding twice gives the other one.

    torch has no function for it; what it should give is worked out with fractions.
    """
    exact = getattr(torch, "exact", None)
    found = []
    for half in (2**21, 2**22, 2**23):  # (half - 1) * (half + 1) = half * half - 1
        x, scale = half - 1, half + 1
        for power in range(42, 49):
            for steps in (2**24 - 5, 2**24 - 6, 5 - 2**24, 6 - 2**24):
                shift = 2.0**power * steps
                arrays = np.float32([x, -x]), np.float32(scale), np.float32(shift)
                found += [float(y).hex() for y in (exact.fused(*arrays) if exact else map(
                    nearest, [Fraction(v) * scale + Fraction(shift) for v in (x, -x)]))]
    for x, scale in ((7901, 8697567), (5012, 13710989), (29077, 2363362), (4375, 15707309)):
        shift = 2**60  # the sum in float64 is rounded to its last digit above the middle, which is odd
        arrays = np.float32([x, -x]), np.float32(scale), np.float32([shift, -shift])
        found += [float(y).hex() for y in (exact.fused(*arrays) if exact else map(
            nearest, [Fraction(x * scale + shift), -Fraction(x * scale + shift)]))]
    return found


@program
def what_rounding_cuts_off(torch: Any) -> Any:
    """x * scale - (x * scale rounded), with one rounding: every bit of the product counts. In fractions, too."""
    exact, random = getattr(torch, "exact", None), np.random.default_rng(0)
    found = []
    for scale in random.standard_normal(20):
        x = random.standard_normal(100)
        shift = -(x * scale)
        found += [float(y).hex() for y in (exact.fused(x, scale, shift) if exact else [
            float(Fraction(a) * Fraction(scale) + Fraction(b)) for a, b in zip(x, shift, strict=True)])]
    return found


def nearest(value: Fraction) -> float:
    """The float32 next to a fraction; in the middle between two, the one whose last bit is 0."""
    about = np.float32(float(value))
    near = [about, np.nextafter(about, np.float32(np.inf)), np.nextafter(about, np.float32(-np.inf))]
    return float(min(near, key=lambda y: (abs(Fraction(float(y)) - value), int(y.view(np.int32)) & 1)))


@program
def ends_of_ranges(torch: Any) -> Any:
    def draw() -> Any:
        return (torch.empty(3000, dtype=torch.float16).uniform_(1, 1.004), torch.empty(50).uniform_(2, 2),
                torch.randint(-3, 2**28 - 3, (20,)), torch.randint(0, 2**28 - 1, (20,)), torch.randint(5, 6, (3,)),
                torch.randint(0, 2**28 + 1, (20,)),
                torch.randint(-(2**63), 2**63 - 1, (9,)))
    return streams(torch, draw)


@program
def chosen_by_weight(torch: Any) -> Any:
    weights = drawn(torch, 3, 7, grad=False).abs()
    weights[0, 2] = 0.0
    return streams(torch, lambda: tuple(torch.multinomial(w, n, replacement) for w in (weights, weights[1],
                                                                                       weights.float())
                                        for n, replacement in ((1, False), (1, True), (5, False), (40, True)))
                   ), torch.multinomial(weights, 3).stride()


@program
def waiting_times(torch: Any) -> Any:
    return streams(torch, lambda: (torch.empty(40).exponential_(),
                                   torch.empty(9, dtype=torch.float64).exponential_(3.0)))


@program
def coins_by_weight(torch: Any) -> Any:
    p = torch.linspace(0, 1, 30)
    return streams(torch, lambda: (torch.bernoulli(p), torch.bernoulli(p.double()), torch.empty(4, 30).bernoulli_(p)))


@program
def what_is_not_drawn(torch: Any) -> Any:
    """An error leaves the stream where it was."""
    torch.manual_seed(1)
    errors = [error(call) for call in (
        lambda: torch.randint(3, 3, (2,)), lambda: torch.empty(3).uniform_(2, 1), lambda: torch.randperm(-1),
        lambda: torch.empty(3).normal_(0, -1), lambda: torch.empty(3).bernoulli_(1.5),
        lambda: torch.empty(3).bernoulli_(-0.5), lambda: torch.empty(3).uniform_(-3e38, 3e38),
        lambda: torch.empty(3, dtype=torch.uint8).random_(0, 257),
        lambda: torch.multinomial(torch.zeros(3), 1))]
    return errors, torch.rand(2), torch.empty(3, dtype=torch.uint8).random_(0, 256)

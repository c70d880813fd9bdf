"""torch's random numbers on a CPU, bit for bit, drawn with NumPy.

Everything starts from the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), which NumPy has too: one
seed gives both libraries the same bits. What differs is how bits become numbers: that is what this file says.

Terms:
    word       one 32-bit output of the twister; the *stream* is the endless row of words that follows a seed
    long word  64 bits from two words, the first in the upper half
    u          uniform, 0 <= u < 1: the low 24 bits of a word (float32) or 53 bits of a long word (float64)
    radius, angle  a point in polar form. Box and Muller (1958): with radius = sqrt(-2 log(1 - u)) and
               angle = 2 pi u', x = radius cos(angle) and y = radius sin(angle) are two independent normals
    spare      the y of such a point when only x was asked for; the generator keeps it for a later call
    fused      x * scale + shift, rounded once instead of after each step; CPUs have an instruction for that

The last bit of a weight depends on two details, which exact.py settles: the fused steps, and who computes log,
sin and cos.
"""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .device import CPU, device, usable
from .engine import wrap
from .exact import box_muller_16, fused, libm, narrow

if TYPE_CHECKING:
    from .tensor import Tensor

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

DEFAULT_SEED = 67280421310721  # what torch.Generator() starts from
WORDS = 624  # the twister computes its words in blocks of this size
FLOAT64 = np.dtype(np.float64)

# torch.get_rng_state() as a record of 5056 bytes; what is unused goes back to Lua Torch. "left" counts the
# words left in the block, plus one, and "next" those already taken from it.
_STATE = np.dtype(
    [("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", WORDS), ("unused_1", "<f8"),
     ("spare", "<f8"), ("unused_2", "<f8"), ("has_spare", "<i4"), ("unused_3", "<i4", 3)])


class Generator:
    """A stream of random numbers, named as in torch.Generator; each draw moves it on as far as torch's does.

    Draws return fresh contiguous arrays; `shape` is a tuple of ints. An error leaves the stream where it was.

    A generator for a GPU draws the same numbers, on the host, and they are copied to the GPU. So draws there are seeded
    and repeat, but they are not those of torch's own CUDA stream, and they take time of the host's.

    >>> Generator().manual_seed(42).normal((2,), np.float32)
    array([0.33669037, 0.1288094 ], dtype=float32)
    """

    def __init__(self, device: str | device = "cpu") -> None:
        """RuntimeError if there is no such device here."""
        try:
            self.device = usable(device)
        except AssertionError as error:
            raise RuntimeError(f"Cannot get a generator for {str(device)!r}: {error}") from None
        self._twister = np.random.MT19937(0)
        self.manual_seed(DEFAULT_SEED)

    # ---- seeds and state ----

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream at `seed`, -2**63 <= seed < 2**64, and return the generator itself.

        A negative seed counts from 2**64. Only the low 32 bits choose the stream; `initial_seed` keeps all.
        RuntimeError if `seed` is no int, ValueError if it is out of range.
        """
        _require(type(seed) is int, f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long: manual_seed got {seed}")
        self._seed = seed % 2**64
        self._spare: float | None = None
        np.random.RandomState(self._twister).seed(self._seed % 2**32)  # seeds as in 1998, and as torch
        return self

    def seed(self) -> int:
        """Seed the generator from the operating system's randomness and return that seed."""
        return self.manual_seed(secrets.randbits(64)).initial_seed()

    def initial_seed(self) -> int:
        """The seed that the stream was last started with."""
        return self._seed

    def clone_state(self) -> Generator:
        """A new generator that continues the stream from the same place, on its own."""
        return Generator(self.device).set_state(self.get_state())

    def get_state(self) -> Tensor:
        """The state as a tensor of 5056 bytes, torch's own form."""
        return wrap(self.state_bytes())

    def set_state(self, new_state: Tensor) -> Generator:
        """Continue from a state of get_state, minigrad's or torch's."""
        self.set_state_bytes(new_state.array)
        return self

    def state_bytes(self) -> Array:
        """The state as torch.get_rng_state lays it out: uint8, shape (5056,)."""
        twister: Any = self._twister.state["state"]
        block, used = twister["key"], twister["pos"]
        # Just seeded, the block holds the seed and no words yet: all are used up, but torch says next = 0.
        just_seeded = used == WORDS and block[0] == self._seed % 2**32
        record = np.zeros(1, _STATE)
        record["seed"], record["seeded"] = self._seed, 1
        record["left"], record["next"] = WORDS + 1 - used, 0 if just_seeded else used
        record["words"] = block
        record["spare"], record["has_spare"] = self._spare or 0.0, self._spare is not None
        return record.view(np.uint8)

    def set_state_bytes(self, state: Array) -> None:
        """Continue from a state that `state_bytes` or torch gave.

        TypeError unless it is uint8; RuntimeError unless there are 5056 of them, with a valid position.
        """
        if state.dtype != np.uint8:
            raise TypeError(f"RNG state must be a torch.ByteTensor, but its dtype is {state.dtype}")
        size = _STATE.itemsize
        _require(state.size == size, f"Expected a generator's state of size {size} but found {state.size}")
        record = np.frombuffer(state.tobytes(), _STATE)[0]
        seeded, left, following = int(record["seeded"]), int(record["left"]), int(record["next"])
        valid = seeded and 1 <= left <= WORDS and following <= WORDS
        _require(valid, f"Invalid mt19937 state: seeded={seeded}, left={left}, next={following}")
        self._seed = int(record["seed"])
        self._spare = float(record["spare"]) if record["has_spare"] else None
        block: Any = {"key": record["words"].astype(np.uint32), "pos": WORDS + 1 - left}
        self._twister.state = {"bit_generator": "MT19937", "state": block}

    # ---- raw draws ----

    def _words(self, n: int) -> Array:
        return self._twister.random_raw(n)  # as uint64

    def _long_words(self, n: int) -> Array:
        words = self._words(2 * n)
        return (words[0::2] << 32) | words[1::2]

    def _u(self, n: int, dtype: npt.DTypeLike) -> Array:
        """n uniforms: float64 for float64, float32 for anything narrower."""
        if dtype == FLOAT64:
            return (self._long_words(n) & (2**53 - 1)) * 2.0**-53
        return (self._words(n) & (2**24 - 1)).astype(np.float32) * np.float32(2.0**-24)

    def random64(self) -> int:
        """A long word without its top bit: what random_() puts in an int64 tensor; seeds a DataLoader."""
        return int(self.whole((), np.int64))

    # ---- distributions ----

    def uniform(self, shape: Shape, dtype: npt.DTypeLike, low: float = 0.0, high: float = 1.0) -> Array:
        """Uniform on [low, high), as torch.rand and Tensor.uniform_ draw it.

        RuntimeError if low > high, or if low, high or high - low is more than dtype holds.

        >>> Generator().manual_seed(0).uniform((2,), np.float32)
        array([0.4962566, 0.7682218], dtype=float32)
        """
        dtype = _float_dtype(dtype, "uniform_")
        largest = float(np.finfo(dtype).max)
        for name, bound in (("from", low), ("to", high)):
            _require(abs(bound) <= largest, f"{name} is out of bounds for {dtype}: {name}={bound}")
        fits = low <= high <= low + largest
        _require(fits, f"uniform_ expects from <= to <= from + {largest}, but found from={low}, to={high}")
        u = self._u(math.prod(shape), dtype)
        start, end = u.dtype.type(low), u.dtype.type(high)
        value = narrow(fused(u, end - start, start), dtype)
        value[value == dtype.type(high)] = low  # rounding can reach the end, which is not in the range
        return value.reshape(shape)

    def normal(self, shape: Shape, dtype: npt.DTypeLike, mean: float = 0.0, std: float = 1.0,
               contiguous: bool = True) -> Array:
        """Normal with this mean and standard deviation, as torch.randn and Tensor.normal_ draw it.

        torch draws other numbers, in another way, for fewer than 16 elements and for a tensor whose memory is
        not contiguous; for such a tensor pass contiguous=False. RuntimeError unless std >= 0.
        """
        dtype, n = _float_dtype(dtype, "normal_"), math.prod(shape)
        _require(std >= 0, f"normal expects std >= 0.0, but found std {std}")
        x = self._normal_blocks(n, dtype) if n >= 16 and contiguous else self._normal_points(n)
        return narrow(fused(x, x.dtype.type(std), x.dtype.type(mean)), dtype).reshape(shape)

    def _normal_blocks(self, n: int, dtype: np.dtype[Any]) -> Array:
        whole = n - n % 16
        u = self._u(whole if dtype == np.float16 else n, dtype)  # those past the blocks are not used
        blocks = box_muller_16(u[:whole])
        if whole == n:
            return blocks
        return np.concatenate([blocks[: n - 16], box_muller_16(self._u(16, dtype))])  # the last 16 are new

    def _normal_points(self, n: int) -> Array:
        """n float64 normals: the spare first, if there is one, then point after point."""
        spare = [] if self._spare is None else [self._spare]
        points = (n - len(spare) + 1) // 2
        u = self._u(2 * points, FLOAT64)
        angle, radius = 2 * math.pi * u[0::2], np.sqrt(-2 * libm(math.log1p, -u[1::2]))
        xy = np.stack([radius * libm(math.cos, angle), radius * libm(math.sin, angle)], axis=1)
        values = np.concatenate([spare, xy.ravel()])
        self._spare = float(values[n]) if len(values) > n else None
        return values[:n]

    def randint(self, low: int, high: int | None, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Whole numbers, low <= value < high: a word (from 2**28 values on a long word) modulo high - low.

        Without high they go up to the largest that dtype holds. RuntimeError unless low < high and dtype holds them
        all exactly (for a float dtype torch only warns).
        """
        dtype, n = np.dtype(dtype), math.prod(shape)
        high = _whole_numbers(dtype)[1] + 1 if high is None else high
        _require(low < high, f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        smallest, largest = _whole_numbers(dtype)
        for name, value in (("from", low), ("to - 1", high - 1)):
            exact = smallest <= value <= largest
            _require(exact, f"{name} is out of bounds for {dtype}: {value} is not in [{smallest}, {largest}]")
        words = self._words(n) if high - low < 2**28 else self._long_words(n)
        # The sum modulo 2**64 is right for negative numbers too, once its bits are read as signed.
        return (words % (high - low) + np.uint64(low % 2**64)).view(np.int64).astype(dtype).reshape(shape)

    def whole(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """Whole numbers from 0 to the largest up to which dtype holds them all: Tensor.random_() without bounds."""
        dtype, n = np.dtype(dtype), math.prod(shape)
        words = self._long_words(n) if dtype.itemsize == 8 else self._words(n)
        return (words % (_whole_numbers(dtype)[1] + 1)).astype(dtype).reshape(shape)

    def randperm(self, n: int) -> Array:
        """The numbers 0 ... n-1 in random order, int64, by Fisher and Yates' shuffle. RuntimeError if n < 0.

        A loop over a list: 6 ms for n = 60,000.

        >>> Generator().manual_seed(0).randperm(5)
        array([4, 0, 1, 3, 2])
        """
        _require(n >= 0, f"randperm expects n >= 0, but got n={n}")
        order = list(range(n))
        for i, word in enumerate(self._words(max(n - 1, 0)).tolist()):
            j = i + word % (n - i)
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)

    def bernoulli(self, p: float | Array, shape: Shape) -> Array:
        """True with probability p, as a bool array: u < p. If p is an array, it must broadcast to `shape`.

        u is float64 for a number p, else of p's dtype. RuntimeError unless 0 <= p <= 1 everywhere.
        """
        dtype = _float_dtype(p.dtype, "bernoulli") if isinstance(p, np.ndarray) else FLOAT64
        chance = np.asarray(p)
        outside = chance[~((chance >= 0) & (chance <= 1))]
        if outside.size:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={outside[0]}")
        chance = np.broadcast_to(chance, shape)
        return np.less(self._u(math.prod(shape), dtype).reshape(shape), chance)

    def exponential(self, shape: Shape, dtype: npt.DTypeLike, lambd: float = 1.0) -> Array:
        """Waiting times at rate lambd: -log(1 - u) / lambd. RuntimeError unless lambd > 0."""
        dtype = _float_dtype(dtype, "exponential_")
        _require(lambd > 0, f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
        u = self._u(math.prod(shape), FLOAT64)
        return narrow(-1.0 / lambd * libm(math.log1p, -u), dtype).reshape(shape)

    def multinomial(self, weights: Array, num_samples: int, replacement: bool = False) -> Array:
        """Indices, chosen in proportion to the weights: (k,) or (rows, k) give int64 (..., num_samples).

        RuntimeError if a weight is negative, infinite or nan, if a whole row is 0, or without replacement if
        k < num_samples. Ties, such as weights of 0, go to the lowest index; torch leaves them open.
        """
        _check_multinomial(weights, num_samples, replacement)
        if not replacement or num_samples == 1:
            # A race: an index arrives after a waiting time, shorter for larger weights, and the earliest win.
            speed = weights / self.exponential(weights.shape, weights.dtype)
            return np.argsort(-speed, axis=-1, kind="stable")[..., :num_samples].copy()
        # A staircase: each index is a step as high as its weight, and u says how far up to go.
        stairs = np.cumsum(np.atleast_2d(weights), axis=1, dtype=np.result_type(weights, np.float32))
        stairs /= stairs[:, -1:]
        u = self._u(len(stairs) * num_samples, FLOAT64).reshape(len(stairs), num_samples)
        index = [np.searchsorted(*row) for row in zip(stairs, u, strict=True)]
        return np.array(index, np.int64).reshape(weights.shape[:-1] + (num_samples,))


# ---- checks ----


def _require(condition: object, message: str) -> None:
    if not condition:
        raise RuntimeError(message)


def _float_dtype(dtype: npt.DTypeLike, name: str) -> np.dtype[Any]:
    if dtype not in (np.float16, np.float32, np.float64):
        raise NotImplementedError(f"{name} is not implemented for {np.dtype(dtype)}")
    return np.dtype(dtype)


def _whole_numbers(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The range in which dtype holds every whole number."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind == "f":
        return -(2 ** (np.finfo(dtype).nmant + 1)), 2 ** (np.finfo(dtype).nmant + 1)
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _check_multinomial(weights: Array, num_samples: int, replacement: bool) -> None:
    only = "multinomial only supports floating-point dtypes for input"
    _require(weights.dtype.kind == "f", f"{only}, got: {weights.dtype}")
    _require(weights.ndim in (1, 2), f"prob_dist must be 1 or 2 dim, but has {weights.ndim}")
    _require(num_samples > 0, f"cannot sample n_sample <= 0 samples: {num_samples=}")
    enough = replacement or num_samples <= weights.shape[-1]
    without = "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
    _require(enough, f"{without}: {num_samples} > {weights.shape[-1]}")
    wrong = weights[~((weights >= 0) & (weights < np.inf))]
    if wrong.size:
        raise RuntimeError(f"probability tensor contains either `inf`, `nan` or element < 0: {wrong[0]}")
    positive = (weights.sum(axis=-1) > 0).all()
    _require(positive, "invalid multinomial distribution (sum of probabilities <= 0): a row of zeros")


# ---- the generator that is used when none is named ----

default_generator = Generator()
_of_gpus: dict[device, Generator] = {}  # each GPU's own, once it has been asked for
_seed_of_gpus = secrets.randbits(64)


def generator_of(where: device) -> Generator:
    """The generator that draws for the tensors of a device when none is named."""
    if where == CPU:
        return default_generator
    if where not in _of_gpus:
        _of_gpus[where] = Generator(where).manual_seed(_seed_of_gpus)
    return _of_gpus[where]


def seed_gpus(seed: int) -> None:
    """Restart the generators of all GPUs, also of those that nobody has used yet."""
    global _seed_of_gpus
    _seed_of_gpus = int(seed)
    _of_gpus.clear()


def manual_seed(seed: int) -> Generator:
    """Seed the default generators of all devices; the CPU's is returned. `seed` may be anything that int() takes."""
    generator = default_generator.manual_seed(int(seed))
    seed_gpus(seed)
    return generator


initial_seed, seed = default_generator.initial_seed, default_generator.seed

"""Sample inputs for every entry of the table. A test fails if an entry has none.

A sample is a function that runs on minigrad and on torch alike, `f(torch, *tensors, **params)`, and a Hypothesis
strategy for its arrays and params. Arrays come in every awkward form: 0-d, empty, size 1, broadcast, transposed,
strided; with values drawn from a bell or, for ties and kinks, from a handful of whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import ops
from minigrad.device import CPU
from minigrad.engine import TensorCore, apply

Array = np.ndarray[Any, Any]


@dataclass
class Given:
    """Arrays of float64 (cast by the test) and of other dtypes (left alone), with parameters."""

    arrays: list[Array]
    params: dict[str, Any]


def values(rng: np.random.Generator, shape: tuple[int, ...], style: str, low: float, high: float) -> Array:
    """Numbers in [low, high], laid out in memory as the style says."""
    stored = shape[::-1] if "transposed" in style else tuple(2 * n for n in shape) if "strided" in style else shape
    if "ties" in style:
        x = rng.integers(-2, 3, stored).astype(float)
        x = np.clip(x, low if np.isfinite(low) else -2, high if np.isfinite(high) else 2)
    else:
        x = rng.normal(size=stored)
        if np.isfinite(low):
            x = low + np.abs(x) if not np.isfinite(high) else low + (high - low) * rng.random(stored)
    x = np.asarray(x)
    if "transposed" in style:
        return x.transpose()
    return x[(*[slice(None, None, 2) for _ in shape], ...)] if "strided" in style else x


STYLES = st.sampled_from(["bell", "ties", "bell transposed", "bell strided", "ties transposed"])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FULL_SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


@st.composite
def arrays(
    draw: Any,
    shapes: st.SearchStrategy[tuple[tuple[int, ...], ...]],
    low: float = -np.inf,
    high: float = np.inf,
    ties: bool = True,
) -> list[Array]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    style = draw(STYLES)
    if not ties:
        style = style.replace("ties", "bell")
    return [values(rng, shape, style, low, high) for shape in draw(shapes)]


def one(low: float = -np.inf, high: float = np.inf, ties: bool = True, shapes: Any = SHAPES) -> Any:
    return arrays(shapes.map(lambda s: (s,)), low, high, ties)


def two(low: float = -np.inf, high: float = np.inf, ties: bool = True) -> Any:
    return arrays(broadcast(2), low, high, ties)


def broadcast(n: int) -> Any:
    return hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=3, min_side=0, max_side=4).map(
        lambda found: found.input_shapes
    )


def same(n: int, shapes: Any = SHAPES) -> Any:
    return shapes.map(lambda s: (s,) * n)


@st.composite
def with_dim(draw: Any, shapes: Any = FULL_SHAPES, many: bool = False) -> Any:
    """A strategy that fits a dim to a shape: {"shape": ..., "dim": ...} is drawn first, arrays follow from it."""
    shape = draw(shapes)
    n = max(len(shape), 1)
    dim: Any = draw(st.integers(-n, n - 1))
    if many:
        dim = draw(
            st.one_of(
                st.just(dim), st.none(), st.lists(st.integers(0, n - 1), unique=True, min_size=1, max_size=n).map(tuple)
            )
        )
    return shape, dim


def sized(shape_and_params: Any, low: float = -np.inf, high: float = np.inf) -> Any:
    """Samples whose params depend on the drawn shape: a strategy of Given."""

    @st.composite
    def strategy(draw: Any) -> Given:
        shapes, params = draw(shape_and_params)
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        style = draw(STYLES)
        return Given([values(rng, s, style, low, high) for s in shapes], params)

    return strategy()


def of(inputs: Any, params: Any = None) -> Any:
    """Samples whose params do not depend on the shape: a strategy of Given."""
    return st.builds(Given, inputs, st.just({}) if params is None else params)


def reduction(many: bool = True, shapes: Any = None) -> Any:
    chosen = FULL_SHAPES if shapes is None else shapes
    return with_dim(chosen, many).flatmap(
        lambda sd: st.booleans().map(
            lambda keep: ([sd[0]], {"dim": sd[1], "keepdim": keep} if sd[1] is not None else {})
        )
    )


def along_dim(n: int = 1) -> Any:
    return with_dim(FULL_SHAPES).map(lambda sd: ([sd[0]] * n, {"dim": sd[1]}))


@st.composite
def _reshaping(draw: Any) -> Any:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    size = int(np.prod(shape))
    first = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    return [shape], {"shape": draw(st.sampled_from([(first, -1), (size // first, first), (-1,), (1, first, -1)]))}


@st.composite
def _expanding(draw: Any) -> Any:
    found = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4, min_side=0))
    return [found.input_shapes[0]], {"shape": found.result_shape}


@st.composite
def _permuting(draw: Any) -> Any:
    shape = draw(SHAPES)
    return [shape], {"dims": draw(st.permutations(range(len(shape))))}


@st.composite
def _swapping(draw: Any) -> Any:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3))
    axis = st.integers(-len(shape), len(shape) - 1)
    return [shape], {"dim0": draw(axis), "dim1": draw(axis)}


@st.composite
def _product(draw: Any, batched: bool) -> Any:
    n, k, m = (draw(st.integers(0 if draw(st.booleans()) else 1, 4)) for _ in range(3))
    if not batched:
        return [(n, k), (k, m)], {}
    batches = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3, min_dims=1, min_side=0))
    left, right = batches.input_shapes
    return [(*left, n, k), (*right, k, m)], {}


@st.composite
def _invertible(draw: Any) -> Any:
    """Matrices, or batches of them, with a large diagonal."""
    n = draw(st.integers(1, 4))
    shape = (*draw(hnp.array_shapes(min_dims=0, max_dims=1, min_side=1, max_side=3)), n, n)
    return Given([np.random.default_rng(draw(st.integers(0, 2**32))).normal(size=shape) + 8 * np.eye(n)], {})


@st.composite
def _triangle(draw: Any) -> Any:
    return [draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4))], {"k": draw(st.integers(-3, 3))}


@st.composite
def _linear(draw: Any) -> Any:
    n, k, m = (draw(st.integers(1, 5)) for _ in range(3))
    return [(*draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)), n, k), (m, k), (m,)], {}


@st.composite
def _basic_key(draw: Any, ints: bool) -> Any:
    shape = draw(FULL_SHAPES)
    parts: list[Any] = []
    for n in shape:
        start = draw(st.integers(0, n))
        slices = st.sampled_from([slice(None), slice(start, None), slice(None, None, 2), slice(-start or None, None)])
        parts.append(draw(st.one_of(slices, st.integers(-n, n - 1)) if ints else slices))
    if ints and not any(isinstance(p, int) for p in parts):
        parts[0] = 0
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return [shape], {"key": tuple(parts)}


@st.composite
def _advanced_key(draw: Any) -> Any:
    shape = draw(FULL_SHAPES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["list", "mask", "row mask", "pair", "int then list"]))
    if kind == "mask":
        key: Any = rng.random(shape) > 0.5
    elif kind == "row mask":
        key = rng.random(shape[0]) > 0.5
    else:
        picks = [rng.integers(-n, n, size=3).tolist() for n in shape]
        key = picks[0] if kind == "list" or len(shape) < 2 else (picks[0], picks[1])
        if kind == "int then list" and len(shape) == 3:
            key = (0, slice(None), picks[2])
    return [shape], {"key": key}


@st.composite
def _gathering(draw: Any) -> Any:
    shape, dim = draw(with_dim(FULL_SHAPES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    picked = tuple(
        int(rng.integers(1, 4)) if d == dim % len(shape) else int(rng.integers(0, n + 1)) for d, n in enumerate(shape)
    )
    return [shape], {"dim": dim, "index": rng.integers(0, shape[dim], picked)}


@st.composite
def _loss(draw: Any) -> Any:
    return [draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=4))] * 2, {
        "reduction": draw(st.sampled_from(["mean", "sum", "none"]))
    }


def moved(x: Any) -> Any:
    """minigrad's copy to a device, from the CPU to the CPU; torch leaves the op away there, so for torch a clone."""
    return apply(ops.move, (x, CPU, CPU)) if isinstance(x, TensorCore) else x.clone()


def pick(torch: Any, x: Any, key: Any) -> Any:
    """x[key], with index arrays as tensors of either library."""
    parts = key if isinstance(key, tuple) else (key,)
    return x[tuple(torch.from_numpy(k) if isinstance(k, np.ndarray) else k for k in parts)]


def store(torch: Any, x: Any, y: Any, key: Any) -> Any:
    """x with x[key] = y, the value broadcast to the place."""
    out = x.clone()
    parts = key if isinstance(key, tuple) else (key,)
    out[tuple(torch.from_numpy(k) if isinstance(k, np.ndarray) else k for k in parts)] = y
    return out


@st.composite
def _storing(draw: Any) -> Any:
    [shape], params = draw(st.one_of(_basic_key(True), _basic_key(False)))
    rest = np.empty(shape)[params["key"]].shape
    value = draw(st.sampled_from([rest, rest[1:] if len(rest) > 1 else rest, ()]))
    return [shape, value], params


def functional(torch: Any) -> Any:
    return torch.nn.functional


def _cross_entropy(torch: Any, x: Any, y: Any, reduction: str) -> Any:
    target = y.softmax(1)
    return functional(torch).cross_entropy(x, target, reduction=reduction)


@st.composite
def _classes(draw: Any) -> Any:
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 4)), *draw(st.sampled_from([(), (2,)])))
    return [shape, shape], {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


SAMPLES: dict[
    str, tuple[Callable[..., Any], Any]
] = {  # word of the table: how both libraries reach it, and a strategy for its inputs
    "neg": (lambda torch, x: -x, of(one())),
    "exp": (lambda torch, x: torch.exp(x), of(one())),
    "log": (lambda torch, x: torch.log(x), of(one(low=0.1))),
    "sqrt": (lambda torch, x: torch.sqrt(x), of(one(low=0.1))),
    "square": (lambda torch, x: torch.square(x), of(one())),
    "reciprocal": (lambda torch, x: torch.reciprocal(x), of(one(low=0.2))),
    "rsqrt": (lambda torch, x: torch.rsqrt(x), of(one(low=0.2))),
    "expm1": (lambda torch, x: torch.expm1(x), of(one())),
    "log1p": (lambda torch, x: torch.log1p(x), of(one(low=-0.8))),
    "log2": (lambda torch, x: torch.log2(x), of(one(low=0.1))),
    "log10": (lambda torch, x: torch.log10(x), of(one(low=0.1))),
    "tan": (lambda torch, x: torch.tan(x), of(one(low=-1.0, high=1.0))),
    "asin": (lambda torch, x: torch.asin(x), of(one(low=-0.9, high=0.8))),
    "acos": (lambda torch, x: torch.acos(x), of(one(low=-0.9, high=0.8))),
    "atan": (lambda torch, x: torch.atan(x), of(one())),
    "sinh": (lambda torch, x: torch.sinh(x), of(one())),
    "cosh": (lambda torch, x: torch.cosh(x), of(one())),
    "erf": (lambda torch, x: torch.erf(x), of(one())),
    "sin": (lambda torch, x: torch.sin(x), of(one())),
    "cos": (lambda torch, x: torch.cos(x), of(one())),
    "tanh": (lambda torch, x: torch.tanh(x), of(one())),
    "sigmoid": (lambda torch, x: torch.sigmoid(x), of(one())),
    "relu": (lambda torch, x: torch.relu(x), of(one())),
    "abs": (lambda torch, x: torch.abs(x), of(one())),
    "sign": (lambda torch, x: torch.sign(x), of(one())),
    "round": (lambda torch, x: torch.round(x), of(one())),
    "floor": (lambda torch, x: torch.floor(x), of(one())),
    "ceil": (lambda torch, x: torch.ceil(x), of(one())),
    "trunc": (lambda torch, x: torch.trunc(x), of(one())),
    "clone": (lambda torch, x: x.clone(), of(one())),
    "contiguous": (
        lambda torch, x: x.transpose(0, 1).contiguous() * 1,
        sized(st.tuples(st.integers(2, 3), st.integers(2, 3)).map(lambda s: ([s], {}))),
    ),
    "cast": (
        lambda torch, x: x.to(torch.float16 if x.dtype == torch.float32 else torch.float32).double() * 1,
        of(one()),
    ),
    "move": (lambda torch, x: moved(x) * 1, of(one())),
    "add": (lambda torch, x, y: x + y, of(two())),
    "sub": (lambda torch, x, y: x - y, of(two())),
    "mul": (lambda torch, x, y: x * y, of(two())),
    "div": (lambda torch, x, y: x / y, of(two(low=0.3))),
    "floor_div": (lambda torch, x, y: torch.div(x, y, rounding_mode="floor"), of(two(low=0.3))),
    "trunc_div": (lambda torch, x, y: torch.div(x, y, rounding_mode="trunc"), of(two(low=0.3))),
    "remainder": (lambda torch, x, y: torch.remainder(-x, y), of(two(low=0.3))),
    "fmod": (lambda torch, x, y: torch.fmod(-x, y), of(two(low=0.3))),
    "pow": (lambda torch, x, y: torch.pow(x, y), of(two(low=0.0, ties=False))),
    "power": (lambda torch, x, n: x**n, of(one(), st.fixed_dictionaries({"n": st.sampled_from([0, 1, 2, 3, 4.0])}))),
    "lerp": (lambda torch, x, y, w: torch.lerp(x, y, w),
             of(two(), st.fixed_dictionaries({"w": st.sampled_from([0, 0.25, 0.5, 0.8, 1, -1.5])}))),
    "maximum": (lambda torch, x, y: torch.maximum(x, y), of(two())),
    "minimum": (lambda torch, x, y: torch.minimum(x, y), of(two())),
    "where": (lambda torch, c, x, y: torch.where(c > 0, x, y), of(arrays(broadcast(3)))),
    "clamp": (lambda torch, x, lo, hi: torch.clamp(x, lo, hi), of(arrays(same(3)))),
    "sum": (lambda torch, x, **p: torch.sum(x, **p), sized(reduction(shapes=SHAPES))),
    "mean": (lambda torch, x, **p: torch.mean(x, **p), sized(reduction())),
    "var": (lambda torch, x, **p: torch.var(x, correction=0, **p), sized(reduction())),
    "std": (
        lambda torch, x, **p: torch.std(x / 8 + torch.arange(float(x.numel())).view(x.shape), correction=0, **p),
        sized(reduction(shapes=hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=4))),
    ),
    "amax": (lambda torch, x, **p: torch.amax(x, **p), sized(reduction())),
    "amin": (lambda torch, x, **p: torch.amin(x, **p), sized(reduction())),
    "max": (lambda torch, x: torch.max(x), of(one(shapes=FULL_SHAPES))),
    "min": (lambda torch, x: torch.min(x), of(one(shapes=FULL_SHAPES))),
    "max_dim": (lambda torch, x, **p: torch.max(x, **p)[0], sized(reduction(many=False))),
    "min_dim": (lambda torch, x, **p: torch.min(x, **p)[0], sized(reduction(many=False))),
    "logsumexp": (lambda torch, x, dim=None, **p: torch.logsumexp(x, (*range(x.ndim),) if dim is None else dim, **p),
                  sized(reduction())),
    "norm": (lambda torch, x, **p: torch.linalg.vector_norm(x, **p), sized(reduction())),
    "cumsum": (lambda torch, x, dim: torch.cumsum(x, dim), sized(along_dim())),
    "flip": (lambda torch, x, dim: torch.flip(x, (dim,)), sized(along_dim())),
    "softmax": (lambda torch, x, dim: torch.softmax(x, dim), sized(along_dim())),
    "log_softmax": (lambda torch, x, dim: torch.log_softmax(x, dim), sized(along_dim())),
    "mm": (lambda torch, x, y: x @ y, sized(_product(batched=False))),
    "matmul": (lambda torch, x, y: x @ y, sized(_product(batched=True))),
    "linear": (lambda torch, x, w, b: functional(torch).linear(x, w, b), sized(_linear())),
    "inverse": (lambda torch, x: torch.inverse(x), _invertible()),
    "tril": (lambda torch, x, k: torch.tril(x, k), sized(_triangle())),
    "triu": (lambda torch, x, k: torch.triu(x, k), sized(_triangle())),
    "reshape": (lambda torch, x, shape: x.reshape(shape), sized(_reshaping())),
    "unsqueeze": (lambda torch, x, dim: x.unsqueeze(dim), sized(along_dim())),
    "squeeze": (lambda torch, x: x.squeeze() * 1, of(one())),
    "squeeze_dim": (lambda torch, x, dim: x.squeeze(dim) * 1, sized(along_dim())),
    "expand": (lambda torch, x, shape: x.expand(shape), sized(_expanding())),
    "permute": (lambda torch, x, dims: x.permute(dims), sized(_permuting())),
    "transpose": (lambda torch, x, dim0, dim1: x.transpose(dim0, dim1), sized(_swapping())),
    "t": (lambda torch, x: x.t(), of(one(shapes=hnp.array_shapes(min_dims=2, max_dims=2, min_side=0)))),
    "swap": (lambda torch, x: x.mT, of(one(shapes=hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3)))),
    "index": (pick, sized(_advanced_key())),
    "select": (pick, sized(_basic_key(ints=True))),
    "take_slice": (pick, sized(_basic_key(ints=False))),
    "setitem": (store, sized(_storing())),
    "gather": (lambda torch, x, dim, index: torch.gather(x, dim, torch.from_numpy(index)), sized(_gathering())),
    "cat": (lambda torch, x, y, dim: torch.cat([x, y, x], dim), sized(along_dim(2))),
    "stack": (lambda torch, x, y, dim: torch.stack([x, y], dim), sized(along_dim(2))),
    "mse_loss": (lambda torch, x, y, reduction: functional(torch).mse_loss(x, y, reduction=reduction), sized(_loss())),
    "l1_loss": (lambda torch, x, y, reduction: functional(torch).l1_loss(x, y, reduction=reduction), sized(_loss())),
    "bce": (
        lambda torch, x, y, reduction: functional(torch).binary_cross_entropy(
            torch.sigmoid(x), torch.sigmoid(y), reduction=reduction
        ),
        sized(_loss()),
    ),
    "bce_with_logits": (
        lambda torch, x, y, reduction: functional(torch).binary_cross_entropy_with_logits(x, y, reduction=reduction),
        sized(_loss()),
    ),
    "cross_entropy": (_cross_entropy, sized(_classes())),
}

# Entries without a gradient: only their values are compared.
COMPARISONS = {
    "eq": lambda torch, x, y: x == y,
    "ne": lambda torch, x, y: x != y,
    "lt": lambda torch, x, y: x < y,
    "le": lambda torch, x, y: x <= y,
    "gt": lambda torch, x, y: x > y,
    "ge": lambda torch, x, y: x >= y,
    "bitwise_and": lambda torch, x, y: (x > 0) & (y > 0),
    "bitwise_or": lambda torch, x, y: (x > 0) | (y > 0),
    "bitwise_xor": lambda torch, x, y: (x > 0) ^ (y > 0),
    "invert": lambda torch, x, y: ~(x > 0),
    "argmax": lambda torch, x, y: torch.argmax(x + 0 * y) if (x + 0 * y).numel() else x,
    "argmin": lambda torch, x, y: torch.argmin(x + 0 * y) if (x + 0 * y).numel() else x,
}

# Entries that no function of torch's reaches directly: they are the derivatives of others.
REACHED_BY = {"spread": "sum", "put": "index", "zeros_like": "round"}

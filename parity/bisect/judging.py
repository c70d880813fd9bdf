"""Whether an engine errs: it is further from torch in float64 than rounding explains (`parity.tolerances`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from parity.arrays import entrywise, largest_of
from parity.tolerances import AS_TORCH, NOISE, NOISES, ROUNDING, STEEP, terms_of

Array = np.ndarray
Again = Callable[[Callable[[Array], Array]], Array | None]  # the judge's result with a noise added to its inputs

MOVES = {
    "T", "mT", "H", "mH", "real", "view", "reshape", "view_as", "reshape_as", "permute", "transpose", "t", "swapaxes",
    "swapdims", "movedim", "moveaxis", "squeeze", "unsqueeze", "flatten", "unflatten", "ravel", "expand", "expand_as",
    "broadcast_to", "contiguous", "clone", "detach", "alias", "narrow", "select", "split", "chunk", "unbind", "tile",
    "repeat", "repeat_interleave", "roll", "flip", "fliplr", "flipud", "rot90", "cat", "concat", "stack", "hstack",
    "vstack", "dstack", "column_stack", "gather", "index_select", "masked_select", "masked_fill", "where", "take",
    "take_along_dim", "__getitem__", "__setitem__", "scatter", "diag", "diagonal", "tril", "triu", "copy", "fill",
    "zero", "zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "eye", "tensor", "to", "type", "type_as",
    "float", "double", "relu", "abs", "absolute", "neg", "__neg__", "negative", "sign", "max", "min", "amax", "amin",
    "maximum", "minimum", "clamp", "clip", "sort", "topk", "cummax", "cummin", "round", "floor", "ceil", "trunc",
    "max_pool1d", "max_pool2d", "max_pool3d", "hardtanh", "threshold", "embedding", "one_hot", "unfold", "pad",
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "uniform", "normal", "bernoulli", "random",
    "zeros_", "ones_", "constant", "nan_to_num", "meshgrid", "atleast_1d", "atleast_2d",
}
ELEMENTWISE = {
    "add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "pow", "square", "sqrt", "rsqrt",
    "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
    "tanh", "sigmoid", "reciprocal", "rsub", "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__",
    "__truediv__", "__rtruediv__", "__pow__", "__rpow__", "__iadd__", "__isub__", "__imul__", "__itruediv__",
    "__ipow__", "lerp", "addcmul", "addcdiv", "leaky_relu", "elu", "silu", "hypot", "atan2", "exp2", "logaddexp",
    "dropout",
}


@dataclass(frozen=True)
class Excess:
    """The entry of a result that is furthest beyond what is allowed, and how far."""

    element: tuple[int, ...]
    value: float
    judged: float
    error: float
    allowed: float
    ulps: float  # the error, in units of the last place of the judge's value
    of_largest: float  # the error, relative to the result's largest entry
    terms: float
    kind: str


def kind_of(name: str) -> str:
    """The error model of a function, by its short name. What is neither of two simple kinds adds up terms."""
    plain = name if name.startswith("__") else name.rstrip("_")
    return "moves" if plain in MOVES else "elementwise" if plain in ELEMENTWISE else "sums"


@dataclass(frozen=True)
class Judgement:
    """How far an engine is from the judge."""

    ulps: float  # the largest error, in ulps of the largest entry
    excess: Excess | None  # None: no more than rounding explains


@dataclass(frozen=True)
class Standard:
    """What an engine's result is held against."""

    judged: Array  # torch's in float64
    reference: Array  # torch's in the precision of the script
    kind: str  # one of ROUNDING
    sizes: Sequence[int]  # of the operands
    again: Again | None = None  # measures how steep the operation is
    measure: Array | None = None  # whose entries the model speaks of, if not the judge's
    extra: Array | float = 0.0  # allowed on top


def judge(mine: Array, by: Standard, is_reference: bool = False) -> Judgement:
    """Hold an engine's result against the judge's. The reference itself has no excuse in what torch does."""
    if mine.dtype.kind != "f":
        wrong = wrong_entry(mine, by)
        return Judgement(0.0 if wrong is None else wrong.ulps, wrong)
    info = np.finfo(mine.dtype)
    ulp = float(info.eps) * (2.0 if mine.dtype == np.float64 else 1.0)  # in float64 the judge rounds as well
    judged = np.asarray(by.judged, np.float64)
    judged = np.where(np.abs(judged) > float(info.max), np.copysign(np.inf, judged), judged)
    errors = np.nan_to_num(entrywise(mine, judged), nan=np.inf, posinf=np.inf)
    if not is_reference:  # where torch has the same infinity or NaN, it is right
        errors = np.where(~np.isfinite(mine) & (entrywise(mine, by.reference) == 0), 0.0, errors)
    terms = terms_of(by.sizes, mine.size)
    measure = judged if by.measure is None else by.measure
    allowed = ROUNDING[by.kind].allowed(measure, terms, ulp) + by.extra
    if (errors > allowed).any() and not is_reference:
        theirs = np.nan_to_num(entrywise(by.reference, judged), nan=0.0, posinf=0.0)
        allowed = np.maximum(allowed, AS_TORCH * np.max(theirs[theirs > allowed], initial=0.0))
    if (errors > allowed).any() and by.again is not None:
        slopes = steepness(by.again, judged)
        slope = slopes.max(initial=0.0) if ROUNDING[by.kind].of_largest else slopes
        allowed = np.maximum(allowed, STEEP * terms**0.5 * slope * ulp)
    largest = largest_of(judged)
    ulps = float(errors.max(initial=0.0)) / (largest * ulp) if largest else 0.0
    return Judgement(ulps, worst(mine, judged, errors, allowed, terms, by.kind) if (errors > allowed).any() else None)


def worst(mine: Array, judged: Array, errors: Array, allowed: Array, terms: float, kind: str) -> Excess:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        at = np.unravel_index(int(np.argmax(np.where(errors > allowed, errors / allowed, 0.0))), errors.shape)
    error, right = float(errors[at]), float(judged[at])
    last_place = float(np.spacing(mine.dtype.type(abs(right)))) if np.isfinite(right) else float("inf")
    largest = largest_of(judged)
    share = error / largest if largest else float("inf")
    element = tuple(int(i) for i in at)
    return Excess(element, float(mine[at]), right, error, float(allowed[at]), error / last_place, share, terms, kind)


def wrong_entry(mine: Array, by: Standard) -> Excess | None:
    """Whole numbers and truth values must be torch's."""
    if np.array_equal(mine, by.reference):
        return None
    at = tuple(int(i) for i in np.argwhere(np.asarray(mine != by.reference))[0])
    error = abs(float(mine[at]) - float(by.reference[at]))
    largest = float(np.abs(by.reference.astype(float)).max()) or 1.0
    return Excess(at, float(mine[at]), float(by.reference[at]), error, 0.0, error, error / largest, 1.0, by.kind)


def steepness(again: Again, judged: Array) -> Array:
    """By how much each entry of float64's result changes for inputs off by all of themselves, by the slope here."""
    largest = np.zeros(judged.shape)
    for seed in range(NOISES):
        random = np.random.default_rng(seed)
        changed = again(lambda array, random=random: noisy(array, random))
        if changed is not None and changed.shape == judged.shape:
            apart = np.nan_to_num(entrywise(changed, judged), nan=0.0, posinf=0.0)
            largest = np.maximum(largest, apart)
    return largest / NOISE


def noisy(array: Array, random: np.random.Generator) -> Array:
    """The same numbers in float64, each off by NOISE of itself, up or down."""
    if array.dtype.kind != "f":
        return array
    return array * (1 + NOISE * random.choice([-1.0, 1.0], array.shape))

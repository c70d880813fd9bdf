"""Distances between arrays, and words for them."""

from math import isfinite, isnan

import numpy as np

Array = np.ndarray | None  # None: a parameter that was given no gradient


def distance(one: Array, other: Array) -> float:
    """The largest difference of two entries; infinite where one alone is None, NaN or of another shape."""
    if one is other:
        return 0.0
    if one is None or other is None or one.shape != other.shape:
        return float("inf")
    largest = float(entrywise(one, other).max(initial=0.0))
    return float("inf") if isnan(largest) else largest


def entrywise(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """|one - other| in float64; 0 where both are the same infinity or both NaN, NaN where one alone is."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.subtract(one, other, dtype=np.float64))
        if not isfinite(apart.sum()):
            apart = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0.0, apart)
    return np.asarray(apart)


def largest_of(array: Array) -> float:
    """The largest absolute entry that is finite."""
    if array is None or array.size == 0:
        return 0.0
    largest = float(np.abs(array).max())
    if np.isfinite(largest):
        return largest
    finite = array[np.isfinite(array)]
    return float(np.abs(finite).max(initial=0.0))


def relative(part: float, whole: float) -> float:
    """part / whole; 0 / 0 is no difference, anything else / 0 an infinite one."""
    if part == 0.0 or whole == float("inf"):
        return 0.0
    return part / whole if whole > 0.0 else float("inf")


def same_form(one: Array, other: Array) -> bool:
    """Both None, or both of the same shape and type."""
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and one.dtype == other.dtype


def form(array: Array) -> str:
    """In words: "float32 of shape (10, 2)", or "None"."""
    return "None" if array is None else f"{array.dtype} of shape {array.shape}"


def worst_entry(one: np.ndarray, other: np.ndarray) -> str:
    """The entry that is furthest off: "[2, 0] is 0.25000003, not 0.25"."""
    apart = np.nan_to_num(entrywise(one, other), nan=np.inf, posinf=np.inf)
    index = np.unravel_index(int(apart.argmax()), apart.shape)
    place = f"[{', '.join(map(str, index))}]" if index else "it"
    return f"{place} is {one[index]!s}, not {other[index]!s}"

"""Whether two runs of a case agree, and if not, the first difference in a line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from parity.arrays import entrywise
from parity.conformance.running import Array, Outcome, Value
from parity.tolerances import AS_FAR_AS_TORCH, SAMPLE_ABSOLUTE, SAMPLE_RELATIVE

Judge = Callable[[], Outcome]  # torch's run of the same case in float64, made only when it is needed


def difference(ours: Outcome, theirs: Outcome) -> str | None:
    """In what came out, or in the gradients."""
    found = difference_in_values(ours, theirs)
    return found or (difference_in_gradients(ours, theirs) if theirs.differentiable else None)


def difference_in_values(ours: Outcome, theirs: Outcome, judge: Judge | None = None) -> str | None:
    """The first difference in what came out (exception, value, shape, dtype, requires_grad) or in the inputs."""
    if ours.error or theirs.error:
        return difference_in_errors(ours.error, theirs.error)
    if len(ours.values) != len(theirs.values):
        return f"{outline(ours.values)} where torch returns {outline(theirs.values)}"
    for i, (mine, other) in enumerate(zip(ours.values, theirs.values, strict=True)):
        judged = None if judge is None else partial(number_judged, judge, i)
        found = difference_in_value(mine, other, judged)
        if found:
            return f"the result{mine.where}{found}"
    if len(ours.inputs) != len(theirs.inputs):
        return f"{len(ours.inputs)} tensors in all where torch has {len(theirs.inputs)}"
    for i, (left, right) in enumerate(zip(ours.inputs, theirs.inputs, strict=True)):
        found = difference_in_arrays(left, right)
        if found:
            return f"tensor {i} of the arguments, after the call,{found}"
    return None


def difference_in_gradients(ours: Outcome, theirs: Outcome, judge: Judge | None = None) -> str | None:
    """The first difference in the gradients: for each leaf, None or an array. Zeros will do for torch's None."""
    broken = ours.error or ours.gradient_error
    if broken or theirs.gradient_error:
        return difference_in_errors(broken, theirs.gradient_error)
    if len(ours.gradients) != len(theirs.gradients):
        return f"{len(ours.gradients)} gradients where torch has {len(theirs.gradients)}"
    for i, (mine, other) in enumerate(zip(ours.gradients, theirs.gradients, strict=True)):
        if other is None:
            found = None if mine is None or not mine.any() else " is not 0 where torch has None"
        elif mine is None:
            found = " is None where torch has an array"
        else:
            judged = None if judge is None else partial(gradient_judged, judge, i)
            found = difference_in_arrays(mine, other, judged)
        if found:
            return f"the gradient of tensor {i} that requires one{found}"
    return None


def difference_in_second_order(ours: Outcome, theirs: Outcome) -> str | None:
    """The first difference in the gradients of the gradients."""
    broken = ours.error or ours.gradient_error
    if broken or theirs.gradient_error:
        return difference_in_errors(broken, theirs.gradient_error)
    if len(ours.second) != len(theirs.second):
        return f"{len(ours.second)} second derivatives where torch has {len(theirs.second)}"
    for i, (mine, other) in enumerate(zip(ours.second, theirs.second, strict=True)):
        found = difference_in_arrays(mine, other.astype(mine.dtype))
        if found:
            return f"the second derivative for tensor {i}{found}"
    return None


def difference_in_errors(ours: Exception | None, theirs: Exception | None) -> str | None:
    """Both must raise, and exceptions of the same type."""
    if type(ours) is type(theirs):
        return None
    if ours is None:
        return f"no error where torch raises {said(theirs)}"
    if theirs is None:
        return f"raises {said(ours)}"
    return f"raises {said(ours)} where torch raises {said(theirs)}"


def difference_in_value(ours: Value, theirs: Value, judged: Callable[[], Array | None] | None = None) -> str | None:
    if ours.kind != theirs.kind:
        return f" is of type {ours.kind} where torch has {theirs.kind}"
    if ours.kind != "tensor":
        return None if same_number(ours.data, theirs.data) else f" is {ours.data} where torch has {theirs.data}"
    found = difference_in_arrays(ours.data, theirs.data, judged)
    if found is None and ours.requires_grad != theirs.requires_grad:
        return f" has requires_grad={ours.requires_grad} where torch's has {theirs.requires_grad}"
    return found


def same_number(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, float):
        return bool(np.isclose(ours, theirs, SAMPLE_RELATIVE["float64"], SAMPLE_ABSOLUTE["float64"], equal_nan=True))
    return bool(ours == theirs)


def difference_in_arrays(ours: Array, theirs: Array, judged: Callable[[], Array | None] | None = None) -> str | None:
    """Shape, dtype, then numbers: the first one that is too far from torch's."""
    if ours.shape != theirs.shape:
        return f" has shape {list(ours.shape)} where torch has {list(theirs.shape)}"
    if ours.dtype != theirs.dtype:
        return f" is {ours.dtype} where torch has {theirs.dtype}"
    right = close(ours, theirs)
    if not right.all() and judged is not None and ours.dtype.kind == "f":
        right |= right_by_judge(ours, theirs, judged())
    if right.all():
        return None
    place = tuple(int(i) for i in np.argwhere(~right)[0])
    at = f" at {list(place)}" if place else ""
    return f" is {ours[place]}{at} where torch has {theirs[place]} ({int((~right).sum())} of {ours.size} differ)"


def number_judged(judge: Judge, i: int) -> Array | None:
    """The judge's i-th value, unless it failed or came to something else."""
    values = judge().values
    return values[i].data if i < len(values) and values[i].kind == "tensor" else None


def gradient_judged(judge: Judge, i: int) -> Array | None:
    gradients = judge().gradients
    return gradients[i] if i < len(gradients) else None


def close(ours: Array, theirs: Array) -> Array:
    """For each entry whether it is within tolerance; equal infinities are, and two NaNs."""
    if theirs.dtype.kind != "f":
        return np.asarray(ours == theirs)
    name = theirs.dtype.name
    return np.isclose(ours, theirs, SAMPLE_RELATIVE[name], SAMPLE_ABSOLUTE[name], equal_nan=True)


def right_by_judge(ours: Array, theirs: Array, judged: Array | None) -> Array:
    """For each entry whether the float64 answer lets it pass."""
    if judged is None or judged.shape != ours.shape:
        return np.zeros(ours.shape, bool)
    as_far = entrywise(ours, judged) <= AS_FAR_AS_TORCH * entrywise(theirs, judged)
    return np.isclose(ours, judged, SAMPLE_RELATIVE["float32"], SAMPLE_ABSOLUTE["float32"], equal_nan=True) | as_far


def outline(values: list[Value]) -> str:
    return f"{values[0].kind} of {values[0].data}" if values[0].kind != "tensor" else "a tensor"


def said(error: Exception | None, most: int = 110) -> str:
    """An exception's type and the first line of what it says."""
    text = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
    return text if len(text) <= most else text[: most - 1] + "…"

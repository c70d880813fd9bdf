"""Why a gradient is zero, or nearly, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

# Why an op passes nothing on where it does not, by the op's name.
CLOSED = {
    "relu": "its input was not above 0, where a ReLU is flat",
    "leaky_relu": "its input was below 0, and the slope there is 0",
    "clamp": "the value was outside of the clamp's limits, where it is flat",
    "hardtanh": "the value was outside of the limits, where it is flat",
    "abs": "the value was exactly 0, the kink of |x|",
    "l1_loss": "prediction and target are equal there, the kink of |x|",
    "mse_loss": "prediction and target are equal there, the bottom of the parabola",
    "mul": "the other factor is 0 there (a mask, or dropout)",
    "where": "the condition chose the other branch there",
    "masked_fill": "the mask has put a constant there",
    "max_pool2d_with_indices": "another element of the window was the largest",
    "amax": "another element was the largest",
    "amin": "another element was the smallest",
    "maximum": "the other input was larger there",
    "minimum": "the other input was smaller there",
    "slice": "the slice left it out", "index": "it was not picked", "embedding": "the row was not looked up",
    **dict.fromkeys(("sign", "round", "floor", "ceil", "trunc"), "it is flat between its jumps: the slope is 0"),
}
# Activations with two flat ends, and what their output is near to there.
SATURATES = {"sigmoid": "0 or 1", "tanh": "-1 or 1", "softmax": "0 or 1"}
NEARLY = 1e-3  # of g: what passes a saturated activation


def why_zero(op: str, g: Any, share: Any) -> str:
    """Why the rule of this op made zeros of g, or next to nothing; "" where it did not."""
    if not isinstance(g, np.ndarray) or not g.any():
        return ""
    if op in SATURATES and share.shape == g.shape:
        lost = int((np.abs(share) < NEARLY * np.abs(g)).sum())
        where = f"{op}'s output is near {SATURATES[op]}, where the curve is flat"
        return f"Saturated: {counted(lost, g.size)} less than 1/1000 of g, since {where}." if lost else ""
    lost = int((share == 0).sum() - (g == 0).sum() if share.shape == g.shape else (share == 0).sum())
    if lost <= 0 or op not in CLOSED:
        return ""
    text = f"{counted(lost, share.size)} nothing: {CLOSED[op]}."
    dead = int((share == 0).all(0).sum()) if op == "relu" and share.ndim == 2 and len(share) > 1 else 0
    return text + (f" {dead} of {share.shape[1]} columns are off for the whole batch: dead here." if dead else "")


def counted(n: int, total: int) -> str:
    if n == total:
        return "All elements get" if n > 1 else "It gets"
    return f"{n:,} of {total:,} elements get"

"""What the engine does, made visible: one training step to step through, and formulas from the table's own rules.

    minigrad.explain(loss)                      a page, in a notebook; `.save("page.html")` writes it
    minigrad.explain(train_step, "page.html")   records a call of train_step(): forward, backward, update
    minigrad.explain.draw(loss)                 a drawing; `.save("graph.svg")`, or .dot
    minigrad.explain.text(loss)                 the same as text
    minigrad.explain.formulas("tanh")           the rules of one op
    python -m minigrad.explain script.py        the page of a script's training step

A graph that was made without a recording has no source lines and no modules, and of its values those that the tape has
kept. `with explain.record(): ...` around the forward pass notes the rest, and so does handing over a function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..engine import Leaf, TensorCore, newest_first, walk_back
from .drawing import Drawing
from .drawing import text as text_of
from .formulas import Symbol, formula, formulas
from .page import Page
from .record import Recording
from .step import Step, step_of

__all__ = ["Drawing", "Page", "Symbol", "draw", "formula", "formulas", "record", "text"]

Target = Any  # a loss, or a function that computes one, or makes a whole training step


class _Explain(ModuleType):
    """This module, which can be called."""

    def __call__(self, target: Target, path: str | Path | None = None) -> Page:
        """A page that steps through a graph, from its inputs to the gradients and, if they were recorded, the updates.

        `target` is a loss, of which no `.grad` changes, or a function that computes one (it is called and recorded), or
        that makes a whole training step. The page is also written to `path`, if one is given. RuntimeError where the
        graph's values are freed already: explain the loss before its backward().
        """
        page = Page(_recorded(target))
        if path is not None:
            page.save(path)
        return page


sys.modules[__name__].__class__ = _Explain


def draw(target: Target) -> Drawing:
    """The graph as a drawing that stands still; `target` is that of `explain`."""
    return Drawing(_recorded(target))


def text(target: Target) -> str:
    """The step as text, with its formulas; `target` is that of `explain`."""
    return text_of(_recorded(target))


def record() -> Recording:
    """`with explain.record(): ...` notes values, lines and modules of what is computed in the block."""
    return Recording()


def _recorded(target: Target) -> Step:
    recording = Recording()
    if isinstance(target, TensorCore):
        _walk(recording, target)
        return step_of(recording, "a loss")
    if not isinstance(target, Callable):  # type: ignore[arg-type]
        raise TypeError(f"explain takes a tensor, or a function that computes one, not {type(target).__name__}")
    with recording:
        made = target()
    if not recording.walks:
        _walk(recording, made)
    return step_of(recording, getattr(target, "__name__", "a step").replace("<lambda>", "a step"))


def _walk(recording: Recording, loss: Any) -> None:
    """Carry gradients back from a loss to its leaves without keeping them there."""
    if not isinstance(loss, TensorCore) or loss.current_node() is None:
        raise RuntimeError("nothing to explain: this is no tensor that requires grad")
    if loss.array.size != 1:
        raise RuntimeError(f"a loss has one element, and this tensor has shape {list(loss.array.shape)}")
    assert loss.node is not None
    leaves = [node for node in newest_first([loss.node]) if isinstance(node, Leaf)]
    recording.walk(walk_back, [loss.node], [np.ones_like(loss.array)], leaves, retain_graph=True, create_graph=False)

"""An optimizer's formula, as its docstring has it, without the lines that its options switch off."""

from __future__ import annotations

import inspect
import re
from typing import Any

NUMBERS = ("lr", "eps", "betas", "alpha", "dampening")  # these switch nothing off, also when they are 0


def update_formula(optimizer: type[Any], options: dict[str, Any]) -> list[str]:
    """The indented lines `name = ...` of the docstring; none if it has none.

    >>> from minigrad import optim
    >>> update_formula(optim.SGD, {"lr": 0.1, "momentum": 0, "weight_decay": 0, "maximize": False})
    ['p = p - lr * g']
    """
    for kind in optimizer.__mro__:
        lines = [line.strip() for line in inspect.cleandoc(kind.__doc__ or "").splitlines()
                 if re.match(r" {4}\w+'? = ", line)]
        if lines:
            return [line for line in lines if not _is_off(line, options)]
    return []


def _is_off(line: str, options: dict[str, Any]) -> bool:
    """Whether the first option that the line is about (in its formula, or its comment's first word) is not set."""
    formula, _, comment = line.partition("  ")
    words = re.findall(r"\w+", formula) + re.findall(r"^\s*(\w+):", comment)
    about = [word for word in words if word in options and word not in NUMBERS]
    decoupled = options.get("decoupled_weight_decay")
    if about and about[0] == "weight_decay" and decoupled is not None and ("decoupled" in comment) != decoupled:
        return True  # Adam's or AdamW's way of decaying the weights: the other one
    return bool(about) and not options[about[0]]

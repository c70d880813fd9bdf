"""What registering a hook gives back: tensors, modules and optimizers have hooks."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any


class RemovableHandle:
    """What registering a hook returns: `remove()` ends it, and so does leaving a `with` block."""

    __module__ = "torch.utils.hooks"  # as it prints
    next_id = itertools.count()

    def __init__(self, hooks: dict[Any, Any]) -> None:
        self.hooks, self.id = hooks, next(self.next_id)

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def register(hooks: OrderedDict[int, Any], hook: Any, prepend: bool = False) -> RemovableHandle:
    """Add a hook behind the others, or before them."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle

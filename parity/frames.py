"""What a script's own frames tell: the line that is being run, and the names that it gives to tensors."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

# How far names are looked for: `w`, `weights[3]`, `net.layers[0].weight`.
DEEPEST = 4
LONGEST = 1000  # a longer list holds data
MOST_LOOKED_AT = 5000  # values in one search


class ScriptFrames:
    """The frames that run code of the script's folder: its own, and that of modules beside it."""

    def __init__(self, torch: Any, folder: Path):
        self.torch = torch
        self.prefix = f"{folder}{os.sep}"
        self.looked_at = 0  # values, in this search

    def all(self) -> list[FrameType]:
        """Those on the stack, the innermost first."""
        found = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self.is_own(frame.f_code.co_filename):
                found.append(frame)
            frame = frame.f_back
        return found

    def called_directly(self) -> bool:
        """Whether the function that asks was called by the script itself."""
        return self.is_own(sys._getframe(2).f_code.co_filename)

    def is_own(self, file: str) -> bool:
        return file.startswith(self.prefix)

    def where(self) -> str:
        """The place that the script has come to, as "train.py:12"; empty if none of it is on the stack."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self.is_own(frame.f_code.co_filename):
                return f"{frame.f_code.co_filename.removeprefix(self.prefix)}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def leaves(self) -> dict[int, tuple[str, Any]]:
        """By their id, the leaf tensors that require grad and that a variable leads to, with their names.

        In the order of the script's definitions, its global variables first: the same on every engine.
        """
        self.looked_at = 0
        found: dict[int, tuple[str, Any]] = {}
        frames = self.all()
        if not frames:
            return found
        scopes = [frames[-1].f_globals, *(frame.f_locals for frame in reversed(frames))]
        seen: set[int] = set()
        for scope in scopes:
            for name, value in list(scope.items()):
                if not name.startswith("__"):
                    for full_name, leaf in self.leaves_of(name, value, DEEPEST, seen):
                        found.setdefault(id(leaf), (full_name, leaf))
        return found

    def leaves_of(self, name: str, value: Any, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
        """The leaves that this value is or holds."""
        self.looked_at += 1
        if self.looked_at > MOST_LOOKED_AT:
            return
        if isinstance(value, self.torch.Tensor):
            if value.requires_grad and value.is_leaf:
                yield name, value
            return
        parts = self.parts_of(name, value)
        if depth == 0 or not parts or id(value) in seen:
            return
        seen.add(id(value))
        for part, inner in parts:
            yield from self.leaves_of(part, inner, depth - 1, seen)

    def parts_of(self, name: str, value: Any) -> list[tuple[str, Any]]:
        """The values inside a list, a dict, a module, or an object of a class that the script defines."""
        if isinstance(value, self.torch.nn.Module):
            return [(f"{name}.{part}", parameter) for part, parameter in value.named_parameters()]
        if isinstance(value, list | tuple) and len(value) <= LONGEST:
            return [(f"{name}[{i}]", part) for i, part in enumerate(value)]
        if isinstance(value, dict) and len(value) <= LONGEST:
            return [(f"{name}[{key!r}]", part) for key, part in list(value.items())]
        if hasattr(value, "__dict__") and not isinstance(value, type) and self.is_own_class(type(value)):
            return [(f"{name}.{part}", inner) for part, inner in list(vars(value).items())]
        return []

    def is_own_class(self, kind: type) -> bool:
        module = sys.modules.get(kind.__module__)
        return kind.__module__ == "__main__" or self.is_own(getattr(module, "__file__", None) or "")

"""`import minigrad.as_torch`, and from then on `import torch` gives minigrad.

Every `torch.X` is the very module object that `minigrad.X` is, so no class exists twice. It refuses to start where
the real torch is loaded already: half a program on each engine would be nobody's program.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

import minigrad

_OWN = ("minigrad.__main__", "minigrad.as_torch", "minigrad.explain")  # what torch has no counterpart of


class _Missing(MetaPathFinder):
    """The last resort for `import torch.something` that minigrad has not got: an error that helps."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname.partition(".")[0] not in ("torch", "torchvision"):
            return
        close = difflib.get_close_matches(fullname, [name for name in sys.modules if name.startswith("torch")], 1)
        hint = f"; the closest that it has is {close[0]!r}" if close else ""
        raise ModuleNotFoundError(f"minigrad has no {fullname!r}{hint}", name=fullname)


def install() -> None:
    """Let `torch` and all its submodules name minigrad's."""
    loaded = sys.modules.get("torch")
    if loaded is minigrad:
        return
    if loaded is not None:
        raise ImportError("torch is loaded already: import minigrad.as_torch first, in a fresh Python process")
    for module in _modules():
        alias = "torch" + module.__name__.removeprefix("minigrad").replace(".vision", "vision", 1)
        sys.modules[alias] = module
        for item in vars(module).values():
            if isinstance(item, type) and item.__module__ == module.__name__:
                item.__module__ = alias  # so that it prints, and is pickled, as torch's
    sys.meta_path.insert(0, _Missing())


def _modules() -> list[Any]:
    found = [minigrad]
    for info in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        if not info.name.startswith(_OWN):
            found.append(importlib.import_module(info.name))
    return found


install()

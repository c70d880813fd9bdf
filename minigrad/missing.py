"""The answer to a name that minigrad has not got: an error with the closest name that it has."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


def answer_for(*modules: ModuleType) -> None:
    """Let `module.name` raise an AttributeError that helps, for every name that the module lacks."""
    for module in modules:
        module.__getattr__ = _answer(module)  # type: ignore[method-assign]  # a module may have one (PEP 562)


def _answer(module: ModuleType) -> Any:
    torch_name = "torch" + module.__name__.removeprefix("minigrad")

    def missing(name: str) -> Any:
        text = f"module {torch_name!r} has no attribute {name!r}"
        if name.startswith("__"):  # asked by Python's own machinery
            raise AttributeError(text)
        if torch_name == "torch" and name in ("explain", "replay"):  # who asks for them waits; scripts need not
            return importlib.import_module(f"minigrad.{name}")
        import difflib  # takes long to import, and is seldom needed

        close = difflib.get_close_matches(name, [n for n in vars(module) if not n.startswith("_")], 1)
        hint = f"; the closest that it has is {torch_name}.{close[0]}" if close else ""
        raise AttributeError(f"{text} in minigrad{hint}")

    return missing

"""The reference: a page for each module, made from its names, signatures and docstrings.

Many functions of minigrad are made by other functions, and carry torch's module names, so a running Python is asked
and not the source.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

from docs.tools import literate

PAGES = {  # page: its title, the modules or classes that it shows
    "engine": ("The engine", ["minigrad.engine"]),
    "torch": ("torch", ["minigrad"]),
    "tensor": ("Tensor", ["minigrad.Tensor"]),
    "autograd": ("autograd", ["minigrad.autograd"]),
    "nn": ("nn", ["minigrad.nn", "minigrad.nn.init", "minigrad.nn.utils"]),
    "functional": ("nn.functional", ["minigrad.nn.functional"]),
    "optim": ("optim", ["minigrad.optim", "minigrad.optim.lr_scheduler"]),
    "data": ("utils.data", ["minigrad.utils.data"]),
    "table": ("The table", ["minigrad.ops", "minigrad.nn.rules"]),
}


def page(name: str) -> str:
    """A page of the reference, as Markdown."""
    title, places = PAGES[name]
    if name == "table":
        return table(title)
    shown = [f"# {title}\n"]
    for place in places:
        found = lookup(place)
        if len(places) > 1:
            shown.append(f"## {place.replace('minigrad', 'torch', 1)}\n")
        shown.append(prose(found) if inspect.ismodule(found) else "")
        shown += [entry(word, thing) for word, thing in members(found)]
    return "\n\n".join(shown)


def table(title: str) -> str:
    """Every entry of the table, with its formulas."""
    from minigrad import explain, nn, ops  # noqa: F401  # nn adds its entries to the table

    formulas = "\n\n".join(explain.formulas(word) for word in sorted(ops.TABLE))
    return (f"# {title}\n\nEvery operation, with the gradient for each of its inputs. `g` is the gradient that "
            f"arrives, `out` the result. The formulas are printed from the rules themselves.\n\n"
            f"```text\n{formulas}\n```\n")


def lookup(place: str) -> Any:
    """A module, or a class in one."""
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        return getattr(importlib.import_module(module), name)


def members(found: Any) -> Iterator[tuple[str, Any]]:
    """The public functions and classes with a docstring: what __all__ names, or what a class or module defines."""
    for name in sorted(getattr(found, "__all__", None) or dir(found), key=str.lower):
        thing = getattr(found, name, None)
        own = not inspect.ismodule(found) or hasattr(found, "__all__") or belongs(thing, found)
        if not name.startswith("_") and own and callable(thing) and inspect.getdoc(thing):
            yield name, thing


def belongs(thing: Any, module: Any) -> bool:
    """Whether a function or class was written for this module or package, not imported from afar."""
    return inspect.isclass(thing) or inspect.isfunction(thing) and thing.__module__.startswith("minigrad.")


def entry(name: str, thing: Any) -> str:
    """A name with its signature and its docstring."""
    return f"### {name}\n\n```python\n{name}{signature(thing)}\n```\n\n{prose(thing)}\n"


def signature(thing: Any) -> str:
    """The arguments as one writes them: annotations without quotes, and no function as a default."""
    try:
        text = str(inspect.signature(thing)).replace("minigrad.", "")
    except (TypeError, ValueError):  # some of Python's own classes have none
        return ""
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)
    return re.sub(r", \w+(: \w+)?=<function .*?>", "", text)


def prose(thing: Any) -> str:
    """A docstring as Markdown: its examples and formulas stay as they are laid out."""
    text = (inspect.getdoc(thing) or "").replace("<", "&lt;")
    text = text.replace("&lt;", "<") if ">>>" in text else text
    return literate.EXAMPLE.sub(lambda example: f"```pycon\n{example[0].strip()}\n```\n", text)

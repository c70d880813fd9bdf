"""What a promise is: a sentence, and a function that puts it to the test."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm  # type: ignore[import-untyped]

ROOT = Path(__file__).parent.parent.parent
MOST = 10  # so many faults of one promise are told


@dataclass(frozen=True)
class Outcome:
    """What came of a promise: the figure to show, and what went wrong."""

    figure: str
    wrong: tuple[str, ...] = ()
    not_run: bool = False  # the figure says why

    @property
    def verdict(self) -> str:
        """One word."""
        return "not run" if self.not_run else "BROKEN" if self.wrong else "kept"


@dataclass(frozen=True)
class Promise:
    """A sentence, the chapter of the page that it stands in, and its test, which is told whether to be quick."""

    name: str
    chapter: str
    sentence: str
    test: Callable[[bool], Outcome]
    by_name_only: bool = False  # takes so long that it runs only where its name is given


PROMISES: dict[str, Promise] = {}


def promise(chapter: str, sentence: str,
            by_name_only: bool = False) -> Callable[[Callable[[bool], Outcome]], Callable[[bool], Outcome]]:
    """Enter the decorated function into PROMISES, under its own name."""

    def enter(test: Callable[[bool], Outcome]) -> Callable[[bool], Outcome]:
        PROMISES[test.__name__] = Promise(test.__name__, chapter, sentence, test, by_name_only)
        return test

    return enter


def surroundings() -> dict[str, Any]:
    """Where and with what figures are found."""
    return {"date": str(date.today()), "system": platform.platform(), "processors": os.cpu_count(),
            "python": platform.python_version(), "numpy": np.__version__, "torch": metadata.version("torch")}


def shown(items: Iterable[Any], what: str, total: int | None = None) -> Iterator[Any]:
    """The items, with a progress bar where somebody can see it."""
    return iter(tqdm(items, what, total, leave=False, file=sys.stderr, disable=not sys.stderr.isatty()))


def context() -> Any:
    """Starts processes from one that has imported minigrad and has no threads: quickly, and sound on every system."""
    found = multiprocessing.get_context("forkserver")
    main = "pytest" if "pytest" in sys.modules else f"{__package__}.__main__"  # each process imports it once more
    found.set_forkserver_preload(["minigrad", main])
    return found


def in_a_process(function: Callable[..., Any], *args: Any) -> Any:
    """What a function returns in a fresh process."""
    with context().Pool(1) as pool:
        return pool.apply(function, args)

"""What runs in the processes that are killed, cut short or interrupted while they save. It needs minigrad alone."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from typing import Any

import minigrad as mg

NUMBERS = 30_000


def state(version: int) -> dict[str, Any]:
    """A checkpoint in which one part without the others would be noticed."""
    return {"version": version, "weights": mg.full((NUMBERS,), version), "again": version}


def version_of(path: str) -> int:
    """The version of a file, after making sure that all of it is of that version."""
    found = mg.load(path)
    version = found["version"]
    if found["again"] != version or found["weights"].shape != (NUMBERS,) or not (found["weights"] == version).all():
        raise ValueError(f"{path} has parts of different versions")
    return int(version)


def save_on_and_on(path: str, first: int, saved: Any) -> None:
    """Save one version after the other, until killed or interrupted; `saved` tells the last that was."""
    version = first
    with suppress(KeyboardInterrupt):
        while True:
            mg.save(state(version), path)
            saved.value = version
            version += 1


def save_cut_off(path: str, version: int, length: int, killed: bool) -> None:
    """Save where a file can have no more than `length` bytes: the write that passes them fails, or kills."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, length))
    try:
        mg.save(state(version), path)
    except OSError:
        os._exit(3)

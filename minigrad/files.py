"""Writing a file so that whoever looks finds all of it, or what was there before."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when it is whole and on the disk; if anything fails, nothing changes.

    The new file is written beside the old one, since only within one folder a rename is a single step.
    """
    target = os.path.realpath(path)  # through links: the link stays
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    if os.path.isdir(target):
        raise RuntimeError(f"{path} is a folder: save needs the name of a file.")
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device: nothing there to replace
        with open(target, "wb") as f:
            yield f
        return
    temporary = os.path.join(folder, f".minigrad-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C too
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise

"""Writing a file so that whoever looks finds all of it, or what was there before."""

from __future__ import annotations

import os
import re
import secrets
import time
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
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)  # who may read and write it stays as it was
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C too
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(folder)
    remove_litter(folder)


def sync_folder(folder: str) -> None:
    """Write a folder's names to the disk: a rename before this outlives a power cut."""
    with suppress(OSError):  # Windows opens no folders, and not every file system can do this
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_litter(folder: str) -> None:
    """Remove what killed processes left of their writing: temporary files that nobody has written to for an hour."""
    with suppress(OSError):  # another process may be just as tidy
        for entry in os.scandir(folder):
            if re.fullmatch(r"\.minigrad-[0-9a-f]{16}\.tmp", entry.name) and time.time() - entry.stat().st_mtime > 3600:
                os.unlink(entry.path)

"""The working directory of a script: a private copy of its folder, so that it finds its files and harms none.

A script reads `data.csv`, imports `helpers`, writes `model.pth` over the last one's. Each engine gets a copy of
all that, runs the copy of the script, and writes there. Afterwards what was copied and not changed goes again:
what stays is what the script wrote.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PRINTED, ERRORS = "stdout.txt", "stderr.txt"  # what a script wrote, kept in its working directory

# A folder can be somebody's whole home. Beyond these the script runs without the rest, and the report says so.
MOST_FILES = 2_000
MOST_BYTES = 200_000_000
NOT_NEEDED = {"__pycache__", "node_modules", "site-packages"}


class WorkingDirectoryError(Exception):
    """The directory in which a script would run holds files that are not ours."""


def prepare(path: Path) -> Path:
    """An empty directory, marked as ours; what an earlier run left there goes, what anybody else left there stays."""
    if path.exists() and any(path.iterdir()):
        if not (path / PRINTED).exists():
            raise WorkingDirectoryError(f"{path} holds files that no parity run made; choose another --out")
        shutil.rmtree(path)
    path.mkdir(parents=True, exist_ok=True)
    (path / PRINTED).touch()
    return path.resolve()


@dataclass
class Surroundings:
    """What was copied into one working directory."""

    directory: Path
    copied: dict[Path, tuple[int, int]]  # each file's size and time of change, as they were
    complete: bool  # whether everything in the script's folder was

    def remove_unchanged(self) -> None:
        """Leave only what the script wrote."""
        for path, as_copied in self.copied.items():
            if path.is_file() and size_and_time(path) == as_copied:
                path.unlink()
        for path in sorted({path.parent for path in self.copied}, reverse=True):
            while path != self.directory and path.is_dir() and not any(path.iterdir()):
                path.rmdir()
                path = path.parent


def copy_surroundings(script: Path, directory: Path) -> Surroundings:
    """Copy the script, and the files of its folder, the nearest first, into the directory."""
    script = script.resolve()
    copied: dict[Path, tuple[int, int]] = {}
    size = 0
    for source in files_of(script, directory):
        size += source.stat().st_size
        if len(copied) == MOST_FILES or size > MOST_BYTES:
            return Surroundings(directory, copied, complete=False)
        target = directory / source.relative_to(script.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        target.chmod(0o644)  # a copy may be written to
        copied[target] = size_and_time(target)
    return Surroundings(directory, copied, complete=True)


def files_of(script: Path, directory: Path) -> Iterator[Path]:
    """The script, then every file of its folder, level by level, small ones first.

    Left out: what is hidden, what no script reads (caches, installed packages), and parity's own directories.
    """
    yield script
    level = [script.parent]
    seen = {script.parent.resolve()}  # a link may lead back to where we were
    while level:
        below: list[Path] = []
        for folder in level:
            files = []
            for entry in sorted(readable(folder)):
                if entry.name.startswith(".") or entry.name in NOT_NEEDED or directory.is_relative_to(entry):
                    continue
                if entry.is_dir() and entry.resolve() not in seen and not is_left_out(entry):
                    seen.add(entry.resolve())
                    below.append(entry)
                elif entry.is_file() and entry != script and os.access(entry, os.R_OK):
                    files.append(entry)
            yield from sorted(files, key=lambda path: path.stat().st_size)
        level = below


def readable(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def is_left_out(folder: Path) -> bool:
    """A virtual environment, or the working directory of another engine."""
    return any((folder / mark).exists() for mark in ("pyvenv.cfg", PRINTED))


def size_and_time(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns

"""Files from strangers: whatever is in them, load gives a plain value or a clear error, soon, and runs nothing."""

from __future__ import annotations

import io
import pickle
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.pickling import GLOBALS, Storage
from minigrad.vision.datasets import read_idx

from .corpus import CORPUS
from .hostile import honest, idx_file, saved, torch_file
from .promise import MOST, Outcome, context, promise, shown

CHAPTER = "Files from strangers"
SECONDS, BYTES = 1.0, 200 * 2**20  # of processor time for a file, and of memory
CHUNK = 1000
PLAIN = (mg.Tensor, mg.Size, mg.dtype, mg.device, dict, list, tuple, set, str, bytes, bytearray, int, float,
         complex, type(None))
MEANT = {id(value) for value in GLOBALS.values()}  # what a file may name; naming it is not calling it

Case = tuple[str, Any]


class TooLong(BaseException):
    """Raised in the middle of whatever takes so long; no `except Exception` holds it up."""


# ------------------------------------------------------------------------- in a process of its own: the watch

actions: list[str] = []  # what the process does that loading must not, while `watching`
watching = False


def begin_watching() -> None:
    """Have Python report files opened, processes started, code compiled, modules imported, sockets and the like."""

    def note(event: str, args: tuple[Any, ...]) -> None:
        if watching and event != "builtins.id":  # which only looks
            actions.append(f"{event}{args}"[:200])

    load_torch(saved([mg.ones(2), {1, 2}]))  # what Python imports only when it is needed is here now
    for content in (b"PK\3\4", saved(1)[:-30]):
        faults_of(lambda content=content: load_torch(content))
    signal.signal(signal.SIGPROF, give_up)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for this one
    sys.addaudithook(note)


def give_up(signum: int, frame: Any) -> None:
    raise TooLong


def load_torch(content: bytes) -> Any:
    return mg.load(io.BytesIO(content))


def faults_of(load: Callable[[], Any]) -> list[str]:
    """What is wrong with how a file is loaded."""
    global watching
    actions.clear()
    before, memory = time.process_time(), peak()
    signal.setitimer(signal.ITIMER_PROF, 5 * SECONDS)
    found: list[str] = []
    try:
        watching = True
        value = load()
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        watching = False
        found += faults_of_error(error)
    except (Exception, TooLong) as error:
        watching = False
        found.append(f"{type(error).__name__}: {error}")
    else:
        watching = False
        found += strange_parts(value)
    finally:
        watching = False
        signal.setitimer(signal.ITIMER_PROF, 0)
    took, grew = time.process_time() - before, peak() - memory
    found += [f"it did {action}" for action in actions]
    found += [f"it took {took:.1f} s"] * (took > SECONDS) + [f"it took {grew >> 20} MB"] * (grew > BYTES)
    return found


def peak() -> int:
    """The most memory that the process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def faults_of_error(error: Exception) -> list[str]:
    """An error is clear if it says in a few words what is wrong with which file."""
    text = str(error)
    clear = 20 < len(text) < 900 and text.isprintable() and not isinstance(error, RecursionError)
    return [] if clear else [f"no clear error: {error!r}"[:300]]


def strange_parts(value: Any) -> list[str]:
    """What a loaded value has that is no plain value, or a tensor that reaches outside of its memory."""
    pending, seen = [value], {id(value)}
    for item in pending:  # the list grows while it is read
        if isinstance(item, Storage) or id(item) in MEANT:  # of no use without what is made of them
            continue
        if not isinstance(item, PLAIN):
            return [f"it made a {type(item)}"]
        if isinstance(item, mg.Tensor) and item.array.size:
            np.add.reduce(item.array.flat[:1000]), item.array.flat[-1]  # a crash, if that is not its memory
        inside = [*item, *item.values()] if isinstance(item, dict) else item
        inside = list(inside) if isinstance(inside, (list, tuple, set)) else []
        inside += vars(item).values() if hasattr(item, "__dict__") and not isinstance(item, type) else []
        for part in inside:
            if id(part) not in seen:
                seen.add(id(part))
                pending.append(part)
    return []


def check_torch(first: int, last: int) -> tuple[int, list[str]]:
    """How many of these files load, and what is wrong."""
    return checked([(f"torch file {i}", lambda i=i: torch_file(i)) for i in range(first, last)], load_torch)


def check_idx(first: int, last: int) -> tuple[int, list[str]]:
    return checked([(f"IDX file {i}", lambda i=i: idx_file(i)) for i in range(first, last)],
                   lambda case: read_idx(*case, "train-file"))


def check_corpus(first: int, last: int) -> tuple[int, list[str]]:
    """The files that were thought out: none of them loads, and each for its own reason."""
    found = []
    for name, make, reason in CORPUS[first:last]:
        content = make()
        found += [f"{name}: {fault}" for fault in faults_of(lambda content=content: load_torch(content))]
        try:
            load_torch(content)
            found.append(f"{name}: it loads")
        except Exception as error:
            if not re.search(reason, str(error)):
                found.append(f"{name}: {error}")
    return 0, found


def checked(cases: list[Case], load: Callable[[Any], Any]) -> tuple[int, list[str]]:
    """Load each case under watch."""
    loaded: list[bool] = []
    found = []
    for name, make in cases:
        content = make()

        def one(content: Any = content) -> Any:
            value = load(content)
            loaded.append(True)
            return value if load is load_torch else None

        found += [f"{name}: {fault}" for fault in faults_of(one)]
    return len(loaded), found[:MOST]


# ----------------------------------------------------------------------------------------------- the promises


def fuzz(check: Callable[[int, int], tuple[int, list[str]]], count: int, what: str) -> tuple[int, list[str]]:
    """Check so many files in two watched processes: how many load, and what is wrong."""
    loaded, wrong = 0, []
    chunks = [(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    honest()  # made once, before the processes part
    pool = ProcessPoolExecutor(2, context(), begin_watching)
    try:
        running = [(chunk, pool.submit(check, *chunk)) for chunk in chunks]
        for (first, last), one in shown(running, what):
            try:
                fine, found = one.result()
            except BrokenProcessPool:
                wrong.append(f"a process died over files {first} to {last}")
                break
            loaded += fine
            wrong += found
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C, too: what is begun is ended, and no more
    return loaded, wrong[:MOST]


@promise(CHAPTER, "load gives a plain value or a clear error for whatever is in a torch file, within 1 s and 200 MB, "
                  "and does nothing else: no code, no process, no file, no import")
def torch_files(quick: bool) -> Outcome:
    count = 1500 if quick else 100_000
    loaded, wrong = fuzz(check_torch, count, "torch files")
    return Outcome(f"{count:,} files, changed in their bytes, their archive or their pickle: {loaded:,} load as plain "
                   f"values, {count - loaded:,} are refused", tuple(wrong))


@promise(CHAPTER, "The same of files thought out to hang, to swell, to call or to lie")
def corpus(quick: bool) -> Outcome:
    _, wrong = fuzz(check_corpus, len(CORPUS), "corpus")
    return Outcome(f"{len(CORPUS)} files", tuple(wrong))


@promise(CHAPTER, "The same of IDX files, the format of MNIST")
def idx_files(quick: bool) -> Outcome:
    count = 2000 if quick else 50_000
    loaded, wrong = fuzz(check_idx, count, "IDX files")
    return Outcome(f"{count:,} files: {loaded:,} sound, {count - loaded:,} refused", tuple(wrong))

"""Files outlive whoever writes them: kills, interrupts and full disks while saving."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import minigrad as mg

from .promise import MOST, Outcome, context, promise, shown
from .saving import save_cut_off, save_on_and_on, state, version_of

CHAPTER = "Checkpoints"


@contextmanager
def old_file() -> Iterator[Path]:
    """A file of version 0 in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.pt")
        mg.save(state(0), path)
        yield path


def litter(path: Path) -> list[Path]:
    """What lies in the folder beside the file itself."""
    return [other for other in path.parent.iterdir() if other != path]


def stopped_while_saving(path: Path, sign: int, rng: random.Random, first: int) -> tuple[int, int]:
    """Stop a process that saves, at a random moment: the last version that it knew to be saved, and the one found."""
    saved = context().Value("q", -1)
    process = context().Process(target=save_on_and_on, args=(str(path), first, saved))
    process.start()
    while saved.value < first and process.is_alive():  # until it is at it
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.02))
    os.kill(process.pid, sign)
    process.join(20)
    if process.is_alive():
        process.kill()
        raise TimeoutError("the process did not end")
    return saved.value, version_of(str(path))


def stop_again_and_again(sign: int, times: int, what: str) -> tuple[int, list[str]]:
    """How often a half-written file was left, and what went wrong."""
    rng, wrong, halves, version = random.Random(0), [], 0, 0
    with old_file() as path:
        for i in shown(range(times), what):
            try:
                told, found = stopped_while_saving(path, sign, rng, version + 1)
            except Exception as error:
                wrong.append(f"time {i}: {error!r}")
                break
            if found not in (told, told + 1):
                wrong.append(f"time {i}: version {told} was saved, {found} is in the file")
            version = found
            halves += bool(litter(path))
            for file in litter(path):
                os.utime(file, (0, 0))  # as if the hour that it is left alone were over
        mg.save(state(-1), path)
        wrong += [f"{file.name} is left for good" for file in litter(path)]
    return halves, wrong[:MOST]


@promise(CHAPTER, "A process that is killed (SIGKILL) while it saves leaves the last file that it finished, or the new "
                  "one, whole; what it had half written is removed by a later save")
def kills(quick: bool) -> Outcome:
    times = 15 if quick else 200
    halves, wrong = stop_again_and_again(signal.SIGKILL, times, "kills")
    return Outcome(f"{times} kills at random moments survived, {halves} of them in the middle of a file", tuple(wrong))


@promise(CHAPTER, "Ctrl-C while saving leaves a whole file, and nothing beside it")
def interrupts(quick: bool) -> Outcome:
    times = 10 if quick else 100
    halves, wrong = stop_again_and_again(signal.SIGINT, times, "interrupts")
    if halves > 1 + times // 20:  # an interrupt can come while another is being cleaned up after; not often
        wrong.append(f"{halves} of {times} interrupts left a half-written file")
    return Outcome(f"{times} interrupts, {times - halves} left nothing behind", tuple(wrong))


@promise(CHAPTER, "Two processes save under one name at once; whoever reads meanwhile finds a whole file every time")
def readers(quick: bool) -> Outcome:
    times = 50 if quick else 2000
    wrong, seen = [], set()
    with old_file() as path:
        saved = [context().Value("q", -1) for _ in range(2)]
        writers = [context().Process(target=save_on_and_on, args=(str(path), 10**6 * i, saved[i])) for i in range(2)]
        for process in writers:
            process.start()
        try:
            while min(one.value for one in saved) < 0 and all(process.is_alive() for process in writers):
                time.sleep(0.001)
            for _ in shown(range(times), "readers"):
                seen.add(version_of(str(path)))
        except Exception as error:
            wrong.append(repr(error))
        finally:
            for process in writers:
                process.kill()
                process.join()
    return Outcome(f"read {times:,} times, {len(seen):,} different files, each of them whole", tuple(wrong))


def cut_off(path: Path, length: int, killed: bool) -> str | None:
    """Cut a save off at a byte; what is wrong afterwards, if anything."""
    process = context().Process(target=save_cut_off, args=(str(path), 1, length, killed))
    process.start()
    process.join()
    expected = -signal.SIGXFSZ if killed else 3
    if process.exitcode != expected:
        return f"byte {length}: exit status {process.exitcode}, not {expected}"
    if version_of(str(path)) != 0:
        return f"byte {length}: the old file is gone"
    left = litter(path)
    for file in left:
        file.unlink()
    return f"byte {length}: {left[0].name} is left" if left and not killed else None


def cut_off_everywhere(times: int, killed: bool, what: str) -> tuple[str, ...]:
    """Cut saves off at so many bytes, from the first to the last but one."""
    with old_file() as path:
        last = path.stat().st_size - 1
        lengths = sorted({0, 1, last, *(i * last // times for i in range(times))})
        found = [cut_off(path, length, killed) for length in shown(lengths, what)]
    return tuple(fault for fault in found if fault)[:MOST]


@promise(CHAPTER, "Killed at this byte or that one, from the first to the last: the old file is there, whole")
def kills_at_bytes(quick: bool) -> Outcome:
    times = 10 if quick else 300
    return Outcome(f"killed at {times} bytes of a file", cut_off_everywhere(times, True, "bytes"))


@promise(CHAPTER, "A disk that is full at any byte: an error, the old file whole, nothing half written")
def full_disk(quick: bool) -> Outcome:
    times = 10 if quick else 100
    wrong = cut_off_everywhere(times, False, "full at byte")
    real = small_disk()
    return Outcome(f"the size limit reached at {times} bytes; a real full file system: {real}",
                   wrong if real in ("kept", "not run") else (*wrong, real))


def small_disk() -> str:
    """Fill a file system of 500 kB, where one may be mounted: "kept", "not run", or what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", folder]
        try:
            if subprocess.run(mount, capture_output=True).returncode:
                return "not run"
        except OSError:
            return "not run"
        try:
            return fill(Path(folder, "model.pt"))
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> str:
    """Save a file that fits, then, beside it, one for which there is no room left."""
    mg.save(state(0), path)
    Path(path.parent, "other").write_bytes(bytes(100_000))
    try:
        mg.save(state(1), path)
    except OSError as error:
        whole = version_of(str(path)) == 0 and len(litter(path)) == 1
        return "kept" if whole else f"after {error!r} the old file is gone, or the new one's half is there"
    return "no error, though the disk is too small"



"""Work that is done in processes of its own, several at a time: where one of them dies, the others go on."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Send = Callable[[Any], None]
FORK = multiprocessing.get_context("fork")  # it starts at once, with all that was imported


class Died(Exception):
    """A process ended before its work did, as where torch crashes; `code` is what it ended with, -11 for a crash."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the process ended with status {code}")
        self.code = code


def in_a_fork(function: Callable[..., Result], *args: Any) -> Result:
    """Call it in a process of its own, and wait until that has ended: what it imports or changes stays there."""
    with ProcessPoolExecutor(1, FORK) as process:
        return process.submit(function, *args).result()


def in_processes(work: Callable[[Task, Send], None], tasks: Iterable[Task],
                 jobs: int) -> Generator[tuple[Task, Any], None, None]:
    """Call work(task, send) for each task, in so many processes at a time; give what they send, as it comes.

    The last that comes of a task whose process died is a Died. When the caller stops asking, all processes are ended.
    """
    waiting, running = iter(tasks), {}
    try:
        while True:
            while len(running) < jobs and (task := next(waiting, None)) is not None:
                receiver, sender = FORK.Pipe(duplex=False)
                process = FORK.Process(target=run, args=(work, task, sender), daemon=True)
                process.start()
                sender.close()
                running[receiver] = task, process
            if not running:
                return
            for receiver in wait(list(running)):
                task, process = running[receiver]
                try:
                    yield task, receiver.recv()
                except EOFError:
                    del running[receiver]
                    process.join()
                    if process.exitcode:
                        yield task, Died(process.exitcode)
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def run(work: Callable[[Task, Send], None], task: Task, sender: Connection) -> None:
    """In the new process. Ctrl-C is for the process that started this one: it ends this one with SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    work(task, sender.send)

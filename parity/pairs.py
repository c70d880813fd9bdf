"""Many small scripts, on torch and on minigrad, without importing either anew for each.

Importing torch takes seconds, most scripts a few tenths. So one process an engine imports it once, with the company
that scripts keep, and forks: each script gets a process, a working directory and random streams of its own.

    with Pair(out, company=("matplotlib.pyplot",)) as pair:
        comparison = pair.compare(script)
        assert not problems(comparison)

Without float64 judges among the engines, "same" means equal to WITHOUT_JUDGES (`tolerances`).
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from parity.compare import Comparison
from parity.engines import ENGINES, REFERENCE, Engine, Run, environment
from parity.lockstep import follow
from parity.records import Finished, Record, Sender, receive
from parity.surroundings import ERRORS, copy_surroundings, prepare
from parity.worker import load, perform, take_over_stdout

SECONDS = 60  # a script that takes longer is ended


class Pair:
    """torch and minigrad, ready to run scripts; `out` gets a directory for each script, as with the command."""

    def __init__(self, out: Path, company: Sequence[str] = (), engines: Sequence[str] = (REFERENCE, "minigrad")):
        self.out = out
        self.servers = {name: Server(ENGINES[name], company) for name in engines}

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *error: object) -> None:
        for server in self.servers.values():
            server.stop()

    def compare(self, script: Path, arguments: Sequence[str] = (), answers: Path | None = None) -> Comparison:
        """Run one script on both and compare everything it does."""
        run = Run(script, tuple(arguments), answers)
        comparison = Comparison(script.stem, list(self.servers))
        directories = {name: prepare(self.out / script.stem / name) for name in self.servers}
        surroundings = [copy_surroundings(script, directory) for directory in directories.values()]
        records = {name: server.run(run, directories[name]) for name, server in self.servers.items()}
        follow(comparison, records, progress=lambda step: None)
        for copied in surroundings:
            copied.remove_unchanged()
        return comparison


class Server:
    """The parent's side of one engine's process."""

    def __init__(self, engine: Engine, company: Sequence[str]):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "parity.pairs", engine.name, *company],
            env=environment(engine),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, run: Run, directory: Path) -> Iterator[Record]:
        """Have it run a script that lies in the directory; its records as they come, the last one a Finished."""
        assert self.process.stdin is not None
        answers = str((run.answers or Path(os.devnull)).resolve())
        request = [str(directory), run.script.name, answers, *run.arguments]
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return self.records()

    def records(self) -> Iterator[Record]:
        assert self.process.stdout is not None
        for record in receive(self.process.stdout):
            yield record
            if isinstance(record, Finished):
                return
        self.stop()
        yield Finished("failed", "the engine's process died, and with it all that it would run")

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()  # a script that still runs finds nobody to report to, and ends
        self.process.kill()  # rather than wait for torch to tidy up
        self.process.wait()


# ---- the other side ----
def serve(name: str, *company: str) -> None:
    """Load the engine, then run each script that a line of standard input asks for."""
    sender = take_over_stdout()
    torch = load(ENGINES[name])
    for module in company:
        importlib.import_module(module)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)  # torch's first optimizer imports for a second
    while request := sys.stdin.buffer.readline():
        directory, script, answers, *arguments = json.loads(request)
        child = os.fork()
        if child == 0:
            enter(directory, answers)
            perform(ENGINES[name], torch, Sender(sender.pipe), script, arguments)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status != 0:
            sender.send(Finished("failed", died(status, directory)))


def enter(directory: str, answers: str) -> None:
    """In the child: work in the directory, with standard input and error of its own, for SECONDS at most."""
    os.chdir(directory)
    os.dup2(os.open(answers, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    errors = os.open(ERRORS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    signal.alarm(SECONDS)


def died(status: int, directory: str) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGALRM:
        return f"it took more than {SECONDS} s"
    lines = Path(directory, ERRORS).read_text(errors="replace").strip().splitlines()
    return f"the process died (exit status {code}): {lines[-1] if lines else 'no word'}"


if __name__ == "__main__":
    serve(*sys.argv[1:])

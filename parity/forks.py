"""Processes that start at once: one imports torch, or minigrad in its place, and the engines are forks of it.

Importing torch takes two seconds, its first optimizer another one, and to tidy up one more; a comparison starts two
engines on torch, or four. So the first engine of a library starts an `Origin`, `python -m parity.forks LIBRARY`, and
that one and all later ones are forks of it. A fork has a working directory, an environment, standard streams and a
session of its own, as a new process has. Libraries read the environment when they load: where it differs in more than
SCRIPTS_OWN, there is another origin.

Only on Linux, and without a GPU: neither CUDA nor the libraries of other systems outlive a fork.
"""

import atexit
import gc
import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

AVAILABLE = sys.platform == "linux"
LONGEST = 1 << 17  # bytes of a request
LIBRARIES = {"torch": ("torch", "minigrad.vision"), "minigrad": ("minigrad.as_torch",)}  # torchvision's stand-in, too
COMPANY = {"matplotlib", "pandas", "sklearn", "tqdm"}  # what scripts import that takes long
IMPORTS = re.compile(r"^\s*(?:import|from)\s+(\w[\w.]*)", re.MULTILINE)
SCRIPTS_OWN = ("FASHION_", "MINIGRAD_DATA", "PYTEST_CURRENT_TEST")  # variables that no library reads when it loads

origins: dict[Hashable, "Origin"] = {}


class OriginLostError(Exception):
    """The process from which to fork has ended."""


@dataclass(frozen=True)
class Request:
    """What a fork is to do: run `module.main(*arguments)`. `company`: modules that may be loaded before it is made."""

    module: str
    arguments: Sequence[str]
    directory: str
    variables: Mapping[str, str]
    company: Sequence[str]


# ---- the side of those who want a process ----
class Fork:
    """A forked process: what EngineProcess needs of a subprocess.Popen."""

    def __init__(self, origin: "Origin", pid: int, stdout: IO[bytes]):
        self.origin = origin
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None

    def kill(self) -> None:
        if self.returncode is None:  # nobody has waited: the number is still this process's
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        if self.returncode is None:
            try:
                self.returncode = int(self.origin.ask({"wait": self.pid}))
            except OriginLostError:
                self.returncode = -signal.SIGKILL
        return self.returncode


class Origin:
    """A process that has a library loaded, and forks."""

    def __init__(self, library: str, variables: Mapping[str, str]):
        self.lock = threading.Lock()
        self.connection, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other_end:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "parity.forks", library, str(other_end.fileno())],
                env=variables,
                pass_fds=[other_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # where an import fails, a fork tries again and says so
                start_new_session=True,  # Ctrl-C is for the one who asks
            )
        atexit.register(self.stop)

    def fork(self, request: "Request", stdin: IO[bytes], stderr: IO[bytes]) -> Fork:
        """A process that does what is requested; its standard output is a pipe."""
        read, write = os.pipe()
        try:
            pid = self.ask(vars(request), (stdin.fileno(), write, stderr.fileno()))
        except OriginLostError:
            os.close(read)
            raise
        finally:
            os.close(write)
        return Fork(self, pid, os.fdopen(read, "rb"))

    def ask(self, request: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
        """What it answers to a request, with which it gets these open files."""
        with self.lock:
            try:
                socket.send_fds(self.connection, [json.dumps(request).encode()], files)
                return json.loads(self.connection.recv(LONGEST))
            except (OSError, ValueError):
                raise OriginLostError from None

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()


def origin(library: str, variables: Mapping[str, str]) -> Origin:
    """This process's origin for a library and an environment, which is made if there is none, or none any more."""
    read_at_load = frozenset(item for item in variables.items() if not item[0].startswith(SCRIPTS_OWN))
    key = os.getpid(), library, read_at_load
    if key not in origins or origins[key].process.poll() is not None:
        origins[key] = Origin(library, variables)
    return origins[key]


def company_of(script: Path) -> list[str]:
    """What takes long to import and may be there before the fork: by the script's text, and not from its own folder."""
    text = script.read_text(encoding="utf-8", errors="replace")
    beside = {path.stem for path in script.parent.iterdir()}
    found = {name for name in IMPORTS.findall(text) if name.partition(".")[0] in COMPANY - beside}
    return sorted(found | ({"torch.optim"} if "optim" in text else set()))


# ---- the origin's side ----
def main(library: str, connection: str) -> None:
    gc.disable()  # a fifth of the time that torch takes to load
    keep(["parity.worker", *LIBRARIES[library]])
    request = serve(socket.socket(fileno=int(connection)))
    gc.enable()
    importlib.import_module(request.module).main(*request.arguments)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(0)  # Python would take a second to tidy up after torch


def serve(connection: socket.socket) -> Request:
    """Fork for each request. Returns in the forks alone: what this one is to do."""
    while True:
        message, files, _, _ = socket.recv_fds(connection, LONGEST, 3)
        if not message:
            os._exit(0)  # nobody is left to ask
        asked = json.loads(message)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        else:
            request = Request(**asked)
            keep(request.company)
            answer = os.fork()
            if answer == 0:
                connection.close()
                enter(request, files)
                return request
            for file in files:
                os.close(file)
        connection.send(json.dumps(answer).encode())


def keep(modules: Sequence[str]) -> None:
    """Have these modules loaded, if they can be."""
    for name in modules:
        with suppress(Exception):
            module = importlib.import_module(name)
            if name == "torch.optim":  # torch's first optimizer loads much more
                module.SGD([sys.modules["torch"].zeros(1, requires_grad=True)], lr=0.1)
    gc.freeze()  # the forks need not look through all this


def enter(request: Request, files: Sequence[int]) -> None:
    """In a fork: what a new process has of its own."""
    os.setsid()
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.variables)
    for standard, file in enumerate(files):  # input, output, errors
        os.dup2(file, standard)
        os.close(file)


if __name__ == "__main__":
    main(*sys.argv[1:])

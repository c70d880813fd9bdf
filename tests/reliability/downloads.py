"""Downloads from servers that misbehave, all on this machine: nothing half written, and a word on what to do."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from unittest import mock
from urllib.parse import unquote

import numpy as np

from minigrad.vision import datasets

from .promise import Outcome, promise, shown

CHAPTER = "Files from strangers"
SILENCE, PATIENCE = 0.3, 0.9  # seconds, in place of 30 and 600


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


IMAGES = idx(np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8))
LABELS = idx(np.arange(5, dtype=np.uint8))
FILES = {name: gzip.compress(IMAGES if "images" in name else LABELS, mtime=0) for name in datasets.MNIST.sha256}


class Small(datasets.MNIST):
    """MNIST, had it five images."""

    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves /MANNER/NAME in a manner of MANNERS."""

    def do_GET(self) -> None:
        _, manner, name = unquote(self.path).split("?")[0].split("/")
        with suppress(OSError):  # the client has gone: so it should
            MANNERS[manner](self, FILES[name])
            self.wfile.flush()

    def begin(self, length: int | None = None, status: int = 200, **headers: str) -> None:
        """The head of an answer."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def cut(self, content: bytes) -> None:
        self.begin(len(content))
        self.wfile.write(content[:50])

    def reset(self, content: bytes) -> None:
        self.cut(content)
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def wait(self, content: bytes) -> None:
        time.sleep(3 * SILENCE)

    def stop_halfway(self, content: bytes) -> None:
        self.cut(content)
        self.wfile.flush()
        time.sleep(3 * SILENCE)

    def drip(self, content: bytes) -> None:
        self.begin(len(content))
        for byte in content:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(SILENCE / 3)

    def pour(self, content: bytes) -> None:
        self.begin()
        for _ in range(200):
            self.wfile.write(bytes(2**20))

    def wrong(self, content: bytes) -> None:
        self.begin(len(content))
        self.wfile.write(bytes(len(content)))

    def good(self, content: bytes) -> None:
        self.begin(len(content))
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


def redirect(target: str) -> Callable[[Handler, bytes], None]:
    """A manner: to send the client elsewhere."""
    return lambda handler, content: handler.begin(0, 302, Location=target)


MANNERS: dict[str, Callable[[Handler, bytes], None]] = {
    "wrong hash": Handler.wrong, "cut connection": Handler.cut, "reset connection": Handler.reset,
    "no answer": Handler.wait, "half an answer": Handler.stop_halfway, "an answer that drips": Handler.drip,
    "an answer without end": Handler.pour,
    "an HTML page": lambda handler, content: (handler.begin(20), handler.wfile.write(b"<html>log in</html> "))[0],
    "status 404": lambda handler, content: handler.send_error(404),
    "status 500": lambda handler, content: handler.send_error(500),
    "status 503": lambda handler, content: handler.send_error(503),
    "no HTTP": lambda handler, content: (handler.wfile.write(b"\x16\x03\x01 what?\r\n\r\n"), None)[1],
    "a length of -1": lambda handler, content: handler.begin(-1),
    "redirected to file://": redirect("file:///etc/passwd"),
    "redirected in a circle": redirect("?again"),
    "redirected to nobody": redirect("http://127.0.0.1:1/"),
    "good": Handler.good,
}


@contextmanager
def server() -> Iterator[str]:
    """A server's address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


def fault(address: str, manner: str) -> str | None:
    """What is wrong with how a download from such a server ends."""
    kind = type("MNIST", (Small,), {"mirrors": [f"{address}/{manner}/".replace(" ", "%20")]})
    with tempfile.TemporaryDirectory() as root:
        start = time.monotonic()
        try:
            kind(root, download=True)
            text = ""
        except RuntimeError as error:
            text = str(error)
        took, left = time.monotonic() - start, [path.name for path in Path(root).rglob("*")]
        hints = ("Error downloading train-images-idx3-ubyte.gz", address, "Nothing was kept", "MINIGRAD_DATA", root)
        if left or not all(hint in text for hint in hints):
            return f"{manner}: files {left}, message {text!r}"
        if took > 3 * PATIENCE + 3:
            return f"{manner}: it took {took:.0f} seconds"
        kind.mirrors += [f"{address}/good/"]  # what was left of the bad one must not be in the good one's way
        return None if len(kind(root, download=True)) == 5 else f"{manner}: the second mirror did not help"


@promise(CHAPTER, "A download that goes wrong leaves nothing half written, ends in time, says what to do, and tries "
                  "the next mirror")
def downloads(quick: bool) -> Outcome:
    manners = [manner for manner in MANNERS if manner != "good"]
    patched = mock.patch.multiple(datasets, SILENCE=SILENCE, PATIENCE=PATIENCE)
    with server() as address, patched, open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        found = [fault(address, manner) for manner in shown(manners, "downloads")]
    return Outcome(f"{len(manners)} ways to misbehave: {', '.join(manners)}", tuple(one for one in found if one))

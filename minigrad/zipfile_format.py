"""torch's file: a zip archive of named records. This module knows bytes and names, nothing of tensors.

    archive/data.pkl              the saved object, as a pickle (see pickling.py)
    archive/.format_version       "1": records stand as below
    archive/.storage_alignment    "64": where in the file the data of every record may start
    archive/byteorder             "little" or "big": the order of the bytes in data/
    archive/data/0, data/1, ...   the memory of the tensors: raw elements
    archive/version               "3"

Records are stored as they are, never compressed, and their data starts at multiples of 64 bytes: so that a file can
be mapped into memory. What stands in the first folder's place (torch takes the file's name) does not matter.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

ALIGNMENT = 64
CHUNK = 1 << 20
NEWEST_VERSION = 10  # the newest "version" that torch itself reads


# ---------------------------------------------------------------------------------------------------- writing


class Writer:
    """Writes records, one after the other, into a file that need not be able to seek."""

    def __init__(self, f: Any) -> None:
        self.f, self.position = f, 0
        self.zip = zipfile.ZipFile(cast(Any, self), "w")  # hands what it writes to `write` below

    def write(self, data: Any) -> int:
        self.f.write(data)
        self.position += len(data)
        return len(data)

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        if hasattr(self.f, "flush"):
            self.f.flush()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, failed: type[BaseException] | None, *exc: object) -> None:
        """Write the archive's table of contents; after an error, let zipfile have its way with nobody's file."""
        if failed is not None:
            self.f = io.BytesIO()
        self.zip.close()

    def record(self, name: str, data: bytes | memoryview) -> None:
        """Add a record; a field that readers skip, filled with Z, moves its data to the next multiple of 64."""
        info = zipfile.ZipInfo(f"archive/{name}")
        start = self.position + 30 + len(info.filename) + 4  # the header, its name, the head of the field
        if len(data) * 1.05 > zipfile.ZIP64_LIMIT:  # zipfile will add a field with sizes of 64 bits
            start += 20
        padding = -start % ALIGNMENT
        info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        self.zip.writestr(info, data)
        info.extra = b""  # not again in the table of contents


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
    if hasattr(os, "O_DIRECTORY"):  # where folders can be opened, put the new name on the disk as well
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------------------------------------------- reading


class Reader:
    """The records of an archive. Whatever does not fit is a RuntimeError that names the file.

    Nothing that the file merely claims is believed: uncompressed records whose sizes add up to no more than the
    file's own cannot make a reader allocate more than that.
    """

    def __init__(self, f: BinaryIO, name: str) -> None:
        self.name = name
        try:
            self.zip = zipfile.ZipFile(f)
            entries = self.zip.infolist()
            size = f.seek(0, os.SEEK_END)
        except Exception as error:  # zipfile trips over damage in many ways
            raise self.damaged(f"it starts as a zip archive, but cannot be read as one ({error})") from error
        root = entries[0].filename.partition("/")[0] + "/" if entries else ""
        self.records = {e.filename[len(root) :]: e for e in entries if e.filename.startswith(root)}
        if any(e.compress_type != zipfile.ZIP_STORED or e.compress_size != e.file_size for e in entries):
            raise self.damaged("its records are compressed, which torch.save never does")
        if sum(e.file_size for e in entries) > size:
            raise self.damaged("its records claim to be larger than the file")
        self._check_kind()

    def _check_kind(self) -> None:
        if "constants.pkl" in self.records:
            raise RuntimeError(
                f"{self.name} is a TorchScript archive (of torch.jit.save): minigrad cannot run TorchScript. "
                "Save the model's state_dict() instead.")
        version = self.read("version").strip()
        if not version.isdigit() or len(version) > 4:
            raise self.damaged(f"its version is {bytes(version)[:20]!r}, not a number")
        if int(version) > NEWEST_VERSION:
            raise RuntimeError(
                f"{self.name} is of version {int(version)} of torch's file format, and the newest that can be read "
                f"is {NEWEST_VERSION}.")

    def damaged(self, what: str) -> RuntimeError:
        """The error for a file that breaks the format."""
        return RuntimeError(f"{self.name} is damaged: {what}. Was it written, copied or downloaded completely?")

    def size(self, record: str) -> int:
        """The number of bytes of a record; RuntimeError if there is no such record."""
        if record not in self.records:
            raise self.damaged(f"it has no record {record!r}")
        return self.records[record].file_size

    def read(self, record: str) -> bytearray:
        """The bytes of a record, once their checksum is found right."""
        found = bytearray(self.size(record))
        left = memoryview(found)
        try:
            with self.zip.open(self.records[record]) as stream:
                while left:
                    count = stream.readinto(left[:CHUNK])  # type: ignore[attr-defined]  # typeshed omits it
                    if not count:
                        raise EOFError("too short")
                    left = left[count:]
        except Exception as error:
            raise self.damaged(f"its record {record!r} cannot be read ({error})") from error
        return found

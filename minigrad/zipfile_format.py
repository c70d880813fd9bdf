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

import os
import struct
from typing import BinaryIO

ALIGNMENT = 64
CHUNK = 1 << 20
NEWEST_VERSION = 10  # the newest "version" that torch itself reads


# ---------------------------------------------------------------------------------------------------- writing


def write_archive(file: BinaryIO, records: dict[str, bytes | memoryview]) -> None:
    """Write records to a file that can seek. A field that readers skip, filled with Z, moves each to its place."""
    import zipfile  # takes long to import, and most scripts never save

    with zipfile.ZipFile(file, "w") as archive:
        for name, data in records.items():
            info = zipfile.ZipInfo(f"archive/{name}")
            start = archive.start_dir + 30 + len(info.filename) + 4  # the header, its name, the head of the field
            if len(data) * 1.05 > zipfile.ZIP64_LIMIT:  # zipfile will add a field with sizes of 64 bits
                start += 20
            padding = -start % ALIGNMENT
            info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
            archive.writestr(info, data)
            info.extra = b""  # not again in the table of contents


# ---------------------------------------------------------------------------------------------------- reading


class Reader:
    """The records of an archive. Whatever does not fit is a RuntimeError that names the file.

    Nothing that the file merely claims is believed: uncompressed records whose sizes add up to no more than the
    file's own cannot make a reader allocate more than that.
    """

    def __init__(self, f: BinaryIO, name: str) -> None:
        import zipfile

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
        if len({e.filename for e in entries}) < len(entries):  # which one counts, each reader decides for itself
            raise self.damaged("it has two records of one name")
        self._check_kind()

    def _check_kind(self) -> None:
        if "constants.pkl" in self.records:
            raise RuntimeError(f"{self.name} is a TorchScript archive (of torch.jit.save): minigrad cannot run "
                               "TorchScript. Save the model's state_dict() instead.")
        version = self.read("version").strip()
        if not version.isdigit() or len(version) > 4 or int(version) > NEWEST_VERSION:
            shown = ascii(version[:20].decode("latin1"))[1:-1]
            raise RuntimeError(f"{self.name} is of torch's file format in version {shown}, which is not a number up to "
                               f"{NEWEST_VERSION}.")

    def damaged(self, what: str) -> RuntimeError:
        """The error for a file that breaks the format."""
        return RuntimeError(f"{self.name} is damaged: {what[:300]}. Was it written, copied or downloaded completely?")

    def size(self, record: str) -> int:
        """The number of bytes of a record; RuntimeError if there is no such record."""
        if record not in self.records:
            raise self.damaged(f"it has no record {record!r}")
        return self.records[record].file_size

    def read(self, record: str) -> bytearray:
        """The bytes of a record, once their checksum is found right."""
        found = bytearray(self.size(record))
        try:
            with self.zip.open(self.records[record]) as stream:
                for start in range(0, len(found), CHUNK):
                    found[start : start + CHUNK] = stream.read(CHUNK)
        except Exception as error:
            raise self.damaged(f"its record {record!r} cannot be read ({error})") from error
        return found

"""Files thought out to do harm, each with the reason for which it is to be refused. All are made by code."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from .hostile import Entry, bomb, honest, with_pickle, written

Case = tuple[str, Callable[[], bytes], str]

TEXT = b"X" + struct.pack("<I", 300_000) + b"a" * 300_000
LATIN1 = b"X\6\0\0\0latin1"
TWICE = b")" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(60))  # a tuple of twice the one before, 60 times
DEEP = b")" + b"\x85" * 100_000
LARGE_NUMBER = b"\x8b" + struct.pack("<I", 100_000) + b"\x7f" * 100_000
FEW_CALLS = 20_000


def program(name: str, code: bytes, reason: str) -> Case:
    return name, lambda: with_pickle(b"\x80\2" + code + b"."), reason


def archive(name: str, change: Callable[[list[Entry]], dict[str, int] | None], reason: str) -> Case:
    """An honest file's entries, changed; what `change` returns is claimed at the archive's end."""

    def make() -> bytes:
        entries = [Entry(*record) for record in honest()[1]]
        return written(entries, change(entries))

    return name, make, reason


def the(entries: list[Entry], name: str) -> Entry:
    return next(entry for entry in entries if entry.name == f"archive/{name}")


def view(offset: int, size: bytes, stride: bytes) -> bytes:
    """A tensor of the honest file's first storage, of 24 numbers: offset, size and stride as instructions."""
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000"
            b"X\3\0\0\0cpuK\x18tQJ" + struct.pack("<i", offset) + size + stride
            + b"\x89ccollections\nOrderedDict\n)RtR")


def tensor(name: str, offset: int, size: bytes, stride: bytes, reason: str) -> Case:
    return name, lambda: with_pickle(b"\x80\2" + view(offset, size, stride) + b".", base=1), reason


def compressed() -> bytes:
    """A file of 10 kB that unpacks to 10 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("archive/data.pkl", bytes(10**7))
    return file.getvalue()


def deflated(entries: list[Entry]) -> None:
    entry = the(entries, "data.pkl")
    entry.data = bomb(10**7)
    entry.central = {"method": 8, "size": 10**7}


def overlapping(entries: list[Entry]) -> None:
    """A hundred records that are one and the same kilobyte."""
    entries += [Entry(f"archive/data/{i + 10}", b"", central={"offset": 0, "size": 1000, "packed": 1000})
                for i in range(100)]


def of(name: str, **claims: int) -> Callable[[list[Entry]], None]:
    """A change: the table of contents claims this of a record."""
    return lambda entries: the(entries, name).central.update(claims)


def renamed(name: str, other: str) -> Callable[[list[Entry]], None]:
    return lambda entries: setattr(the(entries, name), "name", other)


LONG = struct.Struct("<q")
BIG = b"\x8a\x08" + LONG.pack(2**62)
CORPUS: list[Case] = [
    # what calls
    program("os.system", b"cos\nsystem\nX\2\0\0\0ls\x85R", "'os.system'"),
    program("the same by INST", b"(X\2\0\0\0lsios\nsystem\n", "instruction INST"),
    program("the same by STACK_GLOBAL", b"X\2\0\0\0osX\6\0\0\0system\x93", "instruction STACK_GLOBAL"),
    program("eval under Python 2's name", b"c__builtin__\neval\nX\3\0\0\x001+1\x85R", "'__builtin__.eval'"),
    program("minigrad's own load", b"cminigrad.serialization\nload\nX\1\0\0\0x\x85R", "'minigrad.serialization.load'"),
    program("a name with dots", b"ctorch\nnn.Linear\n)R", "'torch.nn.Linear'"),
    program("a class made, not called", b"ctorch\nTensor\n)\x81", "instruction NEWOBJ"),
    program("a state that hides a method", b"ccollections\nOrderedDict\n)R}X\5\0\0\0itemsK\1sb", "'items'"),
    program("an extension", b"\x82\1", "instruction EXT1"),
    program("escape sequences in a name", b"c\x1b[2J\n\x1b[31mred\n", r"x1b"),
    # what hangs or swells
    program("twice as much 60 times, as a key", b"}" + TWICE + b"Ns", "10,000 parts"),
    program("... in a set", b"cbuiltins\nset\n](" + TWICE + b"e\x85R", "over and over"),
    program("... as the name of a storage", TWICE + b"Q", "names a storage"),
    program("... as an encoding", b"c_codecs\nencode\nX\1\0\0\0a" + TWICE + b"\x86R", "over and over"),
    program("... as the name of an attribute", b"ccollections\nOrderedDict\n)R}" + TWICE + b"Nsb", "10,000 parts"),
    tensor("... as a size", 0, TWICE, TWICE, "over and over"),
    program("a tuple 100,000 deep as a key", b"}" + DEEP + b"Ns", "10,000 parts"),
    program("a long text, encoded again and again", b"c_codecs\nencode\nq\1" + TEXT + LATIN1 + b"\x86q\2]("
            + b"h\1h\2R" * FEW_CALLS + b"e", "over and over"),
    program("long bytes, copied again and again", b"cbuiltins\nbytearray\nq\1c_codecs\nencode\n" + TEXT + LATIN1
            + b"\x86R\x85q\2](" + b"h\1h\2R" * FEW_CALLS + b"e", "over and over"),
    program("a large set, made again and again", b"cbuiltins\nset\nq\1(" + b"".join(b"M%c%c" % (i & 255, i >> 8)
            for i in range(20_000)) + b"t\x85q\2](" + b"h\1h\2R" * FEW_CALLS + b"e", "over and over"),
    program("a large state, set again and again", b"}(" + b"".join(b"X\5\0\0\0%05dN" % i for i in range(9000))
            + b"uq\1ccollections\nOrderedDict\nq\2](" + b"h\2)Rh\1b" * FEW_CALLS + b"e", "over and over"),
    program("a large key, used again and again", b"(" + b"K\1" * 9000 + b"tq\1}(" + b"h\1N" * FEW_CALLS + b"u",
            "over and over"),
    program("a large number, hashed again and again", LARGE_NUMBER + b"q\1}(" + b"h\1N" * FEW_CALLS + b"u",
            "10,000 parts"),
    program("a text of 4 GB that is not there", b"X\xff\xff\xff\xffabc", "damaged"),
    program("a number of 2 GB that is not there", b"\x8b\xff\xff\xff\x7fabc", "damaged"),
    program("a memo of two thousand million", b"Nr\xff\xff\xff\x7fj\xff\xff\xff\x7e", "Memo value not found"),
    program("2 GB of zeros, asked for", b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R", "int where a bytes"),
    ("an archive that unpacks to a thousand times its size", compressed, "compressed"),
    archive("... in one record", deflated, "compressed"),
    archive("a hundred records of the same bytes", overlapping, "larger than the file"),
    # what lies
    archive("a record larger than the file", of("data/0", size=2**31, packed=2**31), "larger than the file"),
    archive("a record of another size in its pickle", of("data/0", size=95, packed=95), "95 bytes for 24 elements"),
    archive("a wrong checksum of numbers", of("data/0", sum=1), "CRC"),
    archive("a wrong checksum of the pickle", of("data.pkl", sum=1), "CRC"),
    archive("an encrypted record", of("data/0", flags=1), "'data/0' cannot be read"),
    archive("a way to compress that nobody knows", of("data/0", method=99), "compressed"),
    archive("a record behind the end", of("data/0", offset=2**31), "cannot be read"),
    archive("a record that lies in another", of("data/0", offset=0), "cannot be read"),
    archive("two records of one name", lambda e: e.append(Entry("archive/data/0", bytes(96))), "two records"),
    archive("two pickles", lambda e: e.append(Entry("archive/data.pkl", b"N.")), "two records"),
    archive("a path that climbs out", renamed("data/0", "../../../../tmp/climbed"), "no record 'data/0'"),
    archive("an absolute path", renamed("data/0", "/tmp/climbed"), "no record 'data/0'"),
    archive("no records", lambda e: e.clear(), "."),
    archive("a table of contents behind the end", lambda e: {"start": 2**31}, "."),
    archive("neither little nor big", lambda e: setattr(the(e, "byteorder"), "data", b"middle"), "order of bytes"),
    archive("a format of the future", lambda e: setattr(the(e, "version"), "data", b"999"), "version 999"),
    # views of memory that is not theirs
    tensor("one number too many", 0, b"K\x19\x85", b"K\1\x85", "does not fit"),
    tensor("an offset of one", 1, b"K\x18\x85", b"K\1\x85", "does not fit"),
    tensor("a stride too long", 0, b"K\2\x85", b"K\x18\x85", "does not fit"),
    tensor("a negative offset", -1, b"K\1\x85", b"K\1\x85", "not sizes"),
    tensor("a negative stride", 23, b"K\2\x85", b"J\xff\xff\xff\xff\x85", "not sizes"),
    tensor("a negative size", 0, b"J\xff\xff\xff\xff\x85", b"K\1\x85", "not sizes"),
    tensor("sizes whose product overflows", 0, BIG + BIG + b"\x86", b"K\0K\0\x86", "not sizes"),
    tensor("sizes whose product is zero, modulo 2 to the 64th", 0, b"\x8a\x05\0\0\0\0\1" * 2 + b"\x86",
           b"K\0K\0\x86", "."),
    tensor("a stride that overflows", 0, b"K\2\x85", BIG + b"\x85", "not sizes"),
    tensor("more strides than sizes", 0, b"K\1\x85", b"K\1K\1\x86", "damaged"),
    tensor("a hundred dimensions", 0, b"(" + b"K\1" * 100 + b"t", b"(" + b"K\1" * 100 + b"t", "not sizes"),
    tensor("True as a size", 0, b"\x88\x85", b"K\1\x85", "not sizes"),
]

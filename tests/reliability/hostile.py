"""Makes torch's files as a stranger might: honest ones, changed where it may hurt. The same number, the same file.

A file is an archive of records, one of which is a pickle, a program for a stack machine. So there are three ways to
change one that keep the other layers intact: its bytes, its archive's entries, and its pickle's instructions.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import random
import struct
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import minigrad as mg

Record = tuple[str, bytes]

NUMBERS = [0, 1, 2, 3, 7, 63, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**33, 2**62, 2**63 - 1, 2**64 - 1]
NAMES = ["os system", "posix system", "nt system", "subprocess Popen", "subprocess check_output", "builtins eval",
         "builtins exec", "builtins getattr", "builtins __import__", "builtins open", "builtins print", "builtins type",
         "builtins list", "builtins object", "__builtin__ eval", "__builtin__ set", "builtins set", "builtins bytes",
         "builtins bytearray", "builtins complex", "collections OrderedDict", "collections Counter",
         "collections defaultdict", "_codecs encode", "_codecs decode", "codecs encode", "functools partial",
         "operator attrgetter", "operator itemgetter", "types FunctionType", "types CodeType",
         "importlib import_module",
         "torch Size", "torch device", "torch float32", "torch bfloat16", "torch Tensor", "torch FloatStorage",
         "torch LongStorage", "torch load", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3",
         "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state", "torch hub.load",
         "torch._tensor _rebuild_from_type_v2", "torch.storage UntypedStorage", "torch.nn.parameter Parameter",
         "torch.nn.modules.linear Linear", "torch.serialization load", "minigrad.serialization load",
         "minigrad.pickling GLOBALS", "minigrad.files replacing", "numpy.core.multiarray _reconstruct", "numpy dtype",
         "numpy fromfile", "pickle loads", "socket create_connection", "webbrowser open", "pathlib Path", "x", " ",
         "é è"]
FILE_NAMES = ["../../../../tmp/climbed", "/tmp/climbed", "archive/../../climbed", "..\\climbed", "C:\\climbed", "\0",
              "", "archive/", "a" * 5000, "archive/data.pkl", "archive/data/0", "archive/version", "other/data.pkl",
              "é", "archive/constants.pkl", "archive/byteorder", "archive/.data/serialization_id"]


# ------------------------------------------------------------------------------------------------- honest files


@cache
def honest() -> tuple[tuple[Record, ...], ...]:
    """The records of files as they are saved: of training, of views, of plain values."""
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.BatchNorm1d(4), mg.nn.ReLU(), mg.nn.Linear(4, 1))
    optimizer = mg.optim.Adam(model.parameters())
    model(mg.randn(5, 3)).sum().backward()
    optimizer.step()
    x, named = mg.arange(24.0).reshape(4, 6), mg.ones(2)
    named.note = "mine"
    plain = {"set": {1, (2, 3)}, "bytes": [b"", b"abc", bytearray(b"xy")], "big": 2**200, "size": mg.Size([2, 3]),
             (1, "two"): [1.5, 1j, None, True], "ordered": OrderedDict(a=1), "count": Counter("hello"),
             "device": mg.device("cpu"), "dtype": mg.float64}
    objects: list[Any] = [
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3},
        {"x": x, "t": x.t(), "part": x[1:3, 2:], "wide": x[:1].expand(3, 6), "none": x[:0], "one": mg.tensor(1)},
        [named, mg.nn.Parameter(mg.ones(3)), mg.zeros(2, dtype=mg.bool), mg.ones(1, dtype=mg.float16)],
        plain,
    ]
    return tuple(records_of(saved(obj)) for obj in objects)


def saved(obj: Any) -> bytes:
    """An object as the bytes of a file."""
    file = io.BytesIO()
    mg.save(obj, file)
    return file.getvalue()


def records_of(content: bytes) -> tuple[Record, ...]:
    """The records of an archive, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())


def with_pickle(program: bytes, base: int = 0) -> bytes:
    """A file whose archive is sound, that of an honest file, and whose pickle is this."""
    return written([Entry(name, program if name.endswith("data.pkl") else data) for name, data in honest()[base]])


# ----------------------------------------------------------------------------------------------- the archive


@dataclass
class Entry:
    """A record, and what the archive says of it; what is not given is the truth."""

    name: str
    data: bytes
    local: dict[str, int] = field(default_factory=dict)  # in front of the data: sum, packed, size, method, flags
    central: dict[str, int] = field(default_factory=dict)  # in the table of contents: these, and offset
    extra: bytes = b""


def written(entries: list[Entry], end: dict[str, int] | None = None, comment: bytes = b"") -> bytes:
    """An archive of these entries, written out by hand, with all lies that they tell."""
    out, contents = bytearray(), bytearray()
    for entry in entries:
        name = entry.name.encode("utf-8", "surrogateescape")
        truth = {"flags": 0x800, "method": 0, "sum": zlib.crc32(entry.data), "packed": len(entry.data),
                 "size": len(entry.data), "offset": len(out)}
        here, there = truth | entry.local, truth | entry.central
        out += struct.pack("<IHHHIIIIHH", 0x04034B50, 20, *bounded("HH", here, "flags", "method"), 0,
                           *bounded("III", here, "sum", "packed", "size"), len(name), len(entry.extra))
        out += name + entry.extra + entry.data
        contents += struct.pack("<IHHHHIIIIHHHHHII", 0x02014B50, 20, 20, *bounded("HH", there, "flags", "method"), 0,
                                *bounded("III", there, "sum", "packed", "size"), len(name), len(entry.extra), 0, 0, 0,
                                0, *bounded("I", there, "offset"))
        contents += name + entry.extra
    ending = {"count": len(entries), "length": len(contents), "start": len(out)} | (end or {})
    closing = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *bounded("HHII", ending, "count", "count", "length", "start"),
                          len(comment))
    return bytes(out + contents + closing + comment)


def bounded(format: str, values: dict[str, int], *names: str) -> list[int]:
    """The named values, cut to the bits that there are for them."""
    return [values[name] % (1 << 16 if letter == "H" else 1 << 32) for letter, name in zip(format, names, strict=True)]


def changed_archive(rng: random.Random) -> bytes:
    """Sound records in an archive that lies."""
    entries = [Entry(name, data) for name, data in rng.choice(honest())]
    end: dict[str, int] = {}
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        one = rng.randrange(len(entries))
        entry = entries[one]
        match rng.randrange(9):
            case 0:
                entry.central[rng.choice(["sum", "packed", "size", "offset", "flags", "method"])] = odd(rng)
            case 1:
                entry.local[rng.choice(["sum", "packed", "size", "flags", "method"])] = odd(rng)
            case 2:
                end[rng.choice(["count", "length", "start"])] = odd(rng)
            case 3:
                entry.name = rng.choice(FILE_NAMES)
            case 4:
                entries.append(Entry(entry.name, rng.choice([entry.data, b"", b"10", entry.data[::-1]])))
            case 5:
                entries[one:one + 1] = []
                entries = entries or [entry]
            case 6:
                entry.data = rng.choice([b"", entry.data[:-1], entry.data + b"\0", bytes(rng.randrange(3000))])
            case 7:
                size = rng.choice([10**3, 10**6, 10**7])
                entry.data = bomb(size)
                entry.central |= {"method": 8, "size": rng.choice([size, len(entry.data)])}
            case 8:
                wide = struct.pack("<HHQQQ", 1, 24, *rng.choices(NUMBERS, k=3))
                entry.extra = rng.choice([wide, wide[:9], b"\1\0\xff\xff", b"FB\2\0ZZ"])
                entry.central |= dict.fromkeys(rng.sample(["packed", "size", "offset"], 2), 2**32 - 1)
    return written(entries, end, rng.choice([b"", b"", b"PK\5\6" + bytes(18), bytes(70)]))


@cache
def bomb(size: int) -> bytes:
    """So many zeros, compressed to a thousandth."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packing.compress(bytes(size)) + packing.flush()


def odd(rng: random.Random) -> int:
    """A number that somebody has not thought of, perhaps."""
    return rng.choice([rng.choice(NUMBERS), rng.randrange(300), rng.getrandbits(32), -rng.choice(NUMBERS)])


# ------------------------------------------------------------------------------------------------ the pickle


def instructions(program: bytes) -> list[bytes]:
    """A pickle, cut into its instructions."""
    starts = [at for _, _, at in pickletools.genops(program)]
    return [program[a:b] for a, b in zip(starts, [*starts[1:], len(program)], strict=True)]


@cache
def honest_instructions() -> tuple[tuple[bytes, ...], ...]:
    """The honest files' pickles, cut up."""
    return tuple(tuple(instructions(dict(records)["archive/data.pkl"])) for records in honest())


def constant(rng: random.Random) -> bytes:
    """Instructions that push some value."""
    value: Any = rng.choice([odd(rng), None, True, 1.5, "", "cpu", "0", "latin1", "storage", "é", (), (1, 2), [], {},
                             [1], {"a": 1}, -1, 2**500, "x" * rng.randrange(100), float("nan"), OrderedDict(a=1)])
    return pickle.dumps(value, 2)[2:-1]


def name(rng: random.Random) -> bytes:
    """The instruction that pushes what has a name."""
    return b"c" + rng.choice(NAMES).replace(" ", "\n", 1).encode() + b"\n"


def snippet(rng: random.Random) -> bytes:
    """A few instructions that may make sense."""
    return rng.choice([
        lambda: constant(rng), lambda: constant(rng), lambda: name(rng),
        lambda: name(rng) + constant(rng) + b"\x85R",  # a call with one argument
        lambda: name(rng) + constant(rng) + constant(rng) + b"\x86R",
        lambda: name(rng) + b")R" + constant(rng) + b"b",  # with its state
        lambda: name(rng) + b")" + rng.choice([b"\x81", b"R", b"\x85R", b"o"]),
        lambda: b"(" + constant(rng) * rng.randrange(5) + rng.choice([b"t", b"l", b"d", b"e", b"u", b"1"]),
        lambda: b"(X\7\0\0\0storage" + name(rng) + b"X\1\0\0\0" + b"%d" % rng.randrange(3) + b"X\3\0\0\0cpuK\x0ctQ",
        lambda: b"q" + bytes([rng.randrange(4)]), lambda: b"h" + bytes([rng.randrange(4)]),
        lambda: b"r" + struct.pack("<I", odd(rng) % 2**32), lambda: b"j" + struct.pack("<I", odd(rng) % 2**32),
        lambda: rng.choice([b")", b"]", b"}", b"("]) * rng.randrange(1, 4),
        lambda: rng.choice([b"\x85", b"\x86", b"\x87", b"a", b"s", b"R", b"Q", b"b", b"0", b"2", b"e", b"u", b"t"]),
        lambda: b")" + b"\x85" * rng.choice([10, 1000, 20_000]),  # deep
        lambda: b")" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(rng.choice([5, 60]))),  # each part used twice
        lambda: b"X" + struct.pack("<I", odd(rng) % 2**32) + b"abc",
        lambda: b"\x8a" + bytes([rng.randrange(256)]) + b"ab",
        lambda: b"\x8b" + struct.pack("<I", odd(rng) % 2**32) + b"ab",
        lambda: bytes([rng.randrange(256)]),
        lambda: rng.choice([b"ios\nsystem\n", b"\x8c\2os\x8c\6system\x93", b"\x82\1", b"\x95" + bytes(8), b"Pid\n",
                            b"."]),
    ])()


def changed_pickle(rng: random.Random) -> bytes:
    """A sound archive whose pickle is an honest one with a few instructions changed."""
    number = rng.randrange(len(honest()))
    base = list(honest_instructions()[number])
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at = rng.randrange(len(base))
        match rng.randrange(7):
            case 0:
                base[at] = snippet(rng)
            case 1:
                base.insert(at, snippet(rng))
            case 2:
                base[at:at + rng.randrange(1, 5)] = []
                base = base or [b"N"]
            case 3:
                base.insert(at, rng.choice(base))
            case 4:
                other = rng.randrange(len(base))
                base[at], base[other] = base[other], base[at]
            case 5:
                base[at] = changed_argument(rng, base[at])
            case 6:
                start = rng.randrange(len(base))
                base[at:at] = base[start:start + rng.randrange(1, 40)] * rng.choice([1, 1, 2, 50])
    return with_pickle(b"".join(base), number)


def changed_argument(rng: random.Random, instruction: bytes) -> bytes:
    """The same instruction with another argument: another number or another name."""
    code = instruction[:1]
    if code in b"KMJ":
        return rng.choice([b"K" + bytes([rng.randrange(256)]), b"J" + struct.pack("<I", odd(rng) % 2**32), b"\x88",
                           b"N", pickle.dumps(odd(rng), 2)[2:-1]])
    if code == b"c":
        return name(rng)
    if code == b"X":
        return pickle.dumps(rng.choice(["", "storage", "cpu", "cuda:0", "0", "99", "../0", "_metadata", "__class__"]),
                            2)[2:-1]
    return instruction[:-1] + bytes([rng.randrange(256)])


def program(rng: random.Random) -> bytes:
    """A sound archive whose pickle is a program made up at random."""
    parts = [snippet(rng) for _ in range(rng.choice([1, 2, 3, 5, 10, 30]))]
    return with_pickle(b"\x80\2" + b"".join(parts) + b".")


# ------------------------------------------------------------------------------------------------- the bytes


def changed_bytes(rng: random.Random, content: bytes | None = None) -> bytes:
    """A file with some of its bytes changed."""
    changed = bytearray(written([Entry(*record) for record in rng.choice(honest())]) if content is None else content)
    for _ in range(rng.choice([1, 1, 2, 10])):
        at = rng.randrange(len(changed) + 1)
        length = min(rng.choice([1, 2, 4, 16, 100, 1000]), len(changed) - at)
        match rng.randrange(6):
            case 0:
                del changed[at:]
            case 1 if changed:
                changed[at % len(changed)] ^= 1 << rng.randrange(8)
            case 2:
                changed[at:at + length] = rng.randbytes(length)
            case 3:
                del changed[at:at + length]
            case 4:
                changed[at:at] = rng.choice([bytes(length), rng.randbytes(length), changed[at:at + length], b"PK\3\4"])
            case 5:
                changed[at:at + length] = rng.choice([b"\0", b"\xff"]) * length
    return bytes(changed)


MAKERS: tuple[tuple[int, Callable[[random.Random], bytes]], ...] = (
    (3, changed_pickle), (3, program), (3, changed_archive), (1, changed_bytes))


def torch_file(number: int) -> bytes:
    """The file of this number."""
    rng = random.Random(f"torch {number}")
    weights, makers = zip(*MAKERS, strict=True)
    return rng.choices(makers, weights)[0](rng)


def idx_file(number: int) -> tuple[bytes, int]:
    """The IDX file of this number, and how many dimensions it should have."""
    rng = random.Random(f"idx {number}")
    ndim = rng.choice([1, 3])
    shape = [rng.choice([0, 1, 5]), *[28] * (ndim - 1)]
    magic = rng.choice([0x0800 + ndim] * 4 + [0x0D00 + ndim, odd(rng) % 2**32])
    sizes = [rng.choice([n, n, n, n, odd(rng) % 2**32]) for n in shape]
    length = rng.choice([shape[0] * 784 ** (ndim // 3)] * 4 + [rng.randrange(5000)])
    content = struct.pack(f">{1 + ndim}I", magic, *sizes) + rng.randbytes(length)
    return (changed_bytes(rng, content) if rng.random() < 0.3 else content), ndim

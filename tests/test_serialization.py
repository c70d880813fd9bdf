"""minigrad.save and load against torch's: files both ways, damage, strangers' pickles, and what a crash leaves."""

from __future__ import annotations

import gc
import io
import math
import os
import pickle
import random
import stat
import struct
import subprocess
import sys
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.serialization import load, save

ERRORS = (RuntimeError, pickle.UnpicklingError)
DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
ENGINES = {"torch": (torch, torch.save, torch.load), "minigrad": (mg, save, load)}
WAYS = [("minigrad", "torch"), ("torch", "minigrad"), ("minigrad", "minigrad")]


def written(obj: Any, by: Any = save) -> bytes:
    file = io.BytesIO()
    by(obj, file)
    return file.getvalue()


def passed(obj: Any, source: str, target: str, **options: Any) -> Any:
    """Saved by one engine, loaded by the other."""
    return ENGINES[target][2](io.BytesIO(written(obj, ENGINES[source][1])), **options)


def edited(raw: bytes, **changes: Any) -> io.BytesIO:
    """The archive with some records replaced (by bytes or a function of the old ones), or left out (by None)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            change = changes.get(name.partition("/")[2].replace("/", "_").replace(".", "_"), data)
            data = change(data) if callable(change) else change
            if data is not None:
                new.writestr(name, data)
    return io.BytesIO(out.getvalue())


def with_pickle(pickled: bytes) -> io.BytesIO:
    return edited(written(None), data_pkl=pickled)


def plain(x: Any) -> Any:
    """Something that == compares with types, order, strides, NaN and all: the same for both engines' objects."""
    if isinstance(x, (mg.Tensor, torch.Tensor)):
        values = x.detach().numpy()
        return (type(x).__name__, str(x.dtype), tuple(x.shape), x.requires_grad, values.tobytes(), x.__dict__)
    if isinstance(x, (mg.dtype, torch.dtype, mg.device, torch.device, mg.Size, torch.Size)):
        return repr(x)
    if isinstance(x, dict):
        return type(x).__name__, [(plain(k), plain(v)) for k, v in x.items()], plain(getattr(x, "_metadata", None))
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [plain(v) for v in x]
    if isinstance(x, set):
        return "set", sorted(map(repr, x))
    return type(x).__name__, struct.pack("d", x) if isinstance(x, float) else x


# ------------------------------------------------------------------------------------------------ both ways


@st.composite
def tensor_recipes(draw: Any) -> Any:
    """A function from an engine to a tensor: any dtype and shape, possibly a transposed or sliced view."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    values = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 2 if dtype == "bool" else 100, shape)
    transposed, sliced = draw(st.booleans()), draw(st.booleans())
    grad, parameter = dtype.startswith("float") and draw(st.booleans()), draw(st.booleans())

    def make(engine: Any) -> Any:
        t = engine.tensor(values.tolist(), dtype=getattr(engine, dtype)).reshape(shape)
        t = t[1:] if sliced and shape else t
        t = t.permute(*reversed(range(len(shape)))) if transposed and shape else t
        return engine.nn.Parameter(t, requires_grad=grad) if parameter else t.requires_grad_(grad)

    return make


def fixed(values: Any) -> Any:
    return values.map(lambda v: lambda engine: v)


keys = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.tuples(st.integers(), st.text()))
leaves = st.one_of(
    tensor_recipes(),
    fixed(st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**200), 2**200), st.floats())),
    fixed(st.one_of(st.complex_numbers(allow_nan=False), st.text(), st.binary(), st.binary().map(bytearray))),
    fixed(st.sets(st.integers() | st.text())),
    st.sampled_from(DTYPES).map(lambda name: lambda engine: getattr(engine, name)),
    st.sampled_from(["cpu", "cuda:1", "cuda"]).map(lambda name: lambda engine: engine.device(name)),
    st.lists(st.integers(0, 2**40), max_size=4).map(lambda sizes: lambda engine: engine.Size(sizes)),
)


def containers(inner: Any) -> Any:
    return st.one_of(
        st.lists(inner, max_size=4).map(lambda rs: lambda engine: [r(engine) for r in rs]),
        st.lists(inner, max_size=4).map(lambda rs: lambda engine: tuple(r(engine) for r in rs)),
        st.dictionaries(keys, inner, max_size=4).map(lambda rs: lambda e: {k: r(e) for k, r in rs.items()}),
        st.dictionaries(keys, inner, max_size=4).map(lambda rs: lambda e: OrderedDict((k, rs[k](e)) for k in rs)),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(leaves, containers, max_leaves=8))
def test_nested_values_pass_both_ways(recipe: Any) -> None:
    for source, target in WAYS:
        if source == "torch" and b"" in repr_bytes(recipe(torch)):
            continue  # torch does not load its own empty bytes
        want = recipe(ENGINES[source][0])
        assert plain(passed(want, source, target)) == plain(want)


def repr_bytes(x: Any) -> list[Any]:
    """All bytes in nested containers."""
    if isinstance(x, dict):
        return [b for v in x.values() for b in repr_bytes(v)]
    if isinstance(x, (list, tuple)):
        return [b for v in x for b in repr_bytes(v)]
    return [x] if isinstance(x, bytes) else []


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_with_extreme_values(source: str, target: str, dtype: str) -> None:
    engine = ENGINES[source][0]
    values = [0, 1] if dtype == "bool" else [0, 1, 100]
    values += [math.inf, -math.inf, math.nan, -0.0] if dtype.startswith("float") else []
    want = [engine.tensor(values, dtype=getattr(engine, dtype)), engine.tensor(1, dtype=getattr(engine, dtype))]
    assert plain(passed(want, source, target)) == plain(want)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_views_save_their_storage_once_and_share_it_after_loading(source: str, target: str) -> None:
    x = ENGINES[source][0].arange(1000.0).reshape(10, 100)
    views = {"x": x, "t": x.t(), "part": x[2:5, 10:20:3], "wide": x[:1].expand(4, 100), "detached": x.detach()}
    raw = written(views, ENGINES[source][1])
    assert [n for n in zipfile.ZipFile(io.BytesIO(raw)).namelist() if "/data/" in n and ".data" not in n] == [
        "archive/data/0"
    ]
    loaded = ENGINES[target][2](io.BytesIO(raw))
    for name, view in views.items():
        assert plain(loaded[name]) == plain(view) and loaded[name].stride() == view.stride()
    loaded["x"][2, 10] = -7.0
    assert loaded["part"][0, 0] == loaded["t"][10, 2] == loaded["detached"][2, 10] == -7


def test_a_part_saves_the_whole_storage_as_torch_does() -> None:
    for engine, write, _ in ENGINES.values():
        raw = written(engine.zeros(1000)[:2], write)
        assert zipfile.ZipFile(io.BytesIO(raw)).getinfo("archive/data/0").file_size == 4000


def test_loaded_views_share_a_version() -> None:
    x = mg.ones(3)
    a, b = load(io.BytesIO(written([x, x[:2]])))
    w = mg.ones(2, requires_grad=True)
    y = (w * b).sum()
    a.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()


def test_memory_that_only_numpy_knows_is_saved_as_a_copy() -> None:
    base = np.arange(10.0)
    fields = np.zeros(3, [("a", "i1"), ("b", "f8")])
    buffer = np.frombuffer(b"\0" * 3 + base.tobytes(), np.uint8)[3:].view(np.float64)
    for array in (base[::-2], fields["b"], buffer, np.lib.stride_tricks.as_strided(base, (3, 2), (8, 8))):
        tensor = mg.ones(1).double()
        tensor.array = array
        assert torch.equal(torch.load(io.BytesIO(written(tensor))), torch.from_numpy(array.copy()))


def test_same_memory_as_two_dtypes_is_an_error_as_in_torch() -> None:
    array = np.zeros(4, np.float32)
    with pytest.raises(RuntimeError, match="float32 and int32"):
        written([mg.from_numpy(array), mg.from_numpy(array.view(np.int32))])
    x = torch.zeros(4)
    with pytest.raises(RuntimeError):
        written([x, x.view(torch.int32)], torch.save)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_attributes_aliases_and_cycles(source: str, target: str) -> None:
    engine = ENGINES[source][0]
    x, p = engine.ones(2), engine.nn.Parameter(engine.ones(2))
    x.note, p.note = "mine", [1]
    items: list[Any] = [x, p, x, Counter("hello")]
    items.append(items)
    found = passed(items, source, target)
    assert found[0].note == "mine" and found[1].note == [1] and found[0] is found[2]
    assert type(found[1]).__name__ == "Parameter" and found[3] == Counter("hello") and found[4] is found


def train(engine: Any, model: Any, optimizer: Any, steps: int = 3) -> list[float]:
    x = engine.tensor([[0.5, -1.0], [2.0, 1.0], [0.0, 1.5]])
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def setup(engine: Any, name: str) -> tuple[Any, Any]:
    engine.manual_seed(3)
    model = engine.nn.Sequential(engine.nn.Linear(2, 4), engine.nn.ReLU(), engine.nn.Linear(4, 1))
    options = {"momentum": 0.9} if name == "SGD" else {}
    return model, getattr(engine.optim, name)(model.parameters(), lr=0.01, **options)


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("name", [n for n in ("SGD", "Adam", "AdamW") if hasattr(mg.optim, n)])
def test_a_checkpoint_continues_on_the_other_engine(source: str, target: str, name: str) -> None:
    model, optimizer = setup(ENGINES[source][0], name)
    train(ENGINES[source][0], model, optimizer)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    loaded = passed(state, source, target)
    assert plain(loaded) == plain(state)
    assert loaded["model"]._metadata[""] == {"version": 1}
    other_model, other_optimizer = setup(ENGINES[target][0], name)
    other_model.load_state_dict(loaded["model"])
    other_optimizer.load_state_dict(loaded["optimizer"])
    want = train(ENGINES[source][0], model, optimizer)
    assert train(ENGINES[target][0], other_model, other_optimizer) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_whole_model_needs_weights_only_false(source: str, target: str) -> None:
    model, optimizer = setup(ENGINES[source][0], "SGD")
    train(ENGINES[source][0], model, optimizer)
    model[0].bias.requires_grad_(False)
    with pytest.raises(pickle.UnpicklingError, match="torch.nn.modules.container.Sequential.*(?s:.)*weights_only"):
        passed(model.eval(), source, target)
    found, found_optimizer = passed((model, optimizer), source, target, weights_only=False)
    assert repr(found) == repr(model) and not found[0].training and not found[0].bias.requires_grad
    assert plain(found.state_dict()) == plain(model.state_dict())
    assert found_optimizer.param_groups[0]["params"][0] is found[0].weight
    want = train(ENGINES[source][0], model, optimizer)
    assert train(ENGINES[target][0], found, found_optimizer) == pytest.approx(want, rel=1e-5)


class MyModel(mg.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = mg.nn.Linear(2, 2)
        self.register_buffer("seen", mg.zeros(1))
        self.half = self.layer.weight.detach()[0]

    def forward(self, x: Any) -> Any:
        return mg.relu(self.layer(x)) + self.seen


def test_a_model_of_ones_own() -> None:
    model = MyModel()
    found = passed(model, "minigrad", "minigrad", weights_only=False)
    assert plain(found(mg.ones(2))) == plain(model(mg.ones(2))) and list(found._buffers) == ["seen"]
    found.half.zero_()
    assert not found.layer.weight[0].any()  # still the parameter's memory


def test_files_are_laid_out_as_torchs() -> None:
    state = {"a": torch.ones(3), "b": torch.zeros(100, dtype=torch.int64)}
    ours = written({"a": mg.ones(3), "b": mg.zeros(100, dtype=mg.int64)})
    theirs = written(state, torch.save)
    archives = [zipfile.ZipFile(io.BytesIO(raw)) for raw in (ours, theirs)]
    names = [[n for n in z.namelist() if n != "archive/.data/serialization_id"] for z in archives]
    assert names[0] == names[1]
    for name in names[0]:
        assert archives[0].read(name) == archives[1].read(name), name  # the pickle, too, byte for byte
        info = archives[0].getinfo(name)
        name_size, extra_size = struct.unpack_from("<HH", ours, info.header_offset + 26)
        assert (info.header_offset + 30 + name_size + extra_size) % 64 == 0 and info.compress_type == 0
    assert ours == written({"a": mg.ones(3), "b": mg.zeros(100, dtype=mg.int64)})  # no clock, no chance


def test_torch_maps_our_files_into_memory(tmp_path: Path) -> None:
    save({"a": mg.arange(5.0)}, tmp_path / "x.pt")
    assert torch.load(tmp_path / "x.pt", mmap=True)["a"].tolist() == [0, 1, 2, 3, 4]
    assert load(tmp_path / "x.pt", mmap=True)["a"].tolist() == [0, 1, 2, 3, 4]
    assert torch.load(str(tmp_path / "x.pt"), weights_only=False)["a"].tolist() == [0, 1, 2, 3, 4]


def test_minigrad_alone_saves_and_loads_without_torch(tmp_path: Path) -> None:
    """In the guise of torch, too: as_torch renames the modules."""
    script = (
        "import sys; {}; from minigrad.serialization import save, load; import minigrad as mg\n"
        "m = mg.nn.Sequential(mg.nn.Linear(2, 2)); save((m, mg.float32, mg.Size([1])), sys.argv[1])\n"
        "print(load(sys.argv[1], weights_only=False)[0][0].weight.tolist() == m[0].weight.tolist())"
    )
    for start in ("sys.modules['torch'] = None", "import minigrad.as_torch"):
        path = tmp_path / f"{len(start)}.pt"
        command = [sys.executable, "-W", "error", "-c", script.format(start), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
        assert done.stdout == "True\n", done.stderr
        assert repr(torch.load(path, weights_only=False)[0]) == repr(torch.nn.Sequential(torch.nn.Linear(2, 2)))


def test_a_file_of_the_other_byte_order() -> None:
    raw = written(mg.tensor([1.0, 2.0]))
    found = load(edited(raw, byteorder=b"big", data_0=lambda d: np.frombuffer(d, "<f4").byteswap().tobytes()))
    assert found.tolist() == [1, 2]


# ------------------------------------------------------------------------------------------- files and places


def test_paths_and_files(tmp_path: Path) -> None:
    for f in (tmp_path / "a.pt", str(tmp_path / "b.pt"), os.fsencode(tmp_path / "c.pt")):
        save([1], f)
        assert load(f) == [1]
    with open(tmp_path / "d.pt", "w+b") as file:
        file.write(b"before")
        save(mg.ones(2), file)
        file.seek(6)
        assert load(file).tolist() == [1, 1]
    for bad in (3, None):
        for call in (save, torch.save):
            with pytest.raises(AttributeError, match="'write'"):
                call(1, bad)
        for call in (load, torch.load):
            with pytest.raises(AttributeError, match="seek"):
                call(bad)
    with pytest.raises(TypeError, match="rb"), open(__file__) as text:
        load(text)
    for call in (load, torch.load):
        with pytest.raises(FileNotFoundError):
            call(tmp_path / "none.pt")
        with pytest.raises(RuntimeError):
            call(io.BytesIO(written(1)), pickle_module=pickle, weights_only=True)
    for call in (save, torch.save):
        with pytest.raises(RuntimeError, match="Parent directory .*none does not exist"):
            call(1, tmp_path / "none" / "x.pt")
        with pytest.raises(RuntimeError):
            call(1, tmp_path)
    assert load(io.BytesIO(written(MyModel())), pickle_module=pickle).half.shape == (2,)
    with pytest.raises(ValueError, match="protocol"):
        save(1, io.BytesIO(), pickle_protocol=0)
    pickled = io.BytesIO()
    save([mg.ones(2), mg.float32], pickled, pickle_protocol=4)
    pickled.seek(0)
    assert load(pickled, weights_only=False)[0].tolist() == [1, 1]


class Boom:
    def __reduce__(self) -> Any:
        raise OSError("cannot be pickled")


class FullDisk(io.BytesIO):
    def write(self, data: Any) -> int:
        raise OSError("no space left")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "model.pt"
    save("old", path)
    path.chmod(0o640)
    with pytest.raises(OSError, match="pickled"):
        save([mg.ones(1000), Boom()], path)
    for name, error in [("fsync", OSError("disk")), ("replace", KeyboardInterrupt())]:
        with monkeypatch.context() as patch:

            def fail(*args: Any, error: BaseException = error) -> None:
                raise error

            patch.setattr(os, name, fail)
            with pytest.raises(type(error)):
                save("new", path)
        assert load(path) == "old" and os.listdir(tmp_path) == ["model.pt"]
    save("new", path)
    assert load(path) == "new" and path.stat().st_mode & 0o777 == 0o640 and os.listdir(tmp_path) == ["model.pt"]
    with pytest.raises(OSError, match="space"):
        save(mg.ones(10), FullDisk())
    gc.collect()  # nobody writes later what could not be written at once


def test_the_folder_is_written_to_the_disk_too(tmp_path: Path, monkeypatch: Any) -> None:
    """After the rename, or a power cut could bring the old name back; where folders cannot be opened, all the same."""
    steps: list[str] = []
    replace, sync = os.replace, os.fsync

    def synced(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    monkeypatch.setattr(os, "replace", lambda *names: (steps.append("rename"), replace(*names)))
    monkeypatch.setattr(os, "fsync", synced)
    save(1, tmp_path / "x.pt")
    assert steps == ["file", "rename", "folder"]

    def refuse(*args: Any) -> int:
        raise PermissionError("folders cannot be opened")

    monkeypatch.setattr(os, "open", refuse)
    save(2, tmp_path / "x.pt")
    assert load(tmp_path / "x.pt") == 2


def test_what_a_killed_process_left_is_removed_after_an_hour(tmp_path: Path) -> None:
    old, new, others = [tmp_path / name for name in (f".minigrad-{'0' * 16}.tmp", f".minigrad-{'1' * 16}.tmp", "x.tmp")]
    for file in (old, new, others):
        file.write_bytes(b"half")
    for file in (old, others):
        os.utime(file, (0, 0))
    save(1, tmp_path / "x.pt")
    assert not old.exists() and new.exists() and others.exists()


def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "link.pt").symlink_to(tmp_path / "real.pt")
    save("x", tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink() and load(tmp_path / "real.pt") == "x"
    save("x", os.devnull)
    assert not os.path.isfile(os.devnull)


def test_map_location() -> None:
    raw = written([mg.ones(2), mg.zeros(1)])
    cuda = edited(raw, data_pkl=lambda d: d.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")).getvalue()
    seen: list[str] = []
    for call, engine in ((load, mg), (torch.load, torch)):
        good = ["cpu", engine.device("cpu"), {"cuda:0": "cpu"}, lambda storage, where: seen.append(where) or storage]
        for map_location in good:
            assert call(io.BytesIO(cuda), map_location=map_location)[0].tolist() == [1, 1]
        for map_location in (None, "cuda", {"cpu": "cuda:0"}, lambda storage, where: None):
            with pytest.raises(RuntimeError, match="map_location=torch.device"):
                call(io.BytesIO(cuda), map_location=map_location)
        assert call(io.BytesIO(raw), map_location=lambda storage, where: None)[0].tolist() == [1, 1]
    assert seen == ["cuda:0"] * 4
    with pytest.raises(RuntimeError, match="'cuda:0'"):
        load(io.BytesIO(cuda), weights_only=False)
    with pytest.raises(TypeError, match="int"):
        load(io.BytesIO(cuda), map_location=lambda storage, where: 3)


# ---------------------------------------------------------------------------------------- damage and strangers


@pytest.mark.parametrize("dtype", ["bfloat16", "complex64", "complex128", "uint16", "uint64", "float8_e4m3fn"])
def test_dtypes_that_minigrad_has_not(dtype: str) -> None:
    for obj in (torch.zeros(2, dtype=getattr(torch, dtype)), getattr(torch, dtype)):
        for weights_only in (True, False):
            with pytest.raises(pickle.UnpicklingError, match=f"dtype torch.{dtype}, which minigrad has not"):
                passed(obj, "torch", "minigrad", weights_only=weights_only)


def test_what_is_no_such_file(tmp_path: Path) -> None:
    old = io.BytesIO()
    torch.save(torch.ones(2), old, _use_new_zipfile_serialization=False)
    for raw, error, text in [
        (b"", EOFError, "is empty"),
        (b"hello world", pickle.UnpicklingError, "hello world"),
        (old.getvalue(), pickle.UnpicklingError, "before version 1.6"),
        (pickle.dumps({1: 2}), pickle.UnpicklingError, "not a file of torch.save"),
    ]:
        (tmp_path / "model.pt").write_bytes(raw)
        with pytest.raises(error, match=text) as caught:
            load(tmp_path / "model.pt")
        assert "model.pt" in str(caught.value)


def twice(raw: bytes, name: str) -> io.BytesIO:
    """The archive with a second record of this name."""
    out = io.BytesIO(raw)
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(name, b"1" * 12)
    return io.BytesIO(out.getvalue())


def test_damaged_archives() -> None:
    raw = written({"a": mg.arange(3.0)})
    compressed = io.BytesIO()
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("archive/data.pkl", b"0" * 10**6)
    bomb = bytearray(raw)
    at = raw.rindex(b"PK\1\2")  # the last entry of the table of contents now claims a gigabyte
    bomb[at + 20 : at + 28] = struct.pack("<II", 2**30, 2**30)
    for file, text in [
        (edited(raw, data_0=None), "no record 'data/0'"),
        (edited(raw, data_0=b"123"), "3 bytes for 3 elements"),
        (edited(raw, data_0=b"1" * 16), "16 bytes for 3 elements"),
        (edited(raw, data_pkl=None), "no record 'data.pkl'"),
        (edited(raw, version=None), "no record 'version'"),
        (edited(raw, version=b"99\n"), "version 99"),
        (edited(raw, byteorder=b"middle"), "neither little nor big"),
        (twice(raw, "archive/data/0"), "two records of one name"),
        (edited(raw, version=b"?" * 99), "not a number"),
        (edited(raw, byteorder=lambda d: None), None),
        (edited(raw, data_pkl=lambda d: d.replace(b"K\x03", b"J\xff\xff\xff\x7f")), "12 bytes for 2147483647"),
        (io.BytesIO(compressed.getvalue()), "compressed"),
        (io.BytesIO(bytes(bomb)), "larger than the file"),
    ]:
        file = io.BytesIO(file) if isinstance(file, bytes) else file
        if text is None:
            assert load(file)["a"].tolist() == [0, 1, 2]
        else:
            with pytest.raises(ERRORS, match=text):
                load(file)
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as z:
        z.writestr("m/constants.pkl", b"")
    with pytest.raises(RuntimeError, match="TorchScript"):
        load(io.BytesIO(script.getvalue()))


def test_truncated_anywhere() -> None:
    raw = written({"a": mg.arange(30.0), "b": [1, "two"]})
    for length in range(0, len(raw), 7):
        with pytest.raises((*ERRORS, EOFError)):
            load(io.BytesIO(raw[:length]))


def test_a_flipped_bit_is_an_error_or_harmless() -> None:
    obj = {"a": mg.arange(30.0), "b": [1, "two"]}
    raw, want = written(obj), plain(obj)
    rng = random.Random(0)
    for _ in range(400):
        broken = bytearray(raw)
        broken[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        try:
            found = load(io.BytesIO(bytes(broken)))
        except ERRORS:
            continue
        assert plain(found) == want


def test_a_changed_pickle_with_a_right_checksum_runs_nothing() -> None:
    """Whatever its bytes are: a value of the plain kinds, or one of the errors."""
    model, optimizer = setup(mg, "SGD")
    train(mg, model, optimizer)
    raw = written({"m": model.state_dict(), "o": optimizer.state_dict(), "set": {1}, "size": mg.Size([1])})
    pickled = zipfile.ZipFile(io.BytesIO(raw)).read("archive/data.pkl")
    rng, seen = random.Random(1), 0
    for _ in range(400):
        broken = bytearray(pickled)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.choice([rng.randrange(256), *b"cRbiotQq\x81}](.0"])
        try:
            load(edited(raw, data_pkl=bytes(broken)))
            seen += 1
        except ERRORS:
            pass
    assert 0 < seen < 400
    assert mg.float32.numpy == np.dtype(np.float32) and mg.nn.Linear(2, 1)(mg.ones(2)).shape == (1,)


CALLED: list[Any] = []


class Bomb:
    def __reduce__(self) -> Any:
        return CALLED.append, (1,)


def test_strangers_pickles_call_nothing() -> None:
    g = b"ctorch._utils\n_rebuild_tensor_v2\n"
    for pickled, text in [
        (pickle.dumps(Bomb(), 2), "weights_only=False"),
        (b"cos\nsystem\n(X\x02\0\0\0lstR.", "os.system"),
        (b"(cos\nsystem\nX\x02\0\0\0lso.", "os.system"),
        (b"(X\x02\0\0\0lsios\nsystem\n.", "instruction INST"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "SHORT_BINUNICODE"),
        (b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.", "int where a bytes"),
        (b"ctorch\nfloat32\n)R.", "calls a dtype"),
        (b"ctorch\nTensor\n)R.", "calls a type"),
        (b"ctorch\nfloat32\n}X\x05\0\0\0numpyK\x01sb.", "dtype where a OrderedDict"),
        (b"ctorch\nSize\n}X\x05\0\0\0numelK\x01sb.", "type where a OrderedDict"),
        (g + b"}X\x08\0\0\0__code__K\x01sb.", "function where a OrderedDict"),
        (b"ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsK\x01sb.", "'items'"),
        (b"c_codecs\nencode\nX\x01\0\0\0aX\x06\0\0\0base64\x86R.", "base64"),
        (b"ctorch\nTensor\n)\x81.", "instruction NEWOBJ"),
        (b"\x82\x01.", "instruction EXT1"),
        (b"Pname\n.", "instruction PERSID"),
        (b"\x8e" + b"\xff" * 8, "instruction BINBYTES8"),
        (b"\xff.", "instruction 255"),
        (b"ctorch\nSize\n(K\x01e.", "type where a list"),
        (b"ccollections\nOrderedDict\n)RNa.", "OrderedDict where a list"),
        (b"]NNs.", "list where a dict"),
        (b"}(Nu.", "damaged"),
        (b"r\xff\xff\xff\x7f.", "damaged"),
        (b"NQ.", "storage by None"),
        (b"X\xff\xff\xff\x7fabc.", "damaged"),
        (b"\x8b\xff\xff\xff\x7fabc.", "damaged"),
        (b"}" + b")" + b"\x85" * 100_000 + b"Ns.", "10,000 parts"),
        (b"})" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(60)) + b"Ns.", "10,000 parts"),
        (b"cbuiltins\nset\n])" + b"\x85" * 100_000 + b"a\x85R.", "10,000 parts"),
        (b"", "damaged"),
        (b".", "damaged"),
        (b"N", "damaged"),
    ]:
        with pytest.raises(pickle.UnpicklingError, match=text):
            load(with_pickle(pickled))
    assert not CALLED
    assert mg.Size([2, 3]).numel() == 6


def rebuilt(*view: Any) -> io.BytesIO:
    """A file whose pickle rebuilds a tensor from these arguments."""
    raw = written(mg.arange(4.0))
    pickled = zipfile.ZipFile(io.BytesIO(raw)).read("archive/data.pkl")
    before = pickled[: pickled.index(b"Q") + 1]
    parts = b"".join(pickle.dumps(v, 2)[2:-1] for v in view)
    return edited(raw, data_pkl=before + parts + b"tR.")


@pytest.mark.parametrize(
    "view",
    [
        (1, (4,), (1,), False, None), (0, (5,), (1,), False, None), (0, (2, 2), (3, 1), False, None),
        (-1, (2,), (1,), False, None), (0, (-1,), (1,), False, None), (0, (2,), (-1,), False, None),
        (0, (2,), (1, 1), False, None), (0, (2**40,), (1,), False, None), (0, (2**62, 2**62), (0, 0), False, None),
        (0, (2**50, 2**50), (0, 0), False, None), (0, (2,), (1,), 1, None),
        (0, (2.0,), (1,), False, None), (0, "ab", (1, 1), False, None), (0, 2, 1, False, None), (True, (1,), (1,)),
        (0, (2,), (1,), False, None, {"neg": True}), 
        (0, (1,) * 99, (1,) * 99, False, None),
    ],
)  # fmt: skip
def test_views_must_lie_in_their_storage(view: Any) -> None:
    with pytest.raises(pickle.UnpicklingError):
        load(rebuilt(*view))


@pytest.mark.parametrize(
    ("shape", "stride"), [((2**40, 4), (0, 1)), ((0, 2**58), (2**58, 1)), ((0,), (1,)), ((), ()), ((1,), (2**50,))]
)
def test_odd_views_that_fit_are_no_allocation(shape: Any, stride: Any) -> None:
    offset = 9 if 0 in shape else 0
    assert load(rebuilt(offset, shape, stride, False, None)).shape == shape

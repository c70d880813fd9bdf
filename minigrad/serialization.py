"""save and load: tensors, state_dicts and other Python values in torch's own files.

What stands in a file: zipfile_format.py, its records, and pickling.py, the objects in them. torch opens minigrad's
files, and minigrad opens torch's.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

import numpy as np

from .device import device, place, usable
from .files import replacing
from .pickling import Pickler, SafeUnpickler, Storage, StorageType, UnpicklingError, check_dtype, own_object, short
from .zipfile_format import ALIGNMENT, Reader, write_archive

DEFAULT_PROTOCOL = 2
MapLocation = str | device | dict[str, str] | Callable[[Storage, str], Storage | None] | None


def save(obj: object, f: Any, pickle_module: Any = pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
         _use_new_zipfile_serialization: bool = True) -> None:
    """Write an object to a file: a path, or an object with a `write` method for bytes.

    Tensors that share memory share it after loading too; requires_grad and strides are kept, histories and gradients
    are not. A path gets the new file only when it is whole and on the disk: if saving fails or is cut short, what was
    there stays. Save `model.state_dict()` rather than a model: such a file loads everywhere and cannot run code.

    RuntimeError if there is no such folder or if tensors read one memory as different dtypes; AttributeError if `f`
    cannot be written to; pickle's own errors for what cannot be pickled.

    >>> from minigrad import tensor
    >>> file = io.BytesIO()
    >>> save({"weight": tensor([1.0, 2.0]), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> load(file)
    {'weight': tensor([1., 2.]), 'epoch': 3}
    """
    if pickle_module is not pickle or pickle_protocol < 2 or not _use_new_zipfile_serialization:
        raise ValueError("minigrad writes only torch's zip files, with Python's own pickle and a protocol of 2 or more")
    path = _path_of(f)
    if path is None and not hasattr(f, "write"):
        raise AttributeError(f"expected 'f' to be a path or a file with a 'write' method, not a {type(f).__name__}")
    data = io.BytesIO()
    pickler = Pickler(data, pickle_protocol)
    pickler.dump(obj)  # before anything is opened: what cannot be pickled leaves no trace
    records: dict[str, Any] = {"data.pkl": data.getvalue(), ".format_version": b"1",
                               ".storage_alignment": b"%d" % ALIGNMENT, "byteorder": sys.byteorder.encode()}
    records |= {f"data/{storage.key}": storage.array.view(np.uint8).data for storage in pickler.storages.values()}
    records["version"] = b"3\n"
    if path is None:
        archive = io.BytesIO()
        write_archive(archive, records)
        f.write(archive.getvalue())
    else:
        with replacing(path) as file:
            write_archive(file, records)


def load(f: Any, map_location: MapLocation = None, pickle_module: Any = None, *, weights_only: bool | None = None,
         mmap: bool | None = None, **pickle_load_args: Any) -> Any:
    """Read an object that minigrad or torch saved, from a path or a file that can seek.

    Nothing in the file is run, and only tensors and plain Python values are made, unless `weights_only=False`: then
    whole models load too, and a file from a stranger could do anything. Tensors of a GPU come back
    there; `map_location="cpu"` or "cuda" brings all to one device, a dict from location to location or a function
    (storage, location) -> storage some.
    `mmap=True` is accepted, and the file is read whole all the same.

    pickle.UnpicklingError if the file is no such file, or holds what is not allowed or what minigrad has not;
    RuntimeError if it is damaged or its tensors are of a device that is not here; EOFError if it is empty;
    AttributeError for what cannot seek.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("weights_only=True reads pickles with a machine of its own: give no pickle_module with it")
    path = _path_of(f)
    with nullcontext(f) if path is None else open(path, "rb") as file:
        name = path or str(getattr(file, "name", file))
        _check_start(file, name)
        content = _Content(Reader(file, name), map_location)
        try:
            pickled = content.reader.read("data.pkl")
            if weights_only:
                obj = SafeUnpickler(pickled, content.storage).load()
            else:
                obj = _unpickle(pickled, content.storage, pickle_module or pickle, pickle_load_args)
        except UnpicklingError as error:
            if content.misplaced is not None:
                raise content.misplaced from None
            raise UnpicklingError(f"cannot load {name}: {error}.") from error
    return obj


def _path_of(f: Any) -> str | None:
    return os.fsdecode(f) if isinstance(f, (str, bytes, os.PathLike)) else None


def _check_start(file: Any, name: str) -> None:
    """Errors for what is no zip archive at all."""
    at = file.seek(0, os.SEEK_CUR)  # an error for what cannot seek: a file is not read from front to back
    start = file.read(20)
    file.seek(at)
    if not isinstance(start, bytes):
        raise TypeError(f'{name} gives text, not bytes: open it with mode "rb"')
    if not start:
        raise EOFError(f"{name} is empty")
    if not start.startswith(b"PK\x03\x04"):
        old = start[2:14] == b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # the number that torch began its files with
        raise UnpicklingError(f"{name} has the format that torch wrote before version 1.6. Load it with torch and save "
                              "it again." if old else f"{name} is not a file of torch.save: it starts with {start!r}.")


class _Content:
    """The storages of a file, each read, and brought to its device, when it is first asked for."""

    def __init__(self, reader: Reader, map_location: MapLocation) -> None:
        self.reader, self.map_location = reader, map_location
        self.misplaced: Exception | None = None  # what went wrong with a storage's device: no fault of the file's
        self.storages: dict[str, Storage] = {}
        order = reader.read("byteorder") if "byteorder" in reader.records else b"little"
        if order not in (b"little", b"big"):
            raise reader.damaged(f"its order of bytes is {bytes(order[:20])!r}, neither little nor big")
        self.swapped = order != sys.byteorder.encode()

    def storage(self, persistent_id: Any) -> Storage:
        """The storage that a pickle names by ("storage", type, key, location, number of elements)."""
        match persistent_id:
            case ("storage", StorageType(dtype), str(key), str(location), int(count)):
                pass
            case _:
                raise UnpicklingError(f"it names a storage by {short(persistent_id)}")
        if key not in self.storages:
            size = self.reader.size(f"data/{key}")
            if size != count * dtype.itemsize:
                raise self.reader.damaged(f"its record 'data/{key}' has {size} bytes for {count} elements of {dtype}")
            array = np.frombuffer(self.reader.read(f"data/{key}"), dtype)
            storage = Storage(key, array.byteswap() if self.swapped else array)
            try:
                storage.array = place(storage.array, _home(storage, location, self.map_location))
            except Exception as error:
                self.misplaced = error
                raise
            self.storages[key] = storage
        storage = self.storages[key]
        if storage.array.dtype != dtype or storage.array.size != count:
            raise self.reader.damaged(f"it uses the record 'data/{key}' as two different storages")
        return storage


def _home(storage: Storage, location: str, map_location: MapLocation) -> device:
    """The device on which a storage is wanted; it was saved from a location such as "cuda:0"."""
    if callable(map_location):
        moved = map_location(storage, location)
        if moved is storage:
            return storage.device
        if moved is not None:
            raise TypeError(f"map_location must return the storage it was given or None, not a {type(moved).__name__}")
    elif isinstance(map_location, dict):
        location = map_location.get(location, location)
    elif map_location is not None:
        location = str(map_location)
    try:
        return usable(location)
    except (AssertionError, RuntimeError):
        raise RuntimeError(
            f"Attempting to deserialize object on a device that is not here: {location[:50]!r}. Use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU.") from None


def _unpickle(pickled: bytearray, storage: Callable[[Any], Storage], pickle_module: Any, args: dict[str, Any]) -> Any:
    """Python's own unpickling, which makes any object and runs any code, with minigrad's classes in torch's places."""

    class Unpickler(pickle_module.Unpickler):  # type: ignore[misc]  # the user's module
        def persistent_load(self, persistent_id: Any) -> Storage:
            return storage(persistent_id)

        def find_class(self, module: str, name: str) -> Any:
            if module.partition(".")[0] != "torch":
                return super().find_class(module, name)
            found = own_object(module, name)
            if found is None:
                check_dtype(module, name)
                raise UnpicklingError(f"minigrad has no {module}.{name}")
            return found

    return cast(Any, Unpickler)(io.BytesIO(pickled), **args).load()

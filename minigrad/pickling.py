"""Objects as a pickle that torch understands, and back.

A pickle is a program for a small stack machine: "push 3", "push a dict", "call what lies below with these arguments".
torch's pickles call a few of torch's functions by name, and minigrad writes and understands the same ones:

    torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)
    torch._utils._rebuild_parameter(data, requires_grad, hooks)
    storage = the persistent id ("storage", torch.FloatStorage, "0", "cpu", 6): 6 elements, in the record data/0

A *storage* is the memory that tensors are views of. It is saved once, however many views of it there are.
Since a pickle can name any function, one from a stranger can do anything: `SafeUnpickler` is a machine that knows
only the names below, calls nothing else and sets no attributes but harmless ones.
"""

from __future__ import annotations

import codecs
import importlib
import io
import pickle
import re
import reprlib
from collections import Counter, OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from . import dtypes
from .device import CPU, address, device, is_array, library_of, of, place, strided, usable
from .dtypes import dtype
from .engine import wrap
from .functions.shapes import Size
from .modes import mode
from .nn.parameter import Buffer, Parameter
from .tensor import Tensor, _rebuild

UnpicklingError = pickle.UnpicklingError


class Storage:
    """Memory that tensors share, as a one-dimensional array, the record's key for it, and the device it belongs on."""

    def __init__(self, key: str, array: Any, where: device = CPU) -> None:
        self.key, self.array, self.device = key, array, where
        self.cell = None if mode.inference else [0]

    def to(self, where: Any) -> Storage:
        """Let it belong on another device: read, it goes there with its tensors."""
        self.device = usable(where)
        return self

    def cpu(self) -> Storage:
        """Let it stay on the CPU."""
        return self.to(CPU)

    def cuda(self, where: Any = "cuda") -> Storage:
        """Let it go to a GPU."""
        return self.to(where)


class StorageType(NamedTuple):
    """torch.FloatStorage and the like, of which only the dtype matters."""

    dtype: np.dtype[Any]


# ---------------------------------------------------------------------------------------------------- writing


class Pickler(pickle._Pickler):
    """Writes tensors as torch does, and puts their memory aside in `storages`.

    Python's own Pickler in C would insist on importing every class that it names.
    """

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.storages: dict[int, Storage] = {}  # by the id of the array that owns the memory
        self.owners: list[Any] = []  # kept alive, so that no id is given out twice

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            return "storage", STORAGE_TYPES[obj.array.dtype], obj.key, str(obj.device), obj.array.size
        return None

    def reducer_override(self, obj: Any) -> Any:
        """How to make an object again: (function, arguments), or its name, or NotImplemented: pickle's own way."""
        match obj:
            case Tensor():
                return self._reduce_tensor(obj)
            case Size():
                return Size, (tuple(obj),)
            case device():
                return device, (obj.type,) if obj.index is None else (obj.type, obj.index)
            case type() | FunctionType() | dtype() | StorageType() if torch_path(obj):
                return "its name"  # save_global finds it
            case bytes() if not obj and self.proto < 3:  # type: ignore[attr-defined]  # of Python's own pickler
                return codecs.encode, ("", "latin1")  # pickle would name `bytes`, which torch does not load
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        path = torch_path(obj)
        if path is None:
            super().save_global(obj, name)  # type: ignore[misc]  # of Python's own pickler
        else:
            self.write(pickle.GLOBAL + path.replace(" ", "\n").encode() + b"\n")  # type: ignore[attr-defined]
            self.memoize(obj)  # type: ignore[attr-defined]  # of Python's own pickler

    def _reduce_tensor(self, t: Tensor) -> Any:
        kind, attributes = type(t), t.__dict__
        hooks: OrderedDict[int, Any] = OrderedDict()  # one for each tensor: torch lets it use it
        if kind is Parameter:
            parts = (t.detach(), t.requires_grad, hooks)
            return (rebuild_parameter_with_state, (*parts, attributes)) if attributes else (rebuild_parameter, parts)
        storage, offset, strides = self._memory_of(t.array)
        view = (storage, offset, tuple(t.shape), strides, t.requires_grad, hooks)
        if kind in (Tensor, Buffer) and not attributes:
            return rebuild_tensor, view
        return rebuild_from_type, (rebuild_tensor, Tensor if kind is Buffer else kind, view, attributes)

    def _memory_of(self, array: Any) -> tuple[Storage, int, tuple[int, ...]]:
        """The storage that an array is a view of, where in it the array starts, and its strides, in elements."""
        owner, unit, where = array, array.itemsize, of(array)
        while is_array(owner.base):
            owner = owner.base
        start, length = address(array) - address(owner), extent(owner)
        steps = (start, length, *array.strides)
        if min(*steps, *owner.strides) < 0 or any(n % unit for n in steps):
            array = owner = array.copy()  # NumPy's memory can be laid out as torch's cannot: backwards, for one
            start, length = 0, array.nbytes
        if id(owner) not in self.storages:
            as_strided = library_of(owner).lib.stride_tricks.as_strided
            memory = place(as_strided(owner, (length // owner.itemsize,), (owner.itemsize,)), CPU)
            self.storages[id(owner)] = Storage(str(len(self.storages)), memory.view(array.dtype), where)
            self.owners.append(owner)
        storage = self.storages[id(owner)]
        if storage.array.dtype != array.dtype:
            raise RuntimeError("cannot save tensors that read the same memory as different dtypes, "
                               f"{storage.array.dtype} and {array.dtype}: clone() one of them")
        return storage, start // unit, tuple([s // unit for s in array.strides])


def extent(array: Any) -> int:
    """The bytes from an array's first element to the end of its last."""
    spans = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    return int(sum(spans) + array.itemsize) if array.size else 0


# ------------------------------------------------------------------------------------ minigrad's names and torch's


def torch_path(obj: Any) -> str | None:
    """The name under which torch has what minigrad's class, function or dtype is; None for all that is not minigrad's.

    minigrad.nn.modules.linear.Linear is torch.nn.modules.linear.Linear, written "torch.nn.modules.linear Linear".
    """
    if id(obj) in NAMES:
        return NAMES[id(obj)]
    package, dot, rest = str(obj.__module__).partition(".")
    module, name = "torch" + dot + rest, obj.__qualname__
    return f"{module} {name}" if package in ("minigrad", "torch") and own_object(module, name) is obj else None


def own_object(module: str, name: str) -> Any:
    """What minigrad has under a name of torch's; None if nothing."""
    if f"{module} {name}" in GLOBALS:
        return GLOBALS[f"{module} {name}"]
    path = "minigrad" + module.removeprefix("torch")
    for where in (path, ".".join(path.split(".")[:2])):  # the very module, or (files are cut differently) minigrad.nn
        try:
            return getattr(importlib.import_module(where), name)
        except (ImportError, AttributeError):
            continue
    return None


def check_dtype(module: str, name: str) -> None:
    """UnpicklingError for the name of a dtype, or of its storage, that minigrad has not."""
    of_storage = {"BFloat16": "bfloat16", "ComplexFloat": "complex64", "ComplexDouble": "complex128"}
    missing = of_storage.get(name.removesuffix("Storage"), name)
    if module == "torch" and re.fullmatch(r"(b?float|complex|q?u?int|bits)\d+\w*", missing):
        raise UnpicklingError(f"it holds a tensor of dtype torch.{missing}, which minigrad has not. Convert it with "
                              f"torch before saving, to one of {', '.join(map(repr, dtypes.ALL))}")


# ---------------------------------------------------------------------------------------------------- reading


def rebuild_tensor(storage: Storage, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any,
                   metadata: Any = None) -> Tensor:
    """A view of a storage, which must lie inside it."""
    numbers = [offset, *size[:65], *stride[:65]]
    if (type(requires_grad) is not bool or len(size) > 64  # as many as NumPy has dimensions
            or any(type(n) is not int or not 0 <= n < 1 << 59 for n in numbers)):
        raise UnpicklingError(f"a tensor's offset, sizes or strides are not sizes: {short(numbers)}")
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        offset = 0  # there is nothing to be anywhere
    elif metadata or last >= storage.array.size:
        raise UnpicklingError(f"a tensor of shape {list(size)}, stride {list(stride)}, offset {offset} does not fit "
                              f"into its storage of {storage.array.size} elements")
    unit = storage.array.itemsize
    array = strided(storage.array, offset, tuple(size), tuple([s * unit for s in stride]))
    tensor = wrap(array, None, storage.cell)
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_parameter(data: Tensor, requires_grad: bool, hooks: Any) -> Parameter:
    """A parameter that shares the memory of `data`."""
    return Parameter(_only(Tensor, data), _only(bool, requires_grad))


def rebuild_parameter_with_state(data: Tensor, requires_grad: bool, hooks: Any, state: dict[str, Any]) -> Any:
    """A parameter with the attributes that its user gave it."""
    return set_attributes(rebuild_parameter(data, requires_grad, hooks), state)


def rebuild_from_type(rebuild: Any, kind: Any, view: Any, state: dict[str, Any]) -> Tensor:
    """A tensor of another class, or with attributes that its user gave it."""
    if rebuild is not rebuild_tensor or not (isinstance(kind, type) and issubclass(kind, Tensor)):
        raise UnpicklingError(f"cannot rebuild a tensor as a {short(kind)}")
    plain = rebuild_tensor(*view)
    tensor = _rebuild(kind, plain.array, plain.requires_grad, {})
    tensor.cell = plain.cell
    return set_attributes(tensor, state)


def set_attributes(obj: Any, state: Any) -> Any:
    """Set attributes that hide none of the class's own, and return the object."""
    for name in _only(dict, state):
        if not isinstance(name, str) or hasattr(Tensor if isinstance(obj, Tensor) else OrderedDict, name):
            raise UnpicklingError(f"the attribute {short(name)} of a {type(obj).__name__} must not be set")
    obj.__dict__.update(state)
    return obj


def _only(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise UnpicklingError(f"it has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def short(value: Any) -> str:
    """A few parts and levels of a value, as text: all of what strangers nest may never end."""
    return reprlib.repr(value)[:100]


def _latin1(text: str, encoding: Any) -> bytes:
    if encoding != "latin1":
        raise UnpicklingError(f"it encodes text as {short(encoding)}")
    return text.encode(encoding)


def _key(key: Any) -> Any:
    """A key that hashing can cope with: a tuple that holds itself many times over, or a deep one, can hang or crash."""
    if _parts(key, 10_000) > 10_000:
        raise UnpicklingError("it has a tuple of more than 10,000 parts as a key")
    return key


def _parts(value: Any, most: int) -> int:
    """The number of parts of nested tuples, lists and dicts (their keys); soon after `most` the counting stops."""
    pending, count = [value], 0
    for item in pending:  # the list grows while it is read
        if isinstance(item, (tuple, list, dict)):
            count += 1 + len(item)
            if count > most:
                break
            pending.extend(item)
        elif isinstance(item, int):
            count += item.bit_length() // 64
    return count


STORAGE_TYPES = {d.numpy: StorageType(d.numpy) for d in dtypes.ALL}
# What a file may call by which name: what stands for it here, and what is called, which checks its arguments ...
CALLABLE: dict[str, tuple[Any, Callable[..., Any]]] = {
    "torch._utils _rebuild_tensor_v2": (rebuild_tensor, rebuild_tensor),
    "torch._utils _rebuild_parameter": (rebuild_parameter, rebuild_parameter),
    "torch._utils _rebuild_parameter_with_state": (rebuild_parameter_with_state, rebuild_parameter_with_state),
    "torch._tensor _rebuild_from_type_v2": (rebuild_from_type, rebuild_from_type),
    "torch Size": (Size, lambda sizes: Size([_only(int, n) for n in sizes])),
    "torch device": (device, lambda name, *index: device(_only(str, name), *(_only(int, i) for i in index))),
    "collections OrderedDict": (OrderedDict, lambda: OrderedDict()),
    "collections Counter": (Counter, lambda counts: Counter(_only(dict, counts))),
    "_codecs encode": (codecs.encode, lambda text, encoding: _latin1(_only(str, text), encoding)),  # bytes
    "builtins set": (set, lambda items: {_key(item) for item in items}),
    "builtins bytes": (bytes, lambda: b""),
    "builtins bytearray": (bytearray, lambda data=b"": bytearray(_only(bytes, data))),
    "builtins complex": (complex, complex),
}
CALLS = {id(found): call for found, call in CALLABLE.values()}
# ... and all that it may name.
GLOBALS: dict[str, Any] = {
    **{name: found for name, (found, _) in CALLABLE.items()},
    "torch._utils _rebuild_tensor_v3": "for dtypes that minigrad has not: the name of one follows",
    "torch Tensor": Tensor,
    "torch.nn.parameter Parameter": Parameter,
    "torch.storage UntypedStorage": STORAGE_TYPES[dtypes.uint8.numpy],
    **{f"torch {d.name}": d for d in dtypes.ALL},
    **{f"torch {d.type_name}Storage": STORAGE_TYPES[d.numpy] for d in dtypes.ALL},
}
NAMES = {id(found): name for name, found in GLOBALS.items() if name.startswith("torch")}


Machine: Any = pickle._Unpickler  # Any, since the typing of the standard library knows nothing of its stack


class SafeUnpickler(Machine):  # type: ignore[misc]  # of Python's own pickler
    """Python's stack machine for pickles, cut down to what `torch.save` writes for plain data and tensors.

    Only the instructions in ALLOWED are there. Those that change an object do so to lists and dicts alone, and
    those that name or call something find it in the tables above. What calls copy and keys hash is counted, so that a
    small file cannot become a huge object, or take for ever. `storage` is called with each persistent id.
    UnpicklingError for what is refused or damaged.
    """

    def __init__(self, data: bytes | bytearray, storage: Callable[[Any], Storage]) -> None:
        super().__init__(io.BytesIO(data))
        self.persistent_load = storage
        self.left = 100_000 + 2 * len(data)  # parts to copy or hash: honest files do so with each about once

    def load(self) -> Any:
        try:
            return super().load()
        except (UnpicklingError, RuntimeError):  # ours, and those of the archive
            raise
        except Exception as error:  # whatever damage leads to
            raise UnpicklingError(f"its pickle is damaged ({type(error).__name__}: {error})") from error

    def find_class(self, module: str, name: str) -> Any:
        """What the file means by a name."""
        path = f"{module.replace('__builtin__', 'builtins')} {name}"
        if path not in GLOBALS:
            check_dtype(module, name)
            raise UnpicklingError(
                f"it asks for {ascii(f'{module}.{name}'[:100])}, which is not allowed with weights_only=True, since "
                "making an object can run any code. Save plain data: model.state_dict() in place of the model. Only "
                "if you trust whoever made the file, load(..., weights_only=False) makes such objects too")
        return GLOBALS[path]

    def load_append(self) -> None:
        self._extend([self.stack.pop()])

    def load_appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        _only(list, self.stack[-1]).extend(items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def load_setitems(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        target = _only(dict, self.stack[-1])
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._spend(_key(key))
            target[key] = value

    def load_reduce(self) -> None:
        args, function = _only(tuple, self.stack.pop()), self.stack.pop()
        if id(function) not in CALLS:
            raise UnpicklingError(f"it calls a {type(function).__name__}, which is not allowed")
        self._spend(args, sum(len(arg) for arg in args if isinstance(arg, (str, bytes))))
        self.append(CALLS[id(function)](*args))

    def load_build(self) -> None:
        state = self.stack.pop()
        self._spend(state)
        set_attributes(_only(OrderedDict, self.stack[-1]), state)

    def _spend(self, value: Any, more: int = 0) -> None:
        """Count the parts that are about to be copied or hashed: a small file must not become a huge object."""
        self.left -= _parts(value, self.left) + more
        if self.left < 0:
            raise UnpicklingError("it uses the same parts over and over, and would grow far beyond its size. If you "
                                  "trust whoever made the file, load(..., weights_only=False) reads it all the same")


class Instructions(dict[int, Any]):
    """The machine's methods by the bytes that stand for them in a pickle; an error for any other byte."""

    def __missing__(self, code: int) -> Any:
        raise UnpicklingError(f"its pickle has the instruction {OPCODES.get(code, code)}, which torch.save does not "
                              "write by default and weights_only=True does not allow")


OPCODES = {code[0]: name for name, code in vars(pickle).items() if isinstance(code, bytes) and len(code) == 1}
ALLOWED = """PROTO STOP MARK GLOBAL BINPERSID REDUCE BUILD BINPUT LONG_BINPUT BINGET LONG_BINGET
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT BINUNICODE
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS"""
CODES = [code for code, name in OPCODES.items() if name in re.findall(r"\w+", ALLOWED)]
SafeUnpickler.dispatch = Instructions(
    {code: getattr(SafeUnpickler, Machine.dispatch[code].__name__) for code in CODES})

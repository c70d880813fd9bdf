"""Objects as a pickle that torch understands, and back.

A pickle is a program for a small stack machine: "push 3", "push a dict", "call what lies below with these arguments".
torch's pickles call a few of torch's functions by name, and minigrad writes and understands the same ones:

    torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)
    torch._utils._rebuild_parameter(data, requires_grad, hooks)
    storage = the persistent id ("storage", torch.FloatStorage, "0", "cpu", 6): 6 elements, in the record data/0

A *storage* is the memory that tensors are views of. It is saved once, however many views of it there are.
Since a pickle can name any function, one from a stranger can do anything: `SafeUnpickler` is a machine of our own
that knows only the names below, calls nothing else and sets no attributes but harmless ones.
"""

from __future__ import annotations

import codecs
import importlib
import pickle
import pickletools
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from . import dtypes
from .device import device
from .dtypes import dtype
from .engine import wrap
from .functions.shapes import Size
from .modes import mode
from .nn.parameter import Buffer, Parameter
from .tensor import Tensor, _rebuild

UnpicklingError = pickle.UnpicklingError


class Storage:
    """Memory that tensors share, as a one-dimensional array, and the record's key for it."""

    def __init__(self, key: str, array: Any) -> None:
        self.key, self.array = key, array
        self.cell = None if mode.inference else [0]

    def cpu(self) -> Storage:
        """On the CPU: the storage itself."""
        return self


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
            return "storage", STORAGE_TYPES[obj.array.dtype], obj.key, "cpu", obj.array.size
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
            case bytes() if not obj and self.proto < 3:  # type: ignore[attr-defined]
                return codecs.encode, ("", "latin1")  # pickle would name `bytes`, which torch does not load
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        path = torch_path(obj)
        if path is None:
            super().save_global(obj, name)  # type: ignore[misc]
        else:
            self.write(pickle.GLOBAL + path.replace(" ", "\n").encode() + b"\n")  # type: ignore[attr-defined]
            self.memoize(obj)  # type: ignore[attr-defined]

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
        owner, unit = array, array.itemsize
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        start, length = address(array) - address(owner), extent(owner)
        steps = (start, length, *array.strides)
        if min(*steps, *owner.strides) < 0 or any(n % unit for n in steps):
            array = owner = array.copy()  # NumPy's memory can be laid out as torch's cannot: backwards, for one
            start, length = 0, array.nbytes
        if id(owner) not in self.storages:
            memory = np.lib.stride_tricks.as_strided(owner, (length // owner.itemsize,), (owner.itemsize,))
            self.storages[id(owner)] = Storage(str(len(self.storages)), memory.view(array.dtype))
            self.owners.append(owner)
        storage = self.storages[id(owner)]
        if storage.array.dtype != array.dtype:
            raise RuntimeError(
                f"cannot save tensors that read the same memory as different dtypes, {storage.array.dtype} and "
                f"{array.dtype}: clone() one of them")
        return storage, start // unit, tuple([s // unit for s in array.strides])


def address(array: Any) -> int:
    """Where an array's first element lies."""
    return int(array.__array_interface__["data"][0])


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
    for place in (path, ".".join(path.split(".")[:2])):  # the very module, or (files are cut differently) minigrad.nn
        try:
            return getattr(importlib.import_module(place), name)
        except (ImportError, AttributeError):
            continue
    return None


def check_dtype(module: str, name: str) -> None:
    """UnpicklingError for the name of a dtype, or of its storage, that minigrad has not."""
    of_storage = {"BFloat16Storage": "bfloat16", "ComplexFloatStorage": "complex64",
                  "ComplexDoubleStorage": "complex128"}
    missing = of_storage.get(name, name)
    if module == "torch" and re.fullmatch(r"(b?float|complex|q?u?int|bits)\d+\w*", missing):
        raise UnpicklingError(
            f"it holds a tensor of dtype torch.{missing}, which minigrad has not. Convert it with torch before saving, "
            f"to one of {', '.join(map(repr, dtypes.ALL))}"
        )


# ---------------------------------------------------------------------------------------------------- reading


def rebuild_tensor(storage: Storage, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any,
                   metadata: Any = None) -> Tensor:
    """A view of a storage, which must lie inside it."""
    numbers = [offset, *size, *stride]
    if type(requires_grad) is not bool or any(type(n) is not int or not 0 <= n < 1 << 59 for n in numbers):
        raise UnpicklingError(f"a tensor's offset, sizes or strides are not sizes: {numbers}"[:200])
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        offset = 0  # there is nothing to be anywhere
    elif metadata or last >= storage.array.size:
        raise UnpicklingError(
            f"a tensor of shape {list(size)}, stride {list(stride)}, offset {offset} does not fit into its storage of "
            f"{storage.array.size} elements")
    unit = storage.array.itemsize
    array = np.ndarray(size, storage.array.dtype, storage.array, offset * unit, [s * unit for s in stride])
    tensor = wrap(array, None, storage.cell)
    return tensor.requires_grad_() if requires_grad else tensor


def rebuild_parameter(data: Tensor, requires_grad: bool, hooks: Any) -> Parameter:
    """A parameter that shares the memory of `data`."""
    return Parameter(_only(Tensor, data), _only(bool, requires_grad))


def rebuild_parameter_with_state(data: Tensor, requires_grad: bool, hooks: Any, state: dict[str, Any]) -> Parameter:
    """A parameter with the attributes that its user gave it."""
    parameter = rebuild_parameter(data, requires_grad, hooks)
    set_attributes(parameter, state)
    return parameter


def rebuild_from_type(rebuild: Any, kind: Any, view: Any, state: dict[str, Any]) -> Tensor:
    """A tensor of another class, or with attributes that its user gave it."""
    if rebuild is not rebuild_tensor or not (isinstance(kind, type) and issubclass(kind, Tensor)):
        raise UnpicklingError(f"cannot rebuild a tensor as a {kind!r}")
    plain = rebuild_tensor(*view)
    tensor = _rebuild(kind, plain.array, plain.requires_grad, {})
    tensor.cell = plain.cell
    set_attributes(tensor, state)
    return tensor


def set_attributes(obj: Any, state: Any) -> None:
    """Set attributes that hide none of the class's own."""
    for name in _only(dict, state):
        if not isinstance(name, str) or hasattr(Tensor if isinstance(obj, Tensor) else OrderedDict, name):
            raise UnpicklingError(f"the attribute {str(name)[:50]!r} of a {type(obj).__name__} must not be set")
    obj.__dict__.update(state)


def _only(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise UnpicklingError(f"it has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _key(key: Any) -> Any:
    """A key that hashing can cope with: a tuple that holds itself many times over, or a deep one, can hang or crash."""
    pending, count = [key], 0
    for item in pending:  # the list grows while it is read
        if isinstance(item, tuple):
            count += 1 + len(item)
            if count > 10_000:
                raise UnpicklingError("it has a tuple of more than 10,000 parts as a key")
            pending.extend(item)
    return key


STORAGE_TYPES = {d.numpy: StorageType(d.numpy) for d in dtypes.ALL}
# What a file may name ...
GLOBALS: dict[str, Any] = {
    "torch._utils _rebuild_tensor_v2": rebuild_tensor,
    "torch._utils _rebuild_tensor_v3": "for dtypes that minigrad has not: the name of one follows",
    "torch._utils _rebuild_parameter": rebuild_parameter,
    "torch._utils _rebuild_parameter_with_state": rebuild_parameter_with_state,
    "torch._tensor _rebuild_from_type_v2": rebuild_from_type,
    "torch Tensor": Tensor,
    "torch.nn.parameter Parameter": Parameter,
    "torch Size": Size,
    "torch device": device,
    "torch.storage UntypedStorage": STORAGE_TYPES[dtypes.uint8.numpy],
    **{f"torch {d.name}": d for d in dtypes.ALL},
    **{f"torch {d.type_name}Storage": STORAGE_TYPES[d.numpy] for d in dtypes.ALL},
    "collections OrderedDict": OrderedDict,
    "collections Counter": Counter,
    "_codecs encode": codecs.encode,
    **{
        f"{module} {kind.__name__}": kind
        for module in ("__builtin__", "builtins")
        for kind in (set, bytes, bytearray, complex)
    },
}
NAMES = {id(found): name for name, found in GLOBALS.items() if name.startswith("torch")}
# ... and, of that, what it may call: by the function's id, what is called for it
CALLS: dict[int, Callable[..., Any]] = {
    id(rebuild_tensor): rebuild_tensor,
    id(rebuild_parameter): rebuild_parameter,
    id(rebuild_parameter_with_state): rebuild_parameter_with_state,
    id(rebuild_from_type): rebuild_from_type,
    id(Size): lambda sizes: Size([_only(int, n) for n in sizes]),
    id(device): lambda name, index=None: device(_only(str, name), index if index is None else _only(int, index)),
    id(OrderedDict): lambda: OrderedDict(),
    id(Counter): lambda counts: Counter(_only(dict, counts)),
    id(codecs.encode): lambda text, encoding: text.encode({"latin1": "latin1"}[encoding]),  # how bytes are written
    id(set): lambda items: {_key(item) for item in items},
    id(bytes): lambda: b"",
    id(bytearray): lambda data=b"": bytearray(_only(bytes, data)),
    id(complex): complex,
}


class SafeUnpickler:
    """The stack machine: it runs what `torch.save` writes for plain data and tensors, and refuses all else.

    `storage` is called with each persistent id. UnpicklingError for what is refused or damaged.
    """

    def __init__(self, data: bytes | bytearray, storage: Callable[[Any], Storage]) -> None:
        self.data, self.storage = bytes(data), storage
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks that MARK put aside
        self.memo: dict[int, Any] = {}  # what PUT stored, for GET

    def load(self) -> Any:
        try:
            for op, arg, _ in pickletools.genops(self.data):  # reads the instructions, and runs none
                if op.name == "STOP":
                    break
                self.step(op.name, arg)
            return self.stack.pop()
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, Warning) as error:
            raise UnpicklingError(f"its pickle is damaged ({type(error).__name__}: {error})") from error

    def step(self, op: str, arg: Any) -> None:
        """Run one instruction. In pickle's words, MARK ... TUPLE makes a tuple of all that was pushed in between."""
        push = self.stack.append
        match op:
            case "BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1" | "LONG4" | "BINFLOAT":
                push(arg)
            case "BINPUT" | "LONG_BINPUT":
                self.memo[arg] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self.memo[arg])
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                push({"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}[op])
            case "EMPTY_DICT" | "EMPTY_LIST":
                push({} if op == "EMPTY_DICT" else [])
            case "MARK":
                self.below.append(self.stack)
                self.stack = []
            case "TUPLE":
                items = self.since_mark()
                self.stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple([self.stack.pop() for _ in range(int(op[-1]))][::-1]))
            case "APPEND" | "APPENDS":
                items = [self.stack.pop()] if op == "APPEND" else self.since_mark()
                _only(list, self.stack[-1]).extend(items)
            case "SETITEM" | "SETITEMS":
                items = [self.stack.pop(), self.stack.pop()][::-1] if op == "SETITEM" else self.since_mark()
                target = _only(dict, self.stack[-1])
                for key, value in zip(items[::2], items[1::2], strict=True):
                    target[_key(key)] = value
            case "PROTO":
                pass
            case "BINPERSID":
                push(self.storage(self.stack.pop()))
            case "GLOBAL":
                push(self.named(arg))
            case "REDUCE":
                args, function = _only(tuple, self.stack.pop()), self.stack.pop()
                if id(function) not in CALLS:
                    raise UnpicklingError(f"it calls a {type(function).__name__}, which is not allowed")
                push(CALLS[id(function)](*args))
            case "BUILD":
                set_attributes(_only(OrderedDict, self.stack[-2]), self.stack.pop())
            case _:
                raise UnpicklingError(
                    f"its pickle has the instruction {op}, which torch.save does not write by default and "
                    "weights_only=True does not allow")

    def named(self, path: str) -> Any:
        """What the file means by a name, "module name"."""
        if path not in GLOBALS:
            check_dtype(*path.split(" ", 1))
            raise UnpicklingError(
                f"it asks for {path.replace(' ', '.')}, which is not allowed with weights_only=True, since making an "
                "object can run any code. Save plain data: model.state_dict() in place of the model. Only if you trust "
                "whoever made the file, load(..., weights_only=False) makes such objects too"
            )
        return GLOBALS[path]

    def since_mark(self) -> list[Any]:
        """All that was pushed since the last MARK."""
        items, self.stack = self.stack, self.below.pop()
        return items

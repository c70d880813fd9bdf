"""Reports a training script's losses, gradients, parameters and printed lines while it runs.

torch and minigrad have the same names, so one recorder serves both: it wraps `Tensor.backward`, `autograd.grad`,
`Optimizer.__init__` (and through it each optimizer's `step`), `Module.__init__` and ReLU, and takes the place
of `sys.stdout`. The script is not changed and notices nothing.

Tensors that no optimizer holds (`w -= lr * w.grad`) are found by the names that the script gives them (`frames`),
and reported after each backward, as a step of an optimizer that is nobody's: "by hand".
"""

import functools
import io
import re
import types
import weakref
import zlib
from collections import Counter, deque
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from parity import clocks
from parity.frames import ScriptFrames
from parity.lines import split_numbers, unit_in_last_place
from parity.records import THE_END, Backward, Line, Sender, Update, Weights
from parity.sampling import Enough, is_compared, is_judged_no_further

# What a script calls to get a number out of a tensor. The number is noted before it is rounded for print.
READERS = ("item", "tolist", "__float__", "__format__", "__repr__")
LARGEST_READ = 1000  # entries; a larger tensor is not printed number by number
KEPT_READS = 256  # the last numbers read, among which a printed number is looked up
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")  # of "<AddBackward0 object at 0x7f00becaf2b0>": another in every process
LINE_END = re.compile(r"(\r?\n|\r)")
FRUITLESS = 20  # searches for tensors trained by hand at one place of the script, after which none is made there


def copy(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


def copies(tensors: list[Any]) -> list[np.ndarray]:
    return [copy(tensor) for tensor in tensors]


def copy_gradients(parameters: list[Any]) -> list[np.ndarray | None]:
    return [None if parameter.grad is None else copy(parameter.grad) for parameter in parameters]


class Recorder:
    """Wraps a library's training calls; each call sends a record."""

    def __init__(self, torch: Any, sender: Sender, stops_early: bool = False, folder: Path | None = None):
        self.torch = torch
        self.sender = sender
        self.stops_early = stops_early  # raise Enough once a big model was judged for long enough
        self.frames = ScriptFrames(torch, folder or Path.cwd())  # of the script and what lies beside it
        self.modules: weakref.WeakSet[Any] = weakref.WeakSet()
        self.optimizers = 0
        self.held: dict[int, weakref.ref[Any]] = {}  # the parameters that optimizers hold, by their ids
        self.by_hand: dict[tuple[str, ...], ByHand] = {}
        self.last_by_hand: ByHand | None = None
        self.fruitless: Counter[str] = Counter()  # searches that found nothing, by place
        self.inside_backward = False
        self.devices: set[str] = set()  # where the parameters were during training: "cpu", "cuda"
        self.reads: deque[float] = deque(maxlen=KEPT_READS)
        self.kinks = 0  # of the ReLUs since the last backward
        self.inside_relu = False

    def install(self) -> None:
        torch = self.torch
        clocks.install()
        self.wrap(torch.nn.Module, "__init__", before=self.modules.add)
        self.wrap_backward(torch.Tensor, "backward")
        self.wrap_backward(torch.autograd, "backward")
        self.wrap_grad(torch.autograd, "grad")
        self.wrap(torch.optim.Optimizer, "__init__", after=self.on_optimizer)
        for reader in READERS:
            self.wrap(torch.Tensor, reader, before=self.on_read)
        for owner, name in ((torch.nn.ReLU, "forward"), (torch.nn.functional, "relu"), (torch.Tensor, "relu")):
            self.wrap_relu(owner, name)
        if hasattr(torch, "relu"):
            self.wrap_relu(torch, "relu")

    def wrap(self, owner: type, name: str, before: Any = None, after: Any = None) -> None:
        """Let every call of the method `owner.name` also call `before(self)` or `after(self)`."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(this: Any, *args: Any, **kwargs: Any) -> Any:
            if before:
                before(this)
            result = original(this, *args, **kwargs)
            if after:
                after(this)
            return result

        setattr(owner, name, wrapped)

    # ---- training ----
    def wrap_backward(self, owner: Any, name: str) -> None:
        """Report the loss before, what is trained by hand after. One backward calls another: the outermost counts."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if self.inside_backward:
                return original(tensors, *args, **kwargs)
            where = self.frames.where()
            self.send_loss(tensors, where)
            self.inside_backward = True
            try:
                result = original(tensors, *args, **kwargs)
            finally:
                self.inside_backward = False
            self.send_by_hand(where)
            return result

        setattr(owner, name, wrapped)

    def wrap_grad(self, owner: Any, name: str) -> None:
        """`autograd.grad(loss, w)`: the gradients are what it returns."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(outputs, inputs, *args, **kwargs)
            if self.frames.called_directly() and not self.inside_backward:  # not by `jacobian`, say
                where = self.frames.where()
                self.send_loss(outputs, where)
                tensors = [inputs] if isinstance(inputs, self.torch.Tensor) else list(inputs)
                known = self.frames.leaves()
                names = [known[id(t)][0] if id(t) in known else f"input {i}" for i, t in enumerate(tensors)]
                self.group(names, tensors, where, "autograd.grad").send(self.sender, tensors, list(result), where)
            return result

        setattr(owner, name, wrapped)

    def send_loss(self, tensors: Any, where: str) -> None:
        losses = [tensors] if isinstance(tensors, self.torch.Tensor) else list(tensors)
        single = losses[0] if len(losses) == 1 and losses[0].numel() == 1 else None
        self.sender.send(Backward(None if single is None else copy(single).item(), self.kinks, where))
        self.kinks = 0

    def send_by_hand(self, where: str) -> None:
        """Report the tensors that have a gradient now and that no optimizer holds."""
        if self.fruitless[where] == FRUITLESS:
            return
        found = [(name, leaf) for name, leaf in self.frames.leaves().values() if not self.is_held(leaf)]
        if not found:
            self.fruitless[where] += 1
            return
        names, leaves = [name for name, _ in found], [leaf for _, leaf in found]
        self.last_by_hand = self.group(names, leaves, where)
        self.last_by_hand.send(self.sender, leaves, [leaf.grad for leaf in leaves], where)

    def group(self, names: list[str], tensors: list[Any], where: str, kind: str = "") -> "ByHand":
        """The group of tensors with these names; a new one sends its values first."""
        key = (kind, *names)
        if key not in self.by_hand:
            self.optimizers += 1
            self.by_hand[key] = ByHand(self.optimizers)
            self.sender.send(Weights(self.optimizers, names, copies(tensors), by_hand=True, where=where))
        return self.by_hand[key]

    def finish(self) -> None:
        """The script has ended: what the last update by hand left."""
        if self.last_by_hand is not None:
            leaves = self.last_by_hand.leaves
            self.last_by_hand.send(self.sender, leaves, [leaf.grad for leaf in leaves], THE_END)

    def wrap_relu(self, owner: Any, name: str) -> None:
        """Note which entries of each result are above 0. One ReLU calls another: the outermost counts."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self.inside_relu or not self.torch.is_grad_enabled():
                return original(*args, **kwargs)
            self.inside_relu = True
            try:
                result = original(*args, **kwargs)
            finally:
                self.inside_relu = False
            self.kinks = zlib.crc32(np.packbits(result.detach().cpu().numpy() > 0).tobytes(), self.kinks)
            return result

        setattr(owner, name, wrapped)

    def on_optimizer(self, optimizer: Any) -> None:
        """Send the initial weights and wrap `step` of this one optimizer."""
        self.optimizers += 1
        number = self.optimizers
        parameters = parameters_of(optimizer)
        self.hold(parameters)
        weights = self.names_of(parameters), copies(parameters)
        adaptive = not isinstance(optimizer, self.torch.optim.SGD)
        self.sender.send(Weights(number, *weights, adaptive=adaptive, where=self.frames.where()))
        original = optimizer.step
        steps = 0

        @functools.wraps(original)
        def step(this: Any, closure: Any = None) -> Any:
            nonlocal steps
            steps += 1
            parameters = parameters_of(this)  # anew: a group may have been added
            self.hold(parameters)
            size = sum(parameter.numel() for parameter in parameters)
            compared = parameters if is_compared(size, steps) else []
            gradients = copy_gradients(compared)
            result = original() if closure is None else original(closure)
            if closure is not None:  # it was the closure that called backward
                gradients = copy_gradients(compared)
            self.devices.update(parameter.device.type for parameter in parameters)
            self.sender.send(Update(number, gradients, copies(compared), where=self.frames.where()))
            if self.stops_early and is_judged_no_further(size, steps):
                raise Enough
            return result

        optimizer.step = types.MethodType(step, optimizer)  # a method: schedulers look for `step.__func__`

    def hold(self, parameters: list[Any]) -> None:
        """An optimizer holds these."""
        self.held.update({id(parameter): weakref.ref(parameter) for parameter in parameters})

    def is_held(self, tensor: Any) -> bool:
        reference = self.held.get(id(tensor))
        return reference is not None and reference() is tensor

    def names_of(self, parameters: list[Any]) -> list[str]:
        """Names such as "layer1.weight", as the outermost module calls its parameters; the script's; or "param 0"."""
        names: dict[int, str] = {}
        for module in list(self.modules):
            for name, parameter in module.named_parameters():
                known = names.get(id(parameter), "")
                if (name.count("."), name) > (known.count("."), known):
                    names[id(parameter)] = name
        if any(id(p) not in names for p in parameters):
            names = {key: name for key, (name, _) in self.frames.leaves().items()} | names
        return [names.get(id(p), f"param {i}") for i, p in enumerate(parameters)]

    # ---- printed lines ----
    def on_read(self, tensor: Any) -> None:
        if tensor.numel() <= LARGEST_READ and tensor.dtype.is_floating_point:
            self.reads.extend(copy(tensor).astype(float).ravel().tolist())

    def on_line(self, text: str) -> None:
        text = ADDRESS.sub("0x…", text.replace(self.frames.prefix, ""))
        numbers, rounded = [], []
        for printed in split_numbers(text)[1]:
            number, by = self.unrounded(printed)
            numbers.append(number)
            rounded.append(by)
        self.sender.send(Line(text, numbers, rounded, self.frames.where()))

    def unrounded(self, printed: str) -> tuple[float, float]:
        """The last number read from a tensor that rounds to the printed one; or else the printed one, rounded."""
        value = float(printed)
        if printed.lstrip("+-").isdigit():
            return value, 0.0
        unit = unit_in_last_place(printed)
        for read in reversed(self.reads):
            if abs(read - value) <= 0.5000001 * unit:
                return read, 0.0
        return value, inf if clocks.is_time(value, 0.5000001 * unit) else unit


class ByHand:
    """Tensors that no optimizer holds, and how often backward has reached them."""

    def __init__(self, number: int):
        self.number = number
        self.times = 0
        self.leaves: list[Any] = []  # as they were last

    def send(self, sender: Sender, tensors: list[Any], gradients: list[Any], where: str) -> None:
        self.times += 1
        self.leaves = tensors
        wanted = is_compared(sum(tensor.numel() for tensor in tensors), self.times)
        some = [None if gradient is None else copy(gradient) for gradient in gradients] if wanted else []
        sender.send(Update(self.number, some, copies(tensors) if wanted else [], by_hand=True, where=where))


def parameters_of(optimizer: Any) -> list[Any]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


class LineWriter(io.TextIOBase):
    """Stands in for `sys.stdout`: keeps a copy in a file and hands every whole line to the recorder.

    A carriage return ends a line, too: what stood there is written over, as progress bars do.
    """

    def __init__(self, recorder: Recorder, copy_to: io.TextIOBase):
        self.recorder = recorder
        self.copy_to = copy_to
        self.unfinished = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.copy_to.write(text)
        if "\n" not in text and "\r" not in text:
            self.unfinished += text
            return len(text)
        *ended, self.unfinished = LINE_END.split(self.unfinished + text)
        for line, end in zip(ended[::2], ended[1::2], strict=True):
            if end != "\r" or line.strip():
                self.recorder.on_line(line)
        return len(text)

    def flush(self) -> None:
        self.copy_to.flush()

    def finish(self) -> None:
        """The script has ended: what it printed last may lack a newline."""
        if self.unfinished:
            self.recorder.on_line(self.unfinished)
            self.unfinished = ""
        self.flush()

"""Reports a training script's losses, gradients, parameters and printed lines while it runs.

torch and minigrad have the same names, so one recorder serves both: it wraps `Tensor.backward`,
`Optimizer.__init__` (and through it each optimizer's `step`), `Module.__init__` and ReLU, and takes the place
of `sys.stdout`. The script is not changed and notices nothing.
"""

import functools
import io
import types
import weakref
import zlib
from collections import deque
from typing import Any

import numpy as np

from parity.lines import split_numbers, unit_in_last_place
from parity.records import Backward, Line, Sender, Update, Weights
from parity.sampling import Enough, is_compared, is_judged_no_further

# What a script calls to get a number out of a tensor. The number is noted before it is rounded for print.
READERS = ("item", "tolist", "__float__", "__format__", "__repr__")
LARGEST_READ = 1000  # entries; a larger tensor is not printed number by number
KEPT_READS = 256  # the last numbers read, among which a printed number is looked up


def copy(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


def copy_gradients(parameters: list[Any]) -> list[np.ndarray | None]:
    return [None if parameter.grad is None else copy(parameter.grad) for parameter in parameters]


class Recorder:
    """Wraps a library's training calls; each call sends a record."""

    def __init__(self, torch: Any, sender: Sender, stops_early: bool = False):
        self.torch = torch
        self.sender = sender
        self.stops_early = stops_early  # raise Enough once a big model was judged for long enough
        self.modules: weakref.WeakSet[Any] = weakref.WeakSet()
        self.optimizers = 0
        self.devices: set[str] = set()  # where the parameters were during training: "cpu", "cuda"
        self.reads: deque[float] = deque(maxlen=KEPT_READS)
        self.kinks = 0  # of the ReLUs since the last backward
        self.inside_relu = False

    def install(self) -> None:
        torch = self.torch
        self.wrap(torch.nn.Module, "__init__", before=self.modules.add)
        self.wrap(torch.Tensor, "backward", before=self.on_backward)
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
    def on_backward(self, loss: Any) -> None:
        self.sender.send(Backward(copy(loss).item() if loss.numel() == 1 else None, self.kinks))
        self.kinks = 0

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
        self.sender.send(Weights(number, self.names_of(parameters), [copy(p) for p in parameters]))
        original = optimizer.step
        steps = 0

        @functools.wraps(original)
        def step(this: Any, closure: Any = None) -> Any:
            nonlocal steps
            steps += 1
            parameters = parameters_of(this)  # anew: a group may have been added
            size = sum(parameter.numel() for parameter in parameters)
            compared = parameters if is_compared(size, steps) else []
            gradients = copy_gradients(compared)
            result = original() if closure is None else original(closure)
            if closure is not None:  # it was the closure that called backward
                gradients = copy_gradients(compared)
            self.devices.update(parameter.device.type for parameter in parameters)
            self.sender.send(Update(number, gradients, [copy(p) for p in compared]))
            if self.stops_early and is_judged_no_further(size, steps):
                raise Enough
            return result

        optimizer.step = types.MethodType(step, optimizer)  # a method: schedulers look for `step.__func__`

    def names_of(self, parameters: list[Any]) -> list[str]:
        """Names such as "layer1.weight", as the outermost module calls its parameters; else "param 0"."""
        names: dict[int, str] = {}
        for module in list(self.modules):
            for name, parameter in module.named_parameters():
                known = names.get(id(parameter), "")
                if (name.count("."), name) > (known.count("."), known):
                    names[id(parameter)] = name
        return [names.get(id(p), f"param {i}") for i, p in enumerate(parameters)]

    # ---- printed lines ----
    def on_read(self, tensor: Any) -> None:
        if tensor.numel() <= LARGEST_READ and tensor.dtype.is_floating_point:
            self.reads.extend(copy(tensor).astype(float).ravel().tolist())

    def on_line(self, text: str) -> None:
        _, printed = split_numbers(text)
        self.sender.send(Line(text, [self.unrounded(number) for number in printed]))

    def unrounded(self, printed: str) -> float:
        """The last number read from a tensor that rounds to the printed one; or else the printed one."""
        value = float(printed)
        if not printed.lstrip("+-").isdigit():
            half_a_unit = 0.5000001 * unit_in_last_place(printed)
            for read in reversed(self.reads):
                if abs(read - value) <= half_a_unit:
                    return read
        return value


def parameters_of(optimizer: Any) -> list[Any]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


class LineWriter(io.TextIOBase):
    """Stands in for `sys.stdout`: keeps a copy in a file and hands every whole line to the recorder."""

    def __init__(self, recorder: Recorder, copy_to: io.TextIOBase):
        self.recorder = recorder
        self.copy_to = copy_to
        self.unfinished = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.copy_to.write(text)
        *lines, self.unfinished = (self.unfinished + text).split("\n")
        for line in lines:
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

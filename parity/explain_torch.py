"""What real torch computes in one training step: the result of every operation, every gradient, every update."""

from __future__ import annotations

import inspect
import os
import runpy
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from parity.explain import Seen


class EndOfStep(BaseException):
    """The step that was asked for is done."""


class Watcher(TorchFunctionMode):
    """Notes what the `step`-th training step computes, and ends the script there.

    A step ends as it does for minigrad's recording: with an optimizer's step, or where there is none, with backward.
    """

    def __init__(self, step: int, folder: str) -> None:
        super().__init__()
        self.step, self.folder = step, folder
        self.steps_done = 0
        self.has_optimizer = False
        self.seen: list[Seen] = []
        self.known: dict[Any, Seen] = {}  # by grad_fn, or a leaf's id
        self.kept: list[Any] = []  # so that ids stay their own
        self.handles = [register_optimizer_step_pre_hook(self.before_step),
                        register_optimizer_step_post_hook(self.after_step)]
        doors = ((torch.autograd, "backward"), (torch.autograd, "grad"), (torch.optim.Optimizer, "__init__"))
        self.originals = [(owner, name, getattr(owner, name)) for owner, name in doors]
        for owner, name, original in self.originals:
            setattr(owner, name, self.on_optimizer(original) if name == "__init__" else self.counting(original))

    def finish(self) -> None:
        for handle in self.handles:
            handle.remove()
        for owner, name, original in self.originals:
            setattr(owner, name, original)

    @property
    def is_close(self) -> bool:
        return self.steps_done == self.step - 1

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if self.is_close and torch.is_grad_enabled():
            for tensor in tensors_in((args, kwargs)):
                if tensor.is_leaf and tensor.requires_grad:
                    self.note(id(tensor), "", tensor)
            for tensor in tensors_in(result):
                if tensor.grad_fn is not None and tensor.is_floating_point():
                    self.note(tensor.grad_fn, tensor.grad_fn.name(), tensor)
        return result

    def note(self, key: Any, name: str, tensor: Any) -> Seen:
        if key not in self.known:
            with torch._C.DisableTorchFunction():
                seen = Seen(name, self.line(), copy(tensor))
                tensor.register_hook(lambda g: setattr(seen, "gradient", copy(g)))
            self.known[key] = seen
            self.seen.append(seen)
            self.kept.append(tensor)
        return self.known[key]

    def line(self) -> int:
        """The innermost line of the script, or of a file beside it."""
        frame = inspect.currentframe()
        while frame is not None and not frame.f_code.co_filename.startswith(self.folder):
            frame = frame.f_back
        return frame.f_lineno if frame is not None else 0

    def counting(self, original: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if not self.has_optimizer:
                self.end_step()
            return result

        return counted

    def on_optimizer(self, init: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> None:
            self.has_optimizer = True
            init(*args, **kwargs)

        return noted

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        for seen, p in self.parameters(optimizer):
            seen.value = copy(p)  # as first seen, it may not have had its initial values yet

    def after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        for seen, p in self.parameters(optimizer):
            seen.after = copy(p)
        self.end_step()

    def parameters(self, optimizer: Any) -> list[tuple[Seen, Any]]:
        """The optimizer's parameters that this step has used, numbered as the optimizer numbers them."""
        found = []
        for number, p in enumerate([p for group in optimizer.param_groups for p in group["params"]]):
            if self.is_close and id(p) in self.known:
                self.known[id(p)].number = number
                found.append((self.known[id(p)], p))
        return found

    def end_step(self) -> None:
        self.steps_done += 1
        if self.steps_done == self.step:
            raise EndOfStep


def copy(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy().copy()


def tensors_in(x: Any) -> list[Any]:
    if isinstance(x, torch.Tensor):
        return [x]
    if isinstance(x, dict):
        x = x.values()
    return [t for each in x for t in tensors_in(each)] if isinstance(x, (list, tuple, type({}.values()))) else []


def watch(number: int, script: str) -> list[Seen]:
    """What the script computes in its step of this number, in the order of computation."""
    watcher = Watcher(number, os.getcwd())
    try:
        with watcher:
            runpy.run_path(os.path.abspath(script), run_name="__main__")
    except EndOfStep:
        pass
    finally:
        watcher.finish()
    if watcher.steps_done < number:
        raise ValueError(f"{script} ends after {watcher.steps_done} training steps: there is no step {number}")
    return watcher.seen

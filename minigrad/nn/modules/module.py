"""Module: the base class of every layer, model and loss.

A module is a tree: it holds parameters and further modules (`_members.py`), its state can be taken out and
put back (`_state.py`), and calling it runs `forward`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Self

from ...creation import empty
from ...dtypes import dtype
from ...hooks import RemovableHandle, register
from ...modes import no_grad
from ...tensor import Tensor
from ..parameter import zero_grad_in_place
from ._hooks import BackwardHooks
from ._members import MODULE
from ._state import StateDict

Hook = tuple[Callable[..., Any], bool]  # the user's function, and whether it takes keyword arguments too


class Module(StateDict):
    """A part of a model. Subclass it, register members by assigning them, and define `forward`.

    >>> from minigrad import nn
    >>> class Model(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(2, 3)
    ...         self.out = nn.Linear(3, 1)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).relu())
    >>> Model()
    Model(
      (hidden): Linear(in_features=2, out_features=3, bias=True)
      (out): Linear(in_features=3, out_features=1, bias=True)
    )
    >>> [name for name, _ in Model().named_parameters()]
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    training: bool  # True after construction and train(), False after eval()
    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_hooks: OrderedDict[int, Hook]
    _backward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _backward_hooks: OrderedDict[int, Callable[..., Any]]

    def __init__(self) -> None:
        super().__init__()
        self.__dict__.update(training=True, _forward_pre_hooks=OrderedDict(), _forward_hooks=OrderedDict(),
                             _backward_pre_hooks=OrderedDict(), _backward_hooks=OrderedDict())

    # ---------------------------------------------------------------------------------------------- calling

    def _forward_unimplemented(self, *args: Any) -> Any:
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    forward: Callable[..., Any] = _forward_unimplemented  # subclasses choose their own arguments

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._forward_pre_hooks or self._forward_hooks or self._backward_hooks or self._backward_pre_hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: Any, kwargs: dict[str, Any]) -> Any:
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            changed = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if changed is None:
                continue
            if not with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
        backward = BackwardHooks(self) if self._backward_hooks or self._backward_pre_hooks else None
        if backward is not None:
            args = backward.enter(args)
        output = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks.values()):
            changed = hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
            if changed is not None:
                output = changed
        return output if backward is None else backward.leave(output)

    def register_forward_pre_hook(self, hook: Callable[..., Any], *, prepend: bool = False,
                                  with_kwargs: bool = False) -> RemovableHandle:
        """Run `hook(module, args)`, or with_kwargs `hook(module, args, kwargs)`, before every forward, until
        `handle.remove()`. What it returns replaces the arguments."""
        return register(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(self, hook: Callable[..., Any], *, prepend: bool = False,
                              with_kwargs: bool = False) -> RemovableHandle:
        """Run `hook(module, args, output)`, or with_kwargs `hook(module, args, kwargs, output)`, after every
        forward, until `handle.remove()`. What it returns replaces the output."""
        return register(self._forward_hooks, (hook, with_kwargs), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run `hook(module, grad_output)` whenever the gradients of the outputs are known, until `handle.remove()`.
        What it returns, a tuple, replaces them."""
        return register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Run `hook(module, grad_input, grad_output)` whenever the gradients of the inputs are known, until
        `handle.remove()`. What it returns, a tuple, replaces grad_input."""
        return register(self._backward_hooks, hook, prepend)

    # ------------------------------------------------------------------------------------- modes, gradients

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below: layers such as dropout behave accordingly. Returns self."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, not {mode!r}")
        members = self.__dict__  # written to and read directly: train() and eval() are called at every step
        members["training"] = mode
        for name, kind in self._member_kinds.items():
            if kind == MODULE and members[name] is not None:
                members[name].train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and below: `train(False)`. Gradients are still recorded."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let gradients flow to all parameters, or (False) freeze them. Returns self."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or (set_to_none=False) fill them with zeros."""
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            else:
                zero_grad_in_place(p)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module, children before parents: for custom initialization. Returns self."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ------------------------------------------------------------------------------------ dtypes and devices

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Convert all parameters, gradients and buffers. Parameters stay the objects that optimizers hold."""
        for child in self.children():
            child._apply(fn)
        with no_grad():
            for p in self._parameters.values():
                if p is not None:
                    grad = p.grad
                    p.data = fn(p)
                    if grad is not None:
                        p.grad = fn(grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    setattr(self, name, fn(buffer))
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and convert in place: `to(device)`, `to(dtype)`, `to(device, dtype)`, `to(tensor)`. Returns self.

        Only floating-point parameters and buffers take the dtype, which must be floating-point (TypeError).
        """
        probe = empty(0).to(*args, **kwargs)  # Tensor.to reads the arguments
        if not probe.is_floating_point():
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={probe.dtype}")
        return self._apply(lambda t: t.to(*args, **kwargs) if t.is_floating_point() else t.to(device=probe.device))

    def type(self, dst_type: dtype | str) -> Self:
        """Convert all parameters and buffers to a dtype, in place. Returns self."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32, in place. Returns self."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64, in place. Returns self."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to float16, in place. Returns self."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """Move all parameters and buffers to the CPU, in place. Returns self."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move all parameters and buffers to a CUDA device, in place. Returns self."""
        return self._apply(lambda t: t.cuda(device))

    # --------------------------------------------------------------------------------------------- printing

    def extra_repr(self) -> str:
        """What stands in the brackets of this module's own line; override it."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        own = extra.split("\n") if extra else []
        below = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if below or len(own) > 1:
            extra = "".join(f"\n  {line}" for line in own + below) + "\n"
        return f"{self._get_name()}({extra})"

    def __dir__(self) -> Iterator[str]:
        return (name for name in super().__dir__() if not name[0].isdigit())

"""Hooks on a module's backward: they see the gradients of its outputs and of its inputs.

A module is no node of the tape: its inputs and its outputs are many. So while it has backward hooks, its inputs and
its outputs each go together through an identity, whose gradient is where the hooks look, and may change what they see.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ...autograd import Function
from ...creation import zeros_like
from ...modes import is_grad_enabled
from ...tensor import Tensor

if TYPE_CHECKING:
    from .module import Module


class BackwardHookFunction(Function):
    """The identity on some tensors. Its gradient is what `see` makes of the gradients.

    Where none arrived, `see` gets None, or (materialize) zeros; what it gives as None goes on as zeros.
    """

    @staticmethod
    def forward(ctx: Any, see: Any, materialize: bool, *tensors: Tensor) -> Any:
        ctx.see, ctx.tensors = see, [t.detach() for t in tensors]
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        ctx.set_materialize_grads(materialize)
        return tensors

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        seen = ctx.see(grad_outputs)
        return None, None, *[zeros_like(t) if g is None else g for g, t in zip(seen, ctx.tensors, strict=True)]


class BackwardHooks:
    """The backward hooks of a module during one call of it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.hooks = list(module._backward_hooks.values())
        self.pre_hooks = list(module._backward_pre_hooks.values())
        self.inputs_tracked = False
        self.inputs = 0
        self.grad_output: tuple[Any, ...] | None = None  # not known yet

    def through(self, values: tuple[Any, ...], see: Any, materialize: bool = False) -> tuple[Any, ...]:
        """The values, tensors among them led through the identity; `see` gets a gradient or None for each value."""
        at = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not is_grad_enabled() or not any(values[i].requires_grad for i in at):
            return values

        def see_all(grads: tuple[Any, ...]) -> list[Any]:
            arrived = dict(zip(at, grads, strict=True))
            seen = see(tuple([arrived.get(i) for i in range(len(values))]))
            return [seen[i] for i in at]

        passed = BackwardHookFunction.apply(see_all, materialize, *[values[i] for i in at])
        new = dict(zip(at, passed, strict=True))
        return tuple([new.get(i, v) for i, v in enumerate(values)])

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The module's arguments, with the hooks listening to their gradients."""
        self.inputs = len(args)
        watched = self.through(args, self.see_inputs, materialize=True) if self.hooks else args
        self.inputs_tracked = watched is not args
        return watched

    def leave(self, output: Any) -> Any:
        """The module's output, with the hooks listening to its gradient."""
        if isinstance(output, Tensor):
            return self.through((output,), self.see_outputs)[0]
        if isinstance(output, tuple):
            return self.through(output, self.see_outputs)
        warnings.warn("For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but "
                      f"received {type(output)}", stacklevel=4)
        return output

    def see_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.pre_hooks:
            grads = _replaced(hook(self.module, grads), grads, "Backward pre hook", "grad_output")
        self.grad_output = grads
        if self.hooks and not self.inputs_tracked:  # nothing will arrive there
            warnings.warn("Full backward hook is firing when gradients are computed with respect to module outputs "
                          "since no inputs require gradients.", stacklevel=2)
            if any(g is not None for g in self.see_inputs((None,) * self.inputs)):
                raise RuntimeError("Backward hook for Modules where no input requires gradient should always return "
                                   "None or None for all gradients.")
        return grads

    def see_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is not None:  # else the gradient has not come through this module's outputs
            for hook in self.hooks:
                grads = _replaced(hook(self.module, grads, self.grad_output), grads, "Backward hook", "grad_input")
        self.grad_output = None
        return grads


def _replaced(changed: Any, grads: tuple[Any, ...], hook: str, name: str) -> tuple[Any, ...]:
    """The gradients that a hook returned, or those that it was given."""
    if changed is not None and len(changed) != len(grads):
        raise RuntimeError(f"{hook} returned an invalid number of {name}, got {len(changed)}, "
                           f"but expected {len(grads)}")
    return grads if changed is None else changed

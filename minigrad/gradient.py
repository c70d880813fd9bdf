"""What torch says about a tensor's gradient: requires_grad, grad, backward, detach, data."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from . import autograd, inplace
from .dtypes import from_numpy_dtype
from .engine import Leaf, Node, TensorCore, own, wrap
from .gradfn import GradFn, grad_fn
from .hooks import RemovableHandle
from .modes import mode

if TYPE_CHECKING:
    from .tensor import Tensor


class Kept:
    """Where the gradient of a tensor that is no leaf is kept, for those who ask for it."""

    def __init__(self) -> None:
        self.grad: Tensor | None = None

    def hook(self, g: Any) -> Any:
        """`retain_grad` puts this among the node's hooks."""
        mine: Tensor = g if isinstance(g, TensorCore) else wrap(own(g))  # type: ignore[assignment]  # a Tensor
        self.grad = mine if self.grad is None else self.grad + mine
        return g


class WithGradient(TensorCore):
    """The part of Tensor that deals with its place on the tape and with its gradient."""

    def follow(self) -> None:
        """If this is a view and its memory was written to: take it anew from its base, as that is now."""
        if self.base is not None and self.cell is not None and self.cell[0] > self.base_tick:
            inplace.retake(self)  # type: ignore[arg-type]  # the Tensor that this is a part of

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        return self.current_node() is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                "in a subgraph that doesn't require differentiation use var_no_grad = var.detach().")
        if not wanted:
            self.node = None
            if isinstance(self.place, Leaf):
                self.place.frozen = True
            return
        if self.array.dtype.kind != "f":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients, and this one "
                               f"is {from_numpy_dtype(self.array.dtype)}")
        if self.cell is None and not mode.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self.node = leaf = self._leaf()
        leaf.frozen = False
        self.base = None  # from now on it is the beginning of its own history

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set requires_grad, and return the tensor."""
        if self.is_leaf or not requires_grad:
            self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return not isinstance(self.current_node(), Node) or isinstance(self.node, Leaf)

    def _leaf(self) -> Leaf:
        """The place for this tensor's gradient as a leaf."""
        if not isinstance(self.place, Leaf):
            leaf = Leaf(self.array)
            leaf.grad = None if self.place is None else self.place.grad
            self.place = leaf
        return self.place

    def _kept(self) -> Kept:
        """The place for this tensor's gradient while it is no leaf."""
        if not isinstance(self.place, Kept):
            self.place = Kept()
        return self.place

    @property
    def grad(self) -> Tensor | None:
        """The sum of the gradients that backward brought here since it was last cleared."""
        if self.place is None and not self.is_leaf:
            warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                          "attribute won't be populated during autograd.backward(). If you indeed want the .grad field "
                          "to be populated for a non-leaf Tensor, use .retain_grad() on it.", stacklevel=2)
        return None if self.place is None else self.place.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is None:
            if self.place is not None:
                self.place.grad = None
            return
        if not isinstance(value, TensorCore):
            kind = type(value).__name__
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {kind}")
        if value.array.shape != self.array.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value.array.shape)}' to a tensor of size "
                f"'{list(self.array.shape)}'. Please ensure that the gradient and the tensor are the same size")
        if value.array.dtype != self.array.dtype:
            raise RuntimeError(f"attempting to assign a gradient with dtype {value.array.dtype} to a tensor with "
                               f"dtype {self.array.dtype}")
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        (self._leaf() if self.is_leaf else self._kept()).grad = value  # type: ignore[assignment]  # a Tensor

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def receive(self, g: Any) -> None:
        """Add a gradient that backward(inputs=...) found for this tensor."""
        if isinstance(self.node, Leaf):
            self.node.accumulate(g)
        else:
            self._kept().hook(g)

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is not a leaf, too, as `.grad`."""
        node = self.current_node()
        if node is None:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if not isinstance(node, Leaf):
            place = self._kept()
            node.hooks = hooks = node.hooks if node.hooks is not None else {}
            hooks[place] = place.hook

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on a tensor that is not a leaf."""
        node = self.current_node()
        return isinstance(self.place, Kept) and node is not None and self.place in (node.hooks or {})

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Run hook(gradient) whenever this tensor's gradient is complete. What it returns replaces the gradient."""
        node = self.current_node()
        if node is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node.hooks = hooks = node.hooks if node.hooks is not None else {}
        handle = RemovableHandle(hooks)
        hooks[handle.id] = lambda g: _run_hook(hook, g)
        for place in [key for key in hooks if isinstance(key, Kept)]:
            hooks[place] = hooks.pop(place)  # `retain_grad` keeps what the hooks leave
        return handle

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Run hook(tensor) whenever backward has added to the `.grad` of this leaf."""
        leaf, owner = self.current_node(), weakref.ref(self)
        if leaf is None:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if not isinstance(leaf, Leaf):
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        leaf.after = hooks = leaf.after if leaf.after is not None else {}
        handle = RemovableHandle(hooks)
        hooks[handle.id] = lambda: hook(owner())  # type: ignore[arg-type]  # the tape does not keep tensors alive
        return handle

    @property
    def grad_fn(self) -> GradFn | None:
        """The operation that made it, for printing and for following the graph; None for leaves."""
        node = self.current_node()
        return None if node is None or isinstance(node, Leaf) else grad_fn(node)

    def backward(self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
                 inputs: Sequence[Tensor] | None = None) -> None:
        """Add the gradient of this tensor (times `gradient`; a scalar needs none) to `.grad` of every leaf.

        With retain_graph it can be done again; with create_graph the gradients have a graph of their own, for
        second derivatives; with inputs only these tensors receive a gradient.
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory as a constant: gradients stop here."""
        constant = wrap(self.array)
        constant.cell = self.cell
        return constant

    def detach_(self) -> Self:
        """Make this tensor a constant."""
        if self.base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self.node = None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory as a constant, without a watch on writes to it."""
        return wrap(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, TensorCore):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        self.array = value.array
        if isinstance(self.place, Leaf):
            self.place.shape, self.place.dtype = self.array.shape, self.array.dtype


def _run_hook(hook: Callable[[Tensor], Tensor | None], g: Any) -> Any:
    """What a user's hook makes of a gradient. Copies go in and out, as the user may hold them or write to them."""
    given = g if isinstance(g, TensorCore) else wrap(own(g))
    changed = hook(given)  # type: ignore[arg-type]  # a Tensor
    if changed is None:
        changed = given  # type: ignore[assignment]  # a Tensor
    name = getattr(hook, "__name__", repr(hook))
    if not isinstance(changed, TensorCore):
        raise TypeError(f"expected Variable, but hook returned '{type(changed).__name__}'")
    if changed.array.dtype != given.array.dtype:
        was, got = (from_numpy_dtype(t.array.dtype).type_name for t in (given, changed))
        raise RuntimeError(f"hook '{name}' has changed the type of value (was torch.{was}Tensor got torch.{got}Tensor)")
    if changed.array.shape != given.array.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value: "
                           f"{list(changed.array.shape)} for {list(given.array.shape)}")
    return changed if g is given else own(changed.array)

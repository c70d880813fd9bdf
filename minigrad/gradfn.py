"""`tensor.grad_fn`: the tape as torch shows it, `<MulBackward0 object at 0x...>` and its `next_functions`."""

from __future__ import annotations

from functools import cache
from typing import Any

from .engine import Leaf, Node

# Where torch's name of the operation is another than ours.
_TORCH_NAMES = {"l1_loss": "MeanBackward0", "kl_div": "SubBackward0", "cross_entropy": "DivBackward1",
                "copy_slices": "CopySlices", "copy": "CopyBackwards", "to": "ToCopyBackward0",
                "floor_divide": "NotImplemented", "matmul": "UnsafeViewBackward0", "square": "PowBackward0",
                "log2": "Log2Backward0", "log10": "Log10Backward0", "expm1": "Expm1Backward0",
                "rot90": "Rot90Backward0", "diagonal_copy": "DiagonalBackward0_copy"}


class GradFn:
    """One node of the tape. Its class is named as torch names it: `type(y.grad_fn).__name__`."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """The nodes that the gradient goes to next, one for each input; None for constants."""
        if isinstance(self.node, Leaf):
            return ()
        parents = self.node.parents[: len(self.node.pullback.op.inputs)]
        return tuple([(None if p is None else grad_fn(p), 0) for p in parents])

    def name(self) -> str:
        """Its name: MulBackward0."""
        return f"torch::autograd::{type(self).__name__}" if isinstance(self.node, Leaf) else type(self).__name__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradFn) and self.node is other.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        module = "" if type(self).__module__ == "builtins" else f"{type(self).__module__}."
        return f"<{module}{type(self).__name__} object at {id(self.node):#x}>"


@cache
def _class_named(name: str) -> type[GradFn]:
    module = "torch.autograd.function" if name.endswith("Backward") else "builtins"  # as torch prints them
    return type(name, (GradFn,), {"__slots__": (), "__module__": module})


def torch_name(node: Node) -> str:
    """torch's name for the kind of a node."""
    node = getattr(node, "call", node)  # an output of an autograd.Function bears the function's name
    name = node.op_name
    if isinstance(node, Leaf) or name.endswith("Backward"):
        return name
    words = name.rstrip("0123456789")
    camel = words.title().replace("_", "")  # max_pool2d: MaxPool2D
    return _TORCH_NAMES.get(name) or f"{camel}Backward{name[len(words) :] or 0}"


def grad_fn(node: Node) -> Any:
    """The GradFn of a node."""
    return _class_named(torch_name(node))(getattr(node, "call", node))

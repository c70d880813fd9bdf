"""torch.einsum: sums of products, as transposes, diagonals, sums and products of matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..engine import apply
from .linear_algebra import matmul
from .reductions import sum
from .shapes import expand, movedim, permute, reshape

if TYPE_CHECKING:
    from ..tensor import Tensor


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products, by names of dimensions: "ij,jk->ik" is the matrix product, "ii" the trace.

    Each letter names a dimension. Elements at which the letters agree are multiplied, and the products summed over
    the letters that do not stand on the right of the arrow. Without an arrow those letters remain that occur once, in
    the alphabet's order. `...` stands for dimensions that broadcast.
    """
    tensors = list(operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands)
    names, out = _named_dims(equation.replace(" ", ""), tensors)
    sizes: dict[str, int] = {}
    for name, x in zip(names, tensors, strict=True):
        sizes |= {n: size for n, size in zip(name, x.array.shape, strict=True) if sizes.get(n, 1) == 1}
    result, of = _expanded(tensors[0], names[0], sizes)
    for i, (x, name) in enumerate(zip(tensors[1:], names[1:], strict=True)):
        y, b = _expanded(x, name, sizes)
        result, of = _contracted(result, of, y, b, out + "".join(names[i + 2 :]), sizes)
    result, of = _summed(result, of, out)
    return permute(result, [of.index(n) for n in out])


def _named_dims(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """The names of each operand's dimensions, and of the result's; `...` becomes digits, 0 for the last dimension."""
    left, arrow, right = equation.partition("->")
    names = left.split(",")
    if len(names) != len(tensors):
        raise RuntimeError(f"einsum(): {equation!r} names {len(names)} operands, but {len(tensors)} were provided")
    dots = ""
    for i, (name, x) in enumerate(zip(names, tensors, strict=True)):
        extra = x.array.ndim - len(name.replace("...", ""))
        if extra < 0 or (extra and "..." not in name):
            raise RuntimeError(f"einsum(): the number of subscripts in {name!r} does not match the number of "
                               f"dimensions ({x.array.ndim}) for operand {i}")
        own = "9876543210"[10 - extra :]
        names[i], dots = name.replace("...", own), max(dots, own, key=len)
    seen = "".join(names)
    if not arrow:
        right = "..." + "".join(sorted(n for n in set(seen) if n.isalpha() and seen.count(n) == 1))
    out = right.replace("...", dots)
    if not ("0" + seen).isalnum() or set(out) - set(seen) or len(set(out)) < len(out):
        raise RuntimeError(f"einsum(): invalid subscripts in {equation!r}: letters stand for dimensions, and those on "
                           "the right stand there once, and on the left, too")
    return names, out


def _expanded(x: Tensor, names: str, sizes: dict[str, int]) -> tuple[Tensor, str]:
    """An operand with all its sizes, and a diagonal for two dimensions of the same name."""
    x = expand(x, [sizes[n] for n in names])
    for n in sorted(set(names)):
        while names.count(n) > 1:
            i, j = names.index(n), names.rindex(n)
            along = np.arange(sizes[n])
            x = apply(ops.index, (movedim(x, (i, j), (0, 1)), (along, along)))
            names = n + names[:i] + names[i + 1 : j] + names[j + 1 :]
    return x, names


def _summed(x: Tensor, names: str, kept: str) -> tuple[Tensor, str]:
    """The sum over all dimensions whose names are not among `kept`."""
    gone = [i for i, n in enumerate(names) if n not in kept]
    return (sum(x, gone) if gone else x), "".join(n for n in names if n in kept)


def _contracted(x: Tensor, a: str, y: Tensor, b: str, kept: str, sizes: dict[str, int]) -> tuple[Tensor, str]:
    """The product of two operands, summed over the names that nobody needs any more: one product of matrices."""
    (x, a), (y, b) = _summed(x, a, kept + b), _summed(y, b, kept + a)
    batch = "".join(n for n in a if n in b and n in kept)
    gone = "".join(n for n in a if n in b and n not in kept)
    left, right = ["".join(n for n in names if n not in batch + gone) for names in (a, b)]

    def matrices(x: Tensor, names: str, *groups: str) -> Tensor:
        shape = [math.prod(sizes[n] for n in group) for group in groups]
        return reshape(permute(x, [names.index(n) for n in "".join(groups)]), shape)

    product = matmul(matrices(x, a, batch, left, gone), matrices(y, b, batch, gone, right))
    of = batch + left + right
    return reshape(product, [sizes[n] for n in of]), of

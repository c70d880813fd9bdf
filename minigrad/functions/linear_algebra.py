"""Products of vectors and matrices, norms, and what picks parts of a matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..dtypes import as_dtype, dtype
from ..engine import Op, TensorCore, apply, wrap
from .pointwise import abs, add, clone, mul, where
from .promotion import cast, numpy_names, shape_error, tensor_only
from .reductions import Dim, amax, amin, many_dims, one_dim, sum
from .shapes import expand, movedim, unsqueeze

if TYPE_CHECKING:
    from ..tensor import Tensor


_dot, _mv, _vm, _batched = [ops.reshape.named(name) for name in ("dot", "mv", "squeeze4", "unsafe_view")]
_bmm, _diag, _diag_embed = ops.matmul.named("bmm"), ops.index.named("diagonal_copy"), ops.put.named("diag_embed")
_diagonal = Op("diagonal", lambda x, /, block, key: np.einsum("...ii->...i", x[block]), view=True,  # as x[key] copies
               x=ops.index.rules["x"])

_dist = ops.clone.named("dist")
_count = Op("linalg_vector_norm", lambda x, /, dim, keepdim: (x != 0).sum(dim, dtype=x.dtype, keepdims=keepdim),
            x=lambda g: None)  # a number of elements: torch leaves its gradient out


def matmul_operator(input: Tensor, other: Any) -> Tensor:
    """input @ other; NotImplemented for what is no tensor."""
    return matmul(input, other) if isinstance(other, TensorCore) else NotImplemented  # type: ignore[arg-type]


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product; vectors count as a row on the left, as a column on the right, batches broadcast."""
    tensor_only("matmul", input)
    tensor_only("matmul", other)
    if input.array.dtype != other.array.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {input.dtype} != {other.dtype}")
    a, b = input.array.ndim, other.array.ndim
    if not a or not b:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    x = input if a > 1 else unsqueeze(input, 0)
    y = other if b > 1 else unsqueeze(other, 1)
    if x.array.shape[-1] != y.array.shape[-2]:
        raise _product_error(input, other)
    try:
        out = apply(ops.mm if x.array.ndim == y.array.ndim == 2 else ops.matmul, (x, y))
    except ValueError:
        raise shape_error(input, other) from None
    if a > 1 and b > 1:
        return out
    shape = out.array.shape  # without the dimensions that stood for the vectors
    op = _dot if a == b == 1 else _mv if a == 2 else _vm if b == 2 else _batched
    return apply(op, (out, (shape[:-2] if a == 1 else shape[:-1]) + (shape[-1:] if b > 1 else ())))


def _product_error(x: Tensor, y: Tensor) -> RuntimeError:
    a, b = x.array.shape, y.array.shape
    if len(a) == len(b) == 1:
        return RuntimeError(f"inconsistent tensor size, expected tensor {list(a)} and src {list(b)} to have the same "
                            f"number of elements, but got {a[0]} and {b[0]} elements respectively")
    shown = ["x".join(map(str, shape)) for shape in (a, b)]
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shown[0]} and {shown[1]})")


def _of_rank(name: str, x: Tensor, y: Tensor, ranks: tuple[int, int]) -> Tensor:
    if (x.array.ndim, y.array.ndim) != ranks:
        kinds = {1: "a vector", 2: "a matrix"}
        raise RuntimeError(
            f"{name}: expected {kinds[ranks[0]]} and {kinds[ranks[1]]}, got shapes {list(x.array.shape)} "
            f"and {list(y.array.shape)}")
    return matmul(x, y)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    return _of_rank("mm", input, mat2, (2, 2))


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    return _of_rank("mv", input, vec, (2, 1))


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product of two vectors."""
    return _of_rank("dot", input, tensor, (1, 1))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, (b, n, k) and (b, k, m)."""
    a, b = input.array.shape, mat2.array.shape
    if len(a) != 3 or len(b) != 3:
        raise RuntimeError(f"batch1 and batch2 must be 3D tensors, not {len(a)}D and {len(b)}D")
    if (a[0], a[2]) != b[:2]:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {[a[0], a[2]]} but got: "
                           f"{list(b[:2])}.")
    return apply(_bmm, (input, mat2))


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2)."""
    product = mm(mat1, mat2)
    expand(input, product.array.shape)  # an error where it does not fit
    scaled = mul(product, alpha)
    return add(mul(input, beta), scaled) if beta else scaled  # with beta 0, nan and inf in input don't count


def inverse(A: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each of a batch of them."""
    _float_only("inv", A)
    try:
        return apply(ops.inverse, (A,))
    except np.linalg.LinAlgError as error:
        raise RuntimeError(f"linalg.inv: {error} (shape {list(A.array.shape)})") from None


def matrix_power(input: Tensor, n: int) -> Tensor:
    """input @ input @ ... with n factors, of a square matrix or a batch of them; the inverse's for a negative n."""
    shape = input.array.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise RuntimeError("linalg.matrix_power: A must be batches of square matrices, but they are "
                           f"{' by '.join(map(str, shape[-2:]))} matrices")
    if n == 0:
        return clone(input).copy_(wrap(np.eye(shape[-1], dtype=input.array.dtype)))
    square, n = (input, n) if n > 0 else (inverse(input), -n)  # input to the power of 1, 2, 4, 8, ...
    out = None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            out = square if out is None else matmul(out, square)
        if not n:
            return out  # type: ignore[return-value]
        square = matmul(square, square)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The products of each element of a vector with each of another: a matrix."""
    if input.array.ndim != 1 or vec2.array.ndim != 1:
        raise RuntimeError(f"outer: Expected 1-D arguments, but got {input.array.ndim}-D and {vec2.array.ndim}-D")
    return mul(unsqueeze(input, 1), vec2)


def _float_only(name: str, x: Tensor) -> None:
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"linalg.{name}: Expected a floating point or complex tensor as input. Got "
                           f"{x.dtype.type_name}")


# -------------------------------------------------------------------------------------- norms and distances


@numpy_names
def norm(input: Tensor, p: float | str | None = "fro", dim: Dim = None, keepdim: bool = False, *,
         dtype: dtype | None = None) -> Tensor:
    """The p-norm over dim, or of all elements: the square root of the sum of squares, unless p says otherwise."""
    if p == "nuc":
        raise NotImplementedError("norm(): minigrad has no singular values, and so no nuclear norm")
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)  # type: ignore[arg-type]


@numpy_names
def vector_norm(x: Tensor, ord: float = 2, dim: Dim = None, keepdim: bool = False, *,
                dtype: dtype | None = None) -> Tensor:
    """The sum of |x| ** ord to the power of 1 / ord; for inf the largest |x|, for 0 the number that is not 0."""
    if dtype is not None:
        x = cast(x, as_dtype(dtype))
    _float_only("vector_norm", x)
    sizes_along = [(x.array.shape or (1,))[d] for d in many_dims(dim, x.array.ndim)]
    if 0 in sizes_along and (ord < 0 or ord == math.inf):
        raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm of nothing: the operation does not have "
                           f"an identity (shape {list(x.array.shape)})")
    if ord == 2:
        return apply(ops.norm, (x, many_dims(dim, x.array.ndim), keepdim))
    if ord in (math.inf, -math.inf):
        return (amax if ord > 0 else amin)(abs(x), dim, keepdim)
    if ord == 0:
        return apply(_count, (x, many_dims(dim, x.array.ndim), keepdim))
    sizes = where(x == 0, 0, abs(x))  # the gradient at 0 is 0 for every ord
    return sum(sizes**ord, dim, keepdim) ** (1 / ord)


@numpy_names
def matrix_or_vector_norm(A: Tensor, ord: float | str | None = None, dim: Dim = None, keepdim: bool = False, *,
                          dtype: dtype | None = None) -> Tensor:
    """torch.linalg.norm: the 2-norm of all elements, or a vector's `ord`-norm over one dim. No singular values."""
    dims = many_dims(dim, A.array.ndim)
    if ord is not None and ord != "fro" and len(dims) > 1:
        raise NotImplementedError(f"linalg.norm(): minigrad has no matrix norm {ord!r}, only 'fro'")
    return norm(A, "fro" if ord is None else ord, dim, keepdim, dtype=dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of the difference."""
    return apply(_dist, (vector_norm(input - other, p),))


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """The distances of each row of x1 from each row of x2: the p-norm of their difference."""
    return vector_norm(unsqueeze(x1, -2) - unsqueeze(x2, -3), p, -1)


# --------------------------------------------------------------------------------------- parts of a matrix


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of a matrix: zeros above the given diagonal (1 is the first above the main one)."""
    return _triangle(ops.tril, input, diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of a matrix: zeros below the given diagonal."""
    return _triangle(ops.triu, input, diagonal)


def _triangle(op: Op, input: Tensor, diagonal: int) -> Tensor:
    if input.array.ndim < 2:
        raise RuntimeError(f"{op.name}: input tensor must have at least 2 dimensions, not {input.array.ndim}")
    return apply(op, (input, diagonal))


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix as a vector; of a vector, the matrix that has it on its diagonal."""
    shape = input.array.shape
    if len(shape) not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {len(shape)}D")
    if len(shape) == 2:
        return apply(_diag, (input, _diagonal_of(shape, diagonal)[1]))
    n = shape[0] + max(diagonal, -diagonal)
    return apply(_diag_embed, (input, (n, n), _diagonal_of((n, n), diagonal)[1]))


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements at (i, i + offset) of dimensions dim1 and dim2, as the last dimension: a view."""
    if one_dim(dim1, input.array.ndim) == one_dim(dim2, input.array.ndim):
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    last = movedim(input, (dim1, dim2), (-2, -1))
    return apply(_diagonal, (last, *_diagonal_of(last.array.shape, offset)))


def _diagonal_of(shape: tuple[int, ...], offset: int) -> tuple[Any, Any]:
    """Where the diagonal of the last two dimensions is: the square whose main diagonal it is, and its elements."""
    down, right = max(-offset, 0), max(offset, 0)
    n = max(0, min(shape[-2] - down, shape[-1] - right))
    steps = np.arange(n)
    return (..., slice(down, down + n), slice(right, right + n)), (..., steps + down, steps + right)


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input.array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.array.ndim}")
    return sum(diag(input))

"""The Tensor: torch's operators, attributes and methods around the engine's core.

Most methods are functions of `functions/`, named here; what needs the tensor itself is written out. What it has by
inheritance: its gradient (gradient.py) and how it becomes Python values (values.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import creation, dtypes, inplace, ops, random
from .device import CPU, address, beside, of, place, usable
from .device import device as Device
from .dtypes import MemoryFormat, as_dtype, contiguous_format, dtype, from_numpy_dtype, preserve_format
from .engine import TensorCore, apply, wrap
from .functions import cumulative, indexing, linear_algebra, pointwise, reductions, shapes, sorting
from .functions.promotion import Number, binary, cast, shape_error
from .functions.shapes import Size
from .methods import casting_to, compared_in_place, in_dtype_of, in_place, viewed_in_place
from .values import WithValues

# Storing to the whole of a tensor, under the names of those who do it.
_zero, _fill, _copy = [ops.setitem.named(name) for name in ("zero", "fill2", "copy")]


class Tensor(WithValues):
    """A multi-dimensional array that remembers how it was computed.

    Made by `torch.tensor`, `torch.zeros`, ...; `Tensor([1, 2])` has the default dtype, `Tensor(2, 3)` no values.

    >>> from minigrad import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __module__ = "torch"
    __array_priority__ = 1000  # NumPy's operators leave mixed expressions to ours, as with torch

    def __new__(cls, *data: Any) -> Tensor:
        return creation.legacy(data, dtypes.get_default_dtype())

    # ------------------------------------------------------------------------------------ what it is

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return Size(self.array.shape) if dim is None else self.array.shape[reductions.one_dim(dim, self.array.ndim)]

    @property
    def dtype(self) -> dtype:
        """The type of its elements."""
        return from_numpy_dtype(self.array.dtype)

    @property
    def device(self) -> Device:
        """Where it lives."""
        return of(self.array)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return int(self.array.ndim)

    def dim(self) -> int:
        """The number of dimensions."""
        return int(self.array.ndim)

    ndimension = dim

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return int(self.array.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return int(self.array.nbytes)

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU."""
        return self.device != CPU

    def get_device(self) -> int:
        """The number of the GPU that it lives on; -1 for the CPU."""
        index = self.device.index
        return -1 if index is None else index

    def element_size(self) -> int:
        """Bytes per element."""
        return int(self.array.itemsize)

    def nelement(self) -> int:
        """The number of elements."""
        return shapes.numel(self)

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart neighbours along each dimension are in memory."""
        array = self.array if self.array.size else np.empty([max(n, 1) for n in self.array.shape])  # NumPy says 0
        strides = tuple([s // array.itemsize for s in array.strides])
        return strides if dim is None else strides[dim]

    def is_contiguous(self) -> bool:
        """Whether its elements lie in memory in order."""
        return bool(self.array.flags.c_contiguous)

    def data_ptr(self) -> int:
        """The address of its first element."""
        return address(self.array)

    def is_floating_point(self) -> bool:
        """Whether its dtype is a floating-point one."""
        return self.array.dtype.kind == "f"

    def is_inference(self) -> bool:
        """Whether it was made in inference mode."""
        return self.cell is None

    # ------------------------------------------------------------------------------------ copies

    def __reduce_ex__(self, protocol: Any) -> Any:
        kind = None if type(self) is Tensor else type(self)
        return _rebuild, (kind, self.array.copy(), self.requires_grad, self.__dict__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol "
                f"at the moment; this one was made by {self.grad_fn!r}. Use detach().clone().")
        new = _rebuild(type(self), self.array.copy(), self.requires_grad, self.__dict__)
        memo[id(self)] = new
        if self.grad is not None:
            new.grad = self.grad.detach().clone()
        return new

    # ------------------------------------------------------------------------------------ operators

    __pos__ = positive = pointwise.positive
    __neg__ = pointwise.neg
    __abs__ = pointwise.abs
    __matmul__ = linear_algebra.matmul_operator
    __getitem__ = indexing.getitem
    __setitem__ = inplace.setitem

    def __delitem__(self, key: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    __pow__ = pointwise.power_operator
    __sub__ = pointwise.subtract_operator
    __truediv__ = pointwise.divide_operator
    __and__ = __rand__ = pointwise.and_operator
    __or__ = __ror__ = pointwise.or_operator
    __xor__ = __rxor__ = pointwise.xor_operator
    __lshift__, __rshift__ = pointwise.left_shift_operator, pointwise.right_shift_operator
    __floordiv__, __mod__ = pointwise.floor_divide, pointwise.remainder
    __invert__ = pointwise.not_operator

    def __add__(self, other: Any) -> Tensor:
        return binary(ops.add, self, other)

    def __radd__(self, other: Any) -> Tensor:
        return binary(ops.add, self, other) if not isinstance(other, np.ndarray) else NotImplemented

    def __mul__(self, other: Any) -> Tensor:
        return binary(ops.mul, self, other)

    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> Tensor:
        return pointwise.subtract_operator(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return pointwise.reciprocal(self) * other  # as torch rounds it

    __rdiv__ = __rtruediv__

    def __rmatmul__(self, other: Any) -> Tensor:
        return linear_algebra.matmul(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return pointwise.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return pointwise.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return pointwise.power_operator(other, self)

    def __hash__(self) -> int:
        return id(self)  # == compares elements, so a dict finds a tensor by itself

    def __eq__(self, other: Any) -> Any:
        return binary(ops.eq, self, wrap(other) if isinstance(other, np.ndarray) else other)

    def __ne__(self, other: Any) -> Any:
        return binary(ops.ne, self, wrap(other) if isinstance(other, np.ndarray) else other)

    def __lt__(self, other: Any) -> Tensor:
        return binary(ops.lt, self, other)

    def __le__(self, other: Any) -> Tensor:
        return binary(ops.le, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return binary(ops.gt, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return binary(ops.ge, self, other)

    # ------------------------------------------------------------------------------------ functions as methods

    cumprod, cumsum, prod = cumulative.cumprod, cumulative.cumsum, cumulative.prod
    gather, index_select = indexing.gather, indexing.index_select
    masked_select, nonzero, scatter = indexing.masked_select, indexing.nonzero, indexing.scatter
    scatter_add, take, take_along_dim = indexing.scatter_add, indexing.take, indexing.take_along_dim
    addmm, bmm = linear_algebra.addmm, linear_algebra.bmm
    diag, dot, matmul, mm = linear_algebra.diag, linear_algebra.dot, linear_algebra.matmul, linear_algebra.mm
    diagonal, dist = linear_algebra.diagonal, linear_algebra.dist
    mv, norm, outer, trace = linear_algebra.mv, linear_algebra.norm, linear_algebra.outer, linear_algebra.trace
    tril, triu, inverse = linear_algebra.tril, linear_algebra.triu, linear_algebra.inverse
    matrix_power = linear_algebra.matrix_power
    ger = outer
    abs, acos, add, addcdiv = pointwise.abs, pointwise.acos, pointwise.add, pointwise.addcdiv
    addcmul, asin, atan, ceil = pointwise.addcmul, pointwise.asin, pointwise.atan, pointwise.ceil
    clamp, clamp_max, clamp_min, clone = pointwise.clamp, pointwise.clamp_max, pointwise.clamp_min, pointwise.clone
    cos, cosh, div, eq, erf = pointwise.cos, pointwise.cosh, pointwise.div, pointwise.eq, pointwise.erf
    exp, expm1, floor, floor_divide = pointwise.exp, pointwise.expm1, pointwise.floor, pointwise.floor_divide
    fmod, ge, gt, isfinite, isinf = pointwise.fmod, pointwise.ge, pointwise.gt, pointwise.isfinite, pointwise.isinf
    isnan, le, lerp, log, log1p = pointwise.isnan, pointwise.le, pointwise.lerp, pointwise.log, pointwise.log1p
    log2, log10, logical_and = pointwise.log2, pointwise.log10, pointwise.logical_and
    logical_not, logical_or, logical_xor = pointwise.logical_not, pointwise.logical_or, pointwise.logical_xor
    lt, masked_fill, maximum, minimum = pointwise.lt, pointwise.masked_fill, pointwise.maximum, pointwise.minimum
    mul, ne, neg, pow, reciprocal = pointwise.mul, pointwise.ne, pointwise.neg, pointwise.pow, pointwise.reciprocal
    relu, remainder, round, rsqrt = pointwise.relu, pointwise.remainder, pointwise.round, pointwise.rsqrt
    sigmoid, sign, sin, sinh, sqrt = pointwise.sigmoid, pointwise.sign, pointwise.sin, pointwise.sinh, pointwise.sqrt
    square, sub, tan, tanh, trunc = pointwise.square, pointwise.sub, pointwise.tan, pointwise.tanh, pointwise.trunc
    frac, histc, kthvalue, mode = pointwise.frac, sorting.histc, sorting.kthvalue, sorting.mode
    all, allclose, amax, amin = reductions.all, reductions.allclose, reductions.amax, reductions.amin
    any, argmax, argmin, equal = reductions.any, reductions.argmax, reductions.argmin, reductions.equal
    count_nonzero, diff = reductions.count_nonzero, shapes.diff
    isclose, log_softmax, logsumexp = reductions.isclose, reductions.log_softmax, reductions.logsumexp
    max, mean, min, softmax, std = reductions.max, reductions.mean, reductions.min, reductions.softmax, reductions.std
    sum, var = reductions.sum, reductions.var
    broadcast_to, chunk, contiguous, expand = shapes.broadcast_to, shapes.chunk, shapes.contiguous, shapes.expand
    expand_as, flatten, flip, movedim = shapes.expand_as, shapes.flatten, shapes.flip, shapes.movedim
    narrow, numel, permute, ravel, repeat = shapes.narrow, shapes.numel, shapes.permute, shapes.ravel, shapes.repeat
    repeat_interleave, reshape, reshape_as = shapes.repeat_interleave, shapes.reshape, shapes.reshape_as
    roll, rot90, split, squeeze = shapes.roll, shapes.rot90, shapes.split, shapes.squeeze
    t, tile = shapes.t, shapes.tile
    transpose, unbind, unflatten, unsqueeze = shapes.transpose, shapes.unbind, shapes.unflatten, shapes.unsqueeze
    view, view_as = shapes.view, shapes.view_as
    argsort, bincount, median, sort = sorting.argsort, sorting.bincount, sorting.median, sorting.sort
    topk, unique = sorting.topk, sorting.unique
    multinomial, bernoulli = creation.multinomial, creation.bernoulli
    T = property(shapes.reverse_dims)
    mT = property(shapes.matrix_transpose)
    absolute, negative, clip, sgn, fix = abs, neg, clamp, sign, trunc
    subtract, multiply, divide, true_divide = sub, mul, div, div
    not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
    arcsin, arccos, arctan = asin, acos, atan
    swapaxes, swapdims, moveaxis = transpose, transpose, movedim

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """This tensor where the condition holds, else other."""
        return pointwise.where(condition, self, other)

    def new(self, *data: Any) -> Tensor:
        """As `torch.Tensor(...)`, with this tensor's dtype: sizes make an empty tensor, a sequence its values."""
        return creation.legacy(data, self.dtype)

    new_tensor, new_full = in_dtype_of(creation.tensor), in_dtype_of(creation.full)
    new_zeros, new_ones, new_empty = map(in_dtype_of, (creation.zeros, creation.ones, creation.empty))

    # ------------------------------------------------------------------------------------ in place

    add_, sub_, mul_, div_, pow_, neg_, abs_ = in_place(add, sub, mul, div, pow, neg, abs)
    subtract_, multiply_, divide_, true_divide_, negative_, absolute_ = sub_, mul_, div_, div_, neg_, abs_
    floor_divide_, remainder_, fmod_ = in_place(floor_divide, remainder, fmod)
    exp_, expm1_, log_, log1p_, log2_, log10_ = in_place(exp, expm1, log, log1p, log2, log10)
    sqrt_, rsqrt_, square_, reciprocal_, erf_ = in_place(sqrt, rsqrt, square, reciprocal, erf)
    sin_, cos_, tan_, sinh_, cosh_, tanh_ = in_place(sin, cos, tan, sinh, cosh, tanh)
    asin_, acos_, atan_, sigmoid_, relu_ = in_place(asin, acos, atan, sigmoid, relu)
    round_, floor_, ceil_, trunc_, frac_, sign_, sgn_ = in_place(round, floor, ceil, trunc, frac, sign, sign)
    arcsin_, arccos_, arctan_, fix_ = asin_, acos_, atan_, trunc_
    clamp_, clip_, clamp_min_, clamp_max_ = in_place(clamp, clamp, clamp_min, clamp_max)
    eq_, ne_, lt_, le_, gt_, ge_ = compared_in_place(eq, ne, lt, le, gt, ge)
    not_equal_, less_, less_equal_, greater_, greater_equal_ = ne_, lt_, le_, gt_, ge_
    logical_and_, logical_or_, logical_xor_ = in_place(logical_and, logical_or, logical_xor)
    logical_not_, cumsum_, cumprod_, lerp_ = in_place(logical_not, cumsum, cumprod, lerp)
    addmm_, addcmul_, addcdiv_ = in_place(addmm, addcmul, addcdiv)
    tril_, triu_, masked_fill_ = in_place(tril, triu, masked_fill)
    scatter_, scatter_add_ = in_place(scatter, scatter_add)
    t_, transpose_, squeeze_, unsqueeze_ = viewed_in_place(t, transpose, squeeze, unsqueeze)
    swapaxes_ = swapdims_ = transpose_
    resize_ = inplace.resize
    __iadd__, __isub__, __imul__, __itruediv__, __ipow__ = add_, sub_, mul_, div_, pow_
    __ifloordiv__, __imod__ = floor_divide_, remainder_

    def fill_(self, value: Number | Tensor) -> Tensor:
        """Fill with one value. In place."""
        if isinstance(value, TensorCore) and value.array.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{value.array.ndim} dimensions.")
        return inplace.fill(self, value, _fill)

    def zero_(self) -> Tensor:
        """Fill with zeros. In place."""
        return inplace.fill(self, 0, _zero)

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Copy src here, broadcast and cast to this tensor's shape and dtype. In place."""
        if not isinstance(src, TensorCore):
            raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
        if not inplace.stretches_to(src.array.shape, self.array.shape):
            raise shape_error(self, src)
        return inplace.fill(self, src.to(self.device), _copy)

    def uniform_(self, a: float = 0, b: float = 1, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with numbers drawn uniformly from [a, b). In place."""
        return self._draw(lambda g, shape: g.uniform(shape, self.array.dtype, a, b), generator)

    def normal_(self, mean: float = 0, std: float = 1, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with numbers drawn from a normal distribution. In place."""
        in_order = self.is_contiguous()
        return self._draw(lambda g, shape: g.normal(shape, self.array.dtype, mean, std, in_order), generator)

    def bernoulli_(self, p: float | Tensor = 0.5, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with ones, each with probability p, and zeros. In place."""
        chance = place(p.array, CPU) if isinstance(p, TensorCore) else p
        return self._draw(lambda g, shape: g.bernoulli(chance, shape), generator)

    def exponential_(self, lambd: float = 1, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with numbers drawn from an exponential distribution. In place."""
        return self._draw(lambda g, shape: g.exponential(shape, self.array.dtype, lambd), generator)

    def random_(self, *bounds: Any, generator: random.Generator | None = None) -> Tensor:
        """Fill with integers: random_(to) takes 0 <= n < to, random_(from, to) from <= n < to. In place.

        Where `to` is None or not given, they go up to the largest that the dtype holds exactly.
        """
        if not bounds:
            return self._draw(lambda g, shape: g.whole(shape, self.array.dtype), generator)
        start, to = (0, *bounds)[-2:]
        return self._draw(lambda g, shape: g.randint(start, to, shape, self.array.dtype), generator)

    def _draw(self, draw: Callable[[random.Generator, tuple[int, ...]], Any],
              generator: random.Generator | None) -> Tensor:
        """Fill with random numbers in the order of memory, as torch does: a transposed tensor gets them transposed."""
        inplace.check_writable(self)
        order = sorted(range(self.array.ndim), key=lambda d: -self.array.strides[d])
        drawn = draw(generator or random.generator_of(self.device), tuple([self.array.shape[d] for d in order]))
        return inplace.fill(self, beside(drawn.transpose(sorted(range(len(order)), key=order.__getitem__)), self.array))

    # ------------------------------------------------------------------------------------ dtype and device

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
           memory_format: MemoryFormat = preserve_format) -> Tensor:
        """With another dtype or device: to(torch.float64), to("cpu"), to(other); itself if nothing changes."""
        for arg in args:
            if isinstance(arg, TensorCore):
                dtype, device = from_numpy_dtype(arg.array.dtype), of(arg.array)
            elif isinstance(arg, (str, Device)) or type(arg) is int:
                device = arg
            elif isinstance(arg, np.dtype):
                dtype = from_numpy_dtype(arg)
            elif arg is not None and not isinstance(arg, bool):
                dtype = as_dtype(arg)
        out = self if dtype is None else cast(self, as_dtype(dtype))
        if device is not None and (there := usable(device)) != self.device:
            out = apply(ops.move, (out, there, self.device))
        if copy and out is self:
            return pointwise.clone(self, memory_format=memory_format)
        return shapes.contiguous(out) if memory_format is contiguous_format else out

    def cpu(self, memory_format: MemoryFormat = preserve_format) -> Tensor:
        """On the CPU: the tensor itself, if it is there."""
        return self.to(device=CPU, memory_format=memory_format)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor:
        """On a GPU."""
        return self.to(device="cuda" if device is None else device)

    def type(self, dtype: Any = None) -> Any:
        """Its type's name, "torch.FloatTensor"; with a dtype (or such a type), the tensor cast to it."""
        if dtype is None:
            return f"torch.{self.dtype.type_name}Tensor"
        return cast(self, creation.dtype_of_type(dtype))

    def type_as(self, other: Tensor) -> Tensor:
        """Cast to the dtype of other."""
        return cast(self, other.dtype)

    float, double, half = casting_to(dtypes.float32), casting_to(dtypes.float64), casting_to(dtypes.float16)
    long, int, short = casting_to(dtypes.int64), casting_to(dtypes.int32), casting_to(dtypes.int16)
    char, byte, bool = casting_to(dtypes.int8), casting_to(dtypes.uint8), casting_to(dtypes.bool_)


def _rebuild(kind: type[Tensor] | None, array: Any, requires_grad: bool, attributes: dict[str, Any]) -> Tensor:
    """A leaf from its parts, for copy and pickle."""
    new = object.__new__(kind or Tensor)
    new.array, new.node, new.place, new.cell, new.base = array, None, None, [0], None
    new.__dict__.update(attributes)
    new.requires_grad = requires_grad
    return new


TensorCore.result_class = Tensor

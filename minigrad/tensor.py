"""The Tensor: torch's operators, attributes and methods around the engine's core.

Most methods are functions of `functions/`, named here; what needs the tensor itself is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec

import numpy as np

from . import creation, dtypes, inplace, ops, printing, random
from .device import CPU, check
from .device import device as Device
from .dtypes import as_dtype, dtype, from_numpy_dtype
from .engine import TensorCore, wrap
from .functions import indexing, pointwise, reductions, shapes
from .functions.pointwise import Number, binary, cast, shape_error
from .functions.shapes import Size
from .gradfn import torch_name
from .gradient import WithGradient

P = ParamSpec("P")


def in_place(function: Callable[Concatenate[Any, P], Tensor]) -> Callable[Concatenate[Tensor, P], Tensor]:
    """The method that writes a function's result into the tensor itself: add_ from add."""

    def method(self: Tensor, /, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        return inplace.update(self, function, *args, **kwargs)

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"{function.__doc__} In place."
    return method


class Tensor(WithGradient):
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
        return CPU

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return int(self.array.ndim)

    def dim(self) -> int:
        """The number of dimensions."""
        return int(self.array.ndim)

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
        return False

    def element_size(self) -> int:
        """Bytes per element."""
        return int(self.array.itemsize)

    def nelement(self) -> int:
        """The number of elements."""
        return shapes.numel(self)

    def stride(self, dim: int | None = None) -> Any:
        """How many elements apart neighbours along each dimension are in memory."""
        strides = tuple([s // self.array.itemsize for s in self.array.strides])
        return strides if dim is None else strides[dim]

    def is_contiguous(self) -> bool:
        """Whether its elements lie in memory in order."""
        return bool(self.array.flags.c_contiguous)

    def data_ptr(self) -> int:
        """The address of its first element."""
        return int(self.array.__array_interface__["data"][0])

    def is_floating_point(self) -> bool:
        """Whether its dtype is a floating-point one."""
        return self.array.dtype.kind == "f"

    def is_inference(self) -> bool:
        """Whether it was made in inference mode."""
        return self.cell is None

    # ------------------------------------------------------------------------------------ as Python values

    def item(self) -> Any:
        """The one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self.array.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The elements as an array that shares this tensor's memory."""
        if self.node is not None and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return np.array(array, dtype, copy=copy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        return wrap(np.asarray(array))

    def __bool__(self) -> bool:
        if self.array.size != 1:
            count = "no values" if self.array.size == 0 else "more than one value"
            raise RuntimeError(
                f"Boolean value of Tensor with {count} is ambiguous (shape {list(self.array.shape)}). Use "
                "(x == y).all() or .any().")
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def __index__(self) -> int:
        if self.array.dtype.kind == "f" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def _one(self) -> Any:
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars, not one of shape "
                             f"{list(self.array.shape)}")
        return self.array.item()

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self.array))])

    def __contains__(self, element: Any) -> bool:
        found = self == element
        return isinstance(found, Tensor) and bool(found.array.any())

    def __repr__(self) -> str:
        suffixes = printing.array_suffixes(self.array, dtypes.get_default_dtype().numpy)
        node = self.current_node()
        if node is not None:
            suffixes.append("requires_grad=True" if self.is_leaf else f"grad_fn=<{torch_name(node)}>")
        return printing.tensor_repr(self.array, suffixes=suffixes)

    def __format__(self, spec: str) -> str:
        if self.array.ndim == 0 and type(self) is Tensor:
            return printing.format_scalar(self.array, spec)
        return object.__format__(self, spec)

    def __hash__(self) -> int:
        return id(self)

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

    __pos__ = pointwise.positive
    __neg__ = neg = negative = pointwise.neg
    __abs__ = abs = pointwise.abs
    __matmul__, matmul = shapes.matmul_operator, shapes.matmul
    __getitem__ = indexing.getitem
    __setitem__ = inplace.setitem
    __pow__ = pointwise.power_operator
    __sub__ = pointwise.subtract_operator
    __truediv__ = pointwise.divide_operator
    __and__ = __rand__ = pointwise.and_operator
    __or__ = __ror__ = pointwise.or_operator
    __xor__ = __rxor__ = pointwise.xor_operator
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
        if isinstance(other, np.ndarray):
            return self.reciprocal() * other
        return pointwise.divide_operator(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return pointwise.power_operator(other, self)

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

    add, sub, mul, div, pow = pointwise.add, pointwise.sub, pointwise.mul, pointwise.div, pointwise.pow
    subtract, multiply, divide, true_divide = pointwise.sub, pointwise.mul, pointwise.div, pointwise.div
    exp, log, sqrt, square, reciprocal = (pointwise.exp, pointwise.log, pointwise.sqrt, pointwise.square,
                                          pointwise.reciprocal)
    sin, cos, tanh, sigmoid, relu = pointwise.sin, pointwise.cos, pointwise.tanh, pointwise.sigmoid, pointwise.relu
    absolute, sign, round, clamp, clip = (pointwise.abs, pointwise.sign, pointwise.round, pointwise.clamp,
                                          pointwise.clamp)
    maximum, minimum, clone = pointwise.maximum, pointwise.minimum, pointwise.clone
    eq, ne, lt, le, gt, ge = pointwise.eq, pointwise.ne, pointwise.lt, pointwise.le, pointwise.gt, pointwise.ge

    sum, mean, var, std = reductions.sum, reductions.mean, reductions.var, reductions.std
    max, min, amax, amin = reductions.max, reductions.min, reductions.amax, reductions.amin
    argmax, argmin, all, any = reductions.argmax, reductions.argmin, reductions.all, reductions.any
    softmax, log_softmax = reductions.softmax, reductions.log_softmax
    equal, allclose, isclose = reductions.equal, reductions.allclose, reductions.isclose

    reshape, reshape_as, view_as = shapes.reshape, shapes.reshape_as, shapes.view_as
    flatten, squeeze, unsqueeze = shapes.flatten, shapes.squeeze, shapes.unsqueeze
    expand, expand_as, broadcast_to = shapes.expand, shapes.expand_as, shapes.broadcast_to
    permute, transpose, swapaxes, t = shapes.permute, shapes.transpose, shapes.transpose, shapes.t
    view, contiguous, numel = shapes.view, shapes.contiguous, shapes.numel
    mm, mv, dot = shapes.mm, shapes.mv, shapes.dot
    T = property(shapes.reverse_dims)
    mT = property(shapes.matrix_transpose)
    gather, scatter = indexing.gather, indexing.scatter

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """This tensor where the condition holds, else other."""
        return pointwise.where(condition, self, other)

    # ------------------------------------------------------------------------------------ in place

    add_, sub_, mul_, div_ = (in_place(pointwise.add), in_place(pointwise.sub), in_place(pointwise.mul),
                              in_place(pointwise.div))
    pow_, neg_, exp_, log_ = (in_place(pointwise.pow), in_place(pointwise.neg), in_place(pointwise.exp),
                              in_place(pointwise.log))
    sqrt_, square_, abs_, round_ = (in_place(pointwise.sqrt), in_place(pointwise.square), in_place(pointwise.abs),
                                    in_place(pointwise.round))
    reciprocal_, sin_, cos_, tanh_ = (in_place(pointwise.reciprocal), in_place(pointwise.sin), in_place(pointwise.cos),
                                      in_place(pointwise.tanh))
    sigmoid_, relu_, clamp_, clip_ = (in_place(pointwise.sigmoid), in_place(pointwise.relu), in_place(pointwise.clamp),
                                      in_place(pointwise.clamp))
    scatter_ = in_place(indexing.scatter)
    __iadd__, __isub__, __imul__, __itruediv__, __ipow__ = add_, sub_, mul_, div_, pow_

    def fill_(self, value: Number | Tensor) -> Tensor:
        """Fill with one value. In place."""
        if isinstance(value, TensorCore) and value.array.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{value.array.ndim} dimensions.")
        return inplace.fill(self, value)

    def zero_(self) -> Tensor:
        """Fill with zeros. In place."""
        return inplace.fill(self, 0)

    def copy_(self, src: Tensor, non_blocking: bool = False) -> Tensor:
        """Copy src here, broadcast and cast to this tensor's shape and dtype. In place."""
        if not isinstance(src, TensorCore):
            raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {type(src).__name__}")
        try:
            return inplace.fill(self, src)
        except ValueError:
            raise shape_error(self, src) from None

    def uniform_(self, a: float = 0, b: float = 1, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with numbers drawn uniformly from [a, b). In place."""
        return self._draw(lambda g, shape: g.uniform(shape, self.array.dtype, a, b), generator)

    def normal_(self, mean: float = 0, std: float = 1, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with numbers drawn from a normal distribution. In place."""
        in_order = self.is_contiguous()
        return self._draw(lambda g, shape: g.normal(shape, self.array.dtype, mean, std, in_order), generator)

    def bernoulli_(self, p: float | Tensor = 0.5, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with ones, each with probability p, and zeros. In place."""
        chance = p.array if isinstance(p, TensorCore) else p
        return self._draw(lambda g, shape: g.bernoulli(chance, shape), generator)

    def random_(self, low: int = 0, high: int | None = None, *, generator: random.Generator | None = None) -> Tensor:
        """Fill with integers, low <= n < high: random_(high), from 0, or random_(low, high). In place."""
        start, end = (0, low) if high is None else (low, high)
        return self._draw(lambda g, shape: g.randint(start, end, shape, self.array.dtype), generator)

    def _draw(self, draw: Callable[[random.Generator, tuple[int, ...]], Any],
              generator: random.Generator | None) -> Tensor:
        """Fill with random numbers in the order of memory, as torch does: a transposed tensor gets them transposed."""
        inplace.check_writable(self)
        order = sorted(range(self.array.ndim), key=lambda d: -self.array.strides[d])
        drawn = draw(generator or random.default_generator, tuple([self.array.shape[d] for d in order]))
        return inplace.fill(self, drawn.transpose(sorted(range(len(order)), key=order.__getitem__)))

    # ------------------------------------------------------------------------------------ dtype and device

    def to(self, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
           memory_format: Any = None) -> Tensor:
        """With another dtype or device: to(torch.float64), to("cpu"), to(other); itself if nothing changes."""
        for arg in args:
            if isinstance(arg, TensorCore):
                dtype = from_numpy_dtype(arg.array.dtype)
            elif isinstance(arg, (str, Device)):
                device = arg
            elif isinstance(arg, np.dtype):
                dtype = from_numpy_dtype(arg)
            elif arg is not None and not isinstance(arg, bool):
                dtype = as_dtype(arg)
        if device is not None:
            check(device)
        out = self if dtype is None else cast(self, as_dtype(dtype))
        return pointwise.clone(self) if copy and out is self else out

    def cpu(self) -> Tensor:
        """On the CPU: the tensor itself."""
        return self

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

    def float(self) -> Tensor:
        """As float32."""
        return cast(self, dtypes.float32)

    def double(self) -> Tensor:
        """As float64."""
        return cast(self, dtypes.float64)

    def half(self) -> Tensor:
        """As float16."""
        return cast(self, dtypes.float16)

    def long(self) -> Tensor:
        """As int64."""
        return cast(self, dtypes.int64)

    def int(self) -> Tensor:
        """As int32."""
        return cast(self, dtypes.int32)

    def short(self) -> Tensor:
        """As int16."""
        return cast(self, dtypes.int16)

    def byte(self) -> Tensor:
        """As uint8."""
        return cast(self, dtypes.uint8)

    def bool(self) -> Tensor:
        """As bool: whether each element is not 0."""
        return cast(self, dtypes.bool_)


def _rebuild(kind: type[Tensor] | None, array: Any, requires_grad: bool, attributes: dict[str, Any]) -> Tensor:
    """A leaf from its parts, for copy and pickle."""
    new = object.__new__(kind or Tensor)
    new.array, new.node, new.place, new.cell, new.base = array, None, None, [0], None
    new.__dict__.update(attributes)
    new.requires_grad = requires_grad
    return new


TensorCore.result_class = Tensor

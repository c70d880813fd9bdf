"""Runs a float32 script in float64 without changing it: weights are drawn in float32, then widened.

A float64 run is to follow the same curve as the float32 run, only more exactly, so it has to start from the
same weights. But a float64 draw takes another part of the random stream. So each draw here takes float32
numbers, as the script would have, and widens them; everything computed from them is float64. Needs nothing
but torch's own names, so it does the same for minigrad.

Out of reach: a script that draws in torch.float64 itself. In the widened run both types are one.
"""

import functools
import io
from collections.abc import Callable
from typing import Any

DRAWS = ("rand", "randn", "rand_like", "randn_like")  # functions that return numbers
FILLS = ("uniform_", "normal_", "exponential_", "log_normal_", "cauchy_")  # methods that fill a tensor
CONVERTERS = ("tensor", "as_tensor", "from_numpy")  # keep a NumPy array's float32


def widen(torch: Any) -> None:
    """Replace torch's (or minigrad's) names so that a script that means float32 gets float64."""
    remember_storage_names(torch)
    wrap(torch, DRAWS, widened_draw(torch.float32, torch.float64))
    wrap(torch.Tensor, FILLS, widened_fill(torch.empty_like, torch.float32, torch.float64))
    wrap(torch, CONVERTERS, widened_result(torch.float32, torch.float64))
    torch.set_default_dtype(torch.float64)
    torch.float32 = torch.float = torch.float64
    torch.FloatTensor = torch.DoubleTensor
    torch.Tensor.float = torch.Tensor.double
    torch.nn.Module.float = torch.nn.Module.double


def remember_storage_names(torch: Any) -> None:
    """Save and load once. torch then keeps its table of types and their names in files, which it builds from
    `torch.float` and `torch.double`: later both are float64, and one would stand in the other's place."""
    if hasattr(torch, "save"):
        file = io.BytesIO()
        torch.save(torch.empty(0), file)
        file.seek(0)
        torch.load(file)


def wrap(owner: Any, names: tuple[str, ...], wrapper: Callable[[Any], Any]) -> None:
    for name in names:
        if hasattr(owner, name):
            setattr(owner, name, wrapper(getattr(owner, name)))


def widened_draw(float32: Any, float64: Any) -> Callable[[Any], Any]:
    """`torch.rand(3)`: draw in float32, hand out float64 (as a leaf, if a gradient is asked for)."""

    def wrapper(draw: Any) -> Any:
        @functools.wraps(draw)
        def wrapped(*args: Any, dtype: Any = None, requires_grad: bool = False, **kwargs: Any) -> Any:
            if dtype not in (None, float64, float):
                return draw(*args, dtype=dtype, requires_grad=requires_grad, **kwargs)
            drawn = draw(*args, dtype=float32, **kwargs).to(float64)
            return drawn.requires_grad_() if requires_grad else drawn

        return wrapped

    return wrapper


def widened_fill(empty_like: Any, float32: Any, float64: Any) -> Callable[[Any], Any]:
    """`weight.uniform_(-1, 1)`: fill a float32 tensor of the same layout, copy it over."""

    def wrapper(fill: Any) -> Any:
        @functools.wraps(fill)
        def wrapped(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if tensor.dtype != float64:
                return fill(tensor, *args, **kwargs)
            narrow = empty_like(tensor, dtype=float32, requires_grad=False)
            return tensor.copy_(fill(narrow, *args, **kwargs))

        return wrapped

    return wrapper


def widened_result(float32: Any, float64: Any) -> Callable[[Any], Any]:
    """`torch.from_numpy(float32 array)`: the same numbers in float64."""

    def wrapper(make: Any) -> Any:
        @functools.wraps(make)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            made = make(*args, **kwargs)
            if made.dtype != float32:
                return made
            return made.detach().to(float64).requires_grad_(made.requires_grad)

        return wrapped

    return wrapper

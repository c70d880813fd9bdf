"""Ways to fill a new parameter. Each works in place, records no gradient, draws torch's own random numbers
(for the same seed, the same weights) and returns its tensor.

The idea behind Xavier and Kaiming: a layer's outputs should vary as much as its inputs. A sum of `fan_in`
terms varies fan_in times as much as one, so weights get the standard deviation gain / sqrt(fan).
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

from ..creation import empty_like
from ..creation import eye as _identity
from ..functions.pointwise import where
from ..modes import no_grad
from ..random import Generator
from ..tensor import Tensor

_GAINS = {"sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
_GAINS |= dict.fromkeys(["linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3))], 1)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much larger weights must be, to make up for what the nonlinearity takes away.

    `param` is leaky_relu's negative slope (.01 by default). ValueError for an unknown name.

    >>> calculate_gain("relu") == 2 ** .5
    True
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many numbers each output is summed from, and how many outputs each input goes to."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, of shape "
                         f"{list(tensor.shape)}")
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of {modes}")
    return calculate_gain(nonlinearity, a) / math.sqrt(_fans(tensor)[modes.index(mode.lower())])


def _is_empty(tensor: Tensor) -> bool:
    """Whether there is nothing to fill, with torch's warning."""
    if tensor.numel() == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return tensor.numel() == 0


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw from the uniform distribution on [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw from the normal distribution."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with `val`."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. ValueError unless it is a matrix."""
    if tensor.dim() != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, not of shape {list(tensor.shape)}")
    with no_grad():
        return tensor.copy_(_identity(*tensor.shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with the standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(sum(_fans(tensor)))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with the standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(sum(_fans(tensor)))), generator)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                     generator: Generator | None = None) -> Tensor:
    """Uniform with the standard deviation gain / sqrt(fan) (He et al., 2015).

    `a` is the negative slope of leaky_relu, for the gain; `mode` says which fan: "fan_in" keeps the variance of the
    values on the way forward, "fan_out" that of the gradients on the way back.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                    generator: Generator | None = None) -> Tensor:
    """Normal with the standard deviation gain / sqrt(fan) (He et al., 2015); arguments as `kaiming_uniform_`."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
                  generator: Generator | None = None) -> Tensor:
    """Draw from the normal distribution, and again what falls outside [a, b].

    Where too much would fall outside, the draws are uniform on [a, b], each taken as often as the density there is to
    its largest.
    """
    inside = math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def refused(draws: Tensor) -> Tensor:
        if inside > 0.6:
            return (draws < tensor.new_tensor(a)) | (draws > tensor.new_tensor(b))
        return empty_like(draws).uniform_(generator=generator).log() > (((draws - mean) / std) ** 2) * -0.5 - peak

    def draw(into: Tensor) -> Tensor:
        if inside > 0.6:
            return into.normal_(mean, std, generator=generator)
        return into.uniform_(a, b, generator=generator)

    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
                      "incorrect.", stacklevel=2)
    with no_grad():
        pending = refused(draw(tensor))
        while pending.any():
            draws = draw(empty_like(tensor))
            tensor.copy_(where(pending, draws, tensor))
            pending = pending & refused(draws)
    return tensor


def _deprecated(new: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """torch's old name of an initializer, without the underscore."""
    old_name = new.__name__[:-1]

    @functools.wraps(new)
    def old(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"`nn.init.{old_name}` is now deprecated in favor of `nn.init.{new.__name__}`.", FutureWarning,
                      stacklevel=2)
        return new(*args, **kwargs)

    old.__name__ = old_name
    return old


uniform, normal = _deprecated(uniform_), _deprecated(normal_)
constant, eye = _deprecated(constant_), _deprecated(eye_)
xavier_uniform, xavier_normal = _deprecated(xavier_uniform_), _deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = _deprecated(kaiming_uniform_), _deprecated(kaiming_normal_)

"""Nonlinearities as layers. Those with `inplace` overwrite their input where it is True."""

from __future__ import annotations

from typing import Any

from ...creation import empty
from ...tensor import Tensor
from .. import functional as F
from ..parameter import Parameter
from ._function import FunctionLayer
from .module import Module


class ReLU(FunctionLayer, function=F.relu, inplace=False):
    """max(x, 0), element by element."""

    inplace: bool

    def forward(self, input: Tensor) -> Tensor:  # as every FunctionLayer does it, but this one is called all the time
        return F.relu(input, self.inplace)


class Sigmoid(FunctionLayer, function=F.sigmoid):
    """1 / (1 + exp(-x)), element by element: between 0 and 1."""


class Tanh(FunctionLayer, function=F.tanh):
    """The hyperbolic tangent, element by element: between -1 and 1."""


class _AlongDim(FunctionLayer):
    dim: int | None

    def forward(self, input: Tensor) -> Any:
        return self.function(input, self.dim, _stacklevel=5)  # a warning points at who calls this module


class Softmax(_AlongDim, function=F.softmax, dim=None):
    """exp(x), scaled to add up to 1 along `dim`. Without a dim it chooses one, with a UserWarning.

    >>> from minigrad import zeros
    >>> Softmax(dim=1)(zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """


class LogSoftmax(_AlongDim, function=F.log_softmax, dim=None):
    """log(softmax(x)) along `dim`, without overflow: what `NLLLoss` takes. Without a dim as `Softmax`."""


class LeakyReLU(FunctionLayer, function=F.leaky_relu, negative_slope=0.01, inplace=False):
    """x where it is positive, else negative_slope * x."""


class ELU(FunctionLayer, function=F.elu, alpha=1.0, inplace=False):
    """x where it is positive, else alpha * (exp(x) - 1)."""


class CELU(FunctionLayer, function=F.celu, alpha=1.0, inplace=False):
    """x where it is positive, else alpha * (exp(x / alpha) - 1)."""


class SELU(FunctionLayer, function=F.selu, inplace=False):
    """`ELU`, scaled so that mean 0 and variance 1 are kept from layer to layer."""


class GELU(FunctionLayer, function=F.gelu, approximate="none"):
    """x times the probability that a normal variable is less than x; `approximate` is "none" or "tanh"."""


class SiLU(FunctionLayer, function=F.silu, inplace=False):
    """x * sigmoid(x)."""


class Mish(FunctionLayer, function=F.mish, inplace=False):
    """x * tanh(softplus(x))."""


class Softplus(FunctionLayer, function=F.softplus, beta=1.0, threshold=20.0):
    """log(1 + exp(beta * x)) / beta, a smooth ReLU; x itself where beta * x is above the threshold."""


class LogSigmoid(FunctionLayer, function=F.logsigmoid):
    """log(sigmoid(x)), without overflow."""


class Softsign(FunctionLayer, function=F.softsign):
    """x / (1 + |x|)."""


class Tanhshrink(FunctionLayer, function=F.tanhshrink):
    """x - tanh(x)."""


class Hardtanh(FunctionLayer, function=F.hardtanh, min_val=-1.0, max_val=1.0, inplace=False):
    """x between min_val and max_val, else the nearer of the two."""


class ReLU6(FunctionLayer, function=F.relu6, inplace=False):
    """max(x, 0), but 6 at most."""


class PReLU(Module):
    """x where it is positive, else weight * x: one trained weight, or one for each of `num_parameters` channels."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype).fill_(init))

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"

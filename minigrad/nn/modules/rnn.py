"""Recurrent layers: the same step for each element of a sequence, and a hidden state that it hands on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from ...creation import zeros
from ...functions.joining import cat, stack
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from ._parameters import add_parameters, changed
from .module import Module

State = tuple[Tensor, ...]  # the hidden state h; of an LSTM h and c


class RNNBase(Module):
    """What recurrent layers share.

    Shapes: input (L, N, input_size), with batch_first (N, L, input_size), or without N -> the outputs of the last layer
    (L, N, D hidden_size), and the last states of all layers (num_layers D, N, hidden_size), where D is 2 if
    `bidirectional`, else 1. A PackedSequence as input gives one as output. `hx`, zeros unless given, has the shape of
    the last states. Each layer k has weight_ih_lk, weight_hh_lk, bias_ih_lk and bias_hh_lk, drawn from the uniform
    distribution on +-1/sqrt(hidden_size). `dropout` comes between the layers. ValueError and RuntimeError for shapes
    that do not fit.
    """

    gates: ClassVar[int] = 1  # how many vectors of hidden_size a step computes

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        rows = self.gates * hidden_size
        for layer, suffix in self._passes():
            width = input_size if layer == 0 else hidden_size * (1 + bidirectional)
            add_parameters(self, device, dtype, **{f"weight_ih{suffix}": (rows, width),
                                                   f"weight_hh{suffix}": (rows, hidden_size)})
            if bias:
                add_parameters(self, device, dtype, **{f"bias_ih{suffix}": (rows,), f"bias_hh{suffix}": (rows,)})
        self.reset_parameters()

    def _passes(self) -> list[tuple[int, str]]:
        """Each pass over a sequence: the layer, and how its parameters' names end."""
        ends = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, f"_l{layer}{end}") for layer in range(self.num_layers) for end in ends]

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def step(self, x: Tensor, h: Tensor, state: State) -> State:
        """The next state, from W_ih x + b_ih, W_hh h + b_hh and the state."""
        raise NotImplementedError("each kind of recurrent layer has its own step")

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            sizes = batch_sizes.tolist()
            states = [s if order is None or hx is None else s.index_select(1, order)
                      for s in self._states(hx, data, sizes[0])]
            x, finals = self._layers(data, states, sizes)
            finals = [s if back is None else s.index_select(1, back) for s in finals]
            return PackedSequence(x, batch_sizes, order, back), tuple(finals) if len(finals) > 1 else finals[0]
        if input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        x = input.unsqueeze(1) if input.ndim == 2 else input.transpose(0, 1) if self.batch_first else input
        hx = (hx,) if isinstance(hx, Tensor) else hx
        if input.ndim == 2 and hx:
            hx = [s.unsqueeze(1) if s.ndim == 2 else s for s in hx]
        x, finals = self._layers(x, self._states(hx, x, x.shape[1]))
        if input.ndim == 2:
            x, finals = x.squeeze(1), [s.squeeze(1) for s in finals]
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, tuple(finals) if len(finals) > 1 else finals[0]

    def _states(self, hx: Any, x: Tensor, n: int) -> list[Tensor]:
        """The initial states, for n sequences; RuntimeError if x or they have another size."""
        if x.shape[-1] != self.input_size:
            raise RuntimeError("input.size(-1) must be equal to input_size. "
                               f"Expected {self.input_size}, got {x.shape[-1]}")
        shape = (self.num_layers * (1 + self.bidirectional), n, self.hidden_size)
        states = (hx,) if isinstance(hx, Tensor) else hx or (
            zeros(shape, dtype=x.dtype, device=x.device),) * (1 + (self.gates == 4))
        for s in states:
            if s.shape != shape:
                raise RuntimeError(f"Expected hidden size {shape}, got {list(s.shape)}")
        return list(states)

    def _layers(self, x: Tensor, states: Sequence[Tensor],
                sizes: list[int] | None = None) -> tuple[Tensor, list[Tensor]]:
        """All passes over x, (L, N, ...) or packed in `sizes`: the outputs of the last layer, and all last states."""
        passes, last, outs = self._passes(), [], []
        for k, (layer, suffix) in enumerate(passes):
            out, state = self._run(x, suffix, tuple([s[k] for s in states]), sizes)
            outs.append(out)
            last.append(state)
            if k + 1 < len(passes) and passes[k + 1][0] > layer:  # the next layer reads what this one gave
                x, outs = F.dropout(cat(outs, -1), self.dropout, self.training), []
        return cat(outs, -1) if self.bidirectional else outs[0], [stack(s) for s in zip(*last, strict=True)]

    def _run(self, x: Tensor, suffix: str, start: State, sizes: list[int] | None) -> tuple[Tensor, State]:
        """One pass over x, (L, N, ...) or packed: all outputs, and the last state.

        In a packed sequence a step may have fewer sequences than the one before; the states of those that are over are
        put aside. Backwards it is the other way round: the short ones begin late.
        """
        w_ih, w_hh, b_ih, b_hh = [getattr(self, f"{name}{suffix}", None)
                                  for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        x, outs, over = F.linear(x, w_ih, b_ih), [], []  # type: ignore[arg-type]  # b_ih is None without a bias
        steps = x.unbind(0) if sizes is None else x.split(sizes)
        backwards = suffix.endswith("reverse")
        state = tuple([s[: sizes[-1]] for s in start]) if sizes and backwards else start
        for xt in steps[::-1] if backwards else steps:
            n, before = len(xt), len(state[0])
            if n < before:
                over.append([s[n:] for s in state])
                state = tuple([s[:n] for s in state])
            elif n > before:
                state = tuple([cat([s, first[before:n]]) for s, first in zip(state, start, strict=True)])
            state = self.step(xt, F.linear(state[0], w_hh, b_hh), state)  # type: ignore[arg-type]
            outs.append(state[0])
        if over:
            state = tuple([cat([s, *ends]) for s, *ends in zip(state, *over[::-1], strict=True)])
        return (stack if sizes is None else cat)(outs[::-1] if backwards else outs), state

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + changed(
            self, num_layers=1, bias=True, batch_first=False, dropout=0, bidirectional=False)


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it by `nonlinearity`; shapes as `RNNBase` says."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
                 *args: Any, **kwargs: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity

    def step(self, x: Tensor, h: Tensor, state: State) -> State:
        return ((x + h).tanh() if self.nonlinearity == "tanh" else (x + h).relu(),)


class LSTM(RNNBase):
    """Gates i, f, o say what enters the cell, stays in it and is shown: c' = f c + i g, h' = o tanh(c').

    i, f, o are the sigmoid, and g the tanh, of a part of W_ih x + b_ih + W_hh h + b_hh. The state is (h, c); shapes as
    `RNNBase` says.
    """

    gates = 4

    def step(self, x: Tensor, h: Tensor, state: State) -> State:
        i, f, g, o = (x + h).chunk(4, -1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class GRU(RNNBase):
    """Gates r, z say how much of the state the new value n sees, and how much of it stays: h' = (1 - z) n + z h.

    r and z are the sigmoid of a part of W_ih x + b_ih + W_hh h + b_hh, n is the tanh of a part of W_ih x + b_ih plus r
    times that of W_hh h + b_hh; shapes as `RNNBase` says.
    """

    gates = 3

    def step(self, x: Tensor, h: Tensor, state: State) -> State:
        (rx, zx, nx), (rh, zh, nh) = x.chunk(3, -1), h.chunk(3, -1)
        n = (nx + (rx + rh).sigmoid() * nh).tanh()
        return (n + (zx + zh).sigmoid() * (state[0] - n),)


class RNNCellBase(Module):
    """One step of a recurrent layer: input (N, input_size) and state (N, hidden_size) -> the next state.

    Also without N. The state is zeros unless given; parameters as of one layer, without the l0 in their names.
    """

    layer: ClassVar[type[RNNBase]] = RNN
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.layer.gates * hidden_size
        of_bias = (rows,) if bias else None
        add_parameters(self, device, dtype, weight_ih=(rows, input_size), weight_hh=(rows, hidden_size),
                       bias_ih=of_bias, bias_hh=of_bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        RNNBase.reset_parameters(self)  # type: ignore[arg-type]  # a cell has hidden_size, too

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        state = (hx,) if isinstance(hx, Tensor) else hx
        if state is None:
            state = (zeros(*input.shape[:-1], self.hidden_size, dtype=input.dtype),) * (1 + (self.layer is LSTM))
        for what, x in (("input", input), *(("hidden", s) for s in state)):
            if x.ndim not in (1, 2):
                raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {x.ndim}D instead")
        x, h = F.linear(input, self.weight_ih, self.bias_ih), F.linear(state[0], self.weight_hh, self.bias_hh)
        new = self.layer.step(self, x, h, state)  # type: ignore[arg-type]  # a cell in its layer's place
        return new if len(new) > 1 else new[0]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + changed(self, bias=True)


class RNNCell(RNNCellBase):
    """One step of RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it by `nonlinearity`."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def extra_repr(self) -> str:
        return super().extra_repr() + changed(self, nonlinearity="tanh")


class LSTMCell(RNNCellBase):
    """One step of LSTM: input and (h, c) -> (h', c')."""

    layer = LSTM


class GRUCell(RNNCellBase):
    """One step of GRU."""

    layer = GRU

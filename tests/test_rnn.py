"""Recurrent layers against torch: weights from the same seed, outputs, states, gradients, reprs, errors."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import plain, same, same_error
from test_conv import agree, tensor

KINDS = [("RNN", {}), ("RNN", {"nonlinearity": "relu", "num_layers": 2}), ("LSTM", {}), ("GRU", {}),
         ("LSTM", {"num_layers": 2, "batch_first": True}), ("GRU", {"num_layers": 3, "bias": False}),
         ("LSTM", {"num_layers": 2, "bidirectional": True}), ("RNN", {"bidirectional": True, "batch_first": True}),
         ("GRU", {"num_layers": 2, "dropout": 0.5})]


@pytest.mark.parametrize("given", ["nothing", "a state", "no batch"])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_recurrent_layers(name: str, options: Any, given: str) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(2)
        layer = getattr(lib.nn, name)(3, 4, **options).double()
        shape = (5, 3) if given == "no batch" else (5, 2, 3)
        x = tensor(lib, *shape).requires_grad_()
        state = ()
        if given == "a state":
            batch = 5 if layer.batch_first else 2
            h = tensor(lib, layer.num_layers * (1 + layer.bidirectional), batch, 4, seed=1)
            state = ((h, h * 2),) if name == "LSTM" else (h,)
        out, last = layer(x, *state)
        finals = list(last) if name == "LSTM" else [last]
        out.backward(tensor(lib, *out.shape, seed=3), retain_graph=True)
        finals[-1].sum().backward()
        return [t.contiguous() for t in (out, *finals, x.grad, *[p.grad for p in layer.parameters()])]

    agree(run, 1e-9)


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_weights_and_reprs(name: str, options: Any) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(2)
        layer = getattr(lib.nn, name)(3, 4, **options)
        return [repr(layer), {key: plain(value) for key, value in layer.state_dict().items()}]

    same(run)


@pytest.mark.parametrize("call", [
    lambda lib: lib.nn.LSTM(2, 3)(lib.ones(4, 5, 4)),
    lambda lib: lib.nn.LSTM(2, 3)(lib.ones(4, 5, 2, 1)),
    lambda lib: lib.nn.RNN(2, 3)(lib.ones(4, 5, 2), lib.ones(1, 4, 3)),
    lambda lib: lib.nn.RNN(2, 3, nonlinearity="sine"),
])
def test_errors(call: Any) -> None:
    same_error(call)

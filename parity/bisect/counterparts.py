"""What torch's modules call below the API that everybody uses, built for a library that does without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.conformance.samples import Library, NotApplicable

RECURRENT = {"lstm": ("LSTM", {}), "gru": ("GRU", {}), "rnn_tanh": ("RNN", {}),
             "rnn_relu": ("RNN", {"nonlinearity": "relu"})}


def counterpart_of(name: str, library: Library) -> Callable[..., Any] | None:
    """A function of a library that does what torch's function of this name does; None if none is known."""
    if name not in RECURRENT or not hasattr(library, "nn"):
        return None
    module, options = RECURRENT[name]
    return lambda *args: recurrent(library, getattr(library.nn, module), options, *args)


def recurrent(library: Library, kind: Any, options: dict[str, Any], x: Any, state: Any, weights: Any,
              *rest: Any) -> Any:
    """torch.lstm(x, state, weights, has_biases, num_layers, dropout, train, bidirectional, batch_first), by module."""
    if len(rest) != 6:
        raise NotApplicable("packed sequences")
    has_biases, layers, dropout, train, bidirectional, batch_first = rest
    random_state = library.default_generator.get_state()
    module = kind(x.shape[-1], weights[1].shape[1], layers, bias=has_biases, batch_first=batch_first, dropout=dropout,
                  bidirectional=bidirectional, **options).train(train)
    library.default_generator.set_state(random_state)  # building it drew initial weights
    for (parameter, _), weight in zip(list(module.named_parameters()), weights, strict=True):
        delattr(module, parameter)
        setattr(module, parameter, weight)
    result, last = module(x, tuple(state) if kind.__name__ == "LSTM" else state)
    return (result, *last) if kind.__name__ == "LSTM" else (result, last)

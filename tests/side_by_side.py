"""What the tests of nn share: run one scenario on minigrad and on torch, and compare what comes of it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import minigrad as mg


def plain(x: Any) -> Any:
    """Something that == can compare: tensors become lists, containers are gone through."""
    if isinstance(x, (mg.Tensor, torch.Tensor)):
        return x.detach().numpy().tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x


def same(scenario: Any) -> Any:
    """Run a scenario on both libraries; what it returns must be equal."""
    ours, theirs = plain(scenario(mg)), plain(scenario(torch))
    assert ours == theirs
    return ours


def same_error(call: Any, text: bool = True) -> None:
    """Both raise the same type; with `text` torch's words stand in ours, which may add what was given."""
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type) as ours:
        call(mg)
    assert not text or str(theirs.value).rstrip(".") in str(ours.value)


def same_warnings(call: Any) -> list[Any]:
    def run(lib: Any) -> list[Any]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(lib)
        return [(w.category, str(w.message)) for w in caught]

    ours = run(mg)
    assert ours == run(torch)
    return ours


def net(lib: Any, seed: int = 1) -> Any:
    """A model with nesting, a shared layer, buffers of both kinds, and a parameter that is None."""
    nn = lib.nn

    class Net(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(lib.ones(2))
            self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3, bias=False))
            self.again = self.body[0]
            self.head = nn.Linear(3, 1)
            self.head.weight = nn.Parameter(lib.full((1, 3), 0.5))
            self.register_buffer("count", lib.zeros(1))
            self.register_buffer("scratch", lib.ones(2), persistent=False)
            self.register_parameter("absent", None)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x * self.scale))

    Net.__qualname__ = "Net"
    lib.manual_seed(seed)
    return Net()

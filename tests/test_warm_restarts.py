"""CosineAnnealingWarmRestarts against torch: equal learning rates, to the last bit, at every step."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import plain, same, same_error
from test_cyclic_schedules import groups, setup

OPTIONS: list[dict[str, Any]] = [{"T_0": 1, "T_mult": 2}, {"T_0": 4}, {"T_0": 3, "T_mult": 2, "eta_min": 0.01},
                                 {"T_0": 2, "T_mult": 3}, {"T_0": 5, "eta_min": 0.3}]


@pytest.mark.parametrize("places", [[None] * 30, [i / 4 for i in range(60)], [0, 3, 17, None, None, 2, None, 30]],
                         ids=["epochs", "parts of epochs", "back and forth"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_step(options: dict[str, Any], places: list[Any]) -> None:
    def run(lib: Any) -> list[Any]:
        optimizer = setup(lib, "SGD", (0.1, 0.2))
        scheduler, seen = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **options), []
        for place in places:
            optimizer.step()
            scheduler.step(*[] if place is None else [place])
            seen.append((groups(optimizer), scheduler.get_last_lr(), plain(scheduler.state_dict())))
        return seen

    same(run)


@pytest.mark.parametrize("call", [
    lambda make, optimizer: make(optimizer, 0),
    lambda make, optimizer: make(optimizer, 2.5),
    lambda make, optimizer: make(optimizer, 2, 0),
    lambda make, optimizer: make(optimizer, 2).step(-1),
    lambda make, optimizer: make([], 2),
])
def test_errors(call: Any) -> None:
    same_error(lambda lib: call(lib.optim.lr_scheduler.CosineAnnealingWarmRestarts, setup(lib)))

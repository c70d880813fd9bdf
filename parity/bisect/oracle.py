"""Runs a script on minigrad and notes what every rule of the table is given and gives. For `proof` alone.

So it is known, without the finder, at which step a wrong rule in its place would first give something else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from parity.bisect.findings import Use
from parity.engines import ENGINES
from parity.sampling import Enough
from parity.surroundings import PRINTED
from parity.tolerances import FELT
from parity.worker import load, run, seed, take_over_stdout


class Notes:
    """Every use of every rule, for as many steps as are wanted."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.step = 1
        self.uses: list[Use] = []

    def install(self, torch: Any) -> None:
        """Have each pullback that is made from now on use rules that note their use, and each optimizer count."""
        from minigrad.engine import Pullback
        from minigrad.ops import TABLE

        names = {id(op): name for name, op in TABLE.items()}
        make = Pullback.__init__

        def noting(pullback: Any, op: Any, wanted: int) -> None:
            make(pullback, op, wanted)
            if id(op) in names:
                pullback.steps = [(i, self.noted(names[id(op)], op.inputs[i], rule), pick)
                                  for i, rule, pick in pullback.steps]

        Pullback.__init__ = noting  # type: ignore[method-assign]
        make_optimizer = torch.optim.Optimizer.__init__

        def counting(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            make_optimizer(optimizer, *args, **kwargs)
            optimizer.register_step_post_hook(self.on_step)

        torch.optim.Optimizer.__init__ = counting

    def noted(self, entry: str, name: str, rule: Any) -> Any:
        def used(*args: Any) -> Any:
            result = rule(*args)
            if all(isinstance(arg, np.ndarray | np.generic) or not hasattr(arg, "requires_grad") for arg in args):
                self.uses.append(Use(entry, name, self.step, tuple(map(copied, args)), copied(result)))
            return result

        return used

    def on_step(self, *args: Any) -> None:
        self.step += 1
        if self.step > self.last:
            raise Enough


def copied(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray | np.generic) else value


def main(last: str, script: str, *arguments: str) -> None:
    sender = take_over_stdout()
    torch = load(ENGINES["minigrad"])
    seed(torch)
    notes = Notes(int(last))
    notes.install(torch)
    with open(PRINTED, "w", encoding="utf-8") as printed:
        sys.stdout = printed
        finished = run(script, arguments)
        sys.stdout = sys.__stdout__
    sender.send(notes.uses)
    sender.send(finished)


def first_difference(uses: Sequence[Use], table: Any) -> tuple[str, int] | None:
    """The rule of the table, and the step, which first gives something else than was noted."""
    for use in uses:
        try:
            result = table[use.entry].rules[use.rule](*use.args)
            same = np.shape(result) == np.shape(use.result) and nearly_equal(result, use.result)
        except Exception:
            same = False
        if not same:
            return use.rule, use.step
    return None


def nearly_equal(one: Any, other: Any) -> bool:
    largest = np.max(np.abs(other), initial=0.0)
    return bool(np.max(np.abs(np.subtract(one, other)), initial=0.0) <= FELT * largest)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Compares one script's engines, one training record of each at a time.

torch (float32) is the reference: same structure, same types, same initial bits. torch in float64 is the
judge: errors are measured from it, and minigrad in float64 has to confirm it. `tolerances` says what is
allowed and why; `lockstep` brings the records.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity.arrays import Array, distance, form, largest_of, relative, same_form, worst_entry
from parity.engines import ENGINES, JUDGE, REFERENCE, SECOND_JUDGE
from parity.records import Backward, Training, Update, Weights
from parity.results import KINDS, Curve, EngineResult
from parity.tolerances import FIRST_GRADIENT, JUDGES, GrowthOfRounding


class Comparison:
    """The comparison of one script while it runs, and afterwards its result."""

    def __init__(self, name: str, engines: Sequence[str]):
        self.name = name
        self.results = {engine: EngineResult(ENGINES[engine]) for engine in engines}
        self.step = 0  # optimizer steps so far
        self.steps_of: dict[int, int] = {}  # the same by optimizer
        self.built_at: list[int] = []  # for each optimizer, the steps before it was built
        self.names: dict[int, list[str]] = {}  # parameter names by optimizer
        self.fresh: set[int] = set()  # optimizers whose weights were drawn and that have not taken a step
        self.largest_entry: dict[Hashable, float] = {}
        self.growth = GrowthOfRounding()
        self.losses: dict[str, list[float]] = {engine: [] for engine in engines}
        self.curves = {kind: Curve({engine: [] for engine in engines}) for kind in KINDS}
        self.loss_error = [0.0]  # torch's float32 error in the loss so far, after each training record

    def take(self, records: Mapping[str, Training]) -> None:
        """Compare one training record of each engine; all are of the same kind."""
        reference: Any = records[REFERENCE]
        everybody: Any = records
        match reference:
            case Weights():
                self.take_weights(reference, everybody)
            case Backward():
                self.take_losses(everybody)
            case Update():
                self.take_update(reference, everybody)
        self.loss_error.append(self.results[REFERENCE].largest.get("loss", 0.0))

    # ---- the three kinds of record ----
    def take_weights(self, reference: Weights, records: Mapping[str, Weights]) -> None:
        """Weights that were drawn must have torch's bits; weights trained before may be off by rounding."""
        optimizer = reference.optimizer
        self.names[optimizer] = reference.names
        self.steps_of[optimizer] = 0
        self.built_at.append(self.step)
        self.fresh.add(optimizer)
        values = {name: record.values for name, record in records.items()}
        largest = self.grow_largest(("parameter", optimizer), values)
        for index, parameter in enumerate(reference.names):
            arrays = {name: values[name][index] for name in values}
            if JUDGE not in arrays or np.array_equal(arrays[REFERENCE], arrays[JUDGE], equal_nan=True):
                self.compare_bits(f"initial {parameter}", arrays)
            else:
                self.fresh.discard(optimizer)
                self.compare(f"initial {parameter}", "parameter", (optimizer, index), arrays, largest)

    def take_losses(self, records: Mapping[str, Backward]) -> None:
        losses = {name: None if r.loss is None else np.asarray(r.loss) for name, r in records.items()}
        optimizer = max(self.names, default=0)  # the one that was built last
        largest = self.grow_largest(("loss", optimizer), {name: [loss] for name, loss in losses.items()})
        errors, bound = self.compare(f"loss at step {self.step + 1}", "loss", optimizer, losses, largest)
        self.curves["loss"].add(errors, bound)
        for name, loss in losses.items():
            self.losses[name].append(float("nan") if loss is None else float(loss))

    def take_update(self, reference: Update, records: Mapping[str, Update]) -> None:
        optimizer = reference.optimizer
        self.step += 1
        self.steps_of[optimizer] += 1
        gradients = {name: record.gradients for name, record in records.items()}
        if optimizer in self.fresh:
            self.compare_first_gradients(optimizer, gradients)
        self.fresh.clear()
        self.compare_all("gradient", optimizer, gradients)
        self.compare_all("parameter", optimizer, {name: record.values for name, record in records.items()})

    # ---- comparing arrays ----
    def compare_bits(self, what: str, arrays: Mapping[str, np.ndarray]) -> None:
        for result, mine, right in self.against_same_precision(arrays):
            result.weights = max(result.weights or 0.0, distance(mine, right))
            if not same_form(mine, right):
                result.differs(self.step, f"{what} is {form(mine)}, torch's is {form(right)}")
            elif mine.tobytes() != right.tobytes():
                result.differs(self.step, f"{what} must have torch's bits; {worst_entry(mine, right)}")

    def compare_first_gradients(self, optimizer: int, gradients: Mapping[str, Sequence[Array]]) -> None:
        for result, mine, right in self.against_same_precision(gradients):
            allowed = FIRST_GRADIENT[result.engine.dtype]
            largest = max(map(largest_of, right), default=0.0)
            for index, (one, other) in enumerate(zip(mine, right, strict=True)):
                error = relative(distance(one, other), largest)
                result.first_gradient = max(result.first_gradient or 0.0, error)
                if error > allowed:
                    what = f"gradient of {self.place(optimizer, index)}"
                    result.differs(self.step, f"{what}: {off(error, allowed)}; {worst_entry(one, other)}")

    def compare_all(self, kind: str, optimizer: int, values: Mapping[str, Sequence[Array]]) -> None:
        """All gradients, or all parameters, of one optimizer."""
        largest = self.grow_largest((kind, optimizer), values)
        errors = dict.fromkeys(values, 0.0)
        bounds = []
        for index in range(len(values[REFERENCE])):
            arrays = {name: values[name][index] for name in values}
            what = f"{kind} of {self.place(optimizer, index)}"
            some, bound = self.compare(what, kind, (optimizer, index), arrays, largest)
            errors = {name: max(errors[name], some[name]) for name in errors}
            bounds += [] if bound is None else [bound]
        self.curves[kind].add(errors, max(bounds, default=None))

    def compare(
        self, what: str, kind: str, quantity: Hashable, arrays: Mapping[str, Array], largest: float
    ) -> tuple[dict[str, float], float | None]:
        """Hold each engine's array against the judge's. Errors and bound are relative to `largest`."""
        center = arrays.get(JUDGE, arrays[REFERENCE])
        distances = {name: distance(array, center) for name, array in arrays.items()}
        errors = {name: relative(apart, largest) for name, apart in distances.items()}
        bound = None
        if JUDGE in arrays:
            bound = relative(self.growth.bound((kind, quantity), distances[REFERENCE], largest), largest)
        for name, error in errors.items():
            self.results[name].error(kind, error)
        for result, mine, right in self.against_same_precision(arrays):
            limit = JUDGES if result.engine.wide else bound
            if not same_form(mine, right):
                result.differs(self.step, f"{what} is {form(mine)}, torch's is {form(right)}")
            elif bound is not None and limit is not None:
                error = errors[result.engine.name]
                share = relative(error, limit)
                result.of_bound = max(result.of_bound or 0.0, share)
                if share > 1 and mine is not None and center is not None:
                    result.differs(self.step, f"{what}: {off(error, limit)}; {worst_entry(mine, center)}")
        return errors, bound

    # ---- helpers ----
    def against_same_precision(self, values: Mapping[str, Any]) -> Iterator[tuple[EngineResult, Any, Any]]:
        """For each engine held against torch: its result, its value, torch's value in the same precision."""
        for name, value in values.items():
            other = JUDGE if name == SECOND_JUDGE else REFERENCE
            if name not in (REFERENCE, JUDGE) and other in values:
                yield self.results[name], value, values[other]

    def grow_largest(self, key: Hashable, values: Mapping[str, Sequence[Array]]) -> float:
        """The largest entry so far, over all parameters of an optimizer, as the judge has it."""
        judged = values.get(JUDGE, values[REFERENCE])
        self.largest_entry[key] = max(self.largest_entry.get(key, 0.0), *map(largest_of, judged), 0.0)
        return self.largest_entry[key]

    def place(self, optimizer: int, index: int) -> str:
        """In words: "layer2.weight at step 117 (step 17 of optimizer 2)"."""
        names = self.names[optimizer]
        name = names[index] if index < len(names) else f"param {index}"
        count = "" if optimizer == 1 else f" (step {self.steps_of[optimizer]} of optimizer {optimizer})"
        return f"{name} at step {self.step}{count}"


def off(error: float, allowed: float) -> str:
    return f"{error:.1e} of the largest entry off, {allowed:.1e} allowed"

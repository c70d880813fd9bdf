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
from parity.sampling import BIG
from parity.tolerances import FIRST_GRADIENT, JUDGES, KINKS, GrowthOfRounding


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
        self.judging = False  # whether the judge takes part
        self.judged_steps: int | None = None  # after so many the judges stopped, if they did
        self.big = False  # whether a big model is trained
        self.over_a_kink: set[str] = set()  # engines with a ReLU on the other side than the judge's
        self.loss_bounds: dict[str, list[float]] = {engine: [0.0] for engine in engines}  # after each training record
        self.length: int | None = None  # the number of steps, if the script or anybody knows
        self.notes: list[str] = []  # what the script wants to be told with its figures
        self.lines_read = 0  # of torch's printed lines

    def take(self, records: Mapping[str, Training]) -> None:
        """Compare one training record of each engine; all are of the same kind."""
        reference: Any = records[REFERENCE]
        everybody: Any = records
        self.judging = JUDGE in records
        match reference:
            case Weights():
                self.take_weights(reference, everybody)
            case Backward():
                self.take_kinks(everybody)
                self.take_losses(everybody)
            case Update():
                self.take_update(reference, everybody)
        bound = self.bound("loss", "of all models", self.results[REFERENCE].largest.get("loss", 0.0), 1.0)
        for name, bounds in self.loss_bounds.items():
            bounds.append(self.limit(name, "loss", bound) or 0.0)

    def stop_judging(self) -> None:
        """The judges have done their steps of a big model; from now on torch stands in for them."""
        self.judged_steps = self.judged_steps or self.step

    # ---- the three kinds of record ----
    def take_weights(self, reference: Weights, records: Mapping[str, Weights]) -> None:
        """Weights that were drawn must have torch's bits; weights trained before may be off by rounding."""
        optimizer = reference.optimizer
        self.names[optimizer] = reference.names
        self.steps_of[optimizer] = 0
        self.built_at.append(self.step)
        self.fresh.add(optimizer)
        self.big = self.big or sum(value.size for value in reference.values) >= BIG
        values = {name: record.values for name, record in records.items()}
        largest = self.grow_largest(("parameter", optimizer), values)
        for index, parameter in enumerate(reference.names):
            arrays = {name: values[name][index] for name in values}
            untrained = JUDGE not in arrays or np.array_equal(arrays[REFERENCE], arrays[JUDGE], equal_nan=True)
            if untrained and self.judged_steps is None:
                self.compare_bits(f"initial {parameter}", arrays)
            else:
                self.fresh.discard(optimizer)
                self.compare(f"initial {parameter}", "parameter", (optimizer, index), arrays, largest)
        if optimizer in self.fresh:
            self.over_a_kink.clear()  # another model

    def take_kinks(self, records: Mapping[str, Backward]) -> None:
        kinks = records.get(JUDGE, records[REFERENCE]).kinks
        for name, record in records.items():
            if record.kinks != kinks and not ENGINES[name].wide:
                self.over_a_kink.add(name)
                self.results[name].kink_step = self.results[name].kink_step or self.step + 1

    def take_losses(self, records: Mapping[str, Backward]) -> None:
        losses = {name: None if r.loss is None else np.asarray(r.loss) for name, r in records.items()}
        optimizer = max(self.names, default=0)  # the one that was built last
        largest = self.grow_largest(("loss", optimizer), {name: [loss] for name, loss in losses.items()})
        errors, bound = self.compare(f"loss at step {self.step + 1}", "loss", optimizer, losses, largest)
        self.curves["loss"].add(len(self.losses[REFERENCE]) + 1, errors, bound)
        for name, loss in losses.items():
            self.losses[name].append(float("nan") if loss is None else float(loss))

    def take_update(self, reference: Update, records: Mapping[str, Update]) -> None:
        optimizer = reference.optimizer
        self.step += 1
        self.steps_of[optimizer] += 1
        if not reference.values:
            return  # only counted
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
        self.curves[kind].add(self.step, errors, max(bounds, default=None))

    def compare(
        self, what: str, kind: str, quantity: Hashable, arrays: Mapping[str, Array], largest: float
    ) -> tuple[dict[str, float], float | None]:
        """Hold each engine's array against the judge's. Errors and bound are relative to `largest`."""
        center = arrays.get(JUDGE, arrays[REFERENCE])
        distances = {name: distance(array, center) for name, array in arrays.items()}
        errors = {name: relative(apart, largest) for name, apart in distances.items()}
        bound = self.bound(kind, quantity, distances[REFERENCE], largest)
        for name, error in errors.items():
            self.results[name].error(kind, error)
        for result, mine, right in self.against_same_precision(arrays):
            limit = self.limit(result.engine.name, kind, bound)
            if not same_form(mine, right):
                result.differs(self.step, f"{what} is {form(mine)}, torch's is {form(right)}")
            elif bound is not None and limit is not None:
                error = errors[result.engine.name]
                share = relative(error, limit)
                result.of_bound = max(result.of_bound or 0.0, share)
                if share > 1 and mine is not None and center is not None:
                    result.differs(self.step, f"{what}: {off(error, limit)}; {worst_entry(mine, center)}")
        return errors, bound

    # ---- what is allowed ----
    def bound(self, kind: str, quantity: Hashable, torch_error: float, largest: float) -> float | None:
        """What rounding may explain in float32, relative to `largest`; None if there are no judges to tell."""
        if self.judged_steps is not None:
            if (kind, quantity) not in self.growth.largest_error:
                return KINKS[kind]  # of an optimizer that no judge has seen
            later = self.growth.later_bound((kind, quantity), largest, self.step / self.judged_steps)
            return min(relative(later, largest), KINKS[kind])
        if not self.judging:
            return None
        return relative(self.growth.bound((kind, quantity), torch_error, largest), largest)

    def limit(self, engine: str, kind: str, bound: float | None) -> float | None:
        """What is allowed to one engine."""
        if ENGINES[engine].wide:
            return JUDGES
        over_a_kink = self.big and engine in self.over_a_kink
        return max(bound, KINKS[kind]) if bound is not None and over_a_kink else bound

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

"""Compares one script's engines, one training record of each at a time.

torch (float32) is the reference: same structure, same types, same initial bits. torch in float64 is the
judge: errors are measured from it, and minigrad in float64 has to confirm it. `tolerances` says what is
allowed and why; `lockstep` brings the records.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity.arrays import Array, distance, form, largest_of, relative, same_form, worst_entry
from parity.engines import ENGINES, JUDGE, REFERENCE
from parity.records import THE_END, Backward, Training, Update, Weights
from parity.results import KINDS, Curve, EngineResult, HeatMap
from parity.sampling import BIG
from parity.tolerances import (
    FIRST_GRADIENT,
    GROWTH,
    INITIAL,
    JUDGES,
    KINKS,
    LOST,
    SETTLED,
    WITHOUT_JUDGES,
    GrowthOfRounding,
)


class Comparison:
    """The comparison of one script while it runs, and afterwards its result."""

    def __init__(self, name: str, engines: Sequence[str]):
        self.name = name
        self.results = {engine: EngineResult(ENGINES[engine]) for engine in engines}
        self.step = 0  # optimizer steps so far
        self.steps_of: dict[int, int] = {}  # the same by optimizer
        self.built_at: list[int] = []  # for each optimizer, the steps before it was built
        self.names: dict[int, list[str]] = {}  # parameter names by optimizer
        self.adaptive: set[int] = set()  # optimizers that divide by the gradient's own size
        self.fresh: set[int] = set()  # optimizers whose weights were drawn and that have not taken a step
        self.largest_entry: dict[Hashable, float] = {}
        self.growth = GrowthOfRounding()
        self.losses: dict[str, list[float]] = {engine: [] for engine in engines}
        self.curves = {kind: Curve({engine: [] for engine in engines}) for kind in KINDS}
        self.heat = HeatMap()  # of the gradients' errors
        self.judging = False  # whether the judge takes part
        self.judged_steps: int | None = None  # after so many the judges stopped, if they did
        self.big = False  # whether a big model is trained
        self.over_a_kink: set[str] = set()  # engines with a ReLU on the other side than the judge's
        self.line_shares = dict.fromkeys(engines, 0.0)  # what is allowed to a loss by now, for lines that print it
        self.lost_at: int | None = None  # the step from which on torch, nudged, is somewhere else altogether
        self.length: int | None = None  # the number of steps, if the script or anybody knows
        self.notes: list[str] = []  # what the script wants to be told with its figures
        self.complete_folder = True  # whether the script found all that lies beside it
        self.where = ""  # the place in the script that has led to what is compared

    def take(self, records: Mapping[str, Training]) -> None:
        """Compare one training record of each engine; all are of the same kind."""
        reference: Any = records[REFERENCE]
        everybody: Any = records
        self.where = reference.where
        self.judging = JUDGE in records
        match reference:
            case Weights():
                self.take_weights(reference, everybody)
            case Backward():
                self.take_kinks(everybody)
                self.take_losses(everybody)
            case Update():
                self.take_update(reference, everybody)
        strayed = {name: result.largest.get("loss", 0.0) for name, result in self.results.items()}
        bounds = self.bounds("loss", "of all models", strayed, 1.0)
        self.line_shares = {name: self.limit(name, "loss", bounds) for name in self.results}

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
        if reference.adaptive:
            self.adaptive.add(optimizer)
        self.big = self.big or sum(value.size for value in reference.values) >= BIG
        values = {name: record.values for name, record in records.items()}
        largest = self.grow_largest(("parameter", optimizer), values)
        for index, parameter in enumerate(reference.names):
            arrays = {name: values[name][index] for name in values}
            untrained = self.judging and np.array_equal(arrays[REFERENCE], arrays[JUDGE], equal_nan=True)
            if untrained and self.judged_steps is None:
                self.compare_bits(f"initial {parameter}", arrays)
            elif not self.judging and self.step == 0:
                self.compare_initial(f"initial {parameter}", arrays, largest)
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
        if reference.where != THE_END:
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
                self.differs(result, f"{what} is {form(mine)}, torch's is {form(right)}")
            elif mine.tobytes() != right.tobytes():
                self.differs(result, f"{what} must have torch's bits; {worst_entry(mine, right)}")

    def compare_initial(self, what: str, arrays: Mapping[str, np.ndarray], largest: float) -> None:
        """Without a judge: drawn weights have torch's bits, but those that are computed may be some ulps off."""
        for result, mine, right in self.against_same_precision(arrays):
            result.weights = max(result.weights or 0.0, distance(mine, right))
            error = relative(distance(mine, right), largest)
            if not same_form(mine, right):
                self.differs(result, f"{what} is {form(mine)}, torch's is {form(right)}")
            elif error > INITIAL:
                self.differs(result, f"{what}: {off(error, INITIAL)}; {worst_entry(mine, right)}")

    def compare_first_gradients(self, optimizer: int, gradients: Mapping[str, Sequence[Array]]) -> None:
        for result, mine, right in self.against_same_precision(gradients):
            largest = max(map(largest_of, right), default=0.0)
            allowed = FIRST_GRADIENT[result.engine.dtype]
            if not result.engine.wide:
                allowed = max(allowed, self.allowed_at_first(gradients, largest))
            for index, (one, other) in enumerate(zip(mine, right, strict=True)):
                error = relative(distance(one, other), largest)
                result.first_gradient = max(result.first_gradient or 0.0, error)
                if error > allowed:
                    what = f"gradient of {self.place(optimizer, index)}"
                    self.differs(result, f"{what}: {off(error, allowed)}; {worst_entry(one, other)}")

    def compare_all(self, kind: str, optimizer: int, values: Mapping[str, Sequence[Array]]) -> None:
        """All gradients, or all parameters, of one optimizer."""
        largest = self.grow_largest((kind, optimizer), values)
        errors = dict.fromkeys(values, 0.0)
        bounds, rows = [], {}
        for index in range(len(values[REFERENCE])):
            arrays = {name: values[name][index] for name in values}
            what = f"{kind} of {self.place(optimizer, index)}"
            some, bound = self.compare(what, kind, (optimizer, index), arrays, largest)
            errors = {name: max(errors[name], some[name]) for name in errors}
            bounds.append(bound)
            rows[index] = some
        self.curves[kind].add(self.step, errors, max(bounds, default=None))
        if kind == "gradient":
            self.heat.add(self.step, {self.row(optimizer, index): some for index, some in rows.items()})

    def compare(
        self, what: str, kind: str, quantity: Hashable, arrays: Mapping[str, Array], largest: float
    ) -> tuple[dict[str, float], float]:
        """Hold each engine's array against the judge's. Errors and bound are relative to `largest`."""
        center = arrays.get(JUDGE, arrays[REFERENCE])
        distances = {name: distance(array, center) for name, array in arrays.items()}
        errors = {name: relative(apart, largest) for name, apart in distances.items()}
        bounds = self.bounds(kind, quantity, distances, largest)
        for name, error in errors.items():
            self.results[name].error(kind, error)
        for result, mine, right in self.against_same_precision(arrays):
            limit = self.limit(result.engine.name, kind, bounds)
            if not same_form(mine, right):
                self.differs(result, f"{what} is {form(mine)}, torch's is {form(right)}")
            else:
                error = errors[result.engine.name]
                share = relative(error, limit)
                if share > 1 and self.is_excused(result, kind, quantity, error, error * largest):
                    share = 1.0
                result.of_bound = max(result.of_bound or 0.0, share)
                if share > 1 and mine is not None and center is not None:
                    self.differs(result, f"{what}: {off(error, limit)}; {worst_entry(mine, center)}")
        return errors, bounds[0]

    # ---- what is allowed ----
    def bounds(
        self, kind: str, quantity: Hashable, distances: Mapping[str, float], largest: float
    ) -> tuple[float, float]:
        """What rounding may explain in float32 and in float64, relative to `largest`; nudged engines tell, too."""
        nudged = [name for name in distances if ENGINES[name].nudged]
        narrow = max(distances[name] for name in (REFERENCE, *nudged) if not ENGINES[name].wide)
        wide = max([distances[name] for name in nudged if ENGINES[name].wide], default=0.0)
        if nudged and self.lost_at is None and relative(narrow, largest) > LOST:
            self.lost_at = self.step
        of_judges = max(JUDGES, relative(GROWTH * self.growth.so_far(("judges", kind, quantity), wide), largest))
        return self.bound(kind, quantity, narrow, largest), of_judges

    def bound(self, kind: str, quantity: Hashable, torch_error: float, largest: float) -> float:
        """What rounding may explain in float32, relative to `largest`."""
        if self.judged_steps is not None:
            if (kind, quantity) not in self.growth.largest_error:
                return KINKS[kind]  # of an optimizer that no judge has seen
            later = self.growth.later_bound((kind, quantity), largest, self.step / self.judged_steps)
            return min(relative(later, largest), KINKS[kind])
        if not self.judging:
            return WITHOUT_JUDGES
        return relative(self.growth.bound((kind, quantity), torch_error, largest), largest)

    def limit(self, engine: str, kind: str, bounds: tuple[float, float]) -> float:
        """What is allowed to one engine."""
        bound, of_judges = bounds
        if ENGINES[engine].wide:
            return of_judges
        over_a_kink = self.big and engine in self.over_a_kink
        return max(bound, KINKS[kind]) if over_a_kink else bound

    def allowed_at_first(self, gradients: Mapping[str, Sequence[Array]], largest: float) -> float:
        """To a float32 engine's first gradients, where torch's own error tells that they are hard to get right."""
        if JUDGE not in gradients:
            return WITHOUT_JUDGES
        pairs = zip(gradients[REFERENCE], gradients[JUDGE], strict=True)
        return GROWTH * max((relative(distance(one, other), largest) for one, other in pairs), default=0.0)

    def is_excused(self, result: EngineResult, kind: str, quantity: Hashable, error: float, apart: float) -> bool:
        """Whether there is another reason for a float32 engine to be beyond the bound (`tolerances`)."""
        if kind == "loss" and apart <= SETTLED[result.engine.dtype]:
            return True
        if result.engine.wide or error > WITHOUT_JUDGES:
            return False
        if result.kink_step is not None:
            reason = "a ReLU was on the other side of its kink"
        elif kind == "parameter" and isinstance(quantity, tuple) and quantity[0] in self.adaptive:
            reason = "the optimizer divides by gradients that are all rounding"
        else:
            return False
        result.excuse = result.excuse or f"beyond what rounding explains from step {self.step} on: {reason}"
        return True

    # ---- helpers ----
    def differs(self, result: EngineResult, text: str) -> None:
        result.differs(self.step, f"{text} ({self.where})" if self.where else text)

    def against_same_precision(self, values: Mapping[str, Any]) -> Iterator[tuple[EngineResult, Any, Any]]:
        """For each engine held against torch: its result, its value, torch's value in the same precision."""
        for name, value in values.items():
            other = JUDGE if ENGINES[name].wide else REFERENCE
            if name not in (REFERENCE, JUDGE) and other in values:
                yield self.results[name], value, values[other]

    def grow_largest(self, key: Hashable, values: Mapping[str, Sequence[Array]]) -> float:
        """The largest entry so far, over all parameters of an optimizer, as the judge has it."""
        judged = values.get(JUDGE, values[REFERENCE])
        self.largest_entry[key] = max(self.largest_entry.get(key, 0.0), *map(largest_of, judged), 0.0)
        return self.largest_entry[key]

    def row(self, optimizer: int, index: int) -> int:
        """The row of the heat map: models whose parameters have the same names share theirs."""
        return self.heat.row((tuple(self.names[optimizer]), index), self.parameter(optimizer, index))

    def parameter(self, optimizer: int, index: int) -> str:
        names = self.names[optimizer]
        return names[index] if index < len(names) else f"param {index}"

    def place(self, optimizer: int, index: int) -> str:
        """In words: "layer2.weight at step 117 (step 17 of optimizer 2)"."""
        name = self.parameter(optimizer, index)
        count = "" if optimizer == 1 else f" (step {self.steps_of[optimizer]} of optimizer {optimizer})"
        return f"{name} at step {self.step}{count}"


def off(error: float, allowed: float) -> str:
    return f"{error:.1e} of the largest entry off, {allowed:.1e} allowed"

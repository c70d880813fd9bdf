"""What the tests of parity share: made-up engines, of which any record can be spoiled, and real ones."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from parity.compare import Comparison
from parity.engines import ENGINES, EngineProcess, Run
from parity.lockstep import follow
from parity.records import Backward, Finished, Line, Started, Update, Weights

STEPS = 30
FOUR = ("torch", "torch-f64", "minigrad", "minigrad-f64")
MINIGRADS = ("minigrad", "minigrad-f64")


# ---- made-up streams: a small regression in NumPy stands for every engine ----


def train(engine):
    """Records as an engine would send them; minigrad sums in another order than torch."""
    dtype = np.float64 if ENGINES[engine].wide else np.float32
    random = np.random.RandomState(0)
    x, y = random.randn(40, 3).astype(dtype), random.randn(40).astype(dtype)
    weight, bias = random.randn(3).astype(np.float32).astype(dtype), np.zeros(1, dtype)
    if engine in MINIGRADS:
        x, y = x[::-1], y[::-1]
    yield Started({"torch": "made up"})
    yield Weights(1, ["layer1.weight", "layer1.bias"], [weight, bias])
    for step in range(STEPS):
        error = x @ weight + bias - y
        loss = (error**2).mean()
        gradients = [2 * (x.T @ error) / dtype(40), 2 * error.mean(keepdims=True)]
        weight, bias = (value - dtype(0.1) * g for value, g in zip((weight, bias), gradients, strict=True))
        yield Backward(float(loss))
        yield Update(1, gradients, [weight, bias])
        if step % 10 == 0:
            yield Line(f"epoch {step} loss {loss:.4f}", [float(step), float(loss)])
            yield Line(f"elapsed time {os.getpid() / (1 + len(engine)):.3f} s", [0.0])
    yield Finished("finished", seconds=1.0)


def run_streams(faults=None, engines=FOUR):
    """Compare the made-up engines; `faults` maps an engine to a function that spoils its stream."""
    comparison = Comparison("made_up", engines)
    streams = {name: train(name) for name in engines}
    for name, fault in (faults or {}).items():
        streams[name] = iter(list(fault(streams[name])))
    follow(comparison, streams, progress=lambda step: None)
    return comparison


def spoil(kind, number, change):
    """A fault: `change(record)` in place of the record of this kind with this number (from 1)."""

    def fault(records):
        count = 0
        for record in records:
            if isinstance(record, kind):
                count += 1
                if count == number:
                    record = change(record)
            if record is not None:
                yield record

    return fault


def with_gradient(index, change):
    def changed(update):
        gradients = list(update.gradients)
        gradients[index] = change(gradients[index])
        return dataclasses.replace(update, gradients=gradients)

    return changed


def with_value(index, change):
    def changed(record):
        values = [change(value) if i == index else value for i, value in enumerate(record.values)]
        return dataclasses.replace(record, values=values)

    return changed


def next_up(value):
    return np.nextafter(value, np.float32(9), dtype=value.dtype)


def reprinted(text, *numbers):
    return lambda line: Line(text, list(numbers))


# ---- real processes ----


def write_script(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def records_of(engine, script, folder, arguments=(), answers=None):
    """All records of one engine that runs one script."""
    process = EngineProcess(ENGINES[engine], Run(script, tuple(arguments), answers), folder / engine)
    try:
        return list(process.records())
    finally:
        process.stop()

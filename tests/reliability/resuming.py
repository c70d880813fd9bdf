"""Training goes on from a checkpoint as if it had never stopped: to the last bit, from any step; in torch too."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import minigrad as mg

from .promise import MOST, Outcome, promise, shown

CHAPTER = "Checkpoints"
EPOCHS, BATCHES = 3, 4
STEPS = EPOCHS * BATCHES
Maker = Callable[[Any, Any], Any]

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {}),
    "SGD with momentum": ("SGD", {"momentum": 0.9, "dampening": 0.1}),
    "SGD, Nesterov": ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "Adam": ("Adam", {}),
    "Adam, AMSGrad": ("Adam", {"amsgrad": True, "weight_decay": 0.01}),
    "AdamW": ("AdamW", {}),
    "NAdam": ("NAdam", {}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop, centered": ("RMSprop", {"centered": True, "momentum": 0.9}),
    "Adagrad": ("Adagrad", {"lr_decay": 0.1}),
}
SCHEDULES: dict[str, Maker] = {
    "no schedule": lambda lib, optimizer: None,
    "StepLR": lambda lib, optimizer: lib.optim.lr_scheduler.StepLR(optimizer, 1, 0.5),
    "MultiStepLR": lambda lib, optimizer: lib.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2], 0.3),
    "ExponentialLR": lambda lib, optimizer: lib.optim.lr_scheduler.ExponentialLR(optimizer, 0.7),
    "CosineAnnealingLR": lambda lib, optimizer: lib.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3),
    "LambdaLR": lambda lib, optimizer: lib.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)),
    "MultiplicativeLR": lambda lib, optimizer: lib.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.8),
    "ReduceLROnPlateau": lambda lib, optimizer: lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0),
}


class Training:
    """A model with dropout and batch norm, trained on shuffled batches: everything that a checkpoint has to carry."""

    def __init__(self, lib: Any, optimizer: str, schedule: str) -> None:
        self.lib = lib
        lib.manual_seed(7)
        nn = lib.nn
        self.model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 1))
        kind, options = OPTIMIZERS[optimizer]
        self.optimizer = getattr(lib.optim, kind)(self.model.parameters(), lr=0.05, **options)
        self.scheduler = SCHEDULES[schedule](lib, self.optimizer)
        inputs = np.random.default_rng(1).normal(size=(5 * BATCHES, 3))
        x = lib.from_numpy(inputs).to(lib.get_default_dtype())
        self.data = lib.utils.data.TensorDataset(x, x.prod(1, keepdim=True))
        self.step, self.losses = 0, []
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Draw the order of the batches."""
        self.before_order = self.lib.get_rng_state()
        self.batches = iter(self.lib.utils.data.DataLoader(self.data, batch_size=5, shuffle=True))

    def train(self, steps: int) -> None:
        """So many steps more."""
        for _ in range(steps):
            x, y = next(self.batches)
            loss = self.lib.nn.functional.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
            self.step += 1
            if self.step % BATCHES == 0:
                self.end_epoch()

    def end_epoch(self) -> None:
        """The schedule's step, and the next epoch's order."""
        if type(self.scheduler).__name__ == "ReduceLROnPlateau":
            self.scheduler.step(self.losses[-1])
        elif self.scheduler is not None:
            self.scheduler.step()
        self.begin_epoch()

    def checkpoint(self) -> bytes:
        """Everything, as the bytes of a file."""
        file = io.BytesIO()
        self.lib.save(self.state(), file)
        return file.getvalue()

    def state(self) -> dict[str, Any]:
        """What has to be saved."""
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict() if self.scheduler else None, "step": self.step,
                "losses": self.losses, "random": self.lib.get_rng_state(), "before_order": self.before_order}

    def resume(self, checkpoint: bytes) -> None:
        """Go on from there, in the middle of an epoch too."""
        state = self.lib.load(io.BytesIO(checkpoint))
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["scheduler"])
        self.step, self.losses = state["step"], state["losses"]
        self.lib.set_rng_state(state["before_order"])
        self.begin_epoch()
        for _ in range(self.step % BATCHES):  # the batches that were seen
            next(self.batches)
        self.lib.set_rng_state(state["random"])


def recipes(quick: bool) -> list[tuple[str, str]]:
    """Each optimizer with each schedule; in short, each of them once."""
    if quick:
        return list(zip(OPTIMIZERS, itertools.cycle(SCHEDULES), strict=False))
    return list(itertools.product(OPTIMIZERS, SCHEDULES))


def bits(value: Any) -> Any:
    """The same as a value that == compares bit for bit."""
    if isinstance(value, mg.Tensor):
        return str(value.dtype), value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: bits(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(one) for one in value]
    return value.hex() if isinstance(value, float) else value


def differences(recipe: tuple[str, str]) -> Iterable[str]:
    """Stop after every step, go on in a new model, and compare with the run that never stopped."""
    whole = Training(mg, *recipe)
    checkpoints = []
    for _ in range(STEPS):
        checkpoints.append(whole.checkpoint())
        whole.train(1)
    at_the_end = bits(whole.state())
    for step, checkpoint in enumerate(checkpoints):
        again = Training(mg, *recipe)
        again.resume(checkpoint)
        again.train(STEPS - step)
        if bits(again.state()) != at_the_end:
            yield f"{', '.join(recipe)}: resumed at step {step}, another end"


@promise(CHAPTER, "Training resumed from a checkpoint, in the middle of an epoch too, goes on bit for bit: model (with "
                  "batch norm and dropout), optimizer, schedule, random state and order of the data")
def resume(quick: bool) -> Outcome:
    found = [fault for recipe in shown(recipes(quick), "resume") for fault in differences(recipe)]
    count = len(recipes(quick))
    return Outcome(f"{count} pairs of optimizer and schedule, each resumed at {STEPS} steps: {count * STEPS} resumed "
                   f"runs, every bit the same", tuple(found[:MOST]))


def relay(recipe: tuple[str, str], engines: list[Any]) -> list[float]:
    """The losses of a run whose thirds the engines train in turn, passing a checkpoint on."""
    training = Training(engines[0], *recipe)
    for i, engine in enumerate(engines):
        if i:
            checkpoint = training.checkpoint()
            training = Training(engine, *recipe)
            training.resume(checkpoint)
        training.train(STEPS // len(engines))
    return training.losses


@promise(CHAPTER, "A checkpoint goes minigrad → torch → minigrad in the middle of a run, and the losses are those of "
                  "torch alone, within rounding")
def across_engines(quick: bool) -> Outcome:
    import torch

    limits = {"float64": 1e-9, "float32": 1e-3}
    worst, wrong = dict.fromkeys(limits, 0.0), []
    for name, recipe in shown(list(itertools.product(limits, recipes(quick))), "engines"):
        for lib in (mg, torch):
            lib.set_default_dtype(getattr(lib, name))
        try:
            relayed, alone = relay(recipe, [mg, torch, mg]), relay(recipe, [torch])
        finally:
            for lib in (mg, torch):
                lib.set_default_dtype(lib.float32)
        error = float(np.max(np.abs(np.subtract(relayed, alone)) / np.abs(alone)))
        worst[name] = max(worst[name], error)
        if not error <= limits[name]:
            wrong.append(f"{', '.join(recipe)} in {name}: losses differ by {error:.1e}")
    return Outcome(f"{len(recipes(quick))} pairs of optimizer and schedule; losses differ by "
                   f"{worst['float64']:.0e} at most in float64, {worst['float32']:.0e} in float32", tuple(wrong[:MOST]))

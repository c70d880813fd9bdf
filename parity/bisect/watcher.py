"""Sees everything that a script does with torch, and has it done again by the engines that are to be judged."""

from __future__ import annotations

import functools
import linecache
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from parity.bisect import entries, updates
from parity.bisect.calls import Call, is_called_by_torch, is_written, name_of, seen, version
from parity.bisect.findings import EVERY, FIRST, Count, Finding, Place
from parity.bisect.judging import Array, Standard, judge, kind_of
from parity.bisect.replays import JUDGE, Noise, Replay, Side, replay
from parity.conformance.running import tensors_in
from parity.conformance.samples import NotApplicable
from parity.frames import ScriptFrames
from parity.sampling import Enough


@dataclass
class Plan:
    """The steps at which every operation is looked at."""

    first: int = FIRST
    every: int = EVERY
    around: int | None = None  # a step at which the engines' curves part
    last: int | None = None

    def __contains__(self, step: int) -> bool:
        near = self.around is not None and abs(step - self.around) <= 2
        return step <= self.first or near or step % self.every == 0


@dataclass
class Trial:
    """A call that was made on every side, and waits for the gradient of its result."""

    call: Call
    place: Place
    reference: Replay
    judge: Replay
    replays: list[Replay]  # of the engines that are judged


class Watcher(TorchFunctionMode):
    """While it is entered, every call of torch's API is made again on the `sides`, and `found` is told who errs."""

    def __init__(self, sides: Sequence[Side], reference: Side, plan: Plan, folder: Path,
                 found: Callable[[Finding], None], progress: Callable[[int], None]) -> None:
        super().__init__()
        self.sides = list(sides)
        self.reference = reference  # torch, in the precision of the script
        self.plan = plan
        self.frames = ScriptFrames(torch, folder)
        self.folder = folder
        self.found, self.progress = found, progress
        self.process = os.getpid()
        self.step = 1
        self.steps_counted = False  # by an optimizer, since there is one
        self.after_backward = False
        self.busy = False  # with a comparison, or inside an optimizer's step: what is called now is not looked at
        self.modules: list[Any] = []  # whose forward is running, the outermost first
        self.names: dict[int, dict[int, str]] = {}  # by outermost module, the names of those within
        self.pending: updates.Step | None = None
        self.trials: list[Trial] = []  # of this step
        self.counts: dict[tuple[str, str], Count] = {}  # by operation and pass
        self.passed_over: Counter[str] = Counter()
        self.told: set[tuple[str, str, str]] = set()
        self.build_optimizer = torch.optim.Optimizer.__init__
        torch.optim.Optimizer.__init__ = self.on_optimizer  # type: ignore[method-assign]
        self.handles = [
            register_module_forward_pre_hook(self.enter_module),
            register_module_forward_hook(self.leave_module, always_call=True),
            register_optimizer_step_pre_hook(self.before_step),
            register_optimizer_step_post_hook(self.after_step),
        ]

    def finish(self) -> None:
        """Leave torch as it was."""
        torch.optim.Optimizer.__init__ = self.build_optimizer  # type: ignore[method-assign]
        for handle in self.handles:
            handle.remove()

    # ---- what the script does ----
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = None if self.busy or os.getpid() != self.process else name_of(function)
        if name is None or self.step not in self.plan:
            return function(*args, **kwargs)
        try:
            call = seen(name, args, kwargs)
        except NotApplicable as reason:
            self.passed_over[f"{name}: {reason}"] += 1
            return function(*args, **kwargs)
        versions = [version(tensor) for tensor in call.tensors]
        result = function(*args, **kwargs)
        call.written = [i for i, tensor in enumerate(call.tensors) if is_written(call, i, versions[i], version(tensor))]
        after = torch.default_generator.get_state().numpy()
        call.is_random = not np.array_equal(call.random_state, after) or call.kwargs.get("generator") is not None
        outputs = [*tensors_in(result), *(call.tensors[i] for i in call.written)]
        if outputs:
            self.count_step_by_hand(outputs)
            self.busy = True
            try:
                self.compare(call, outputs)
            finally:
                self.busy = False
        return result

    def count_step_by_hand(self, outputs: list[Any]) -> None:
        """Without an optimizer a new step begins with the first recorded call after a backward."""
        if self.after_backward and any(output.requires_grad and not output.is_leaf for output in outputs):
            self.after_backward = False
            if not self.steps_counted:
                self.next_step()

    @property
    def steps_done(self) -> int:
        return self.step - 1 if self.steps_counted else self.step

    def next_step(self) -> None:
        self.step += 1
        self.trials.clear()
        self.progress(self.step)
        if self.plan.last is not None and self.step > self.plan.last:
            raise Enough

    def enter_module(self, module: Any, inputs: Any) -> None:
        self.modules.append(module)

    def leave_module(self, module: Any, inputs: Any, output: Any) -> None:
        if self.modules:
            self.modules.pop()

    @property
    def on_optimizer(self) -> Callable[..., None]:
        """What stands in for the constructor of optimizers."""
        @functools.wraps(self.build_optimizer)
        def build(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            self.build_optimizer(optimizer, *args, **kwargs)
            self.steps_counted = self.steps_counted or not self.busy

        return build

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self.busy:
            return  # it is a step that is made again
        closure = len(args) > 1 or kwargs.get("closure") is not None  # args begin with the optimizer
        if not closure and updates.is_torchs(optimizer) and self.step in self.plan:
            self.busy = True
            self.pending = updates.before_step(optimizer)

    def after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self.busy and self.pending is None:
            return
        if self.pending is not None:
            step, self.pending = self.pending, None
            try:
                self.compare_update(step)
            finally:
                self.busy = False
        self.next_step()

    # ---- one call ----
    def compare(self, call: Call, outputs: list[Any]) -> None:
        """Make the call on every side, compare the results, and wait for gradients."""
        place = self.place()
        reference = replay(call, self.reference)
        judged = reference if call.is_random else replay(call, JUDGE)
        if reference.error or judged.error or len(reference.outputs) != len(outputs):
            self.passed_over[f"{call.name}: it cannot be repeated"] += 1
            return
        trial = Trial(call, place, reference, judged, [])
        count = self.counts.setdefault((call.name, self.stage_of(call)), Count())
        count.calls += 1
        for side in self.sides:
            done = reference if side is self.reference else replay(call, side)
            if self.can_be_judged(trial, done):
                self.compare_results(trial, done, count)
        if trial.replays:
            self.wait_for_gradients(trial, outputs)

    def can_be_judged(self, trial: Trial, done: Replay) -> bool:
        if trial.call.is_random and done.side.wide:
            self.passed_over[f"{trial.call.name}: random numbers are drawn in float32"] += 1
            return False
        if done.error is None and len(done.outputs) == len(trial.reference.outputs):
            return True
        try:
            trial.call.find(done.side.library)
        except AttributeError:
            self.passed_over[f"{trial.call.name}: {done.side.name} has none, its modules do without"] += 1
            return False
        if isinstance(done.error, NotApplicable):
            self.passed_over[f"{trial.call.name}: {done.error}"] += 1
            return False
        if done.error is not None and is_called_by_torch():
            reason = str(done.error).partition("\n")[0]
            self.passed_over[f"{trial.call.name}, as torch's own code calls it ({reason})"] += 1
            return False
        message = f"raises {type(done.error).__name__}: {done.error}" if done.error else "returns something else"
        self.tell(Finding(done.side.name, trial.place, self.stage_of(trial.call), trial.call.name, "the result",
                          message=message))
        return False

    def compare_results(self, trial: Trial, done: Replay, count: Count) -> None:
        call = trial.call
        sizes = [given.array.size for given in call.given]
        everybody = zip(done.values, trial.judge.values, trial.reference.values, strict=True)
        for number, (mine, judged, theirs) in enumerate(everybody):
            what = "the result" if len(done.outputs) == 1 else f"result {number + 1}"
            finding = Finding(done.side.name, trial.place, self.stage_of(call), call.name, what, mine.shape)
            if other := another_form(mine, theirs, done.side):
                self.tell(replace(finding, message=other))
                return

            def again(noise: Noise, number: int = number) -> Array | None:
                found = replay(call, JUDGE, noise)
                return None if found.error else found.values[number]

            by = Standard(judged, theirs, kind_of(call.short_name), sizes, None if call.is_random else again)
            if not self.judge(finding, mine, by, count, trial):
                return
        trial.replays.append(done)

    def wait_for_gradients(self, trial: Trial, outputs: list[Any]) -> None:
        self.trials.append(trial)
        for number, output in enumerate(outputs):
            replayed = trial.reference.outputs[number]
            if output.requires_grad and not output.is_leaf and replayed.requires_grad:
                output.register_hook(lambda g, number=number: self.on_gradient(trial, number, g))

    def on_gradient(self, trial: Trial, number: int, g: Any) -> None:
        """Backward has reached the result of a call."""
        self.after_backward = True
        if self.busy or not any(trial is one for one in self.trials):
            return
        self.busy = True
        try:
            self.compare_gradients(trial, number, np.array(g.detach().cpu().numpy()))
        finally:
            self.busy = False

    def compare_gradients(self, trial: Trial, number: int, cotangent: Array) -> None:
        """What everybody makes of a gradient; under create_graph also what that leads to once more."""
        def first(done: Replay, noise: Noise) -> list[Array]:
            return done.gradients(number, noise(cotangent))

        def second(done: Replay, noise: Noise) -> list[Array]:
            return done.second_gradients(number, noise(cotangent))

        wanted = [i for i, given in enumerate(trial.call.given) if given.requires_grad]
        names = [self.argument(trial.call, i) for i in wanted]
        self.compare_pulled(trial, cotangent, "backward", [f"the gradient of {name}" for name in names], first)
        if torch.is_grad_enabled():
            names = [f"the second derivative for {name}" for name in [*names, "the gradient that arrived"]]
            self.compare_pulled(trial, cotangent, "double backward", names, second)

    def compare_pulled(self, trial: Trial, cotangent: Array, stage: str, names: list[str],
                       pull: Callable[[Replay, Noise], list[Array]]) -> None:
        """Compare gradients; `pull` works them out on a side, with a noise added to the cotangent."""
        call = trial.call
        theirs = pull(trial.reference, unchanged)
        judged = theirs if call.is_random else pull(trial.judge, unchanged)
        sizes = [cotangent.size, *(given.array.size for given in call.given)]
        count = self.counts.setdefault((call.name, stage), Count())
        count.calls += 1
        for done in trial.replays:
            finding = Finding(done.side.name, replace(trial.place, step=self.step), stage, call.name, "the gradients")
            try:
                mine = pull(done, unchanged)
            except Exception as error:
                count.wrong[done.side.name] += 1
                self.tell(replace(finding, message=f"raises {type(error).__name__}: {error}"), trial)
                continue
            for position, what in enumerate(names):

                def again(noise: Noise, position: int = position) -> Array | None:
                    found = replay(call, JUDGE, noise)
                    return None if found.error else pull(found, noise)[position]

                by = Standard(judged[position], theirs[position], "gradient", sizes, None if call.is_random else again)
                one = replace(finding, what=what, shape=mine[position].shape)
                if other := another_form(mine[position], theirs[position], done.side):
                    count.wrong[done.side.name] += 1
                    self.tell(replace(one, message=other), trial)
                elif not self.judge(one, mine[position], by, count, trial):
                    break

    # ---- one step of an optimizer ----
    def compare_update(self, step: updates.Step) -> None:
        place = self.place()
        reference = updates.after_step(step.optimizer)
        judged = updates.step_again(step, JUDGE)
        count = self.counts.setdefault((step.name, "update"), Count())
        count.calls += 1
        for side in self.sides:
            try:
                mine = reference if side is self.reference else updates.step_again(step, side)
            except NotApplicable as reason:
                self.passed_over[f"{step.name}: {reason}"] += 1
                continue
            for what, theirs in reference.items():
                finding = Finding(side.name, place, "update", step.name, self.parameter(step, what), theirs.shape)
                if what not in mine:
                    self.tell(replace(finding, message="is not there"))
                elif not self.judge(finding, mine[what], self.standard(step, what, judged[what], theirs), count):
                    break

    def standard(self, step: updates.Step, what: str, judged: Array, theirs: Array) -> Standard:
        """For a parameter the model speaks of its change; for state, of the state."""
        if not what.startswith("parameter"):
            return Standard(judged, theirs, "update", [theirs.size])
        change = judged - step.parameters[int(what.split()[-1])]
        last_place = float(np.finfo(theirs.dtype).eps) * np.abs(judged)
        return Standard(judged, theirs, "update", [theirs.size], measure=change, extra=last_place)

    # ---- the verdict ----
    def judge(self, finding: Finding, mine: Array, by: Standard, count: Count, trial: Trial | None = None) -> bool:
        """Whether an engine's numbers are right; if not, say so."""
        judgement = judge(mine, by, is_reference=finding.engine == self.reference.name)
        count.ulps[finding.engine] = max(count.ulps.get(finding.engine, 0.0), judgement.ulps)
        if judgement.excess is None:
            return True
        count.wrong[finding.engine] += 1
        at = judgement.excess.element
        values = {JUDGE.name: float(by.judged[at]), self.reference.name: float(by.reference[at]),
                  finding.engine: float(mine[at])}
        self.tell(replace(finding, values=values, excess=judgement.excess), trial)
        return False

    def tell(self, finding: Finding, trial: Trial | None = None) -> None:
        """Report what an engine gets wrong at an operation: the first time."""
        key = finding.engine, finding.stage, finding.operation
        if key in self.told:
            return
        self.told.add(key)
        if trial is not None and finding.engine.startswith("minigrad"):
            rules = [] if finding.stage == "forward" else entries.wrong_rules(trial.call, finding.stage)
            finding = replace(finding, rules=tuple(map(str, rules)), entries=tuple(entries.entries_of(trial.call)))
        self.found(finding)

    # ---- words ----
    def place(self) -> Place:
        where = self.frames.where()
        file, _, line = where.rpartition(":")
        source = linecache.getline(str(self.folder / file), int(line)).strip() if where else ""
        return Place(self.step, self.module_path(), where, source)

    def module_path(self) -> str:
        """The innermost module whose forward is running, by its path from the outermost: "Net.fc1 (Linear)"."""
        if not self.modules:
            return ""
        root, inner = self.modules[0], self.modules[-1]
        names = self.names.get(id(root), {})
        if id(inner) not in names:
            names = self.names[id(root)] = {id(module): name for name, module in root.named_modules()}
        path = ".".join(filter(None, [type(root).__name__, names.get(id(inner), "?")]))
        return path if inner is root else f"{path} ({type(inner).__name__})"

    def stage_of(self, call: Call) -> str:
        """A write to a leaf that requires grad, with recording off, is an update by hand."""
        written = [call.tensors[i] for i in call.written]
        by_hand = not call.grad_mode and any(tensor.requires_grad and tensor.is_leaf for tensor in written)
        return "update" if by_hand and self.step > 0 and self.after_backward else "forward"

    def argument(self, call: Call, i: int) -> str:
        return f"argument {i + 1}{self.called(call.tensors[i])}"

    def parameter(self, step: updates.Step, what: str) -> str:
        number = int(what.split()[-1])
        return f"{what}{self.called(updates.parameters_of(step.optimizer)[number])}"

    def called(self, tensor: Any) -> str:
        """The name that the script's variables give to a leaf: " (net.fc1.weight)"."""
        names = self.frames.leaves()
        return f" ({names[id(tensor)][0]})" if id(tensor) in names else ""


def unchanged(array: Array) -> Array:
    return array


def another_form(mine: Array, theirs: Array, side: Side) -> str:
    """In words, if shape or type is not torch's."""
    if mine.shape != theirs.shape:
        return f"has shape {list(mine.shape)}, torch's has {list(theirs.shape)}"
    if mine.dtype != theirs.dtype and not side.wide:
        return f"is {mine.dtype}, torch's is {theirs.dtype}"
    return ""

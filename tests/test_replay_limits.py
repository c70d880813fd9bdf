"""minigrad.replay: what stays whose, what is noticed, and what is refused."""

from __future__ import annotations

import copy
import io
import warnings
from contextlib import redirect_stdout, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from test_replay import F, bits, classes, mlp, normal, state, x_batch

import minigrad as torch
from minigrad import nn, optim, replay
from minigrad.replay import ReplayError


def simple() -> tuple[Any, Any, Any]:
    model = nn.Linear(4, 3)
    optimizer = optim.Adam(model.parameters(), 0.1)

    @replay
    def step(x: Any) -> Any:
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step, model, optimizer


def test_results_are_copies_and_parameters_keep_their_memory() -> None:
    step, model, _ = simple()
    memory = model.weight.detach().numpy()
    losses = [step(x_batch(i)) for i in range(8)]
    assert len({loss.item() for loss in losses}) == 8 and not losses[0].requires_grad
    assert np.shares_memory(memory, model.weight.detach().numpy())


def test_an_argument_that_the_step_knows_by_another_name_too() -> None:
    x = x_batch(0)
    distance = replay(lambda y: (x - y).abs().sum())
    assert [distance(x).item() for _ in range(4)] == [0] * 4
    assert distance(x_batch(1)).item() == (x - x_batch(1)).abs().sum().item() > 0
    both = replay(lambda x, y: (x - y).abs().sum())
    assert [both(x, y).item() > 0 for y in (x, x, x, x_batch(1))] == [False, False, False, True]


def test_the_tape_learns_that_parameters_were_written_to() -> None:
    step, model, _ = simple()
    for i in range(4):
        step(x_batch(i))
    stale = (model.weight**2).sum()
    step(x_batch(4))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        stale.backward()


def test_states_loaded_in_between() -> None:
    step, model, optimizer = simple()
    for i in range(5):
        step(x_batch(i))
    saved = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    first = bits(step(x_batch(9))), state(model, optimizer)
    model.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    with pytest.warns(UserWarning, match="is recorded again: Adam has other groups"):
        again = bits(step(x_batch(9)))
    assert (again, state(model, optimizer)) == first


@pytest.mark.parametrize("change, why", [
    (lambda m: m.eval(), "changed: train"), (lambda m: setattr(m[1], "p", 0.9), "Dropout changed: .* an option"),
    (lambda m: m[0].weight.requires_grad_(False), "requires_grad"),
    (lambda m: setattr(m[0], "weight", nn.Parameter(torch.ones(3, 4))), "Linear changed: .* a parameter"),
    (lambda m: m[0].weight.register_hook(lambda g: g), "has a hook"),
    (lambda m: m[0].register_forward_hook(lambda *args: None), "has a hook")])
def test_what_changes_is_noticed_and_said(change: Any, why: str) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    layers = list(model)
    step = replay(lambda x: layers[1](layers[0](x)))
    for i in range(4):
        step(x_batch(i))
    change(model)
    with pytest.warns(UserWarning, match=f"is recorded again: .*{why}"), suppress(ReplayError):  # a module's hook
        step(x_batch(5))


def test_methods_and_the_attributes_they_use() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.model, self.scale, self.options = nn.Linear(4, 3), 2.0, {"shift": 1.0}

        @replay
        def step(self, x: Any) -> Any:
            return self.model(x).sum() * self.scale

        def shifted(self, x: Any) -> Any:
            return x + self.options["shift"]

    trainer = Trainer()
    first = [trainer.step(x_batch(0)).item() for _ in range(4)][-1]
    trainer.scale = 4.0
    with pytest.warns(UserWarning, match="argument 0 has changed"):
        assert trainer.step(x_batch(0)).item() == 2 * first
    shifted = replay(trainer.shifted)
    assert [shifted(torch.zeros(1)).item() for _ in range(4)] == [1.0] * 4
    trainer.options["shift"] = 3.0
    with pytest.warns(UserWarning, match="'self.options' has changed"):
        assert shifted(torch.zeros(1)).item() == 3


def test_a_replayed_step_inside_another_and_in_other_threads() -> None:
    inner = replay(lambda x: (x * 2).sum())
    outer = replay(lambda x: inner(x) + 1)
    assert [outer(torch.ones(3)).item() for _ in range(5)] == [7.0] * 5 and len(outer.programs) == 1
    results: dict[int, Any] = {}

    def train(seed: int, wrapped: Any) -> None:
        model = nn.Linear(4, 3)
        with torch.no_grad():
            model.weight.copy_(normal(3, 4, seed=seed))
            model.bias.zero_()
        optimizer = optim.Adam(model.parameters(), 0.1)
        step = wrapped(lambda x: descend(model, optimizer, x))
        for i in range(30):
            step(x_batch(i))
        results[seed] = state(model, optimizer)

    threads = [Thread(target=train, args=(seed, replay)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    replayed = dict(results)
    for seed in range(4):
        train(seed, lambda step: step)
    assert replayed == results


def test_modes_dtypes_and_forms_are_noticed() -> None:
    model = mlp()
    step = replay(lambda x: model(x))
    for _ in range(3):
        step(x_batch(0))
    with torch.no_grad(), pytest.warns(UserWarning, match="the mode grad was switched"):
        step(x_batch(0))
    with pytest.warns(UserWarning, match="an argument has another shape"):
        step(normal(5, 4))
    with pytest.warns(UserWarning, match="an argument has another strides"):
        step(normal(4, 6).t())


# ------------------------------------------------------------------------------------------- what is refused


def descend(model: Any, optimizer: Any, x: Any) -> Any:
    loss = model(x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@pytest.mark.parametrize("look, what", [
    (lambda t: t.item(), "item"), (lambda t: t.numpy(), "numpy"), (lambda t: t.tolist(), "tolist"),
    (lambda t: float(t), "float"), (lambda t: int(t), "int"), (lambda t: 1 if t > 0 else 0, "bool"),
    (lambda t: print(t), "repr"), (lambda t: f"{t:.2f}", "format"), (lambda t: np.asarray(t), "array")])
def test_looking_at_values_is_refused(look: Any, what: str) -> None:
    model, step = mlp(), None
    optimizer = optim.SGD(model.parameters(), 0.1)
    step = replay(lambda x: look(descend(model, optimizer, x).detach()))
    with pytest.raises(ReplayError, match=rf"{what}\(\) inside a replayed step"):
        step(x_batch(0))
    assert model(x_batch(0)).mean().item() != 0  # nothing of the recording stays behind
    assert bits(model[0].weight)


def refused(step: Any, text: str, calls: int = 20) -> None:
    replayed = replay(step)
    with pytest.raises(ReplayError, match=text):
        for i in range(calls):
            replayed(x_batch(i))


class Counting(nn.Module):
    calls = 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return x * 2


def test_pythons_own_state_is_refused() -> None:
    counting = Counting()
    kept, counts, n, last, hidden = [], {"n": 0}, 0, None, iter(range(50))

    def appends(x: Any) -> None:
        kept.append(x * 2)

    def assigns(x: Any) -> None:
        nonlocal last
        last = x * 2

    def counts_calls(x: Any) -> Any:
        nonlocal n
        n += 1
        return x * 2

    def counts_elsewhere(x: Any) -> Any:
        counts["n"] += 1
        return x * counts["n"]

    refused(appends, "keeps tensors that it makes")
    refused(assigns, "keeps tensors that it makes")
    refused(counts_calls, "changes 'n'")
    refused(lambda x: counting(x), "changes the attribute 'calls' of Counting")
    refused(counts_elsewhere, "changes 'counts'")
    refused(lambda x: counts.update(n=counts["n"] + 1), "changes 'counts'")
    refused(lambda x: x * np.random.rand(), "no two calls are alike")
    refused(lambda x: x * next(hidden), "no two calls are alike")
    batches = iter([x_batch(i) for i in range(50)])
    refused(lambda x: next(batches) * 2, "no two calls are alike")
    numbers = iter(range(50))
    with pytest.raises(ReplayError, match="other arguments or variables at every call"):
        step = replay(lambda x, k: x * k)
        for i in range(30):
            step(x_batch(i), float(next(numbers)))


def test_what_has_no_place_in_a_program_is_refused() -> None:
    model = mlp()
    optimizer = optim.SGD(model.parameters(), 0.1)
    old = model(x_batch(0))
    refused(lambda x: optimizer.step(lambda: descend(model, optimizer, x)), "closure")
    refused(lambda x: (old.sum() * x).sum().backward(), "history from before the call")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused(lambda x: model(x).mean().backward(create_graph=True), "history of its own")
    refused(lambda x: setattr(model[0].weight, "data", x), "other memory")
    refused(lambda x: x[x > 0].sum(), "shape depends on values")
    refused(lambda x: x.mul_(2), "writes into its argument")
    refused(lambda x: torch.from_numpy(np.ones(3)) if isinstance(x, torch.Tensor) and x.numpy() is None else x, "numpy")
    handle = model[0].weight.register_hook(lambda g: g * 2)
    refused(lambda x: descend(model, optimizer, x), "hook")
    handle.remove()
    handle = model[0].register_full_backward_hook(lambda *args: None)
    refused(lambda x: descend(model, optimizer, x), "hook")
    with pytest.raises(ReplayError, match="NumPy array as an argument"):
        replay(lambda x: x)(np.ones(3))


def test_checks_of_the_library_are_made_again() -> None:
    model = mlp()
    step = replay(lambda x, y: F.cross_entropy(model(x), y))
    for i in range(4):
        step(x_batch(i), classes(i))
    with pytest.raises(ReplayError, match="a target that is no class"):
        step(x_batch(0), torch.tensor([0, 1, 2, 3, 0, 1]))
    assert bits(step(x_batch(0), classes(0))) == bits(F.cross_entropy(model(x_batch(0)), classes(0)))


def test_the_program_can_be_read_and_has_no_line_for_a_view() -> None:
    weight = torch.ones(3, 4)
    step = replay(lambda x: (x @ weight.t()).relu().sum())
    for i in range(3):
        step(x_batch(i))
    (program,) = step.programs
    lines = [line.strip() for line in program.source.splitlines()]
    assert lines[0] == "def run(x0):" and len(lines) == 5  # a product, a maximum, a sum, and the result
    assert lines[1].startswith("dot(x0, ") and lines[2].startswith("maximum(")
    assert lines[3].startswith("add.reduce(") and lines[4].startswith("return wrap(")


def test_the_program_on_the_page_is_the_program() -> None:
    page = (Path(__file__).parent.parent / "docs" / "replay.md").read_text()
    script, shown = [page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text")]
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(script, {})
    lines = iter([line.rstrip() for line in printed.getvalue().splitlines()])
    for line in shown.splitlines():
        assert line.strip() == "..." or line.partition("  #")[0].rstrip() in lines, line  # in this order

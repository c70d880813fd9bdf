"""A recorded training step: its numbers are the engine's, its names the script's, and recording leaves no trace."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minigrad
from minigrad import explain, nn, optim
from minigrad.autograd import walks
from minigrad.engine import Node
from minigrad.explain.__main__ import parse
from minigrad.explain.reasons import why_zero
from minigrad.explain.record import EndOfStep, Recording
from minigrad.explain.step import Builder, step_of
from minigrad.explain.updates import update_formula
from minigrad.explain.values import heat_map, shown
from minigrad.gradient import WithGradient
from minigrad.optim import Optimizer


class Model(nn.Module):
    """Nested modules, one of them called twice, and a parameter that two paths lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
        self.out = nn.Linear(4, 2)
        self.act = nn.ReLU()

    def forward(self, x: Any) -> Any:
        h = self.act(self.body(x))
        return self.act(self.out(h) * self.out.bias)


def data(n: int = 5) -> tuple[Any, Any]:
    minigrad.manual_seed(1)
    return minigrad.randn(n, 3), minigrad.randn(n, 2)


def train_step(model: Any, optimizer: Any, loss_fn: Any, x: Any, y: Any) -> Any:
    prediction = model(x)
    loss = loss_fn(prediction, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def recorded_training(make: Any = lambda p: optim.SGD(p, lr=0.1)) -> tuple[Any, Recording, dict[str, Any]]:
    x, y = data()
    model = Model()
    optimizer = make(model.parameters())
    with Recording() as recording:
        train_step(model, optimizer, nn.MSELoss(), x, y)
    return model, recording, step_of(recording, "training", 1)


def titles(step: dict[str, Any]) -> list[str]:
    return [node["title"] for node in step["nodes"]]


def backward_of(step: dict[str, Any], title: str) -> dict[str, Any]:
    return next(event for event in step["events"]
                if event["pass"] == "backward" and step["nodes"][event["node"]]["title"] == title)


# ------------------------------------------------------------------------------------------- the numbers


def test_gradients_and_updates_are_those_of_a_run_that_nobody_looks_at() -> None:
    model, recording, step = recorded_training(lambda p: optim.Adam(p, lr=0.1))
    minigrad.manual_seed(1)
    x, y = minigrad.randn(5, 3), minigrad.randn(5, 2)
    alone = Model()
    starting = [p.array.copy() for p in alone.parameters()]
    train_step(alone, optim.Adam(alone.parameters(), lr=0.1), nn.MSELoss(), x, y)
    updates = [event for event in step["events"] if event["pass"] == "update"]
    for p, start, event, (name, _) in zip(alone.parameters(), starting, updates, alone.named_parameters(), strict=True):
        assert step["nodes"][event["node"]]["title"] == name
        assert event["before"] == shown(start)
        assert event["grad"] == shown(p.grad.array)
        assert event["after"] == shown(p.array)
        assert backward_of(step, name)["grad_after"] == shown(p.grad.array)


def test_every_share_is_the_rules_own_result_and_they_add_up() -> None:
    """Each g is the sum of the fitted shares that were handed on to the node, in the order of the walk."""
    model, recording, step = recorded_training()
    arrived: dict[int, Any] = {}
    for event in step["events"]:
        if event["pass"] != "backward":
            continue
        if event["node"] in arrived:
            assert event["g"] == arrived[event["node"]]
        for share in event.get("shares", ()):
            part = share["fitted"] or share["value"]
            if share["before"]:
                assert share["before"] == arrived[share["node"]]
                before, more, after = [np.float32(v["numbers"]) for v in (share["before"], part, share["after"])]
                np.testing.assert_array_equal(before + more, after)
            arrived[share["node"]] = share["after"] or part
    (bias,) = [i for i, node in enumerate(step["nodes"]) if node["title"] == "out.bias"]
    shares = [share for event in step["events"] for share in event.get("shares", ())]
    assert any(share["after"] and share["node"] == bias for share in shares)


def test_forward_values_are_the_engines_also_where_memory_is_written_over_later() -> None:
    x = minigrad.tensor([1.0, -2.0, 3.0], requires_grad=True)

    def step() -> Any:
        h = x * 2
        h.add_(1)
        h.relu_()
        return h.sum()

    with Recording() as recording:
        step().backward()
    nodes = {node["title"]: node for node in step_of(recording, "")["nodes"]}
    assert nodes["mul"]["value"]["numbers"] == [2.0, -4.0, 6.0]
    assert nodes["add"]["value"]["numbers"] == [3.0, -3.0, 7.0]
    assert nodes["relu"]["value"]["numbers"] == [3.0, 0.0, 7.0]


def test_a_sum_over_broadcast_dimensions_is_told() -> None:
    b = minigrad.tensor([[1.0], [2.0]], requires_grad=True)
    with Recording() as recording:
        (minigrad.ones(3, 2, 4) * b).sum().backward()
    share = next(share for share in backward_of(step_of(recording, ""), "mul")["shares"] if share["input"] == "y")
    assert share["summed"] == [0, 2] and share["fitted"]["numbers"] == [[12.0], [12.0]]
    assert share["formula"] == "g * x" and share["rule_at"].startswith("ops.py, line ")


def test_gradients_accumulate_over_two_walks_of_one_step() -> None:
    w = nn.Parameter(minigrad.tensor([1.0, 2.0]))
    optimizer = optim.SGD([w], lr=0.5)
    with Recording() as recording:
        (w * 3).sum().backward()
        (w * w).sum().backward()
        optimizer.step()
    step = step_of(recording, "")
    first, second = [e for e in step["events"] if "grad_after" in e]
    assert first["grad_before"] is None and first["grad_after"]["numbers"] == [3.0, 3.0]
    assert second["grad_before"]["numbers"] == [3.0, 3.0] and second["grad_after"]["numbers"] == [5.0, 7.0]
    assert step["events"][-1]["after"]["numbers"] == [-1.5, -1.5]
    assert [e["pass"] for e in step["events"] if e["pass"] != "update"] == (
        ["forward"] * 2 + ["backward"] * 3 + ["forward"] * 2 + ["backward"] * 3)


def test_a_gradient_that_is_returned_is_not_said_to_be_stored() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = minigrad.tensor([1.0, 2.0], requires_grad=True)
    with Recording() as recording:
        minigrad.autograd.grad((x * y).sum(), x)
    step = step_of(recording, "")
    assert step["events"][-1]["text"] == "the gradient of x is complete" and "grad_after" not in step["events"][-1]
    ((name, node, why),) = backward_of(step, "mul")["stopped"]
    assert (name, step["nodes"][node]["title"]) == ("y", "y") and "asked for" in why


def test_second_order_several_roots_and_a_hook() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    with Recording() as recording:
        y = x**3
        (slope,) = minigrad.autograd.grad(y.sum(), x, create_graph=True)
        slope.register_hook(lambda g: g * 10)
        minigrad.autograd.backward([slope, y], [minigrad.ones(2), minigrad.ones(2)])
    step = step_of(recording, "")
    np.testing.assert_array_equal(x.grad.array, 10 * 6 * np.array([1, 2]) + 3 * np.array([1, 4]))
    assert step["events"][-1]["grad_after"] == shown(x.grad.array)
    hooked = [event for event in step["events"] if event.get("hooked")]
    assert len(hooked) == 1 and hooked[0]["g"]["numbers"] == [10.0, 10.0]


def test_an_autograd_function_shows_its_gradient_and_whose_rule_it_is() -> None:
    class Twice(minigrad.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    with Recording() as recording:
        Twice.apply(x).sum().backward()
    step = step_of(recording, "")
    event = backward_of(step, "TwiceBackward")
    assert event["shares"][0]["value"]["numbers"] == [2.0, 2.0]
    assert event["shares"][0]["formula"] == "the Function's own backward()"
    chain = [[node["title"], [step["nodes"][i]["title"] for _, i in node["inputs"]]] for node in step["nodes"][1:]]
    assert chain == [["TwiceBackward", ["x"]], ["output", ["TwiceBackward"]], ["sum", ["output"]]]


# --------------------------------------------------------------------------------------- names and places


def test_modules_are_groups_named_as_in_the_model_and_each_call_is_one() -> None:
    _, _, step = recorded_training()
    names = [(group["label"], group["kind"], group["parent"]) for group in step["groups"]]
    assert names == [("model", "Model", None), ("body", "Sequential", 0), ("0", "Linear", 1), ("1", "Tanh", 1),
                     ("act", "ReLU", 0), ("out", "Linear", 0), ("act", "ReLU", 0), ("loss_fn", "MSELoss", None)]
    groups = {node["title"]: node["group"] for node in step["nodes"]}
    assert groups["body.0.weight"] == 2
    assert groups["out.weight"] == 5
    assert groups["out.bias"] == 0, "used in out, and in the model around it"
    assert groups["x"] is None and groups["y"] is None, "data comes from outside of the modules"


def test_nodes_have_the_scripts_names_and_lines() -> None:
    _, _, step = recorded_training()
    named = {node["name"]: node["title"] for node in step["nodes"] if node["name"]}
    assert named == {"prediction": "relu", "loss": "mse_loss"}
    file, line = next(node["place"] for node in step["nodes"] if node["title"] == "mse_loss")
    source = step["files"][file]
    assert source["name"] == "test_explain.py"
    assert source["lines"][line - source["first"]] == "    loss = loss_fn(prediction, y)"
    kinds = {node["title"]: node["kind"] for node in step["nodes"]}
    assert (kinds["out.bias"], kinds["x"], kinds["relu"]) == ("parameter", "data", "operation")


def test_a_view_of_data_is_called_after_it() -> None:
    images, w = minigrad.ones(2, 3, 3), minigrad.ones(9, requires_grad=True)
    with Recording() as recording:
        (images.flatten(1) @ w).sum().backward()
    assert "view of images" in titles(step_of(recording, ""))


def test_settings_and_what_the_tape_keeps() -> None:
    x = minigrad.tensor([[1.0, 2.0]], requires_grad=True)
    with Recording() as recording:
        minigrad.softmax(x * 2, dim=1).sum().backward()
    nodes = {node["title"]: node for node in step_of(recording, "")["nodes"]}
    assert nodes["softmax"]["settings"] == [["dim", "(1,)"]] and nodes["softmax"]["keeps"] == "out, dim"
    assert nodes["mul"]["settings"] == [["y", "2"]] and nodes["softmax"]["grad_fn"] == "SoftmaxBackward0"


# ----------------------------------------------------------------------------------------------- reasons


def test_it_says_why_a_gradient_is_zero() -> None:
    x = minigrad.tensor([[1.0, -1.0], [-2.0, -1.0]], requires_grad=True)

    def loss() -> Any:
        return (x.relu() * (x * 30).sigmoid() * x.detach()).sum()

    step = step_of(recording_of(loss), "")
    assert backward_of(step, "relu")["shares"][0]["why"] == (
        "3 of 4 elements get nothing: its input was not above 0, where a ReLU is flat. 1 of 2 columns are off for the "
        "whole batch: dead here.")
    assert "near 0 or 1" in backward_of(step, "sigmoid")["shares"][0]["why"]
    (name, node, why), = next(e["stopped"] for e in step["events"] if e.get("stopped"))
    assert step["nodes"][node]["title"] == "detached" and why.startswith("Detached")
    assert step["nodes"][node]["place"][1] == loss.__code__.co_firstlineno + 1


def test_it_says_where_a_gradient_has_vanished() -> None:
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    step = step_of(recording_of(lambda: (x * 3).round().sum()), "")
    assert not backward_of(step, "round")["vanished"]
    assert "flat between its jumps" in backward_of(step, "round")["shares"][0]["why"]
    assert backward_of(step, "mul")["vanished"] and backward_of(step, "x")["vanished"]


@pytest.mark.parametrize(("op", "g", "share"), [("relu", [0, 0], [0, 0]), ("exp", [1, 1], [0, 1]),
                                                ("relu", [1, 1], [1, 1]), ("relu", [0, 1], [0, 1])])
def test_no_reason_where_nothing_is_lost_or_the_op_is_not_to_blame(op: str, g: list[int], share: list[int]) -> None:
    assert why_zero(op, np.array(g), np.array(share)) == ""


def recording_of(function: Any) -> Recording:
    with Recording() as recording:
        function().backward()
    return recording


# --------------------------------------------------------------------------------------------- optimizers


def test_formulas_are_the_docstrings_without_what_the_options_switch_off() -> None:
    w = nn.Parameter(minigrad.ones(2))
    options = optim.AdamW([w], lr=0.1).param_groups[0]
    lines = [line.partition("  ")[0] for line in update_formula(optim.AdamW, options)]
    assert lines == ["w = w - lr * weight_decay * w", "m = beta1 * m + (1 - beta1) * g",
                     "v = beta2 * v + (1 - beta2) * g**2", "w = w - lr * m' / (sqrt(v') + eps)"]
    options = optim.SGD([w], lr=0.1, momentum=0.9, maximize=True).param_groups[0]
    lines = [line.partition("  ")[0] for line in update_formula(optim.SGD, options)]
    assert lines == ["g = -g", "b = momentum * b + (1 - dampening) * g", "g = g + momentum * b, or g = b",
                     "p = p - lr * g"]


def test_an_optimizers_state_and_options_are_shown() -> None:
    _, _, step = recorded_training(lambda p: optim.Adam(p, lr=0.1, weight_decay=0.01))
    event = step["events"][-1]
    assert ["lr", "0.1"] in event["options"] and ["weight_decay", "0.01"] in event["options"]
    assert {name for name, *_ in event["state"]} == {"step", "exp_avg", "exp_avg_sq"}


def test_a_script_s_own_optimizer_and_a_parameter_without_a_gradient() -> None:
    with Recording() as recording:
        class Mine(Optimizer):
            def __init__(self, params: Any) -> None:
                super().__init__(params, {"lr": 1.0})

            def step(self, closure: Any = None) -> None:
                for p in self.param_groups[0]["params"]:
                    if p.grad is not None:
                        p.data.sub_(p.grad)

        w, unused = nn.Parameter(minigrad.ones(2)), nn.Parameter(minigrad.ones(1))
        optimizer = Mine([w, unused])
        (w * 2).sum().backward()
        optimizer.step()
    step = step_of(recording, "")
    used, rest = [event for event in step["events"] if event["pass"] == "update"]
    assert used["after"]["numbers"] == [-1.0, -1.0] and used["formula"] == []
    assert "has no gradient" in rest["text"] and "does not depend" in step["nodes"][rest["node"]]["note"]


# -------------------------------------------------------------------------------------- the way to call it


def test_explain_is_a_module_that_can_be_called() -> None:
    assert minigrad.explain is explain
    assert explain.formulas("tanh") == "tanh(x)\n  for x: g * (1 - out * out)"
    x = minigrad.tensor([1.0, -2.0], requires_grad=True)
    loss = (x * x).relu().sum()
    page = explain(loss)
    assert x.grad is None, "explaining a loss stores no gradient"
    assert page._repr_html_().startswith("<iframe srcdoc=")
    assert r"where(out \u003c= 0, 0, g)" in page._repr_html_()
    loss.backward()
    assert x.grad.tolist() == [2.0, -4.0]
    with pytest.raises(RuntimeError, match="already been freed"):
        explain(loss)


def test_without_a_recording_it_shows_what_the_tape_has_kept() -> None:
    x = minigrad.tensor([1.0, -2.0], requires_grad=True)
    h = x.exp()
    kept = Builder(recording_without_notes((h * h + 1).sum())).build("", None)
    nodes = {node["title"]: node for node in kept["nodes"]}
    assert nodes["exp"]["value"] == shown(h.array)
    assert nodes["add"]["value"] is None and "has kept no value" in nodes["add"]["note"]
    assert backward_of(kept, "x")["g"] == shown(2 * h.array * h.array)


def recording_without_notes(loss: Any) -> Recording:
    recording = Recording()
    explain._walk(recording, loss)
    return recording


def test_with_record_the_graph_knows_its_lines() -> None:
    x = minigrad.tensor([1.0, -2.0], requires_grad=True)
    with explain.record():
        loss = (x * x).sum()
    assert '"place": [0, ' in explain(loss).html


def test_a_function_that_makes_a_whole_step(tmp_path: Path) -> None:
    model = Model()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def one_step() -> Any:
        return train_step(model, optimizer, nn.MSELoss(), *data())

    page = explain(one_step, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == page.html
    assert '"pass": "update"' in page.html and "<h1>one_step</h1>" in page.html


@pytest.mark.parametrize(("target", "error", "text"), [
    (3, TypeError, "a tensor, or a function"), (minigrad.ones(2), RuntimeError, "requires grad"),
    (minigrad.ones(2, requires_grad=True) * 2, RuntimeError, "a loss has one element"),
    (lambda: 3, RuntimeError, "no tensor")])
def test_what_cannot_be_explained_is_refused(target: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        explain(target)


def test_nothing_is_left_of_a_recording_also_after_an_error() -> None:
    doors = [(Node, "__init__"), (nn.Module, "__call__"), (WithGradient, "detach"), (walks, "walk_back"),
             (Optimizer, "__init__"), (Optimizer, "step")]
    before = [getattr(owner, name) for owner, name in doors]
    x = minigrad.tensor([1.0], requires_grad=True)
    y = x * 2
    with pytest.raises(ZeroDivisionError), Recording():
        y.sum().backward()
        raise ZeroDivisionError
    assert [getattr(owner, name) for owner, name in doors] == before
    assert not y.node.hooks and (x * 2).node.source is None and minigrad.modes.mode.watch is None


def test_it_ends_after_the_step_that_was_asked_for() -> None:
    w = nn.Parameter(minigrad.ones(1))
    losses = []
    recording = Recording(step=3)
    with pytest.raises(EndOfStep), recording:
        optimizer = optim.SGD([w], lr=1.0)
        for _ in range(9):
            losses.append((w * w).sum())
            losses[-1].backward()
            optimizer.step()
    assert len(losses) == 3 and len(recording.walks) == 1 and len(recording.updates) == 1


def test_without_an_optimizer_a_step_ends_with_backward() -> None:
    w = minigrad.ones(1, requires_grad=True)
    recording = Recording(step=2)
    with pytest.raises(EndOfStep), recording:
        for _ in range(9):
            (w * 2).sum().backward()
    assert recording.walks[0].grads[w.node].tolist() == [2.0]


# ------------------------------------------------------------------------------------------ showing values


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_numbers_read_as_their_dtype_prints_them(dtype: Any) -> None:
    array = np.array([0.1, 1 / 3, 1e-30, -7, 0], dtype)
    np.testing.assert_array_equal(np.array(shown(array)["numbers"], dtype), array)
    assert shown(np.array(0.1, dtype))["numbers"] == 0.1


def test_what_is_no_number_is_a_word() -> None:
    assert shown(np.array([np.nan, np.inf, -np.inf, 1]))["numbers"] == ["nan", "inf", "-inf", 1.0]
    assert shown(np.array([True, False]))["numbers"] == [True, False]


def test_large_arrays_become_heat_maps_with_their_extremes() -> None:
    array = np.linspace(-1, 1, 900, dtype=np.float32).reshape(300, 3)
    value = shown(array)
    assert (value["least"], value["most"]) == (-1.0, 1.0) and "numbers" not in value
    image = Image.open(io.BytesIO(base64.b64decode(value["picture"].partition(",")[2])))
    assert image.size == (36, 3), "the longer side lies across"
    left, right = image.getpixel((0, 0)), image.getpixel((35, 0))
    assert left[2] > left[0] and right[0] > right[2], "blue below zero, orange above"
    assert left[3] == right[3] == 255


@pytest.mark.parametrize("array", [np.zeros((4, 50)), np.full((3, 3), np.nan), np.ones((2, 3, 4, 5)), np.zeros(0),
                                   np.zeros((0, 3)), np.array([[np.inf, 1.0]] * 50)])
def test_odd_arrays_can_be_shown(array: np.ndarray) -> None:
    if array.size:
        assert heat_map(array).startswith("data:image/png;base64,")
    assert shown(array)["shape"] == list(array.shape)


# --------------------------------------------------------------------------------------------- the command


@pytest.mark.parametrize(("words", "text"), [
    (["nowhere.py"], "no such script"), (["circles", "-o", "page.pdf"], "ends in"),
    (["circles", "--step", "0"], "counted from 1")])
def test_wrong_command_lines_are_refused(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert text in capsys.readouterr().err


def test_what_follows_two_dashes_is_the_scripts() -> None:
    given = parse(["circles", "--step", "4", "--", "--step", "5"])
    assert (given.step, given.args, given.output) == (4, ["--step", "5"], Path("circles.html"))

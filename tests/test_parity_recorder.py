"""What a script's process reports: the recorder, the widening to float64, the process itself."""

import numpy as np
import pytest
from parity_engines import FOUR, records_of, write_script

from parity import __main__ as command
from parity.engines import ENGINES
from parity.records import Backward, Finished, Line, Started, Update, Weights
from parity.sampling import BIG, FULL_STEPS, JUDGED_STEPS

RECORDED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(2, 2)

net = Net()
free = torch.ones(1, requires_grad=True)
optimizer = torch.optim.SGD([*net.parameters(), free], lr=0.5)

def closure():
    optimizer.zero_grad()
    loss = (free * 3).sum()
    loss.backward()
    return loss

optimizer.step(closure)
free.backward()
optimizer.step()
third = torch.tensor(1 / 3)
print(f"third {third:.2f} half 0.50", end="")
print(" and", third.item() * 2)
print("no newline", end="")
"""

DRAWN = """
import torch
from torch import nn

torch.manual_seed(3)
linear = nn.Linear(3, 5)
drawn = [torch.rand(3), torch.randn(3, 7), torch.randn(2), torch.randn(4, 5).T, torch.rand_like(linear.bias)]
filled = [torch.empty(3, 3), torch.empty(6, 5), torch.empty(4, 5).T, torch.empty(4)]
with torch.no_grad():
    filled[0].uniform_(-2, 3)
    filled[1].normal_(1, 2)
    filled[2].normal_()
nn.init.kaiming_uniform_(filled[3].unsqueeze(0))
leaf = torch.randn(3, requires_grad=True)
assert leaf.is_leaf and leaf.requires_grad
parameters = [nn.Parameter(value) for value in [*linear.parameters(), *drawn, *filled, leaf.detach()]]
torch.optim.SGD(parameters, lr=0.1)
assert torch.tensor([1.0]).float().dtype is torch.float32 and torch.zeros(1).dtype is torch.float
"""


@pytest.mark.parametrize("engine", ["torch", "minigrad"])
def test_the_recorder_tells_what_a_script_does(engine, tmp_path):
    records = records_of(engine, write_script(tmp_path, "recorded", RECORDED), tmp_path)
    assert [type(record) for record in records] == [
        *[Started, Weights, Backward, Update, Backward, Update, Line, Line, Finished]
    ]
    started, weights, first_loss, first, second_loss, second, line, last_line, finished = records
    assert finished.outcome == "finished", finished.message
    assert weights.names == ["layer1.weight", "layer1.bias", "free"]
    assert [value.shape for value in weights.values] == [(2, 2), (2,), (1,)]
    assert (first_loss.loss, second_loss.loss) == (3.0, -0.5)
    assert first.gradients[:2] == [None, None]
    assert (first.gradients[2], first.values[2]) == (3.0, -0.5), "the closure's gradient, then the update"
    assert (second.gradients[2], second.values[2]) == (4.0, -2.5)
    assert line.text.startswith("third 0.33 half 0.50 and 0.66")
    third = float(np.float32(1 / 3))
    assert line.numbers == [third, 0.5, pytest.approx(2 * third)], "as read from the tensor, or as printed"
    assert last_line.text == "no newline"
    assert (tmp_path / engine / "stdout.txt").read_text().endswith("no newline")


KINKED = """
import torch
from torch import nn

x = torch.tensor([[-1.0, 2.0], [3.0, -4.0]])
weight = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.1)
for relu in (nn.ReLU(), nn.functional.relu, torch.relu, torch.Tensor.relu, nn.ReLU(inplace=True), torch.abs, None):
    loss = (relu or nn.ReLU())(x * weight * (1 if relu else -1)).sum()
    with torch.no_grad():
        torch.relu(x)
    loss.backward()
"""


def test_the_recorder_notes_the_side_of_each_relu(tmp_path):
    path = write_script(tmp_path, "kinked", KINKED)
    for engine in ("torch", "minigrad-f64"):
        *_, finished = records = records_of(engine, path, tmp_path)
        assert finished.outcome == "finished", finished.message
        *relus, absolute, other_side = [record.kinks for record in records if isinstance(record, Backward)]
        assert len({*relus}) == 1, "however it is called"
        assert absolute == 0
        assert other_side not in (0, relus[0])


BIG_MODEL = f"""
import torch

torch.manual_seed(0)
model = torch.nn.Linear(10, {BIG // 10})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(1, 10)
for step in range({JUDGED_STEPS + 1}):
    loss = model(x).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == {JUDGED_STEPS - 1}:
        print("near the end")
print("the end")
"""


def test_a_big_model_is_sampled_and_float64_stops_early(tmp_path):
    path = write_script(tmp_path, "big_model", BIG_MODEL)
    for engine in ("torch", "minigrad-f64"):
        records = records_of(engine, path, tmp_path)
        updates = [record for record in records if isinstance(record, Update)]
        wide = ENGINES[engine].wide
        assert len(updates) == JUDGED_STEPS + (not wide)
        full = [step for step, update in enumerate(updates, start=1) if update.values]
        assert full == [*range(1, FULL_STEPS + 1), JUDGED_STEPS]
        assert [len(update.gradients) for update in updates] == [len(update.values) for update in updates]
        assert (records[-1].outcome, records[-1].stopped) == ("finished", wide)
        lines = [record.text for record in records if isinstance(record, Line)]
        assert lines == ([] if wide else ["near the end", "the end"])


IMAGES = """
import numpy as np
import torch
from torchvision import datasets
from torchvision.transforms import Compose, Lambda, ToTensor

image = Compose([ToTensor(), Lambda(lambda x: x * 2)])(np.array([[0, 51]], np.uint8))
assert isinstance(image, torch.Tensor) and image.dtype is torch.float and image.shape == (1, 1, 2)
assert issubclass(datasets.FashionMNIST, torch.utils.data.Dataset)
print(image.flatten().tolist())
"""


def test_every_engine_has_a_torchvision(tmp_path):
    path = write_script(tmp_path, "images", IMAGES)
    for engine in FOUR:
        _, line, finished = records_of(engine, path, tmp_path)
        assert finished.outcome == "finished", finished.message
        assert line.numbers == pytest.approx([0.0, 0.4])


LOADER = """
import sys, torch
from torch import nn

model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
model.load_state_dict(torch.load("{file}"))
with torch.no_grad():
    for row in torch.arange(-1, 1, 0.125).reshape(8, 2):
        print(model(row).item())
"""


def test_what_one_engine_saves_the_other_loads(tmp_path):
    """Both ways, and float64 as well: `blob_adam` trained and saved here predicts the same there."""
    saved = {engine: tmp_path / engine / "model.pth" for engine in FOUR}
    for engine in FOUR:
        *_, finished = records_of(engine, command.EXPERIMENTS / "blob_adam.py", tmp_path)
        assert finished.outcome == "finished", finished.message
    for saver in FOUR:
        loader = write_script(tmp_path, "loader", LOADER.format(file=saved[saver]))
        predictions = {}
        for engine in FOUR:
            if ENGINES[engine].wide == ENGINES[saver].wide:
                *records, finished = records_of(engine, loader, tmp_path / "loaded")
                assert finished.outcome == "finished", finished.message
                predictions[engine] = [record.numbers[0] for record in records if isinstance(record, Line)]
        one, other = predictions.values()
        assert len(one) == 8
        assert one == pytest.approx(other, rel=0, abs=1e-15 if ENGINES[saver].wide else 3e-7)


def test_a_scheduler_and_a_deep_copy_find_the_wrapped_step(tmp_path):
    text = """
import copy, torch
parameter = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([parameter], lr=1.0)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
for _ in range(2):
    parameter.sum().backward()
    optimizer.step()
    scheduler.step()
copy.deepcopy(optimizer)
"""
    records = records_of("torch", write_script(tmp_path, "scheduled", text), tmp_path)
    _, _, _, first, _, second, finished = records
    assert finished.outcome == "finished", finished.message
    assert (first.values[0], second.values[0]) == (0.0, -1.0)


@pytest.mark.parametrize("library", ["torch", "minigrad"])
def test_widened_weights_are_the_float32_draws(library, tmp_path):
    path = write_script(tmp_path, "drawn", DRAWN)
    narrow, wide = (records_of(engine, path, tmp_path) for engine in (library, f"{library}-f64"))
    assert narrow[-1].outcome == wide[-1].outcome == "finished", wide[-1].details
    pairs = list(zip(narrow[1].values, wide[1].values, strict=True))
    assert len(pairs) == 12
    for one, other in pairs:
        assert (one.dtype, other.dtype) == (np.float32, np.float64)
        assert np.array_equal(one, other)


def test_a_process_that_dies_is_reported(tmp_path):
    records = records_of("torch", write_script(tmp_path, "dies", "import os\nprint('before')\nos._exit(7)\n"), tmp_path)
    assert isinstance(records[-1], Finished)
    assert records[-1].outcome == "failed"
    assert "the process died (exit status 7)" in records[-1].message

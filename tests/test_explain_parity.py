"""`python -m parity explain`: torch's number beside each of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.__main__ import main
from parity.explain_worker import beside

TRAINING = """
import torch
from torch import nn
torch.manual_seed(3)
x, y = torch.randn(6, 3), torch.randint(0, 4, (6,))
model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for _ in range(5):
    optimizer.zero_grad()
    logits = model(x)
    loss = nn.functional.cross_entropy(logits, y)
    loss.backward()
    optimizer.step()
"""
BY_HAND = """
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
for _ in range(3):
    loss = ((w * w).exp() - 1).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
"""


def explained(folder: Path, source: str, number: int) -> dict[str, Any]:
    """What the page shows of the step with this number, by `python -m parity explain`."""
    (folder / "script.py").write_text(source)
    page = folder / "page.html"
    assert main(["explain", str(folder / "script.py"), "-o", str(page), "--step", str(number)]) == 0
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])["step"]


def test_parameters_gradients_and_updates_stand_beside_torchs(tmp_path: Path) -> None:
    step = explained(tmp_path, TRAINING, 3)
    parameters = [node for node in step["nodes"] if node["kind"] == "parameter"]
    assert len(parameters) == 6 and all(node["torch"]["same"] for node in parameters)
    updates = [event for event in step["events"] if event["pass"] == "update"]
    assert len(updates) == 6 and all("torch" in event for event in updates)
    for event in updates:
        if "numbers" in event["after"]:
            ours, theirs = np.float32(event["after"]["numbers"]), np.float32(event["torch"]["value"]["numbers"])
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)
    by_name = {node["name"] or node["title"]: node for node in step["nodes"]}
    assert by_name["loss"]["torch"]["same"] and by_name["logits"]["torch"]["same"] and "torch" in by_name["tanh"]
    backward = {event["node"]: event for event in step["events"] if event["pass"] == "backward"}
    tanh = step["nodes"].index(by_name["tanh"])
    assert backward[tanh]["torch"]["same"]


def test_a_script_that_trains_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = explained(tmp_path, BY_HAND, 2)
    assert "beside 5 of 5 nodes" in capsys.readouterr().out
    last = step["events"][-1]
    assert last["pass"] == "backward" and last["torch"]["same"]


@pytest.mark.parametrize(("source", "text"), [("raise ValueError('no data')", "on torch: ValueError: no data"),
                                              (BY_HAND, "script.py ends after 3 training steps")])
def test_what_went_wrong_is_told(tmp_path: Path, source: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script.py").write_text(source)
    assert main(["explain", str(tmp_path / "script.py"), "-o", str(tmp_path / "page.html"), "--step", "9"]) == 1
    assert text in capsys.readouterr().err


def test_a_difference_is_told() -> None:
    ours, theirs = np.float32([1.0, 2.0]), np.float32([1.0, 4.0])
    assert beside(ours, theirs) == {"same": False, "text": "off by at most 2.0e+00, 5.0e-01 of the largest entry",
                                    "value": {"shape": [2], "dtype": "float32", "numbers": [1.0, 4.0], "zeros": 0,
                                              "picture": beside(theirs, theirs)["value"]["picture"]}}
    assert beside(theirs, theirs)["text"] == "equal, bit for bit"

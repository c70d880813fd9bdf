"""Every message shows what was given: each `raise` of minigrad is met by a program of tests/messages/."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from messages import files, gradients, layers, tensors, training
from messages.case import Case, outcome, raises

import minigrad as mg

CASES = [*tensors.CASES, *gradients.CASES, *layers.CASES, *training.CASES, *files.CASES]
TESTS = Path(__file__).parent

# Met elsewhere, or by nobody: the function, and the test that meets its errors or the reason why none can.
GPU = "needs a GPU"
ELSEWHERE = {
    "as_torch.py _Missing.find_spec": "test_runner.py::test_what_is_missing_is_said_with_the_closest",
    "as_torch.py install": "test_runner.py::test_as_torch_refuses_where_torch_is_loaded",
    "engine.py Traced._apply": "abstract: each kind of stand-in has its own",
    "engine.py TensorCore.follow": "abstract: gradient.py has it",
    "nn/modules/rnn.py RNNBase.step": "abstract: each kind of layer has its own",
    "cuda.py max_memory_allocated": GPU,
    "device.py usable": GPU,
    "device.py gathered": GPU,
    "replay/graph.py Captured._begin": GPU,
    "replay/program.py Program._call": GPU,
    "replay/recorder.py Recorder.copy": GPU,
    "values.py WithValues.numpy": GPU,
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_message_shows_what_was_given(case: Case) -> None:
    found = outcome(case, mg)
    missing = [words for words in case.shown if words not in found.message]
    assert found.places and not missing, f"{found.type}: {found.message} does not say {missing}"


@pytest.mark.parametrize("case", [case for case in CASES if not case.why], ids=str)
def test_what_is_shown_comes_from_the_program(case: Case) -> None:
    """Not all of the words that are looked for stand in the statement itself, whatever was given."""
    statements = [raises()[place] for place in outcome(case, mg).places if place in raises()]
    assert statements and not all(words in statements[-1].words for words in case.shown), statements


@pytest.mark.parametrize("case", [case for case in CASES if not case.ours], ids=str)
def test_the_type_is_torchs(case: Case) -> None:
    assert outcome(case, mg).type == outcome(case, torch).type


def test_every_raise_is_met() -> None:
    """To mend it: a line in tests/messages/ for the new `raise`, that shows what its message shows."""
    met = {place for case in CASES for place in outcome(case, mg).places}
    unmet = [f"line {line} of {statement.function}: {statement.code}" for (file, line), statement in raises().items()
             if (file, line) not in met and statement.function not in ELSEWHERE]
    assert not unmet, "\n".join(["no program of tests/messages meets", *unmet])


def test_what_is_met_elsewhere_is_there() -> None:
    assert not set(ELSEWHERE) - {statement.function for statement in raises().values()}
    for where in ELSEWHERE.values():
        if where.startswith("test"):
            file, _, name = where.partition("::")
            assert f"def {name}(" in (TESTS / file).read_text(), where

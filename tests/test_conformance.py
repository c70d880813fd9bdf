"""minigrad agrees with torch on torch's own test metadata, and the check that says so can fail.

Every row of both tiers is a test. Then faults are planted, one for each thing that the check looks at: it must name
the fault in the right column, and nothing else may be at fault.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch

import minigrad
from minigrad import ops
from parity.conformance import metadata, operations
from parity.conformance.agreement import close, difference_in_arrays, difference_in_errors, right_by_judge
from parity.conformance.command import JUDGES, in_tiers, is_called, main
from parity.conformance.operations import judge_operation, samples_of
from parity.conformance.report import markdown
from parity.conformance.results import Row, new_row
from parity.conformance.running import values_of
from parity.conformance.samples import Arguments, NotApplicable, PerLibrary
from parity.conformance.tiers import CORE, TIERS

DOCUMENT = Path(__file__).parent.parent / "docs" / "conformance.md"
MOST = 100
NOT_STRICT: dict[str, str] = {}  # rows of the common tier that are full alone, and why


@pytest.mark.parametrize(("kind", "name", "tier"), in_tiers(None))
def test_row(kind: str, name: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole rows; but of the hundreds of samples that torch has for a few of the common tier some MOST, evenly picked.

    `make proof` runs them all: max_pool2d alone takes half a minute.
    """
    if tier == "common":
        monkeypatch.setattr(operations, "samples_of", lambda *given: picked(samples_of(*given)))
    row = JUDGES[kind](name, tier)
    assert row.full, "\n".join(row.reasons)
    assert row.strict == (name not in NOT_STRICT), "\n".join(row.reasons)


def picked(samples: list[Any]) -> list[Any]:
    return samples[:: 1 + len(samples) // MOST]


def test_every_name_is_in_torchs_metadata() -> None:
    for kind, name, _ in in_tiers(None):
        known = {"op": metadata.operations, "module": metadata.modules, "optimizer": metadata.optimizers}[kind]()
        assert name in known
    assert len(in_tiers("core")) == 85 + 16 + 2


def test_the_document_has_every_row_and_says_that_the_core_is_strict() -> None:
    text = DOCUMENT.read_text()
    for _, name, tier in in_tiers(None):
        line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert tier in line and (name in NOT_STRICT or line.endswith("| yes | yes |")), line


# ------------------------------------------------------------------------------------------ planted faults


def at_fault(row: Row) -> dict[str, str]:
    """For each check that failed what it said first."""
    return {name: tally.failures[0] for name, tally in row.checks.items() if tally.failures}


def change_result(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, change: Any) -> None:
    """Let a function of minigrad's return something else."""
    right = getattr(place, name)
    monkeypatch.setattr(place, name, lambda *args, **kwargs: change(right(*args, **kwargs)))


def change_rule(monkeypatch: pytest.MonkeyPatch, op: ops.Op, rule: Any) -> None:
    """Put a wrong rule into the table."""
    monkeypatch.setitem(op.rules, "x", rule)
    monkeypatch.setattr(op, "pullbacks", {})


def constant(x: Any) -> Any:
    """Cut off from its history, if it has one."""
    return x.detach() if hasattr(x, "detach") else x


def judged(name: str) -> Row:
    return judge_operation(name, "core")


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    change_result(monkeypatch, minigrad, "sin", lambda x: x * 1.00002)
    found = at_fault(judged("sin"))["samples"]
    assert found.startswith("sample 0 (float64[20, 20]): the result is ") and "where torch has" in found


def test_a_value_within_rounding_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    change_result(monkeypatch, minigrad, "sin", lambda x: x * (1 + 1e-9))
    assert judged("sin").strict


def test_a_wrong_shape_dtype_and_flag_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = {"has shape [1] where torch has []": lambda x: x.reshape(1) if x.dim() == 0 else x,
              "is float64 where torch has float32": lambda x: x.double(),
              "has requires_grad=False where torch's has True": lambda x: x.detach(),
              "tuple with ['values', 'indices'] of 2 where torch returns a tensor": lambda x: x.reshape(-1).max(0)}
    for said, fault in faults.items():
        with monkeypatch.context() as patch:
            change_result(patch, minigrad, "sum", fault)
            assert said in at_fault(judged("sum"))["samples"]


def test_a_changed_argument_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.exp
    monkeypatch.setattr(minigrad, "exp", lambda x: (right(x), x.data.add_(1))[0])
    assert "tensor 0 of the arguments, after the call, is" in at_fault(judged("exp"))["samples"]


def test_a_wrong_gradient_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    change_rule(monkeypatch, ops.tanh, lambda g, out: g * (1 - out))
    row = judged("tanh")
    assert set(at_fault(row)) == {"gradients", "spellings", "second order", "ties"} and not row.full
    assert "the gradient of tensor 0 that requires one is" in at_fault(row)["gradients"]


def test_a_missing_gradient_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    change_result(monkeypatch, minigrad, "exp", lambda x: x.detach().requires_grad_())
    assert "is None where torch has an array" in at_fault(judged("exp"))["gradients"]


def test_a_wrong_second_derivative_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    change_rule(monkeypatch, ops.exp, lambda g, out: g * constant(out))
    row = judged("exp")
    assert set(at_fault(row)) == {"second order"} and row.full and not row.strict


def test_a_wrong_kink_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    change_rule(monkeypatch, ops.abs, lambda g, x: g * ops.where(x < 0, -1, 1))
    assert set(at_fault(judged("abs"))) == {"ties"}


def test_a_tie_given_to_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    change_rule(monkeypatch, ops.amax, lambda g, out, x, x_shape, dim, keepdim: ops.spread(g, x_shape, dim, keepdim)
                * (x == ops.spread(out, x_shape, dim, keepdim)))
    assert set(at_fault(judge_operation("amax", "common"))) >= {"ties"}


def test_equal_elements_may_be_anywhere_but_not_be_others(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.topk

    def wrong_at_ties(x: Any, *args: Any) -> Any:
        values, indices = right(x, *args)
        return (values + 1, indices) if len(set(x.detach().reshape(-1).tolist())) < x.numel() else (values, indices)

    row = judge_operation("topk", "common")
    assert row.not_applicable.total() == row.checks["ties"].total == 14
    monkeypatch.setattr(minigrad, "topk", wrong_at_ties)
    assert "the result is" in at_fault(judge_operation("topk", "common"))["ties"]


def test_a_copy_instead_of_in_place_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minigrad.Tensor, "exp_", minigrad.Tensor.exp)
    row = judged("exp")
    assert set(at_fault(row)) == {"spellings"} and row.full
    assert at_fault(row)["spellings"].startswith("x.exp_, sample 0")


def test_a_missing_spelling_and_a_missing_operation_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(minigrad.Tensor, "exp_")
    assert at_fault(judged("exp")) == {"spellings": "x.exp_: missing"}
    monkeypatch.delattr(minigrad, "exp")
    row = judged("exp")
    assert row.reasons == ["missing: torch.exp"] and not row.full and not row.strict


def test_a_missing_error_and_one_of_another_type_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.dot

    def raising(x: Any, y: Any) -> Any:
        try:
            return right(x, y)
        except RuntimeError as error:
            raise ValueError(str(error)) from None

    monkeypatch.setattr(minigrad, "dot", raising)
    assert "raises ValueError" in at_fault(judged("dot"))["errors"]
    monkeypatch.setattr(minigrad, "dot", lambda x, y: (x.reshape(-1)[:1] * y.reshape(-1)[:1]).sum())
    assert "no error where torch raises RuntimeError" in at_fault(judged("dot"))["errors"]


def test_an_exception_on_a_sample_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise NotImplementedError("not on Sundays")

    monkeypatch.setattr(minigrad, "sin", refuse)
    assert at_fault(judged("sin"))["samples"].endswith("raises NotImplementedError: not on Sundays")


def test_other_random_numbers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.randn
    monkeypatch.setattr(minigrad, "randn", lambda *args, **kwargs: (right(1), right(*args, **kwargs))[1])
    assert set(at_fault(judged("randn"))) == {"samples", "ties"}


# ------------------------------------------------------------------------------------------ modules, optimizers


def test_wrong_initial_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.nn.Linear.reset_parameters
    monkeypatch.setattr(minigrad.nn.Linear, "reset_parameters", lambda self: (minigrad.randn(1), right(self))[1])
    found = at_fault(JUDGES["module"]("Linear", "core"))["samples"]
    assert "Linear(10, 8)(input=float64[4, 10]) train: the result" in found


def test_a_module_that_forgets_eval_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minigrad.nn.Dropout, "train", lambda self, mode=True: self)
    assert " eval: the result" in at_fault(JUDGES["module"]("Dropout", "core"))["samples"]


def test_a_wrong_gradient_of_a_parameter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.nn.Linear.forward
    monkeypatch.setattr(minigrad.nn.Linear, "forward", lambda self, input: right(self, input) + self.weight.sum() * 0.5
                        - self.weight.detach().sum() * 0.5)
    assert "the gradient of tensor 1" in at_fault(JUDGES["module"]("Linear", "core"))["gradients"]


def test_a_wrong_step_and_a_forgotten_state_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right = minigrad.optim.SGD.__init__
    with monkeypatch.context() as patch:
        patch.setattr(minigrad.optim.SGD, "__init__", lambda self, params, *args, momentum=0, **options: right(
            self, params, *args, momentum=momentum and momentum - 1e-3, **options))
        found = at_fault(JUDGES["optimizer"]("SGD", "core"))
        assert found["samples"].startswith("sample 4 (momentum)") and found["state"].startswith("sample 4 (momentum)")
    saved = minigrad.optim.SGD.state_dict
    monkeypatch.setattr(minigrad.optim.SGD, "state_dict", lambda self: {**saved(self), "state": {}})
    assert set(at_fault(JUDGES["optimizer"]("SGD", "core"))) == {"state"}


# ------------------------------------------------------------------------------------------ its parts


def test_arguments_are_copied_as_they_lie_in_memory() -> None:
    base = torch.arange(24.0).reshape(4, 6)
    given = Arguments((base.t()[1::2], base[:1].expand(3, 6), base, base), {"w": torch.nn.Parameter(torch.ones(2))})
    for library in (torch, minigrad):
        (stepped, expanded, one, same), kwargs, tensors = given.on(library)
        assert stepped.stride() == base.t()[1::2].stride() and expanded.stride() == (0, 1)
        assert stepped.tolist() == base.t()[1::2].tolist() and expanded.tolist() == base[:1].expand(3, 6).tolist()
        assert one is same and len(tensors) == 4
        assert isinstance(kwargs["w"], library.nn.Parameter)
        stepped += 1  # nobody else's memory
        assert base.tolist() == torch.arange(24.0).reshape(4, 6).tolist() == one.tolist()


def test_rounded_and_widened_arguments() -> None:
    x = torch.tensor([0.4, 1.6, -7.0, 2.4], requires_grad=True)
    given = Arguments((x, torch.tensor([3]), [x]), {"dtype": torch.float32})
    rounded, widened = given.rounded(), given.widened()
    assert rounded.args[0].tolist() == [0, 2, -2, 2] and rounded.args[1].tolist() == [3]
    assert rounded.args[0].requires_grad and rounded.args[2][0] is rounded.args[0]
    assert widened.args[0].dtype == torch.float64 == widened.kwargs["dtype"]
    assert widened.args[0].tolist() == x.tolist()


@pytest.mark.parametrize(("value", "reason"), [
    (torch.ones(2, dtype=torch.complex64), "complex"), (1j, "complex"), (torch.complex128, "complex"),
    (torch.ones(2, dtype=torch.bfloat16), "bfloat16"), (torch.ones(2).to_sparse(), "sparse"),
    (torch.ones(2, device="meta"), "meta"), (torch.channels_last, "memory formats")])
def test_what_is_left_out_is_left_out_with_a_reason(value: Any, reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        Arguments(([value],), {}).on(minigrad)
    with pytest.raises(NotApplicable, match="out="):
        Arguments((), {"out": torch.ones(2)}).on(minigrad)


def test_float32_is_judged_by_float64() -> None:
    exact = np.array([1.0, 1.0, 1.0, np.inf])
    theirs = np.array([1.001, 1.0, 1.0, np.inf], np.float32)  # torch is off at the first
    ours = np.array([1.0, 1.0005, 1.000001, np.inf], np.float32)  # ours at the second
    assert close(ours, theirs).tolist() == [False, False, True, True]
    assert right_by_judge(ours, theirs, exact).tolist() == [True, False, True, True]
    assert " at [1] where torch has 1.0 (1 of 4 differ)" in str(difference_in_arrays(ours, theirs, lambda: exact))
    assert not right_by_judge(ours, theirs, None).any()


def test_what_counts_as_agreement() -> None:
    nan = np.array([np.nan, np.inf, 1.0])
    assert difference_in_arrays(nan, nan.copy()) is None
    assert difference_in_arrays(np.array([np.nan]), np.array([0.0])) and difference_in_arrays(nan[1:2], -nan[1:2])
    assert difference_in_arrays(np.array([1]), np.array([2])) == " is 1 at [0] where torch has 2 (1 of 1 differ)"
    assert difference_in_arrays(np.array([1], np.int32), np.array([1])) == " is int32 where torch has int64"
    assert difference_in_errors(KeyError("a"), LookupError("a"))
    assert difference_in_errors(KeyError("a"), KeyError("b")) is None


def test_results_are_taken_apart() -> None:
    for library in (torch, minigrad):
        kinds = [(v.where, v.kind) for v in values_of(library.ones(2, 2).max(1))]
        assert kinds == [("", "tuple with ['values', 'indices']"), ("[0]", "tensor"), ("[1]", "tensor")]
    assert [v.kind for v in values_of([1, (True,), {"a": 2.0}])] == [
        "list", "int", "tuple", "bool", "dict with ['a']", "float"]


def test_a_row_of_which_nothing_applies_is_not_full() -> None:
    row = new_row("op", "fft", "core")
    row.not_applicable["complex numbers"] += 3
    assert not row.full and row.reasons == ["no sample applies"]
    assert "- complex numbers: 3 cases (`fft`)" in markdown([row])


def test_a_sample_that_torch_refuses_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Arguments((torch.ones(2), PerLibrary(lambda library: "no tensor", "text")), {})
    monkeypatch.setattr("parity.conformance.operations.samples_of", lambda *_: [("sample 0", refused)])
    assert "torch itself raises" in at_fault(judged("add"))["samples"]


def test_importing_torchs_tables_leaves_the_process_as_it_was() -> None:
    metadata.operations()
    assert hypothesis.settings().max_examples == 100
    was = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True  # raised, if torch had its way
    torch.backends.cudnn.deterministic = was
    assert torch.get_default_dtype() == torch.float32


# ------------------------------------------------------------------------------------------ the command


def test_the_command_prints_writes_and_exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--json", str(tmp_path / "all.json"), "--out", str(tmp_path / "all.md")]
    assert main(["--ops", "neg,optim.SGD,nn.Tanh", *files]) == 0
    assert "core     operations    1   full   1   strict   1" in capsys.readouterr().out
    rows = json.loads((tmp_path / "all.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["neg", "SGD", "Tanh"] and all(row["strict"] for row in rows)
    text = (tmp_path / "all.md").read_text()
    assert "| `neg` | core | 2/2 | 2/2 |" in text and "## Optimizers" in text and "Every row is strict." in text
    change_rule(monkeypatch, ops.neg, lambda g: g)
    assert main(["--ops", "neg", *files]) == 1
    out = capsys.readouterr().out
    assert "neg (core): NOT FULL" in out and out.count("gradients: sample 0") == 2  # every failure, not only the first
    assert "| `neg` | core | 2/2 | 0/2 |" in (tmp_path / "all.md").read_text()


def test_names_and_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    assert is_called(("op", "max.binary", "common"), "max") and is_called(("module", "Linear", "core"), "nn.L*")
    assert not is_called(("op", "nn.functional.relu", "core"), "relu")
    with pytest.raises(SystemExit) as stopped:
        main(["--ops", "neg,no_such_name"])
    assert stopped.value.code == 2 and "'no_such_name'" in capsys.readouterr().err
    assert main(["--ops", "hypot"]) == 1  # in torch's metadata, in no tier, not in minigrad
    assert "missing: torch.hypot" in capsys.readouterr().out


def test_the_tiers_are_those_of_the_list() -> None:
    assert list(TIERS) == ["core", "common"] and len(CORE.ops) == 85 and len(set(CORE.ops)) == 85

"""torch.autograd.detect_anomaly: which operation gave nan, and which line called it; and Variable."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import pytest
import torch
from side_by_side import plain, same, same_error, same_warnings

import minigrad
from minigrad.modes import mode

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of nan


def programs() -> list[Any]:
    """Backward passes that give nan, by the operation at fault."""
    return [
        lambda lib, x: x.sqrt() * 0,  # at 0: 0 / 0
        lambda lib, x: x.log() * x,
        lambda lib, x: lib.ones(2) / x * 0,
        lambda lib, x: x / x,
        lambda lib, x: lib.ones(2) * 0 / x,
        lambda lib, x: (x - 1).pow(0.5),
        lambda lib, x: lib.where(x > 0, x.sqrt(), x * 0),  # the known trap: the gradient of the branch not taken
        lambda lib, x: (x * float("nan")).exp(),
    ]


def first_nan(lib: Any, program: Any) -> tuple[str, list[str]]:
    """The error, and what is warned of, without file names and what torch adds behind."""
    x = lib.zeros(2, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        with lib.autograd.detect_anomaly(), pytest.raises(RuntimeError) as error:
            program(lib, x).sum().backward()
    texts = [str(w.message) for w in caught if w.category is UserWarning]
    return str(error.value), [text.partition(":")[0] for text in texts]


@pytest.mark.parametrize("program", programs())
def test_the_operation_is_named(program: Any) -> None:
    ours, theirs = first_nan(minigrad, program), first_nan(torch, program)
    assert ours == theirs
    assert "returned nan values in its" in ours[0] and "Error detected in" in ours[1][1]


def test_the_line_is_named() -> None:
    x = minigrad.zeros(2, requires_grad=True)
    with pytest.warns(UserWarning) as caught, minigrad.autograd.detect_anomaly(), pytest.raises(RuntimeError):
        y = x.sqrt()  # this line
        (y * 0).sum().backward()
    text = str(caught[-1].message)
    assert f'File "{__file__}", line ' in text and "y = x.sqrt()  # this line" in text


def test_no_line_where_the_forward_was_not_watched() -> None:
    x = minigrad.zeros(2, requires_grad=True)
    y = (x.sqrt() * 0).sum()
    with minigrad.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="SqrtBackward0"):
        with pytest.warns(UserWarning, match="No forward pass information available"):
            y.backward()


def test_other_errors_name_the_line_too() -> None:
    x = minigrad.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="Error detected in MulBackward0.*\n.*\n *b = a \\* a"):
        with minigrad.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="modified by an inplace"):
            a = x * 2
            b = a * a
            a.add_(1)
            b.sum().backward()


def test_functions_of_the_user() -> None:
    def run(lib: Any) -> Any:
        class Bad(lib.autograd.Function):  # type: ignore[misc,name-defined]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 1

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * float("nan")

        return first_nan(lib, lambda lib, x: Bad.apply(x))[0]

    assert same(run) == "Function 'BadBackward' returned nan values in its 0th output."


def test_gradients_of_gradients() -> None:
    def call(lib: Any) -> None:
        x = lib.zeros(1, requires_grad=True)
        with lib.autograd.set_detect_anomaly(True):
            (g,) = lib.autograd.grad(x**1.5, x, create_graph=True)
            lib.autograd.grad(g * 0, x, lib.zeros(1))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_error(call)


def test_where_it_is_on() -> None:
    def run(lib: Any) -> Any:
        def nan_found() -> bool:
            x = lib.zeros(1, requires_grad=True)
            try:
                (x.sqrt() * 0).backward()
            except RuntimeError:
                return True
            return False

        set_detect_anomaly, found = lib.autograd.set_detect_anomaly, [nan_found()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with lib.autograd.detect_anomaly():
                found.append(nan_found())
                with set_detect_anomaly(False):
                    found.append(nan_found())
                found.append(nan_found())
            found.append(nan_found())
            set_detect_anomaly(True)
            found.append(nan_found())
            set_detect_anomaly(True, check_nan=False)
            found.append(nan_found())
            set_detect_anomaly(False)
            found.append(nan_found())
        return found

    assert same(run) == [False, True, False, True, False, True, False, False]


def test_warning_when_switched_on() -> None:
    assert len(same_warnings(lambda lib: lib.autograd.detect_anomaly().__exit__(None, None, None))) == 1


def test_other_threads_are_not_watched() -> None:
    with minigrad.autograd.set_detect_anomaly(True):
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append((mode.source, mode.watch)))
        thread.start()
        thread.join()
    assert found == [(False, None)] and mode.watch is None


def test_variable() -> None:
    def run(lib: Any) -> Any:
        variable = lib.autograd.Variable
        t = lib.ones(2)
        v, w = variable(t), variable(t, requires_grad=True)
        (w * 3).sum().backward()
        constant = variable(w * 2)
        v.data.fill_(5.0)
        return (t, v, w, w.grad, v is t, isinstance(t, variable), isinstance(3, variable), type(v) is lib.Tensor,
                constant.is_leaf, constant.requires_grad, repr(variable(data=t, requires_grad=True)), t.requires_grad)

    assert plain(same(run))[0] == [5, 5]
    same_error(lambda lib: lib.autograd.Variable([1.0]))
    same_error(lambda lib: lib.autograd.Variable(lib.tensor([1]), requires_grad=True), text=False)
    same_warnings(lambda lib: lib.autograd.Variable(lib.ones(1), volatile=True))

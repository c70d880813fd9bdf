"""Tests scored by wrong gradients: what a mutant is, and that the checks notice a sample of them."""

from __future__ import annotations

import ast
import multiprocessing
import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import minigrad
from parity.conformance import metadata
from parity.mutants.changes import changes
from parity.mutants.checks import Check, ProgramCase, Question, answer_to, prepared
from parity.mutants.command import fates, parse
from parity.mutants.engine import Base, Mutant, all_mutants, import_changed
from parity.mutants.equivalent import EQUIVALENT
from parity.mutants.programs import PROGRAMS
from parity.mutants.rules import rule_changes

FORK = multiprocessing.get_context("fork")


def texts(source: str) -> list[str]:
    """The file with each of its changes."""
    tree = ast.parse(source)
    found = []
    for change in changes(tree):
        with change.made():
            found.append(ast.unparse(tree))
    assert ast.unparse(tree) == ast.unparse(ast.parse(source)), "a change was not taken back"
    return found


@pytest.mark.parametrize("source, wrong", [
    ("x = a + b", ["x = a - b", "x = a", "x = b"]),
    ("x = -a", ["x = a"]),
    ("x = 2.5", ["x = 5.0"]),
    ("x = 3", ["x = 4"]),
    ("x += a", ["x = a", "x -= a"]),
    ("x = a if c < 0 else b", ["x = a", "x = b", "x = a if c <= 0 else b", "x = a if c < 1 else b"]),
    ("x = where(c, a, b)", ["x = where(c, b, a)"]),
    ("if c:\n    f()", ["if not c:\n    f()", "if c:\n    pass"]),
    ("if not c:\n    f()", ["if c:\n    f()", "if not c:\n    pass"]),
])
def test_what_a_change_is(source: str, wrong: list[str]) -> None:
    assert texts(source) == wrong


@pytest.mark.parametrize("source", [
    "'''Text of 2 + 3.'''", "raise ValueError(3)", "if a < 3:\n    raise E", "if a < 3:\n    n = 4\n    raise E",
    "warnings.warn(t, stacklevel=3)", "_require(n >= 0, t)", "import a", "def f(x: 'int' = None) -> 3: pass",
    "def blocks(n):\n    return n + 1", "name = 'a' if c else 'b'", "Sizes = int | str"])
def test_what_concerns_no_number_is_left_alone(source: str) -> None:
    assert texts(source) == []


def test_what_comes_after_an_error_is_changed() -> None:
    source = "if a < 3:\n    raise E\nelif b:\n    x = 1"
    assert texts(source) == [source.replace("elif b:", "elif not b:"), source.replace("x = 1", "x = 2")]


def test_wrong_rules() -> None:
    tree = ast.parse("mul = Op('mul', f, x=lambda g, y: g * y, y=lambda g, x: g * x)\nrelu = Op('relu', f, "
                     "x=lambda g, out: where(out <= 0, 0, g))")
    found = {(change.scope, change.after) for change in rule_changes(tree)}
    wrong = ("zero", "the other sign", "twice")
    of_x, of_y = ("the rule for y", "with a detached y", "with a stale y"), ("the rule for x", "with a detached x",
                                                                             "with a stale x")
    assert found == {
        *[("mul, the rule for x", after) for after in (*wrong, *of_x)],
        *[("mul, the rule for y", after) for after in (*wrong, *of_y)],
        *[("relu, the rule for x", after) for after in (*wrong, "with a stale out")],  # out is compared, and no more
    }


def one(text: str) -> Mutant:
    """The one mutant whose key has this text."""
    [mutant] = [mutant for mutant in all_mutants() if text in mutant.key]
    return mutant


def gradient_of_tanh(mutant: Mutant | None, base: Base | None) -> Any:
    library: Any = minigrad if mutant is None else import_changed(mutant) if base is None else base.changed(mutant)
    x = library.tensor([0.5, 1.0], requires_grad=True)
    x.tanh().sum().backward()
    return x.grad.numpy()


TWICE = "ops.py: tanh, the rule for x: g * (1 - out * out)  ->  twice"


def test_a_mutant_is_minigrad_with_one_change() -> None:
    """Imported anew, or with the function's code exchanged: the same; and in this process nothing changes."""
    mutant, right = one(TWICE), gradient_of_tanh(None, None)
    bases = (None, Base.made([mutant]))
    with FORK.Pool(1, maxtasksperchild=1) as pool:
        for base in bases:
            in_place = FORK.SimpleQueue()
            process = FORK.Process(target=lambda base=base, q=in_place: q.put(gradient_of_tanh(mutant, base)))
            process.start()
            np.testing.assert_array_equal(in_place.get(), right * 2)
            process.join()
        np.testing.assert_array_equal(pool.apply(gradient_of_tanh, (None, None)), right)
    np.testing.assert_array_equal(gradient_of_tanh(None, None), right)


def test_the_keys_of_equivalent_mutants_are_those_of_mutants() -> None:
    keys = [mutant.key for mutant in all_mutants()]
    assert EQUIVALENT.keys() <= set(keys), EQUIVALENT.keys() - set(keys)
    assert sum(key in EQUIVALENT for key in keys) <= 0.03 * len(keys)
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())


def test_a_survivor_is_reported() -> None:
    """With a check that looks elsewhere; and the same change is noticed by one that looks."""
    def program_of(name: str) -> Any:
        def program(library: Any) -> Any:
            x = library.tensor([0.5], requires_grad=True)
            getattr(x, name)().sum().backward()
            return x.grad
        return program

    mutant = one(TWICE)
    place = (mutant.file, mutant.change.function)
    checks = []
    for name in ("sin", "tanh"):
        case = ProgramCase(program_of(name))
        answer = answer_to(case, False)
        assert answer is not None
        checks.append(Check(name, [Question(case, False, answer)], {place}, 0.0))
    [survivor] = fates([mutant], checks[:1], 1)
    assert not survivor.killed and survivor.reason == "1 checks passed"
    [killed] = fates([mutant], checks, 1)
    assert killed.killer == "tanh" and "where torch has" in killed.reason


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_minigrad_passes_its_programs(program: Any) -> None:
    """A program on which minigrad and torch part would be no check; `prepared` would leave it out without a word."""
    case = ProgramCase(program)
    with metadata.quietly():
        answer = answer_to(case, False)
        assert answer is not None and answer.error is None
        assert Question(case, False, answer).wrong(minigrad) is None


def test_a_sample_of_mutants_is_killed() -> None:
    names = {program.__name__ for program in PROGRAMS if program.__name__ != "many_numbers_digit_for_digit"}
    checks = prepared(only=names.__contains__)
    mutants = [m for m in all_mutants() if m.file in ("engine.py", "optim/sgd.py", "optim/rmsprop.py",
                                                      "optim/adam.py") and m.key not in EQUIVALENT]
    found = fates(random.Random(2).sample(mutants, 40), checks, 2)
    survivors = [fate.mutant.key for fate in found if not fate.killed]
    assert not survivors, survivors


def test_the_command_line() -> None:
    options = parse(["--ops", "tanh,Adam", "--sample", "7"])
    assert len(options.mutants) == 7
    assert {m.file for m in parse(["--files", "exact.py"]).mutants} == {"exact.py"}
    with pytest.raises(SystemExit):
        parse(["--ops", "no_such_thing"])
    assert torch.is_grad_enabled()

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
from minigrad import ops
from parity.conformance import metadata
from parity.conformance.running import Outcome
from parity.mutants.changes import changes
from parity.mutants.checks import Check, ProgramCase, Question, answer_to, prepared
from parity.mutants.command import as_data, parse, report
from parity.mutants.engine import ROOT, Base, Mutant, all_mutants, changed_code, import_changed, places_run
from parity.mutants.equivalent import EQUIVALENT, Equivalent, plain
from parity.mutants.judging import fates
from parity.mutants.programs import PROGRAMS
from parity.mutants.rules import rule_changes
from parity.mutants.slips import SLIPS, edited, slip

pytestmark = pytest.mark.usefixtures("unfrozen")
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
    ("x = f(a, True)", ["x = f(a, False)"]),
    ("x = a.copy() + own(b)", ["x = a.copy() - own(b)", "x = a.copy()", "x = own(b)", "x = a + own(b)",
                               "x = a.copy() + b"]),
])
def test_what_a_change_is(source: str, wrong: list[str]) -> None:
    assert texts(source) == wrong


@pytest.mark.parametrize("source", [
    "'''Text of 2 + 3.'''", "raise ValueError(3)", "if a < 3:\n    raise E", "if a < 3:\n    n = 4\n    raise E",
    "warnings.warn(t, stacklevel=3)", "_require(n >= 0, t)", "import a", "def f(x: 'int' = None) -> 3: pass",
    "def blocks(n):\n    return n + 1", "name = 'a' if c else 'b'", "Sizes = int | str", "x = zip(a, b, strict=True)",
    "x = a.astype(t, copy=False)", "x = a.reshape(-1, b)",
    "for a in (1, 2):\n    if a < 3:\n        raise E"])
def test_what_concerns_no_number_is_left_alone(source: str) -> None:
    assert texts(source) == []


def test_what_comes_after_an_error_is_changed() -> None:
    source = "if a < 3:\n    raise E\nelif b:\n    x = 1"
    assert texts(source) == [source.replace("elif b:", "elif not b:"), source.replace("x = 1", "x = 2")]


def test_an_error_that_is_not_raised() -> None:
    tree = ast.parse("if a < 3:\n    raise E\nelif b:\n    raise F")
    assert [(change.kind, change.before) for change in changes(tree, refusals=True)] == [
        ("refusal left out", "if a < 3: raise"), ("refusal left out", "if b: raise")]
    first, second = changes(tree, refusals=True)
    with first.made():
        assert "if False:\n    raise E\nelif b:" in ast.unparse(tree)
    with second.made():
        assert "if a < 3:\n    raise E\nelif False:" in ast.unparse(tree)


def test_a_changed_place_keeps_its_position() -> None:
    """A mutant's functions are told apart by their positions: the parts of what is changed must keep theirs."""
    source = "f = lambda a, b: (a, a * (b - 1) + where(a, b, 2))"
    tree = ast.parse(source)
    before = [*compile(source, "", "exec").co_consts[0].co_positions()]
    assert list(changes(tree))
    assert [*compile(tree, "", "exec").co_consts[0].co_positions()] == before


def test_slips_change_what_they_say() -> None:
    """Each is other code than minigrad's, in the one function that it names."""
    said = {(each.file, each.function, each.kind, each.what) for each in SLIPS}
    mutants = [mutant for mutant in all_mutants() if said & {(
        mutant.file, mutant.change.scope, mutant.change.kind, mutant.change.after)}]
    assert len(mutants) == len(SLIPS)
    trees = {mutant.file: mutant.tree for mutant in mutants}
    right = {file: compile(tree, str(ROOT / file), "exec") for file, tree in trees.items()}
    for mutant in mutants:
        pairs = changed_code(right[mutant.file], mutant.code())
        assert pairs and len(pairs) == 1, mutant.key


def test_a_slip_in_what_is_not_there_any_more() -> None:
    [function] = ast.parse(source := "def f(x):\n    return x + 1\n").body
    assert isinstance(function, ast.FunctionDef)
    assert "return 1 + x" in edited(source, function, slip("order", "", "a.py", "f", ("x + 1", "1 + x")))
    with pytest.raises(ValueError, match="0 times 'x - 1'"):
        edited(source, function, slip("order", "", "a.py", "f", ("x - 1", "1 - x")))


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


def test_few_mutants_are_said_to_be_equivalent() -> None:
    """At most 3 %, with a reason each, and on random inputs that reach what is changed."""
    mutants = {mutant.key: mutant for mutant in all_mutants()}
    assert EQUIVALENT.keys() <= mutants.keys(), EQUIVALENT.keys() - mutants.keys()
    assert len(EQUIVALENT) <= 0.03 * len(mutants)
    for key, equivalent in EQUIVALENT.items():
        assert len(equivalent.reason) > 20
        random = np.random.default_rng(1)
        for op in ops.TABLE.values():
            op.pullbacks.clear()  # earlier tests had them made, and how they are made is among what is changed
        run = places_run(lambda n=equivalent.numbers, r=random: [n(minigrad, r) for _ in range(20)])
        mutant = mutants[key]
        assert not mutant.change.function or (mutant.file, mutant.change.function) in run, key


def test_a_wrong_mutant_is_not_equivalent_whatever_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no check at all it survives; said to be equivalent, it still does: the random inputs tell."""
    def tanh(library: Any, random: np.random.Generator) -> Any:
        x = library.from_numpy(random.standard_normal(3)).requires_grad_()
        return library.autograd.grad(x.tanh().sum(), x)

    monkeypatch.setattr("parity.mutants.equivalent.TRIES", 100)
    mutant = one(TWICE)
    monkeypatch.setitem(EQUIVALENT, mutant.key, Equivalent("twice as much is the same, I say", tanh))
    [fate] = fates([mutant], [], 1)
    assert fate.is_so == "survived"
    monkeypatch.setitem(EQUIVALENT, mutant.key, Equivalent("it is not used", lambda library, random: library.ones(2)))
    [fate] = fates([mutant], [], 1)
    assert (fate.is_so, fate.equivalent) == ("equivalent", "it is not used")


def test_numbers_are_compared_digit_for_digit() -> None:
    x = minigrad.tensor([0.1, 0.2])
    assert plain([x, 3]) == plain([x.clone(), 3])
    assert plain(x) != plain(x + 2e-8) and plain(x) != plain(x.double()) and plain(x) != plain(x.unsqueeze(0))


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
    assert survivor.is_so == "survived" and survivor.reason == "1 checks passed"
    [killed] = fates([mutant], checks, 1)
    assert killed.killer == "tanh" and "where torch has" in killed.reason
    said = report([survivor, killed], 61)
    assert "factor 2                             1         1           -" in said and f"SURVIVED {TWICE}" in said
    assert said.endswith("1 of 2 mutants killed (50.0%), 0 equivalent; 1 min 1 s")
    data = as_data([survivor, killed], 61)
    assert data["kinds"] == {"factor 2": {"killed": 1, "survived": 1, "equivalent": 0}}
    assert [row["killed by"] for row in data["mutants"]] == ["", "tanh"]


def test_a_mutant_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.mutants.judging.LIMIT", 0.2)

    def endless(library: Any) -> Any:
        while True:
            library.tensor([0.5]).tanh()

    mutant = one(TWICE)
    question = Question(ProgramCase(endless), False, Outcome())
    [fate] = fates([mutant], [Check("endless", [question], {(mutant.file, mutant.change.function)}, 0.0)], 1)
    assert fate.killer == "the clock"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_minigrad_passes_its_programs(program: Any) -> None:
    """A program on which minigrad and torch part would be no check; `prepared` would leave it out without a word."""
    case = ProgramCase(program)
    with metadata.quietly():
        answer = answer_to(case, False)
        assert answer is not None and answer.error is None
        assert Question(case, False, answer).wrong(minigrad) is None


def test_a_sample_of_mutants_is_killed() -> None:
    """Of the engine and of optimizers, by all programs: which one kills a mutant of the engine nobody can foretell."""
    names = {program.__name__ for program in PROGRAMS}
    checks = prepared(only=names.__contains__)
    mutants = [m for m in all_mutants() if m.file in ("engine.py", "optim/sgd.py", "optim/rmsprop.py",
                                                      "optim/adam.py") and m.key not in EQUIVALENT]
    survivors = [fate for fate in fates(random.Random(2).sample(mutants, 24), checks, 2) if fate.is_so == "survived"]
    assert not survivors, "\n".join(map(str, survivors))


def test_the_command_line() -> None:
    options = parse(["--ops", "tanh,Adam", "--sample", "7"])
    assert len(options.mutants) == 7
    assert {m.file for m in parse(["--files", "exact.py"]).mutants} == {"exact.py"}
    assert {m.change.kind for m in parse(["--kinds", "sign,zero"]).mutants} == {"sign", "zero"}
    assert {m.key for m in parse(["--equivalents"]).mutants} == EQUIVALENT.keys()
    for unknown in (["--ops", "no_such_thing"], ["--files", "no.py"], ["--kinds", "no such kind"]):
        with pytest.raises(SystemExit):
            parse(unknown)
    assert torch.is_grad_enabled()

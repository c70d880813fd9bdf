"""Tolerances: honest rounding passes, a fault ten times as large is caught. Those of curves: test_parity_compare."""

import inspect

import numpy as np
import pytest
import torch

from parity import tolerances
from parity.bisect.entries import is_apart
from parity.bisect.judging import Standard, judge, kind_of
from parity.bisect.oracle import nearly_equal
from parity.conformance.agreement import difference_in_arrays
from parity.programs.agreement import close
from parity.tolerances import AS_TORCH, ROUNDING, SAMPLE_ABSOLUTE, SAMPLE_RELATIVE, STEEP, terms_of

random = np.random.default_rng(5)


def drawn(*shape):
    return random.standard_normal(shape).astype(np.float32)


X, Y, A, B = drawn(40, 30), drawn(40, 30), drawn(20, 500), drawn(500, 10)
# For each kind: how an engine computes it in float32, the same in float64, the operands.
HONEST = {
    "moves": (lambda x: x.T * np.float32(1), lambda x: x.T, [X]),
    "elementwise": (lambda x, y: np.exp(x) / (1 + y * y), lambda x, y: np.exp(x) / (1 + y * y), [X, Y]),
    "sums": (lambda a, b: a @ b, lambda a, b: a @ b, [A, B]),
    "gradient": (lambda a, b: (a * 2) @ b, lambda a, b: (a * 2) @ b, [A, B]),
    "update": (lambda x, y: -x * np.float32(0.1) / (np.sqrt(y * y) + np.float32(1e-8)),
               lambda x, y: -x * 0.1 / (np.sqrt(y * y) + 1e-8), [X, Y]),
}


def standard(kind, judged, reference, operands):
    return Standard(judged, reference, kind, [operand.size for operand in operands])


@pytest.mark.parametrize("kind", list(ROUNDING))
def test_rounding_passes_and_ten_times_the_tolerance_is_caught(kind):
    narrow, wide, operands = HONEST[kind]
    mine, judged = narrow(*operands), wide(*(operand.astype(np.float64) for operand in operands))
    by = standard(kind, judged, judged.astype(np.float32), operands)
    assert judge(mine, by).excess is None

    at = tuple(random.integers(0, n) for n in mine.shape)
    ulp = float(np.finfo(np.float32).eps)
    allowed = ROUNDING[kind].allowed(judged, terms_of(by.sizes, mine.size), ulp)[at]
    wrong = mine.copy()
    wrong[at] = judged[at] + 10 * allowed
    found = judge(wrong, by).excess
    assert found.element == at
    assert found.error == pytest.approx(10 * allowed, rel=0.1)
    assert found.ulps > ROUNDING[kind].ulps


def test_what_torch_gets_wrong_as_well_is_excused_up_to_a_limit():
    judged = X.astype(np.float64)
    theirs = X.copy()
    theirs[3, 3] += 1e-3

    def excess_of(error):
        mine = X.copy()
        mine[5, 5] += np.float32(error)
        return judge(mine, standard("elementwise", judged, theirs, [X])).excess

    assert excess_of(AS_TORCH * 0.9e-3) is None
    assert excess_of(10 * AS_TORCH * 1e-3).element == (5, 5)
    assert judge(theirs, standard("elementwise", judged, theirs, [X]), is_reference=True).excess.element == (3, 3)


def test_a_steep_operation_is_excused_by_its_slope_and_no_further():
    """A sum that cancels: nobody can know its value better than its terms are known."""
    terms = np.concatenate([A.ravel(), -A.ravel(), [np.float32(1e-6)]]).astype(np.float32)
    judged = terms.astype(np.float64).sum(keepdims=True)

    def again(noise):
        return noise(terms.astype(np.float64)).sum(keepdims=True)

    by = Standard(judged, judged.astype(np.float32), "sums", [terms.size], again)
    slope = STEEP * np.sqrt(terms.size) * np.sqrt((terms.astype(np.float64) ** 2).sum()) * np.finfo(np.float32).eps
    assert judge(np.float32(judged + 0.1 * slope), by).excess is None
    assert judge(np.float32(judged + 10 * slope), by).excess is not None


def test_a_jump_excuses_nothing():
    """Where noise breaks a tie the gradient jumps; an engine with equal inputs has no such excuse."""
    x = np.zeros(6, np.float32) + 2
    judged = np.full(6, 1 / 6)

    def again(noise):
        noisy = noise(x.astype(np.float64))
        return (noisy == noisy.max()) / (noisy == noisy.max()).sum()

    by = Standard(judged, judged.astype(np.float32), "gradient", [6], again)
    wrong = np.array([1, 0, 0, 0, 0, 0], np.float32)
    assert judge(wrong, by).excess is not None


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_samples_ten_times_the_tolerance_off_are_caught(dtype):
    theirs = (1 + np.abs(X)).astype(dtype)
    allowed = SAMPLE_ABSOLUTE[dtype] + SAMPLE_RELATIVE[dtype] * theirs[7, 7].astype(float)
    for factor, caught in ((0.1, False), (10, True)):
        mine = theirs.copy()
        mine[7, 7] += np.array(factor * allowed, dtype)
        found = difference_in_arrays(mine, theirs)
        assert bool(found) == caught, found


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("spread", [0, 1e-3])
def test_numbers_of_a_program_ten_times_the_tolerance_off_are_caught(dtype, spread):
    theirs, largest = X.astype(dtype), dict.fromkeys(tolerances.PROGRAM_RELATIVE, 0.0) | {dtype: 4.0}
    allowed = tolerances.PROGRAM_RELATIVE[dtype] * abs(float(theirs[7, 7])) + tolerances.PROGRAM_SPREAD * spread
    allowed += tolerances.PROGRAM_OF_LARGEST[dtype] * largest[dtype]
    for factor, right in ((0.1, True), (10, False)):
        mine = theirs.astype(float)
        mine[7, 7] += factor * allowed
        judged = close(mine, theirs, largest, spread)
        assert judged[7, 7] == right and judged.sum() >= judged.size - 1


def test_a_rule_ten_times_the_tolerance_off_is_wrong_and_one_a_tenth_off_is_not():
    measured = np.abs(A).astype(float)
    for factor, wrong in ((0.1, False), (10, True)):
        assert is_apart(measured * (1 + factor * tolerances.WRONG_RULE), measured) == wrong
        assert nearly_equal(measured * (1 + factor * tolerances.FELT), measured) != wrong


@pytest.mark.parametrize("mine", [np.inf, np.nan, -np.inf])
def test_infinities_and_nan_are_wrong_unless_torch_has_them(mine):
    wrong = X.copy()
    wrong[1, 2] = mine
    judged = X.astype(np.float64)
    assert judge(wrong, standard("sums", judged, X, [X])).excess.element == (1, 2)
    assert judge(wrong, standard("sums", judged, wrong, [X])).excess is None


def test_whole_numbers_must_be_equal():
    mine = np.arange(6)
    assert judge(mine, standard("moves", mine, mine, [mine])).excess is None
    assert judge(mine, standard("moves", mine, mine[::-1], [mine])).excess.element == (0,)


def test_kinds_by_name():
    names = {"__getitem__": "moves", "relu_": "moves", "tanh": "elementwise", "__iadd__": "elementwise",
             "softmax": "sums", "linear": "sums", "cross_entropy": "sums"}
    assert {name: kind_of(name) for name in names} == names


def test_terms_of_a_product_and_of_a_sum():
    m, k, n = 7, 11, 13
    assert terms_of([m * k, k * n], m * n) == pytest.approx(k)
    assert terms_of([800], 1) == 800
    assert terms_of([5, 5], 5) == pytest.approx(5**0.5)
    assert terms_of([], 3) == 1


def test_every_tolerance_gives_its_reason():
    """A comment stands above every number, or it says why itself."""
    lines = inspect.getsource(tolerances).splitlines()
    for number, line in enumerate(lines):
        if line[:1].isupper() and " = " in line:
            above = lines[number - 1]
            reason = "#" in line or above.startswith("#") or (above[:1].isupper() and " = " in above)
            assert reason or line.startswith("ULP"), line
    assert all(len(rounding.why) > 40 for rounding in ROUNDING.values())


@pytest.mark.parametrize("name", ["tanh", "exp", "sigmoid", "log1p", "sqrt", "sin"])
def test_the_models_fit_torch_itself(name):
    """torch in float32 keeps to the model for single functions, without any excuse."""
    x = torch.from_numpy(np.abs(drawn(10_000)))
    function = getattr(torch, name)
    judged = function(x.double()).numpy()
    mine = function(x).numpy()
    assert judge(mine, standard(kind_of(name), judged, mine, [mine]), is_reference=True).excess is None

"""The contract of the table: one rule, many readings. NumPy and tensors are in test_ops; here the other two."""

from __future__ import annotations

import dis
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_samples import SAMPLES
from samples import COMPARISONS, Given, two
from strict import StrictArray
from test_ops import QUICK

import minigrad
from minigrad import explain, ops
from minigrad.engine import Leaf, Op, names_of, newest_first, wrap

RULES = [(word, name, rule) for word, op in ops.TABLE.items() for name, rule in op.rules.items()]
IDS = [f"{word}-{name}" for word, name, _ in RULES]


@pytest.mark.parametrize(("word", "name", "rule"), RULES, ids=IDS)
def test_rules_use_the_vocabulary_alone(word: str, name: str, rule: Any) -> None:
    for step in dis.get_instructions(rule):
        if "ATTR" in step.opname or "METHOD" in step.opname:
            pytest.fail(f"{word}: the rule for {name} asks for .{step.argval}: rules use operators and words only")
        if step.opname == "LOAD_GLOBAL":
            assert step.argval in ops.VOCABULARY, f"{word}: {step.argval} is not in the vocabulary"


def test_every_word_is_an_entry_and_is_used() -> None:
    used = {step.argval for _, _, rule in RULES for step in dis.get_instructions(rule) if step.opname == "LOAD_GLOBAL"}
    assert used == set(ops.VOCABULARY)
    for word in ops.VOCABULARY:
        assert isinstance(ops.TABLE[word], Op)


@pytest.mark.parametrize(("word", "name", "rule"), RULES, ids=IDS)
def test_rules_name_only_what_the_entry_has(word: str, name: str, rule: Any) -> None:
    op = ops.TABLE[word]
    known = {"out", *op.inputs, *op.params, *(f"{n}_shape" for n in op.inputs)}
    assert name in op.inputs
    assert set(names_of(rule)) <= known


@pytest.mark.parametrize("word", SAMPLES)
def test_symbols_print_what_the_rule_computes(word: str) -> None:
    """Every formula, evaluated as Python, gives the rule's own numbers bit for bit."""
    f, strategy = SAMPLES[word]
    vocabulary = {name: ops.TABLE[name] for name in ops.VOCABULARY}

    @settings(QUICK, max_examples=8)
    @given(sample=strategy, seed=st.integers(0, 2**32))
    def compare(sample: Given, seed: int) -> None:
        rng = np.random.default_rng(seed)
        out = f(minigrad, *[minigrad.from_numpy(a).requires_grad_() for a in sample.arrays], **sample.params)
        for node in newest_first([out.node]):
            if isinstance(node, Leaf):
                continue
            g = np.asarray(rng.normal(size=node.shape))
            saved = dict(zip(node.pullback.names, node.read(as_tensors=False), strict=True))
            for i, rule, picker in node.pullback.steps:
                pick = picker or tuple
                text = explain.formula(node.pullback.op, node.pullback.op.inputs[i])
                printed = eval(text, vocabulary, {"g": g, **saved})  # our own text
                np.testing.assert_array_equal(printed, rule(g, *pick(node.saved)), err_msg=text)

    compare()


def strictly(x: Any) -> Any:
    """A sample's parameter as a device library takes it."""
    if isinstance(x, np.ndarray):
        return StrictArray(x)
    return type(x)(map(strictly, x)) if isinstance(x, tuple) else x


@pytest.mark.parametrize("word", [word for word in SAMPLES if word != "move"])  # the way off a device: test_device.py
def test_ops_and_rules_on_a_strict_array_module(word: str, strict_device: None) -> None:
    """Forward, every rule, and the rules of the rules, on arrays that refuse to meet NumPy's."""
    f, strategy = SAMPLES[word]

    @settings(QUICK, max_examples=8)
    @given(sample=strategy, seed=st.integers(0, 2**32))
    def compare(sample: Given, seed: int) -> None:
        out = f(minigrad, *[minigrad.from_numpy(a).requires_grad_() for a in sample.arrays], **sample.params)
        for node in newest_first([out.node]):
            if isinstance(node, Leaf):
                continue
            g = np.asarray(np.random.default_rng(seed).normal(size=node.shape))
            saved = node.read(as_tensors=False)
            lifted = tuple([strictly(v) for v in saved])
            for _, rule, picker in node.pullback.steps:
                pick = picker or tuple
                expected = rule(g, *pick(saved))
                found = rule(StrictArray(g), *pick(lifted))
                assert isinstance(found, StrictArray)
                np.testing.assert_array_equal(found.inside, expected)
                tensor_g = wrap(StrictArray(g)).requires_grad_()
                again = rule(tensor_g, *[wrap(v) if isinstance(v, StrictArray) else v for v in pick(lifted)])
                again.backward(wrap(StrictArray(np.ones(again.array.shape))))
                assert isinstance(tensor_g.grad.array, StrictArray)

    compare()


@pytest.mark.parametrize("word", [word for word in [*SAMPLES, *COMPARISONS] if word != "move"])
def test_forward_on_a_strict_array_module(word: str, strict_device: None) -> None:
    f, strategy = SAMPLES[word] if word in SAMPLES else (COMPARISONS[word], two().map(lambda a: Given(a, {})))

    @settings(QUICK, max_examples=8)
    @given(sample=strategy)
    def compare(sample: Given) -> None:
        expected = f(minigrad, *[minigrad.from_numpy(a) for a in sample.arrays], **sample.params)
        found = f(Device(), *[wrap(StrictArray(a)) for a in sample.arrays], **sample.params)
        np.testing.assert_array_equal(found.array.inside, expected.array)

    compare()


class Device:
    """minigrad, with the constants that samples make placed on the strict device."""

    def __getattr__(self, name: str) -> Any:
        make = getattr(minigrad, name)
        return (lambda x: make(x).to("cuda")) if name in ("from_numpy", "arange") else make

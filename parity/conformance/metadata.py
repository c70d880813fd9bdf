"""torch's own test metadata, from the installed package, and samples for four modules that it has none for."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from parity.conformance.running import SEED
from parity.conformance.samples import PerLibrary


@cache
def operations() -> dict[str, Any]:
    """torch's OpInfo objects, by `name` or `name.variant`."""
    with importing():
        from torch.testing._internal.common_methods_invocations import op_db
    return {f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name: op for op in op_db}


@cache
def modules() -> dict[str, Any]:
    """torch's ModuleInfo objects, by the class's name, with those added that it leaves out."""
    with importing():
        from torch.testing._internal import common_modules
    found = {info.name.removeprefix("nn."): info for info in common_modules.module_db}
    for name, inputs in EXTRA_MODULES.items():
        module = getattr(torch.nn, name)
        found[name] = common_modules.ModuleInfo(module, module_inputs_func=partial(extra_inputs, inputs),
                                                train_and_eval_differ=name in WITH_MODES)
    return found


@cache
def optimizers() -> dict[str, Any]:
    """torch's OptimizerInfo objects, by the class's name."""
    with importing():
        from torch.testing._internal.common_optimizers import optim_db
    return {info.name: info for info in optim_db}


@contextmanager
def importing() -> Iterator[None]:
    """Around an import of torch's test tables: nobody warns, and what it changes in this process is changed back.

    It forbids setting `torch.backends` flags, and has Hypothesis try ten examples instead of a hundred.
    """
    with quietly():
        yield
    torch.backends.disable_global_flags.__globals__["__allow_nonbracketed_mutation_flag"] = True
    if "hypothesis" in sys.modules:
        sys.modules["hypothesis"].settings.load_profile("default")


def seed_everything() -> None:
    """Before samples are drawn: torch's metadata draws them from any of three generators."""
    torch.default_generator.manual_seed(SEED)
    np.random.seed(SEED % 2**32)
    random.seed(SEED)


LINEAR = PerLibrary(lambda library: library.nn.Linear(4, 3), "Linear(4, 3)")
TANH = PerLibrary(lambda library: library.nn.Tanh(), "Tanh()")
DROPOUT = PerLibrary(lambda library: library.nn.Dropout(0.4), "Dropout(0.4)")

# For the modules that torch has no samples of: the arguments of the constructor, and the shape of the input.
EXTRA_MODULES: dict[str, list[tuple[tuple[Any, ...], tuple[int, ...]]]] = {
    "Dropout": [((), (4, 5)), ((0.2,), (2, 3, 4)), ((0.0,), (6,)), ((1.0,), (3, 3)), ((0.5,), ())],
    "Flatten": [((), (2, 3, 4)), ((0,), (2, 3, 4)), ((0, 1), (2, 3, 4)), ((), (5, 1)), ((1, -1), (0, 2, 2))],
    "Identity": [((), (3, 2)), ((7, "unused"), (4,)), ((), ())],
    "Sequential": [((), (3,)), ((LINEAR,), (2, 4)), ((LINEAR, TANH, DROPOUT), (5, 4))],
}
# Modules of these whose training mode is another.
WITH_MODES = ("Dropout", "Sequential")


def extra_inputs(inputs: list[tuple[tuple[Any, ...], tuple[int, ...]]], info: Any, device: str, dtype: torch.dtype,
                 requires_grad: bool, training: bool, **_: Any) -> list[Any]:
    """Module inputs in the form of torch's own."""
    from torch.testing._internal.common_modules import FunctionInput, ModuleInput

    return [ModuleInput(FunctionInput(*arguments), FunctionInput(
        torch.testing.make_tensor(shape, device=device, dtype=dtype, requires_grad=requires_grad)))
        for arguments, shape in inputs]


def quietly() -> warnings.catch_warnings[Any]:
    """A context in which nobody warns: both libraries do, about the same things."""
    return warnings.catch_warnings(action="ignore")

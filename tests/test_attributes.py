"""Small things that scripts ask for: attributes of tensors and dtypes, old constructors, set_grad_enabled."""

from __future__ import annotations

from typing import Any

import pytest
from side_by_side import same

DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]


@pytest.mark.parametrize("name", DTYPES)
def test_what_a_dtype_and_its_tensors_say(name: str) -> None:
    def scenario(lib: Any) -> list[Any]:
        d = getattr(lib, name)
        x = lib.zeros(2, 3, dtype=d)
        return [d.is_floating_point, d.is_complex, d.is_signed, d.itemsize, repr(d), x.itemsize, x.nbytes,
                x.element_size(), x.nelement(), x.is_cuda]

    same(scenario)


def test_old_constructors() -> None:
    def scenario(lib: Any) -> list[Any]:
        size = lib.Size([2, 0])
        made = [lib.FloatTensor(size), lib.LongTensor([1, 2]), lib.DoubleTensor(lib.ones(2).double()), lib.Tensor(2, 0)]
        return [*made, lib.FloatTensor(), isinstance(made[0], lib.FloatTensor), isinstance(made[0], lib.LongTensor)]

    assert same(scenario)[0] == [[], []]


def test_set_grad_enabled_in_its_three_uses() -> None:
    def scenario(lib: Any) -> list[bool]:
        w = lib.ones(2, requires_grad=True)

        @lib.set_grad_enabled(False)
        def twice(depth: int) -> list[bool]:
            return [(w * 2).requires_grad] + (twice(depth - 1) if depth else [])

        found = [(w * 2).requires_grad, *twice(2), (w * 2).requires_grad]
        with lib.set_grad_enabled(False):
            found.append((w * 2).requires_grad)
        found.append((w * 2).requires_grad)
        lib.set_grad_enabled(False)
        found.append((w * 2).requires_grad)
        lib.set_grad_enabled(True)
        return [*found, (w * 2).requires_grad]

    assert same(scenario) == [True, False, False, False, True, False, True, False, True]


def test_randint_with_its_bounds_by_name() -> None:
    def scenario(lib: Any) -> list[Any]:
        lib.manual_seed(3)
        return [lib.randint(5, (4,)), lib.randint(2, 5, (4,)), lib.randint(high=5, size=(4,)),
                lib.randint(low=2, high=5, size=(4,))]

    same(scenario)

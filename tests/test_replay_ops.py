"""minigrad.replay, for every entry of the table: forward, gradients and second derivatives, bit for bit.

Arrays come in every awkward form (0-d, empty, broadcast, transposed, strided), in float32 and float64, and have other
values at every call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_samples import SAMPLES
from samples import Given
from test_ops import QUICK
from test_replay import bits

import minigrad
from minigrad import replay


@pytest.mark.parametrize("word", SAMPLES)
def test_replayed_op(word: str) -> None:
    f, strategy = SAMPLES[word]

    @settings(QUICK, max_examples=2)
    @given(sample=strategy, seed=st.integers(0, 2**32), dtype=st.sampled_from([np.float32, np.float64]))
    def compare(sample: Given, seed: int, dtype: Any) -> None:
        rng = np.random.default_rng(seed)
        arrays = [a.astype(dtype, order="K") if a.dtype == np.float64 else a for a in sample.arrays]
        tensors = [minigrad.from_numpy(a) for a in arrays]

        def step(*given: Any) -> Any:
            inputs = [x.clone().requires_grad_() if x.is_floating_point() else x for x in given]
            wanted = [x for x in inputs if x.requires_grad]
            out = f(minigrad, *inputs, **sample.params)
            found = [out.detach()]
            if out.requires_grad:
                first = minigrad.autograd.grad(out, wanted, out.detach() + 0.5, create_graph=True, allow_unused=True)
                found += first
                length = sum([(g * g).sum() for g in first if g is not None and g.requires_grad])
                if isinstance(length, minigrad.Tensor):
                    found += minigrad.autograd.grad(length, wanted, allow_unused=True)
            return found

        replayed = replay(step)
        for _ in range(4):
            for a in arrays:
                if a.dtype == dtype:
                    a[...] = rng.permutation(a.ravel()).reshape(a.shape)
            assert bits(replayed(*tensors)) == bits(step(*tensors))
        assert len(replayed.programs) == 1

    compare()

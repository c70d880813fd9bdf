"""What scripts set about devices and computation: accepted where it changes no number, else an error, as in torch."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import torch
from parity_engines import records_of, write_script
from side_by_side import same, same_error

import minigrad as mg

LIBS = pytest.mark.parametrize("lib", [mg, torch], ids=["minigrad", "torch"])


def test_a_usual_head_of_a_script(tmp_path: Path) -> None:
    """As it stands in many scripts, with every import."""
    script = write_script(tmp_path, "head", """
import random, os
import numpy as np
import torch
import torch.backends.cudnn as cudnn
from torch.backends import cudnn as the_same
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR, _LRScheduler
torch.manual_seed(0); torch.cuda.manual_seed(0); torch.cuda.manual_seed_all(0); torch.random.manual_seed(0)
torch.backends.cudnn.deterministic = True
torch.backends.cudnn.benchmark = False
torch.backends.cuda.matmul.allow_tf32 = True
cudnn.enabled = False
torch.use_deterministic_algorithms(True, warn_only=True)
torch.set_num_threads(1)
torch.set_float32_matmul_precision("high")
torch.set_default_device("cpu")
torch.set_default_tensor_type(torch.FloatTensor)
device = torch.device("cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
if torch.accelerator.is_available(): device = torch.accelerator.current_accelerator().type
if torch.cuda.is_available(): print(torch.cuda.get_device_name(0))
torch.cuda.empty_cache()
print(device, cudnn is the_same, torch.backends.cudnn.deterministic, torch.get_num_threads(), torch.version.cuda)
print(torch.cuda.max_memory_allocated(), torch.initial_seed(), torch.get_default_device(), torch.rand(2, device=device))
""")
    outputs = []
    for engine in ("torch", "minigrad"):
        _, *lines, finished = records_of(engine, script, tmp_path)
        assert finished.outcome == "finished", finished.details
        outputs.append([line.text for line in lines])
    assert outputs[0] == outputs[1] == ["cpu True True 1 None", "0 0 cpu tensor([0.4963, 0.7682])"]


NO_CUDA = ["current_device()", "get_device_name()", "get_device_name(0)", "get_device_properties(0)", "synchronize()",
           "get_device_capability()", "mem_get_info()", "current_stream()", "get_rng_state()", "initial_seed()"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a GPU here")
@pytest.mark.parametrize("call", NO_CUDA)
def test_what_needs_a_gpu(call: str) -> None:
    same_error(lambda lib: eval(f"cuda.{call}", {"cuda": lib.cuda}))


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a GPU here")
def test_what_scripts_ask_without_a_gpu() -> None:
    def run(lib: Any) -> Any:
        cuda, cudnn = lib.cuda, lib.backends.cudnn
        return [
            cuda.is_available(), cuda.is_initialized(), cuda.device_count(), cuda.memory_allocated(),
            cuda.max_memory_allocated(0), cuda.memory_reserved(), cuda.max_memory_reserved(), cuda.empty_cache(),
            cuda.manual_seed(1), cuda.manual_seed_all(1), cudnn.is_available(), cudnn.version(), cudnn.enabled,
            cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, lib.backends.cuda.is_built(),
            lib.backends.cuda.matmul.allow_tf32, lib.backends.mps.is_available(), lib.backends.mps.is_built(),
            lib.mps.is_available(), lib.mps.manual_seed(1), lib.accelerator.is_available(),
            lib.accelerator.current_accelerator(), lib.accelerator.device_count(), lib.version.cuda, lib.version.hip,
        ]  # fmt: skip

    same(run)


def test_threads() -> None:
    def run(lib: Any) -> Any:
        before = lib.get_num_threads()
        try:
            lib.set_num_threads(3)
            return lib.get_num_threads()
        finally:
            lib.set_num_threads(before)

    assert same(run) == 3
    same_error(lambda lib: lib.set_num_threads(0))


def test_seeds() -> None:
    def run(lib: Any) -> Any:
        seen = [lib.random.manual_seed(5).initial_seed(), lib.initial_seed(), lib.random.initial_seed(), lib.rand(2)]
        generator = lib.manual_seed(-1)
        return [*seen, generator.initial_seed(), lib.initial_seed(), lib.rand(2)]

    same(run)


@LIBS
def test_default_devices_and_types(lib: Any) -> None:
    lib.set_default_device("cpu")
    lib.set_default_device(lib.device("cpu"))
    assert str(lib.get_default_device()) == "cpu"
    lib.set_default_device(None)
    with pytest.warns(UserWarning) if lib is torch else contextlib.nullcontext():
        lib.set_default_tensor_type(lib.DoubleTensor)
    try:
        assert lib.tensor([1.0]).dtype is lib.float64 and lib.nn.Linear(1, 1).weight.dtype is lib.float64
    finally:
        lib.set_default_tensor_type("torch.FloatTensor")
    assert lib.get_default_dtype() is lib.float32
    with pytest.raises(TypeError):
        lib.set_default_tensor_type(lib.LongTensor)


def test_a_default_device_that_is_not_there() -> None:
    """torch complains when a tensor is made, minigrad at once."""
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        mg.set_default_device("cuda")


def test_compile_returns_what_it_is_given() -> None:
    model = mg.nn.Linear(2, 1)
    assert mg.compile(model) is model
    assert mg.compile(model, mode="reduce-overhead", fullgraph=True) is model

    @mg.compile
    def double(x: Any) -> Any:
        return 2 * x

    @mg.compile(backend="eager", dynamic=False)
    def triple(x: Any) -> Any:
        return 3 * x

    assert double(mg.ones(1)).item() == 2 and triple(mg.ones(1)).item() == 3


def test_autocast_only_where_it_changes_nothing() -> None:
    x = mg.full((2, 2), 1 + 2**-20)
    for autocast in (mg.autocast, mg.amp.autocast):
        with autocast("cpu", enabled=False), autocast(device_type="cuda", dtype=mg.float16):
            y = x @ x
        assert y.dtype is mg.float32 and y.tolist() == (x @ x).tolist()
        assert autocast("cuda")(lambda: 5)() == 5
        with pytest.raises(NotImplementedError, match="bfloat16"):
            autocast("cpu")


def test_names_that_are_missing() -> None:
    with pytest.raises(AttributeError, match="closest that it has is torch.nn.utils.clip_grad_norm_"):
        mg.nn.utils.clip_grads_norm_  # noqa: B018
    with pytest.raises(AttributeError, match="torch.optim.lr_scheduler.CosineAnnealingLR"):
        mg.optim.lr_scheduler.CosineAnealing  # noqa: B018

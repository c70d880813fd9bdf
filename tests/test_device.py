"""Devices: what tensors, modules, optimizers, files and errors do on "cuda", as torch does it there.

No GPU is needed: the strict array module (strict.py) stands in for CuPy, and refuses what CuPy refuses. Tests marked
`cuda`, at the end, run the same on a real one, and say "not run" where there is none.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import minigrad
from minigrad import nn, optim
from minigrad.device import CPU, cuda_library
from parity.__main__ import find_scripts
from parity.compare import Comparison
from parity.conformance import operations
from parity.conformance.command import JUDGES, in_tiers
from parity.conformance.devices import judge_on
from parity.conformance.operations import samples_of
from parity.engines import ENGINES, EngineProcess, Run
from parity.lockstep import follow
from parity.report import table
from parity.verdict import problems

SAMPLES_A_ROW = 8


@pytest.fixture
def judged_on_device(strict_device: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(operations, "samples_of",
                        lambda *given: (found := samples_of(*given))[:: 1 + len(found) // SAMPLES_A_ROW])
    judge_on("cuda")
    yield
    judge_on("cpu")


@pytest.mark.parametrize(("kind", "name", "tier"), in_tiers(None))
def test_torchs_own_samples_on_a_device(kind: str, name: str, tier: str, judged_on_device: None) -> None:
    """Every op, module and optimizer: values, gradients, second order, errors; and nothing comes back to the host."""
    row = JUDGES[kind](name, tier)
    assert row.strict, "\n".join(row.reasons)


# ------------------------------------------------------------------------------------------ what it is


def test_a_tensor_says_where_it_lives(strict_device: None) -> None:
    x = minigrad.tensor([1.0, 2.0])
    y = x.cuda()
    assert (x.device, x.is_cuda, x.get_device()) == (CPU, False, -1)
    assert (str(y.device), y.is_cuda, y.get_device()) == ("cuda:0", True, 0)
    assert y.to("cuda:0") is y and y.to(y) is y and y.cuda() is y and x.cpu() is x and x.to(0).is_cuda
    assert y.to(x).device == CPU and y.to(torch_like("cuda", minigrad.float64)).dtype is minigrad.float64
    assert repr(y) == "tensor([1., 2.], device='cuda:0')" and f"{y.sum():.1f}" == "3.0"
    assert y.tolist() == [1.0, 2.0] and y[1].item() == 2.0


def torch_like(where: str, dtype: Any) -> minigrad.Tensor:
    return minigrad.zeros(1, dtype=dtype, device=where)


@pytest.mark.parametrize("make", [
    lambda t, **on: t.tensor([[1, 2]], **on), lambda t, **on: t.zeros(2, **on), lambda t, **on: t.ones(2, **on),
    lambda t, **on: t.full((2,), 3.0, **on), lambda t, **on: t.eye(2, **on), lambda t, **on: t.arange(3, **on),
    lambda t, **on: t.linspace(0, 1, 5, **on), lambda t, **on: t.as_tensor(np.ones(2), **on),
    lambda t, **on: t.zeros_like(t.ones(3), **on), lambda t, **on: t.ones(3).new_zeros(2, **on),
])
def test_making_tensors_on_a_device(make: Callable[..., Any], strict_device: None) -> None:
    found = make(minigrad, device="cuda")
    assert found.is_cuda
    np.testing.assert_array_equal(found.cpu().numpy(), make(torch).numpy())


def test_new_tensors_stay_beside_their_model(strict_device: None) -> None:
    x = minigrad.ones(2, 3, device="cuda")
    for made in (minigrad.zeros_like(x), minigrad.rand_like(x), x.new_tensor([1.0]), x.new_full((2,), 1.0), x.clone(),
                 x.double(), x[x > 0], x.nonzero(), minigrad.bernoulli(x), x.multinomial(1)):
        assert made.is_cuda


def test_a_default_device(strict_device: None) -> None:
    minigrad.set_default_device("cuda")
    try:
        assert minigrad.ones(2).is_cuda and nn.Linear(2, 3).weight.is_cuda and minigrad.tensor([1]).is_cuda
        assert repr(minigrad.ones(1)) == "tensor([1.])"  # torch names the device only where it is not the default
        assert str(minigrad.get_default_device()) == "cuda:0" and minigrad.ones(2, device="cpu").device == CPU
    finally:
        minigrad.set_default_device(None)
    assert minigrad.ones(2).device == CPU


def test_draws_on_a_device_are_seeded_and_leave_the_cpus_stream_alone(strict_device: None) -> None:
    minigrad.manual_seed(7)
    first = [minigrad.rand(3), minigrad.rand(3, device="cuda"), minigrad.empty(4, device="cuda").normal_()]
    minigrad.manual_seed(7)
    second = [minigrad.rand(3, device="cuda"), minigrad.rand(3), minigrad.randn(4, device="cuda")]
    assert first[0].tolist() == second[1].tolist() and first[1].tolist() == second[0].tolist()
    assert first[2].tolist() == second[2].tolist()
    minigrad.cuda.manual_seed_all(9)
    state = minigrad.cuda.get_rng_state()
    drawn = minigrad.randperm(5, device="cuda")
    minigrad.cuda.set_rng_state(state)
    assert drawn.tolist() == minigrad.randperm(5, device="cuda").tolist()
    generator = minigrad.Generator(device="cuda").manual_seed(1)
    assert minigrad.randn(2, generator=generator, device="cuda").is_cuda


def test_the_gpu_has_a_name_and_a_memory(strict_device: None) -> None:
    cuda = minigrad.cuda
    assert cuda.is_available() and cuda.device_count() == 1 and cuda.current_device() == 0
    assert cuda.get_device_name() == cuda.get_device_properties(0).name == "strict array module"
    assert cuda.get_device_capability("cuda:0") == (0, 0) and cuda.mem_get_info() == (1, 2)
    assert cuda.memory_allocated() == cuda.memory_reserved(0) == cuda.max_memory_reserved() == 0
    cuda.set_device(0)
    cuda.synchronize()
    cuda.empty_cache()
    assert str(minigrad.accelerator.current_accelerator()) == "cuda" and not minigrad.mps.is_available()
    with pytest.raises(NotImplementedError, match="memory_reserved"):
        cuda.max_memory_allocated()
    with pytest.raises(RuntimeError, match="invalid device ordinal.*'cuda:3' among the 1"):
        minigrad.zeros(1, device="cuda:3")


# ------------------------------------------------------------------------------------------ gradients and devices


def test_gradients_find_their_way_back_over_a_move(strict_device: None) -> None:
    x = minigrad.tensor([1.0, -2.0], requires_grad=True)
    y = x.cuda()
    assert y.grad_fn.name() == "ToCopyBackward0"
    (y * y * minigrad.tensor([3.0, 5.0], device="cuda")).cpu().sum().backward()
    assert x.grad.device == CPU and x.grad.tolist() == [6.0, -20.0]


def test_a_cpu_number_joins_a_gpus_tensors_and_gets_its_gradient(strict_device: None) -> None:
    scale = minigrad.tensor(2.0, requires_grad=True)
    x = minigrad.tensor([1.0, 3.0], device="cuda", requires_grad=True)
    out = scale * x + minigrad.tensor(1.0)
    assert out.is_cuda
    out.backward(minigrad.tensor([1.0, 10.0], device="cuda"))
    assert scale.grad.device == CPU and scale.grad.item() == 31.0 and x.grad.is_cuda
    assert minigrad.where(x > 2, minigrad.tensor(0.0), x).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("mix", [
    lambda a, b: a + b, lambda a, b: a @ b.T, lambda a, b: minigrad.cat([a, b]),
    lambda a, b: minigrad.where(a > 0, a, b), lambda a, b: nn.functional.mse_loss(a, b),
    lambda a, b: nn.functional.linear(a, b), lambda a, b: a.add_(b),
    lambda a, b: minigrad.stack([a, b]), lambda a, b: minigrad.maximum(a, b),
    lambda a, b: nn.functional.binary_cross_entropy_with_logits(a, b),
])
def test_mixing_devices_is_torchs_error_with_both_names(mix: Callable[..., Any], strict_device: None) -> None:
    cpu, gpu = minigrad.ones(2, 2), minigrad.ones(2, 2, device="cuda")
    for pair in ((cpu, gpu), (gpu, cpu)):
        with pytest.raises(RuntimeError, match="found at least two devices, cuda:0 and cpu"):
            mix(*pair)


def test_a_faulty_argument_is_not_mistaken_for_a_mixture(strict_device: None) -> None:
    with pytest.raises(TypeError):
        minigrad.ones(2, device="cuda").reshape("x")


def test_numpy_of_a_gpus_tensor_is_torchs_error(strict_device: None) -> None:
    x = minigrad.ones(2, device="cuda")
    for ask in (x.numpy, lambda: np.asarray(x), lambda: np.sin(x)):
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            ask()
    assert isinstance(x.numpy(force=True), np.ndarray)


@pytest.mark.skipif(minigrad.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("ask", [
    lambda: minigrad.ones(2).cuda(), lambda: minigrad.ones(2, device="cuda"), lambda: nn.Linear(2, 2).to("cuda"),
    lambda: minigrad.set_default_device("cuda"), minigrad.cuda.synchronize,
])
def test_without_a_gpu_it_says_what_to_install(ask: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError, match=r"Torch not compiled with CUDA enabled.*pip install"):
        ask()


def test_in_place_on_a_device(strict_device: None) -> None:
    def run(lib: Any, where: str) -> list[Any]:
        base = lib.arange(6.0).reshape(2, 3).to(where).requires_grad_()
        x = base * 1
        view = x[:, 1:]
        view.mul_(3.0)
        x[0] = lib.tensor([7.0, 8.0, 9.0]).to(where)
        x[x > 8] = 0.5
        x[:, 0] += lib.tensor(2.0)
        x.copy_(x.detach().cpu().to(where) * 2 + x)
        (x * lib.arange(6.0).reshape(2, 3).to(where)).sum().backward()
        return [x.tolist(), base.grad.tolist()]

    assert run(minigrad, "cuda") == run(torch, "cpu")


# ------------------------------------------------------------------------------------------ training


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.drop, self.out = nn.Dropout(0.25), nn.Linear(3 * 4 * 4, 4)

    def forward(self, x: Any) -> Any:
        x = nn.functional.max_pool2d(nn.functional.relu(self.norm(self.conv(x))), 2)
        return self.out(self.drop(x.flatten(1)))


def train(where: str, make: Callable[..., Any], steps: int = 5) -> tuple[list[float], Net, Any]:
    """Losses of some steps; dropout draws from the device's own stream, which is seeded alike."""
    minigrad.manual_seed(3)
    model = Net().to(where)  # built on the CPU and moved: the same weights
    data = minigrad.randn(12, 1, 8, 8).to(where), minigrad.randint(0, 4, (12,)).to(where)
    (minigrad.random.generator_of(data[0].device)).manual_seed(11)
    optimizer = make(model.parameters())
    schedule = optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(data[0]), data[1], label_smoothing=0.1)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses, model, optimizer


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True), "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05), "NAdam": lambda p: optim.NAdam(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_on_a_device_gives_the_cpus_numbers(name: str, strict_device: None) -> None:
    on_cpu, model, _ = train("cpu", OPTIMIZERS[name])
    on_gpu, moved, optimizer = train("cuda", OPTIMIZERS[name])
    # The strict arrays compute with NumPy; only the order of sums differs, where blas.py chooses for a CPU.
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=2e-5)
    assert all(p.is_cuda and p.grad.is_cuda for p in moved.parameters()) and all(b.is_cuda for b in moved.buffers())
    state = optimizer.state_dict()["state"][0]
    # Counts stay on the CPU, as in torch.
    assert all(value.is_cuda for key, value in state.items() if key not in ("step", "mu_product"))


def test_a_checkpoint_crosses_devices(strict_device: None) -> None:
    _, model, optimizer = train("cuda", OPTIMIZERS["Adam"])
    file = io.BytesIO()
    minigrad.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "view": model.out.weight[1:, ::2]},
                  file)
    for map_location, where in ((None, "cuda"), ("cpu", "cpu"), ("cuda:0", "cuda"), ({"cuda:0": "cpu"}, "cpu"),
                                (lambda storage, location: storage.cpu(), "cpu"),
                                (lambda storage, location: storage.cuda(), "cuda"),
                                (lambda storage, location: storage, "cpu"), (lambda storage, location: None, "cuda")):
        file.seek(0)
        loaded = minigrad.load(file, map_location=map_location)
        assert all(t.device.type == where for t in loaded["model"].values())
        assert loaded["view"].tolist() == model.out.weight[1:, ::2].tolist()
        again = Net().to(where)
        again.load_state_dict(loaded["model"])
        other = OPTIMIZERS["Adam"](again.parameters())
        other.load_state_dict(loaded["optimizer"])
        for p, q in zip(again.parameters(), model.parameters(), strict=True):
            assert p.device.type == where and p.tolist() == q.tolist()
            assert other.state[p]["exp_avg"].device.type == where
    file.seek(0)
    theirs = torch.load(file, map_location="cpu", weights_only=True)  # and torch reads it
    assert theirs["model"]["conv.weight"].tolist() == model.conv.weight.tolist()


def test_a_file_from_a_gpu_without_one_says_what_to_do() -> None:
    from strict import strict_cuda

    file = io.BytesIO()
    with strict_cuda():
        minigrad.save(minigrad.ones(2, device="cuda"), file)
    file.seek(0)
    if not minigrad.cuda.is_available():
        with pytest.raises(RuntimeError, match="map_location=torch.device"):
            minigrad.load(file)
    file.seek(0)
    assert minigrad.load(file, map_location="cpu").tolist() == [1.0, 1.0]


def test_batches_of_a_gpus_items_stay_there(strict_device: None) -> None:
    x, y = minigrad.arange(6.0, device="cuda"), minigrad.arange(6, device="cuda")
    whole = minigrad.utils.data.TensorDataset(x, y)
    for data in (whole, [whole[i] for i in range(6)]):
        batches = list(minigrad.utils.data.DataLoader(data, batch_size=4))
        assert [b[0].tolist() for b in batches] == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0]]
        assert all(part.is_cuda for batch in batches for part in batch)


def test_copies_and_pickles_stay_on_the_device(strict_device: None) -> None:
    from copy import deepcopy

    model = nn.Linear(2, 2).cuda()
    x = minigrad.ones(3, device="cuda", requires_grad=True)
    (x * x).sum().backward()
    twin, copied = deepcopy(model), deepcopy(x)
    assert twin.weight.is_cuda and twin.weight.tolist() == model.weight.tolist()
    assert copied.is_cuda and copied.grad.is_cuda and copied.grad.tolist() == [2.0, 2.0, 2.0]


def test_an_experiment_agrees_on_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parity's engine minigrad-cuda, in a process whose CuPy is the strict array module: against torch, and judged."""
    script = find_scripts(["line_l1"])["line_l1"]
    comparison = Comparison("line_l1", ["torch", "torch-f64", "minigrad-f64", "minigrad-cuda"])
    with ExitStack() as stack:
        records = {}
        for name in comparison.results:
            with monkeypatch.context() as patch:
                if ENGINES[name].cuda:
                    patch.setenv("PYTHONPATH", str(Path(__file__).with_name("stand_in")))
                process = EngineProcess(ENGINES[name], Run(script), tmp_path / name)
            stack.callback(process.stop)
            records[name] = process.records()
        follow(comparison, records, progress=lambda step: None)
    assert not problems(comparison), table([comparison])
    (line,) = [line for line in table([comparison]).splitlines() if " minigrad-cuda " in line]
    assert line.endswith("agrees") and "28/28" in line


# ------------------------------------------------------------------------------------------ a real GPU


@pytest.mark.cuda
@pytest.mark.skipif(cuda_library() is None, reason="not run: no GPU here, or no CuPy")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_on_a_real_gpu(name: str) -> None:
    on_cpu, _, _ = train("cpu", OPTIMIZERS[name])
    on_gpu, model, _ = train("cuda", OPTIMIZERS[name])
    assert model.out.weight.is_cuda
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=1e-4)  # float32 sums in another order, over five steps

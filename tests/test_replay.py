"""minigrad.replay: the recorded step gives the eager step's numbers, bit for bit, or says why it can't be recorded."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn, optim, replay

F = nn.functional


def normal(*shape: int, seed: int = 0) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def x_batch(i: int) -> Any:
    return normal(6, 4, seed=i)


def y_batch(i: int) -> Any:
    return normal(6, 3, seed=100 + i)


def classes(i: int) -> Any:
    return torch.from_numpy(np.random.default_rng(i).integers(0, 3, 6))


def mlp() -> Any:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def bits(x: Any) -> Any:
    """Something in which every bit counts: dtypes, shapes and bytes."""
    if isinstance(x, torch.Tensor):
        array = x.detach().numpy()
        return str(array.dtype), array.shape, array.tobytes()
    if isinstance(x, dict):
        return {k: bits(v) for k, v in x.items()}
    return [bits(v) for v in x] if isinstance(x, (list, tuple)) else x


def state(model: Any, optimizer: Any) -> Any:
    """All that a step changes: parameters, gradients, running averages, the optimizer's state."""
    found = [[bits(p), bits(p.grad)] for p in model.parameters()] + [bits(b) for b in model.buffers()]
    return found + ([bits(optimizer.state_dict()["state"])] if optimizer else [])


Made = tuple[Callable[..., Any], Callable[[int], tuple[Any, ...]], Any, Any]


def assert_same(make: Callable[[], Made], calls: int = 10, programs: int = 1) -> None:
    """make() gives (step, arguments of the i-th call, model, optimizer). Eager and replayed, compared at every call."""
    histories = []
    for wrapped in (lambda step: step, replay):
        torch.manual_seed(1)
        step, arguments, model, optimizer = make()
        step = wrapped(step)
        history = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i in range(calls):
                history.append([bits(step(*arguments(i))), state(model, optimizer)])
        histories.append([*history, bits(torch.get_rng_state())])
    for i, (eager, replayed) in enumerate(zip(*histories, strict=True)):
        assert eager == replayed, f"call {i}"
    assert len(step.programs) == programs


def training(model: Any = mlp, optimizer: Any = lambda p: optim.SGD(p, 0.1), loss: Any = F.mse_loss, x: Any = x_batch,
             y: Any = y_batch, zero: str = "before", clip: Any = None, schedule: Any = None) -> Callable[[], Made]:
    """The usual training step."""

    def make() -> Made:
        m = model()
        o = optimizer(m.parameters())
        scheduler = schedule(o) if schedule else None

        def step(x: Any, y: Any) -> Any:
            value = loss(m(x), y)
            if zero in ("before", "zeros"):
                o.zero_grad(set_to_none=zero == "before")
            value.backward()
            norm = clip(m.parameters()) if clip else None
            o.step()
            if zero == "after":
                o.zero_grad()
            if scheduler:
                scheduler.step()
            return value, norm

        return step, lambda i: (x(i), y(i)), m, o

    return make


def test_fifty_steps_with_adam_steplr_dropout_and_new_batches() -> None:
    def model() -> Any:
        return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))

    assert_same(training(model, lambda p: optim.Adam(p, 0.01), F.cross_entropy, y=classes,
                         schedule=lambda o: optim.lr_scheduler.StepLR(o, 7, 0.5)), calls=50)


@pytest.mark.parametrize("optimizer", [
    lambda p: optim.SGD(p, 0.1), lambda p: optim.SGD(p, 0.1, momentum=0.9),
    lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01, maximize=True),
    lambda p: optim.SGD(p, 0.1, momentum=0.9, dampening=0.2),
    lambda p: optim.Adam(p, 0.01, amsgrad=True, weight_decay=0.1), lambda p: optim.Adam(p, torch.tensor(0.01)),
    lambda p: optim.Adam(p, 0.01, betas=(0.4, 0.3), maximize=True), lambda p: optim.AdamW(p, 0.01),
    lambda p: optim.NAdam(p, 0.01, decoupled_weight_decay=True, weight_decay=0.1),
    lambda p: optim.Adagrad(p, 0.1, lr_decay=0.1), lambda p: optim.RMSprop(p, 0.01),
    lambda p: optim.RMSprop(p, 0.01, momentum=0.9, centered=True, weight_decay=0.1)])
def test_optimizers(optimizer: Any) -> None:
    assert_same(training(optimizer=optimizer))


@pytest.mark.parametrize("schedule", [
    lambda o: optim.lr_scheduler.ExponentialLR(o, 0.9), lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 10),
    lambda o: optim.lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + e))])
def test_schedules_inside_the_step(schedule: Any) -> None:
    assert_same(training(optimizer=lambda p: optim.Adam(p, 0.1), schedule=schedule))


def test_a_schedule_that_is_told_the_loss() -> None:
    def make() -> Made:
        model = mlp()
        optimizer = optim.SGD(model.parameters(), 0.5)
        scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)

        def step(x: Any, y: Any) -> Any:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step(loss)
            return loss

        return step, lambda i: (x_batch(i), y_batch(i)), model, optimizer

    assert_same(make)


@pytest.mark.parametrize("zero", ["before", "after", "zeros", "never"])
def test_gradients_cleared_zeroed_or_added_up(zero: str) -> None:
    assert_same(training(zero=zero))


@pytest.mark.parametrize("clip", [
    lambda p: nn.utils.clip_grad_norm_(p, 0.5), lambda p: nn.utils.clip_grad_norm_(p, 0.5, norm_type=float("inf")),
    lambda p: nn.utils.clip_grad_norm_(p, 0.5, error_if_nonfinite=True), lambda p: nn.utils.clip_grad_value_(p, 0.1)])
def test_gradients_clipped(clip: Any) -> None:
    assert_same(training(clip=clip))


def positive(y: Any) -> Any:
    return (y > 0).float()


@pytest.mark.parametrize("loss, target", [
    (F.l1_loss, y_batch), (F.huber_loss, y_batch), (F.smooth_l1_loss, y_batch),
    (lambda z, y: F.mse_loss(z, y, reduction="sum"), y_batch),
    (lambda z, y: F.mse_loss(z, y, reduction="none").mean(), y_batch),
    (lambda z, y: F.cross_entropy(z, y.softmax(1)), y_batch), (F.cross_entropy, classes),
    (lambda z, y: F.cross_entropy(z, y, weight=torch.tensor([1.0, 2.0, 3.0]), label_smoothing=0.1), classes),
    (lambda z, y: F.cross_entropy(z, y, ignore_index=1), classes),
    (lambda z, y: F.nll_loss(z.log_softmax(1), y), classes),
    (lambda z, y: -z.log_softmax(1)[torch.arange(6), y].mean(), classes),
    (lambda z, y: F.binary_cross_entropy(z.sigmoid(), positive(y)), y_batch),
    (lambda z, y: F.binary_cross_entropy_with_logits(z, positive(y)), y_batch),
    (lambda z, y: F.binary_cross_entropy_with_logits(z, positive(y), pos_weight=torch.tensor([1.0, 2.0, 3.0])),
     y_batch),
    (lambda z, y: F.kl_div(z.log_softmax(1), y.softmax(1), reduction="batchmean"), y_batch),
    (lambda z, y: ((z - y) ** 2).mean() + (z.abs() ** 1.5).sum() * 1e-3, y_batch)])
def test_losses(loss: Any, target: Any) -> None:
    assert_same(training(loss=loss, y=target), calls=6)


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.pool = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.MaxPool2d(2)
        self.out = nn.Linear(64, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.pool(self.norm(self.conv(x)).relu()).flatten(1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm, self.out = nn.Embedding(5, 4), nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.lstm(self.embed(x))[0][:, -1])


@pytest.mark.parametrize("model, x", [
    (lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)), x_batch),
    (lambda: nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)), x_batch),
    (lambda: nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2, inplace=True), nn.ReLU(inplace=True), nn.Linear(8, 3)),
     x_batch),
    (lambda: nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Linear(8, 8), nn.ELU(), nn.Linear(8, 3)), x_batch),
    (Convolutional, lambda i: normal(6, 1, 8, 8, seed=i)),
    (Recurrent, lambda i: torch.from_numpy(np.random.default_rng(i).integers(0, 5, (6, 7)))),
    (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 3)),  # blocks, large arrays
     lambda i: normal(6, 1, 28, 28, seed=i))])
def test_layers(model: Any, x: Any) -> None:
    assert_same(training(model, lambda p: optim.SGD(p, 0.01, momentum=0.9), F.cross_entropy, x, classes), calls=6)


def test_float64() -> None:
    assert_same(training(lambda: mlp().double(), lambda p: optim.Adam(p, 0.01), x=lambda i: x_batch(i).double(),
                         y=lambda i: y_batch(i).double()))


def test_shapes_that_alternate_keep_a_program_each() -> None:
    def batch(columns: int, seed: int) -> Callable[[int], Any]:
        return lambda i: normal(6 if i % 3 else 4, columns, seed=seed + i)

    assert_same(training(optimizer=lambda p: optim.Adam(p, 0.01), x=batch(4, 0), y=batch(3, 50)), 20, programs=2)


def test_views_writes_and_several_outputs() -> None:
    def make() -> Made:
        model = mlp()
        optimizer = optim.SGD(model.parameters(), 0.1)

        def step(x: Any) -> Any:
            h = model(x)
            first, part, column = h[:, 0], h.view(-1)[2:5], h.t()[1]
            doubled = h * 2
            doubled[:, 1] = 0
            doubled[0] += 1
            total = torch.zeros(3)  # made anew at every call, though no recorded call makes it
            total += part.detach()
            joined = torch.cat([first, column]).var() + torch.stack([first, column]).max() + h.expand(2, 6, 3).std()
            loss = first.sum() + (part * total).sum() + doubled.square().mean() + joined
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return {"loss": loss, "total": total, "more": [first, (doubled, None, 3)], "best": h.max(1), "x": x}

        return step, lambda i: (x_batch(i),), model, optimizer

    assert_same(make)


def test_second_order() -> None:
    def make() -> Made:
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = optim.SGD(model.parameters(), 0.01)

        def step(x: Any) -> Any:
            x = x.clone().requires_grad_()
            (gx,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
            loss = (gx.norm(dim=1) - 1).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, gx

        return step, lambda i: (x_batch(i),), model, optimizer

    assert_same(make)


@pytest.mark.parametrize("clear", ["none", "zero_"])
def test_updates_by_hand(clear: str) -> None:
    def make() -> Made:
        model = mlp()

        def step(x: Any, y: Any) -> Any:
            loss = F.mse_loss(model(x), y)
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
                    if clear == "none":
                        p.grad = None
                    else:
                        p.grad.zero_()
            return loss

        return step, lambda i: (x_batch(i), y_batch(i)), model, None

    assert_same(make)


class Decaying(optim.Optimizer):
    """A user's own optimizer, with a number that no recording could know."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            group["lr"] *= 0.9
            for p in group["params"]:
                p.data.add_(p.grad, alpha=-group["lr"])


def test_a_users_optimizer_runs_anew_each_time() -> None:
    assert_same(training(optimizer=lambda p: Decaying(p, 0.1)))


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


def test_functions_of_tensors_alone() -> None:
    assert_same(training(loss=lambda z, y: F.mse_loss(Cube.apply(z), y)))


def test_random_draws_are_new_and_leave_the_stream_where_it_belongs() -> None:
    def make() -> Made:
        model = mlp()

        def step(x: Any) -> Any:
            noise = torch.randn_like(x) + torch.rand(6, 4) + torch.randint(0, 5, (6, 4))
            return model(x + noise)[torch.randperm(6)], torch.bernoulli(torch.full((6,), 0.5))

        return step, lambda i: (x_batch(i),), model, None

    assert_same(make)


def test_training_and_evaluation_in_one_step() -> None:
    def make() -> Made:
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        optimizer = optim.Adam(model.parameters(), 0.1)
        x, y = x_batch(0), y_batch(0)

        def step() -> Any:
            model.train()
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.eval()
            with torch.inference_mode():
                return loss, F.mse_loss(model(x), y)

        return step, lambda i: (), model, optimizer

    assert_same(make)


def test_gradients_added_up_over_several_calls_of_one_function_and_used_by_another() -> None:
    def run(wrapped: Any) -> Any:
        torch.manual_seed(0)
        model = mlp()
        optimizer = optim.SGD(model.parameters(), 0.1)
        part = wrapped(lambda x, y: F.mse_loss(model(x), y).backward())

        @wrapped
        def update() -> None:
            optimizer.step()
            optimizer.zero_grad()

        seen = []
        for i in range(24):
            part(x_batch(i), y_batch(i))
            seen.append(state(model, optimizer))
            if i % 3 == 2:
                update()
        return seen, len(getattr(part, "programs", []))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        replayed, programs = run(replay)
    assert replayed == run(lambda step: step)[0] and programs >= 2  # one that sets the gradients, one that adds

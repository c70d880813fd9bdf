"""minigrad.optim against torch: the same gradients give the same parameters, errors, states and texts."""

from __future__ import annotations

import copy
import itertools
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same_error

import minigrad as mg

STEPS = 20
# One update is one or two roundings an entry. torch fuses w - lr * g into one rounding where the processor can,
# NumPy rounds twice: half an ulp of the update a step, carried along by momentum. Weights here are below 4 and
# 20 steps add up: 20 * 2**-23 * 4 is 1e-5 in the worst case, and a tenth of that is seen.
TOLERANCE = {"float32": {"rtol": 2e-6, "atol": 1e-6}, "float64": {"rtol": 1e-13, "atol": 1e-14}}
DTYPES = ["float32", "float64"]

OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1},
    *(
        {"lr": 0.05, "momentum": m, "dampening": d, "weight_decay": w, "maximize": up}
        for m, d, w, up in itertools.product([0, 0.9], [0, 0.3], [0, 0.01], [False, True])
    ),
    *(
        {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": w, "maximize": up}
        for w, up in itertools.product([0, 0.1], [False, True])
    ),
    {"lr": 0.1, "foreach": True, "momentum": 0.5},
    {"lr": 0.1, "foreach": False},
    {"lr": 0.1, "fused": True, "momentum": 0.5, "weight_decay": 0.1},
    {"lr": 0.1, "fused": False},
    {"lr": 0, "momentum": 0.9},
    {"lr": 0.1, "momentum": 1.5, "dampening": 1},
]


def as_tensor(lib: Any, array: Any) -> Any:
    """A tensor on the array's memory; from_numpy takes arrays alone, and NumPy makes scalars of 0-d ones."""
    return lib.from_numpy(np.asarray(array))


def start(lib: Any, dtype: str, seed: int = 0) -> list[Any]:
    """The same parameters for either library: a matrix, a vector, a scalar, an empty one, a non-contiguous one."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in [(4, 3), (5,), (), (0, 2)]]
    arrays.append(rng.standard_normal((6, 4)).astype(dtype)[::2].T)
    return [lib.nn.Parameter(as_tensor(lib, a)) for a in arrays]


def set_grads(lib: Any, params: list[Any], step: int) -> None:
    rng = np.random.default_rng(1000 + step)
    for p in params:
        p.grad = as_tensor(lib, rng.standard_normal(tuple(p.shape))).to(p.dtype)


def values(params: Any) -> list[Any]:
    return [p.detach().numpy().copy() for p in params]


def assert_close(ours: Any, theirs: Any, dtype: str) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, **TOLERANCE[dtype])


def buffers(optimizer: Any) -> list[Any]:
    return [v.numpy().copy() for s in optimizer.state.values() for v in s.values()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_sgd_on_given_gradients(options: dict[str, Any], dtype: str) -> None:
    """Every option by itself: the gradients are given, so that only the update is compared."""
    ours, theirs = (start(lib, dtype) for lib in (mg, torch))
    if options.get("fused"):  # torch's fused kernel walks through raw memory: wrong where p and g differ in strides
        ours, theirs = ours[:-1], theirs[:-1]
    memory = [p.array for p in ours]
    a, b = mg.optim.SGD(ours, **options), torch.optim.SGD(theirs, **options)
    for step in range(STEPS):
        set_grads(mg, ours, step)
        set_grads(torch, theirs, step)
        assert a.step() is None
        b.step()
        assert_close(values(ours), values(theirs), dtype)
        assert_close(buffers(a), buffers(b), dtype)
    assert all(p.array is m for p, m in zip(ours, memory, strict=True)), "a parameter left its memory"
    assert repr(a) == repr(b)
    assert a.state_dict()["param_groups"] == b.state_dict()["param_groups"]


def train(lib: Any, dtype: str, options: dict[str, Any], loss_name: str) -> tuple[list[float], list[Any]]:
    rng = np.random.default_rng(5)
    x = lib.from_numpy(rng.standard_normal((16, 3)).astype(dtype))
    y = lib.from_numpy((rng.random((16, 2)) > 0.5).astype(dtype))
    lib.manual_seed(11)
    model = lib.nn.Sequential(lib.nn.Linear(3, 8), lib.nn.ReLU(), lib.nn.Linear(8, 2))
    model.to(getattr(lib, dtype))
    loss_fn = getattr(lib.nn, loss_name)()
    optimizer = lib.optim.SGD(model.parameters(), **options)
    losses = []
    for step in range(STEPS):
        loss = loss_fn(model(x), y)
        optimizer.zero_grad(set_to_none=step % 2 == 0)  # in turn new gradients, and old ones that are written over
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, values(model.parameters())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["L1Loss", "MSELoss", "BCEWithLogitsLoss"])
@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.1},
        {"lr": 0.05, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "weight_decay": 0.05, "momentum": 0.5, "dampening": 0.2},
    ],
    ids=str,
)
def test_whole_training_runs(options: dict[str, Any], loss: str, dtype: str) -> None:
    """20 steps of a small network from the same seed. Sums of 16 terms in another order differ in the last digit
    (6e-8 of each term in float32, 1e-16 in float64), and 20 steps of descent carry the difference on."""
    ours, theirs = (train(lib, dtype, options, loss) for lib in (mg, torch))
    tolerance = {"float32": 2e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(ours[0], theirs[0], rtol=tolerance)
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert ours[0][-1] != ours[0][0]


def test_groups_with_their_own_options() -> None:
    def run(lib: Any) -> Any:
        a, b, c, d, e = start(lib, "float64")
        groups = [{"params": [a]}, {"params": b, "lr": 0.5, "momentum": 0.9}]
        optimizer = lib.optim.SGD(groups, lr=0.1, weight_decay=0.1)
        optimizer.add_param_group({"params": (p for p in [c, d]), "weight_decay": 0, "extra": "kept"})
        optimizer.param_groups[0]["lr"] = 0.2  # as schedulers do
        for step in range(3):
            set_grads(lib, [a, b, c, d, e], step)
            b.grad = None if step == 1 else b.grad  # no gradient: skipped, its momentum stays
            optimizer.step()
        return values([a, b, c, d, e]), optimizer.state_dict()["param_groups"], repr(optimizer), buffers(optimizer)

    ours, theirs = run(mg), run(torch)
    assert_close(ours[0], theirs[0], "float64")
    assert_close(ours[3], theirs[3], "float64")
    assert ours[1:3] == theirs[1:3]


def test_named_parameters() -> None:
    def run(lib: Any) -> Any:
        model = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.Linear(3, 1, bias=False))
        first = lib.optim.SGD(model.named_parameters(), lr=0.1)
        second = lib.optim.SGD(
            [{"params": model[0].named_parameters()}, {"params": model[1].named_parameters(), "lr": 1.0}]
        )
        return [[g["param_names"] for g in o.param_groups] for o in (first, second)], first.state_dict(), repr(second)

    assert run(mg) == run(torch)


def small(lib: Any, momentum: float = 0.9, dtype: str = "float64", **kwargs: Any) -> tuple[list[Any], Any]:
    params = start(lib, dtype)
    return params, lib.optim.SGD(params, lr=0.1, momentum=momentum, **kwargs)


def as_plain(state: dict[str, Any]) -> dict[str, Any]:
    """A state_dict with NumPy arrays instead of tensors: what either library can be given."""
    return {
        "state": {k: {n: v.numpy().copy() for n, v in s.items()} for k, s in state["state"].items()},
        "param_groups": copy.deepcopy(state["param_groups"]),
    }


def as_tensors(lib: Any, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": {k: {n: as_tensor(lib, v) for n, v in s.items()} for k, s in state["state"].items()},
        "param_groups": state["param_groups"],
    }


@pytest.mark.parametrize("direction", ["to minigrad", "to torch"])
def test_state_dicts_are_interchangeable(direction: str) -> None:
    source, target = (torch, mg) if direction == "to minigrad" else (mg, torch)
    params, optimizer = small(source)
    for step in range(3):
        set_grads(source, params, step)
        optimizer.step()
    moved = [target.nn.Parameter(as_tensor(target, v)) for v in values(params)]
    fresh = target.optim.SGD(moved, lr=99)
    fresh.load_state_dict(as_tensors(target, as_plain(optimizer.state_dict())))
    for step in range(3, 6):
        set_grads(source, params, step)
        set_grads(target, moved, step)
        optimizer.step()
        fresh.step()
    assert_close(values(moved), values(params), "float64")
    plain = [as_plain(o.state_dict()) for o in (optimizer, fresh)]
    assert plain[0]["param_groups"] == plain[1]["param_groups"]
    assert [list(p["state"]) for p in plain] == [[0, 1, 2, 3, 4]] * 2


def test_loading_casts_state_and_shares_what_fits() -> None:
    """A float64 state becomes float32 in a float32 model; what needs no cast is shared, in torch too."""

    def run(lib: Any) -> Any:
        params, optimizer = small(lib)
        set_grads(lib, params, 0)
        optimizer.step()
        state = optimizer.state_dict()
        _, same = small(lib)
        _, narrow = small(lib, dtype="float32")
        same.load_state_dict(state)
        narrow.load_state_dict(state)
        first = [next(iter(o.state.values()))["momentum_buffer"] for o in (optimizer, same, narrow)]
        return first[0] is first[1], str(first[2].dtype), same.param_groups[0]["params"][0].dtype == lib.float64

    assert run(mg) == run(torch) == (True, "torch.float32", True)


def test_closure_runs_with_grad_and_its_loss_is_returned() -> None:
    def run(lib: Any) -> Any:
        w = lib.nn.Parameter(lib.tensor([1.0, -2.0]))
        optimizer = lib.optim.SGD([w], 0.25)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (w * w * lib.tensor([1.0, 3.0])).sum()
            loss.backward()
            return loss

        with lib.no_grad():
            loss = optimizer.step(closure)
            again = optimizer.step(closure=closure)
        return loss.item(), loss.requires_grad, again.item(), values([w])[0].tolist(), lib.is_grad_enabled()

    assert run(mg) == run(torch)


def test_zero_grad() -> None:
    def run(lib: Any) -> Any:
        w, v = lib.nn.Parameter(lib.ones(2)), lib.nn.Parameter(lib.ones(1))
        optimizer = lib.optim.SGD([w, v], lr=0.1)
        (w * w).sum().backward()
        g = w.grad
        optimizer.zero_grad(set_to_none=False)
        kept = g is w.grad, g.tolist(), v.grad
        optimizer.zero_grad()
        return kept, w.grad

    assert run(mg) == run(torch)


def test_step_counts_as_a_write() -> None:
    """A graph that saved a weight before the step can't be walked after it."""

    def run(lib: Any) -> None:
        w = lib.nn.Parameter(lib.tensor([1.0, 2.0]))
        optimizer = lib.optim.SGD([w], lr=0.1)
        loss = (w * w).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
        loss.backward()

    for lib in (mg, torch):
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            run(lib)


def test_hooks_run_around_step() -> None:
    def run(lib: Any) -> Any:
        seen: list[Any] = []

        class Custom(lib.optim.Optimizer):  # type: ignore[misc,name-defined]
            def step(self, closure: Any = None, scale: float = 1.0) -> Any:
                seen.append(("step", scale))

        w = lib.nn.Parameter(lib.ones(1))
        w.grad = lib.ones(1)
        for optimizer in (lib.optim.SGD([w], lr=0.5), Custom([w], {})):
            first = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append((len(args), kwargs, w.item())))
            last = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append((type(o).__name__, w.item())))
            optimizer.step()
            first.remove()
            optimizer.step()
            last.remove()
            optimizer.step()
        optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"scale": 2.0}))
        optimizer.step()
        return seen

    assert run(mg) == run(torch)


def test_one_element_tensor_as_learning_rate() -> None:
    def run(lib: Any, lr: Any) -> Any:
        params = start(lib, "float64")
        set_grads(lib, params, 0)
        lib.optim.SGD(params, lr=lr).step()
        return values(params)

    for number in (0.1, [0.1]):
        assert_close(run(mg, mg.tensor(number)), run(torch, torch.tensor(number)), "float64")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_copies_are_independent(copied: Any) -> None:
    params, optimizer = small(mg)
    set_grads(mg, params, 0)
    optimizer.step()
    before = values(params)
    twin = copied(optimizer)
    twins = twin.param_groups[0]["params"]
    assert_close(values(twins), before, "float64")
    assert_close(buffers(twin), buffers(optimizer), "float64")
    set_grads(mg, twins, 1)
    twin.step()
    assert_close(values(params), before, "float64")
    set_grads(mg, params, 1)
    optimizer.step()
    assert_close(values(twins), values(params), "float64")


def leaf(lib: Any) -> Any:
    return lib.nn.Parameter(lib.ones(2))


ERRORS: dict[str, Any] = {
    "negative lr": lambda t: t.optim.SGD([leaf(t)], lr=-1.0),
    "negative momentum": lambda t: t.optim.SGD([leaf(t)], lr=0.1, momentum=-1.0),
    "negative weight_decay": lambda t: t.optim.SGD([leaf(t)], lr=0.1, weight_decay=-1.0),
    "nesterov without momentum": lambda t: t.optim.SGD([leaf(t)], lr=0.1, nesterov=True),
    "nesterov with dampening": lambda t: t.optim.SGD([leaf(t)], momentum=0.1, dampening=0.1, nesterov=True),
    "lr of two elements": lambda t: t.optim.SGD([leaf(t)], lr=t.tensor([0.1, 0.2])),
    "fused and foreach": lambda t: t.optim.SGD([leaf(t)], fused=True, foreach=True),
    "fused and differentiable": lambda t: t.optim.SGD([leaf(t)], fused=True, differentiable=True),
    "no parameters": lambda t: t.optim.SGD([], lr=0.1),
    "a spent iterator": lambda t: t.optim.SGD(iter([]), lr=0.1),
    "not a tensor": lambda t: t.optim.SGD([3.0], lr=0.1),
    "a set": lambda t: t.optim.SGD([{"params": {leaf(t)}}], lr=0.1),
    "a bare tensor": lambda t: t.optim.SGD(leaf(t), lr=0.1),
    "no leaf": lambda t: t.optim.SGD([leaf(t) * 2], lr=0.1),
    "group is no dict": lambda t: t.optim.SGD([leaf(t)]).add_param_group([leaf(t)]),
    "group without params": lambda t: t.optim.SGD([leaf(t)]).add_param_group({"lr": 1}),
    "in two groups": lambda t: (lambda p: t.optim.SGD([{"params": p}, {"params": [p]}]))(leaf(t)),
    "some names missing": lambda t: t.optim.SGD([("a", leaf(t)), leaf(t)]),
    "names in one group": lambda t: t.optim.SGD([("a", leaf(t))]).add_param_group({"params": leaf(t)}),
    "names in the other": lambda t: t.optim.SGD([leaf(t)]).add_param_group({"params": [("a", leaf(t))]}),
    "groups differ": lambda t: t.optim.SGD([leaf(t)]).load_state_dict({"state": {}, "param_groups": []}),
    "sizes differ": lambda t: t.optim.SGD([leaf(t)]).load_state_dict(t.optim.SGD([leaf(t), leaf(t)]).state_dict()),
    "step missing": lambda t: t.optim.Optimizer([leaf(t)], {}).step(),
    "unknown option": lambda t: t.optim.SGD([leaf(t)], lr=0.1, betas=1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_torchs(name: str) -> None:
    same_error(ERRORS[name])


def test_duplicate_parameters_warn() -> None:
    def run(lib: Any) -> Any:
        p = leaf(lib)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            optimizer = lib.optim.SGD([p, p], lr=0.1)
        p.grad = lib.ones(2)
        optimizer.step()
        return [(w.category, str(w.message)) for w in caught], p.tolist(), optimizer.state_dict()

    assert run(mg) == run(torch)


def test_differentiable_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="differentiable=True is not supported"):
        mg.optim.SGD([leaf(mg)], differentiable=True)

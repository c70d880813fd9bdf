"""The adaptive optimizers against torch: the same gradients give the same weights, states and errors."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same, same_error

import minigrad as mg
from minigrad.optim import adaptive

STEPS = 20
DTYPES = ["float32", "float64"]
# The bits don't agree, and can't: torch fuses a + b * c into one rounding where the processor can and takes square
# roots from a vector library whose last digit is at times off, and NumPy does neither. That leaves each step one or
# two units in the last place (1.2e-7) of the weights, which are below 8 here, or of lr (.1 at most) times a ratio
# near 1: over 20 steps 20 * 8 * 1.2e-7 = 2e-5 if all errors had one sign. After the last step a fifth of the tolerance
# is used at most; RMSprop's momentum buffers, sums of terms of either sign and around 10, need the most of it.
TOLERANCE = {"float32": {"rtol": 2e-6, "atol": 2e-6}, "float64": {"rtol": 6e-15, "atol": 6e-15}}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small parameters, too, are updated in several blocks, the last one shorter than the rest."""
    monkeypatch.setattr(adaptive, "BLOCK", 5)


def grid(**choices: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


ON_OFF = [False, True]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "Adam": [
        {},
        *grid(lr=[0.05], weight_decay=[0, 0.1], amsgrad=ON_OFF, maximize=ON_OFF, decoupled_weight_decay=ON_OFF),
        *grid(lr=[0.05], betas=[(0.0, 0.0), (0.3, 0.5), (0.99, 0.9)], amsgrad=ON_OFF),
        {"lr": 0.1, "eps": 0.5},
        {"lr": 0, "weight_decay": 0.1},
    ],
    "AdamW": [{}, *grid(lr=[0.05], weight_decay=[0.3], amsgrad=ON_OFF, maximize=ON_OFF), {"betas": (0.5, 0.5)}],
    "RMSprop": [
        {},
        *grid(lr=[0.01], momentum=[0, 0.8], centered=ON_OFF, weight_decay=[0, 0.1], maximize=ON_OFF),
        {"alpha": 0.5, "centered": True},
        {"alpha": 0.0, "eps": 0.3},
        {"alpha": 1.0},
    ],
    "NAdam": [
        {},
        *grid(lr=[0.05], weight_decay=[0, 0.1], decoupled_weight_decay=ON_OFF, maximize=ON_OFF),
        *grid(betas=[(0.0, 0.0), (0.3, 0.5)], momentum_decay=[0, 0.3], eps=[0.5]),
    ],
    "Adagrad": [
        {},
        *grid(lr=[0.1], lr_decay=[0, 0.3], weight_decay=[0, 0.1], maximize=ON_OFF),
        {"initial_accumulator_value": 2.0, "eps": 0.1},
    ],
}
FUSED = ("Adam", "AdamW", "Adagrad")
for _name, _options in OPTIONS.items():
    _options += [{"foreach": True}, {"foreach": False}]
    if _name in FUSED:
        _options += [{"fused": True, "weight_decay": 0.1}, {"fused": False}]
CASES = [(name, options) for name, several in OPTIONS.items() for options in several]
NAMES = list(OPTIONS)


def tensor(lib: Any, array: Any, dtype: str) -> Any:
    return lib.from_numpy(np.asarray(array, dtype))


def start(lib: Any, dtype: str = "float64", strided: bool = True) -> list[Any]:
    """The same parameters for either library: a matrix (of several blocks), a scalar, an empty one; the last one's
    elements do not lie in memory in order."""
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = [(4, 3), (), (0, 2)]
    arrays = [np.asarray(rng.standard_normal(shape), dtype) for shape in shapes]
    arrays += [rng.standard_normal((6, 4)).astype(dtype)[::2].T] * strided
    return [lib.nn.Parameter(lib.from_numpy(np.array(a, order="K"))) for a in arrays]


def set_grads(lib: Any, params: list[Any], step: int) -> None:
    rng = np.random.default_rng(1000 + step)
    for p in params:
        p.grad = tensor(lib, rng.standard_normal(tuple(p.shape)), str(p.dtype).removeprefix("torch."))


def weights(params: list[Any]) -> list[Any]:
    return [p.detach().numpy().copy() for p in params]


def states(optimizer: Any) -> list[dict[str, Any]]:
    return [{k: v.numpy().copy() for k, v in s.items()} for s in optimizer.state_dict()["state"].values()]


def assert_close(ours: Any, theirs: Any, tolerance: dict[str, float]) -> None:
    """Equal but for rounding, dtypes and shapes included. Arrays, or states: dicts of arrays."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(a, dict):
            assert list(a) == list(b) or sorted(a) == sorted(b) and "mu_product" in a  # NAdam's comes last here
            assert_close(a.values(), [b[name] for name in a], tolerance)
        else:
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_allclose(a, b, **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_options(name: str, options: dict[str, Any], dtype: str) -> None:
    # torch's fused kernels walk through raw memory: wrong where a weight and its gradient differ in strides
    ours, theirs = (start(lib, dtype, strided=not options.get("fused")) for lib in (mg, torch))
    memory = [p.array for p in ours]
    a, b = getattr(mg.optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for step in range(STEPS):
        set_grads(mg, ours, step)
        set_grads(torch, theirs, step)
        assert a.step() is None
        b.step()
        if step in (0, 1, STEPS - 1):
            assert_close(weights(ours), weights(theirs), TOLERANCE[dtype])
            assert_close(states(a), states(b), TOLERANCE[dtype])
    assert all(p.array is m for p, m in zip(ours, memory, strict=True)), "a parameter left its memory"
    assert repr(a) == repr(b)
    assert a.state_dict()["param_groups"] == b.state_dict()["param_groups"]


@pytest.mark.parametrize("strided", ON_OFF)
@pytest.mark.parametrize("name", NAMES)
def test_big_parameters(name: str, strided: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks change no bit, and an array that can't be cut without copying it is updated as a whole."""
    monkeypatch.undo()

    def run(block: int) -> Any:
        monkeypatch.setattr(adaptive, "BLOCK", block)
        rng = np.random.default_rng(3)
        values = rng.standard_normal((300, 300))
        p = mg.nn.Parameter(mg.from_numpy(values.T if strided else values))
        optimizer = getattr(mg.optim, name)([p], **RICH[name])
        for _ in range(3):
            p.grad = mg.from_numpy(rng.standard_normal((300, 300)))
            optimizer.step()
        return [*weights([p]), *states(optimizer)]

    assert len(adaptive.blocks(np.zeros((300, 300)))) == 3
    assert_close(run(adaptive.BLOCK), run(10**9), {"rtol": 0.0, "atol": 0.0})


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_size(name: str) -> None:
    """Zeros, infinities and nans among them."""
    gradients = np.array([0.0, -0.0, 1e-30, 1e-8, 1e-4, 1.0, 1e6, 1e19, 3e38, np.inf, -np.inf, np.nan], np.float32)

    def run(lib: Any, eps: float) -> Any:
        p = lib.nn.Parameter(lib.ones(len(gradients)))
        optimizer = getattr(lib.optim, name)([p], eps=eps)
        for sign in (1, 1, -1):
            p.grad = tensor(lib, sign * gradients, "float32")
            optimizer.step()
        return [*weights([p]), *states(optimizer)]

    for eps in (1e-8, 0):
        assert_close(run(mg, eps), run(torch, eps), {"rtol": 2e-6, "atol": 2e-7})


@pytest.mark.parametrize("name", NAMES)
def test_groups(name: str) -> None:
    def run(lib: Any) -> Any:
        a, b, c, d = params = start(lib)
        optimizer = getattr(lib.optim, name)([{"params": [a, c]}, {"params": b, "lr": 0.5, "eps": 0.1}], lr=0.1)
        optimizer.add_param_group({"params": [d], "weight_decay": 0.2, "maximize": True})
        for step in range(4):
            set_grads(lib, params, step)
            if step == 1:
                b.grad = None  # skipped: its state stays
            if step == 2:
                optimizer.param_groups[0]["lr"] = 0.03  # as schedules do
            optimizer.step()
        return weights(params), states(optimizer), optimizer.state_dict()["param_groups"], repr(optimizer)

    ours, theirs = run(mg), run(torch)
    assert_close(ours[0], theirs[0], TOLERANCE["float64"])
    assert_close(ours[1], theirs[1], TOLERANCE["float64"])
    assert ours[2:] == theirs[2:]
    assert len({float(s["step"]) for s in ours[1]}) == 2


@pytest.mark.parametrize("name", NAMES)
def test_closure(name: str) -> None:
    def run(lib: Any) -> Any:
        w = lib.nn.Parameter(lib.tensor([1.0, -2.0]))
        optimizer = getattr(lib.optim, name)([w], lr=0.25)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (w * w * lib.tensor([1.0, 3.0])).sum()
            loss.backward()
            return loss

        with lib.no_grad():
            losses = [optimizer.step(closure).item(), optimizer.step(closure=closure).item()]
        return np.array(losses, np.float32), *weights([w])

    assert_close(run(mg), run(torch), TOLERANCE["float32"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_tensor_learning_rate(name: str, shape: tuple[int, ...], dtype: str) -> None:
    """torch computes with it in float32, also where the weights are float64."""

    def run(lib: Any) -> Any:
        params = start(lib, dtype)
        lr = lib.full(shape, 0.03)
        optimizer = getattr(lib.optim, name)(params, lr=lr, weight_decay=0.1)
        for step in range(5):
            set_grads(lib, params, step)
            optimizer.step()
        assert optimizer.param_groups[0]["lr"] is lr
        return [*weights(params), *states(optimizer)]

    # A quotient of float32 numbers may be rounded to the neighbour: .03 * 1e-7 a step, also in float64.
    tolerance = TOLERANCE["float32"] if dtype == "float32" else {"rtol": 1e-8, "atol": 1e-8}
    assert_close(run(mg), run(torch), tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensor_betas(dtype: str) -> None:
    """torch computes the bias corrections in float32: three digits are left of 1 - .9999**2, and so must ours be."""

    def run(lib: Any) -> Any:
        params = start(lib, dtype)
        optimizer = lib.optim.Adam(params, lr=0.1, betas=(lib.tensor(0.999), lib.tensor([0.9999])))
        assert [tuple(b.shape) for b in optimizer.param_groups[0]["betas"]] == [(), ()]
        for step in range(2):
            set_grads(lib, params, step)
            optimizer.step()
        return [*weights(params), *states(optimizer)]

    assert_close(run(mg), run(torch), {"rtol": 1e-6, "atol": 5e-7})


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_average_over_nothing_is_the_last_gradient_itself(dtype: str) -> None:
    """beta1 = 0 after a gradient so large that adding the difference to it would lose the next one."""

    def run(lib: Any) -> Any:
        p = lib.nn.Parameter(tensor(lib, np.ones(3), dtype))
        optimizer = lib.optim.Adam([p], betas=(0.0, 0.9))
        for g in (1e20, 1.5):
            p.grad = tensor(lib, np.full(3, g), dtype)
            optimizer.step()
        return optimizer.state[p]["exp_avg"]

    assert same(run) == [1.5] * 3


# ------------------------------------------------------------------------------------------------- state_dict


def moved(state: dict[str, Any], lib: Any) -> dict[str, Any]:
    """A copy of an optimizer's state_dict with tensors of another library."""
    groups = copy.deepcopy(state["param_groups"])
    return {
        "state": {
            i: {k: lib.from_numpy(np.array(v.detach().numpy(), order="K")) for k, v in s.items()}
            for i, s in state["state"].items()
        },
        "param_groups": groups,
    }


RICH: dict[str, dict[str, Any]] = {
    "Adam": {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1},
    "AdamW": {"lr": 0.05, "betas": (0.8, 0.9)},
    "RMSprop": {"lr": 0.01, "momentum": 0.9, "centered": True},
    "NAdam": {"lr": 0.05, "momentum_decay": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("source", "target"), [(mg, torch), (torch, mg)], ids=["to torch", "to minigrad"])
def test_state_goes_on_in_the_other_library(source: Any, target: Any, name: str, dtype: str) -> None:
    params = start(source, dtype)
    optimizer = getattr(source.optim, name)(params, **RICH[name])
    for step in range(5):
        set_grads(source, params, step)
        optimizer.step()
    for state in optimizer.state.values():
        if "mu_product" in state:  # float32 until a state is loaded, in torch too; from then on as the parameter
            state["mu_product"] = state["mu_product"].to(getattr(source, dtype))
    continued = start(target, dtype)
    for p, w in zip(continued, weights(params), strict=True):
        p.data.copy_(target.from_numpy(w))
    other = getattr(target.optim, name)(continued, lr=99)
    other.load_state_dict(moved(optimizer.state_dict(), target))
    for step in range(5, 15):
        for lib, ps, o in ((source, params, optimizer), (target, continued, other)):
            set_grads(lib, ps, step)
            o.step()
    assert_close(weights(continued), weights(params), TOLERANCE[dtype])
    assert_close(states(other), states(optimizer), TOLERANCE[dtype])
    assert other.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
    assert {(s["step"].shape, str(s["step"].dtype), float(s["step"])) for s in states(other)} == {((), "float32", 15.0)}


@pytest.mark.parametrize("name", NAMES)
def test_state_of_an_older_torch(name: str) -> None:
    """Counts that are numbers, groups without the options that came later."""

    def run(lib: Any) -> Any:
        params = start(lib)
        optimizer = getattr(lib.optim, name)(params, lr=0.1)
        for step in range(2):
            set_grads(lib, params, step)
            optimizer.step()
        state = moved(optimizer.state_dict(), lib)
        for s in state["state"].values():
            s["step"] = 2
        for later in adaptive.BEFORE_IT_EXISTED:
            state["param_groups"][0].pop(later, None)
        fresh = getattr(lib.optim, name)(params, lr=0.1, maximize=True)
        fresh.load_state_dict(state)
        set_grads(lib, params, 2)
        fresh.step()
        return [*weights(params), *states(fresh)], fresh.state_dict()["param_groups"]

    ours, theirs = run(mg), run(torch)
    assert_close(ours[0], theirs[0], TOLERANCE["float64"])
    assert ours[1] == theirs[1]


def test_adams_state_in_adamw() -> None:
    def run(lib: Any) -> Any:
        p = lib.nn.Parameter(lib.ones(2))
        optimizer = lib.optim.AdamW([p])
        optimizer.load_state_dict(lib.optim.Adam([p], weight_decay=0.5).state_dict())
        return optimizer.state_dict()

    assert same(run)["param_groups"][0]["decoupled_weight_decay"] is True


def test_steps_are_counted_in_double_where_that_is_the_default() -> None:
    def run(lib: Any) -> Any:
        lib.set_default_dtype(lib.float64)
        try:
            p = lib.nn.Parameter(lib.ones(2))
            p.grad = lib.ones(2)
            found = []
            for name, fused in itertools.product(["Adam", "Adagrad"], [None, True]):
                optimizer = getattr(lib.optim, name)([p], fused=fused)
                optimizer.step()
                found.append(str(optimizer.state[p]["step"].dtype))
            return found
        finally:
            lib.set_default_dtype(lib.float32)

    assert same(run) == ["torch.float64", "torch.float32"] * 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", NAMES)
def test_copies_are_independent(name: str, copied: Any) -> None:
    params = start(mg)
    optimizer = getattr(mg.optim, name)(params, **RICH[name])
    set_grads(mg, params, 0)
    optimizer.step()
    before = weights(params)
    twin = copied(optimizer)
    twins = twin.param_groups[0]["params"]
    set_grads(mg, twins, 1)
    twin.step()
    exact = {"rtol": 0.0, "atol": 0.0}
    assert_close(weights(params), before, exact)
    set_grads(mg, params, 1)
    optimizer.step()
    assert_close(weights(twins), weights(params), exact)
    assert_close(states(twin), states(optimizer), exact)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_counts_as_a_write(name: str) -> None:
    """A graph that saved a weight, or a tensor of the state, before the step can't be walked after it."""
    for lib, saved in itertools.product((mg, torch), ("weight", "step", "square")):
        w = lib.nn.Parameter(lib.tensor([1.0, 2.0]))
        optimizer = getattr(lib.optim, name)([w], lr=0.1)
        w.grad = lib.ones(2)
        optimizer.step()
        state = list(optimizer.state[w].values())
        loss = (w * {"weight": w, "step": state[0], "square": state[-1]}[saved]).sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


# ----------------------------------------------------------------------------------------------------- errors


def leaf(t: Any) -> Any:
    return [t.nn.Parameter(t.ones(2))]


def bad(name: str, **options: Any) -> Any:
    return lambda t: getattr(t.optim, name)(leaf(t), **{k: v(t) if callable(v) else v for k, v in options.items()})


ERRORS: dict[str, Any] = {
    **{f"{name}: {option}": bad(name, **{option: -1.0}) for name in NAMES for option in ("lr", "eps", "weight_decay")},
    **{f"{name}: lr nan": bad(name, lr=float("nan")) for name in NAMES},
    **{f"{name}: lr of two": bad(name, lr=lambda t: t.tensor([0.1, 0.2])) for name in NAMES},
    **{f"{name}: negative tensor lr": bad(name, lr=lambda t: t.tensor(-0.5)) for name in NAMES},
    **{f"{name}: unknown": bad(name, dampening=0.1) for name in NAMES},
    **{f"{name}: text": bad(name, lr="fast") for name in NAMES},
    **{f"{name}: nothing to train": lambda t, name=name: getattr(t.optim, name)([]) for name in NAMES},
    **{f"{name}: fused foreach": bad(name, fused=True, foreach=True) for name in FUSED},
    **{f"{name}: fused differ": bad(name, fused=True, differentiable=True) for name in FUSED},
    "beta 1": bad("Adam", betas=(1.0, 0.9)),
    "beta 2": bad("AdamW", betas=(0.9, -0.1)),
    "betas of two kinds": bad("Adam", betas=lambda t: (0.9, t.tensor(0.9))),
    "integer beta": bad("Adam", betas=(0, 0.9)),
    "tensor lr and foreach": bad("Adam", foreach=True, lr=lambda t: t.tensor(0.1)),
    "tensor betas and foreach": bad("Adam", foreach=True, betas=lambda t: (t.tensor(0.1), t.tensor(0.1))),
    **{f"{name}: beta": bad(name, betas=(0.5, 1.0)) for name in ("NAdam",)},
    "momentum_decay": bad("NAdam", momentum_decay=-0.1),
    "momentum": bad("RMSprop", momentum=-0.1),
    "alpha": bad("RMSprop", alpha=-0.1),
    "lr_decay": bad("Adagrad", lr_decay=-1.0),
    "initial_accumulator_value": bad("Adagrad", initial_accumulator_value=-1.0),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    same_error(ERRORS[name], text="text" not in name)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "NAdam"])
def test_capturable_is_refused_on_a_cpu(name: str) -> None:
    def run(lib: Any) -> None:
        params = leaf(lib)
        params[0].grad = lib.ones(2)
        getattr(lib.optim, name)(params, capturable=True).step()

    same_error(run, text=False)
    with pytest.raises(AssertionError, match="capturable=True is for CUDA graphs"):
        run(mg)


@pytest.mark.parametrize("name", NAMES)
def test_differentiable_is_refused(name: str) -> None:
    with pytest.raises(NotImplementedError, match="differentiable=True"):
        getattr(mg.optim, name)(leaf(mg), differentiable=True)
    optimizer = getattr(mg.optim, name)(leaf(mg))
    optimizer.param_groups[0]["differentiable"] = True  # as a loaded state_dict may say
    with pytest.raises(NotImplementedError, match="differentiable=True"):
        optimizer.step()

"""The layers, losses and containers of nn against torch: numbers, random stream, reprs, states, errors."""

from __future__ import annotations

import copy
import itertools
import pickle
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import plain, same, same_error, same_warnings

import minigrad as mg

LIBS = (mg, torch)
DTYPES = ["float32", "float64"]
REDUCTIONS = ["mean", "sum", "none"]
# Sums of at most 60 terms; log and exp of the two libraries differ by an ulp or two.
TOLERANCE = {"float32": {"rtol": 3e-6, "atol": 1e-6}, "float64": {"rtol": 1e-13, "atol": 1e-14}}


def as_tensor(lib: Any, array: Any, dtype: str = "float64") -> Any:
    """A tensor of its own memory; floats get the dtype, ids stay int64."""
    array = np.asarray(array)
    return lib.from_numpy(array.astype(dtype if array.dtype.kind == "f" else np.int64))


def normal(*shape: int, seed: int = 0) -> Any:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def compare(make: Any, inputs: list[Any], dtype: str, seed: int = 4) -> list[Any]:
    """make(lib) gives a module: its result, and from a random cotangent the gradients of all floating-point inputs."""
    found: list[list[Any]] = []
    for lib in LIBS:
        lib.manual_seed(seed)
        module, xs = make(lib), [as_tensor(lib, a, dtype) for a in inputs]
        leaves = [x.requires_grad_() for x in xs if x.is_floating_point()]
        out = module(*xs)
        out.backward(as_tensor(lib, normal(*out.shape, seed=9), dtype))
        assert str(out.dtype) == f"torch.{dtype}"
        found.append([out.detach().numpy(), *(x.grad.numpy() for x in leaves)])
    for mine, theirs in zip(*found, strict=True):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, **TOLERANCE[dtype])
    assert any(np.any(g) for g in found[1][1:])  # a gradient of zeros would let any rule pass
    return found[0]


# --------------------------------------------------------------------------------- activations and flattening


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("name", ["Sigmoid", "Tanh"])
def test_nonlinearities(name: str, shape: tuple[int, ...], dtype: str) -> None:
    compare(lambda t: getattr(t.nn, name)(), [normal(*shape) * 3], dtype)


@pytest.mark.parametrize("name", ["Sigmoid", "Tanh"])
def test_nonlinearities_far_out(name: str) -> None:
    compare(lambda t: getattr(t.nn, name)(), [np.array([-1000.0, -40.0, 0.0, 1e-30, 40.0, 1000.0])], "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "dims"), [((5,), [0, -1]), ((4, 3), [0, 1, -1]), ((2, 3, 4), [0, 1, 2, -3])])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_softmax(name: str, shape: tuple[int, ...], dims: list[int], dtype: str) -> None:
    for dim in dims:
        compare(lambda t, d=dim: getattr(t.nn, name)(d), [normal(*shape) * 5], dtype)


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4), (2, 3, 2, 2)])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_softmax_chooses_a_dim_with_a_warning(name: str, shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    assert len(same_warnings(lambda t: getattr(t.nn, name)()(as_tensor(t, x)))) == 1
    with pytest.warns(UserWarning, match="Implicit dimension choice") as seen:
        getattr(mg.nn, name)()(as_tensor(mg, x))
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare(lambda t: getattr(t.nn, name)(), [x], "float64")


@pytest.mark.parametrize("arguments", [(), (0,), (2,), (1, 2), (0, -2), (-2, -1), (1, 1)])
def test_flatten(arguments: tuple[int, ...]) -> None:
    compare(lambda t: t.nn.Flatten(*arguments), [normal(2, 3, 4, 5)], "float64")
    compare(lambda t: t.nn.Sequential(t.nn.Unflatten(1, (2, 3, -1)), t.nn.Flatten(*arguments)), [normal(2, 12)],
            "float64")


@pytest.mark.parametrize(("dim", "sizes"), [(0, (2, 2)), (1, [3, 1, 2]), (-1, (-1, 3)), (1, (6,))])
def test_unflatten(dim: int, sizes: Any) -> None:
    compare(lambda t: t.nn.Unflatten(dim, sizes), [normal(4, 6)], "float64")
    same(lambda t: repr(t.nn.Unflatten(dim, sizes)))


# ---------------------------------------------------------------------------------------------------- dropout


def drop(lib: Any, x: Any, seed: int, calls: int, p: float, inplace: bool, training: bool) -> list[bytes]:
    """Results and gradients of some calls, and the whole state of the stream after them, bit for bit."""
    lib.manual_seed(seed)
    lib.rand(3)
    layer, seen = lib.nn.Dropout(p, inplace).train(training), []
    for _ in range(calls):
        leaf = lib.from_numpy(x.copy()).requires_grad_()
        out = layer(leaf * 1)
        out.backward(lib.from_numpy(x[::-1].copy()))
        seen += [out.detach().numpy().tobytes(), leaf.grad.numpy().tobytes()]
    return [*seen, lib.get_rng_state().numpy().tobytes(), lib.randn(20).numpy().tobytes()]


@settings(max_examples=60, deadline=None, database=None)
@given(p=st.one_of(st.sampled_from([0, 0.0, 0.1, 0.2, 0.5, 1 / 3, 0.9, 1, 1.0]), st.floats(0, 1)),
       shape=st.lists(st.integers(1, 6), min_size=1, max_size=3), dtype=st.sampled_from(DTYPES),
       inplace=st.booleans(), training=st.sampled_from([True, True, False]), seed=st.integers(0, 2**32 - 1))
def test_dropout_bit_for_bit(p: float, shape: list[int], dtype: str, inplace: bool, training: bool, seed: int) -> None:
    x = normal(*shape, seed=seed % 1000).astype(dtype)
    mine, theirs = (drop(lib, x, seed, 3, p, inplace, training) for lib in LIBS)
    assert mine == theirs


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (1.0, True), (0.5, False)])
def test_dropout_without_a_draw(p: float, training: bool) -> None:
    def run(t: Any) -> Any:
        t.manual_seed(5)
        x = t.ones(3, 2)
        out = t.nn.Dropout(p).train(training)(x)
        before = t.get_rng_state()
        t.manual_seed(5)
        return out is x, out, (before == t.get_rng_state()).all()

    assert same(run)[2] is True


@pytest.mark.parametrize("view", [lambda x: x.T, lambda x: x[:, ::2], lambda x: x.T[::2], lambda x: x[1],
                                  lambda x: x.reshape(2, 3, 4).permute(2, 0, 1), lambda x: x[0, 0], lambda x: x[:0]])
def test_dropout_draws_in_the_order_of_memory(view: Any) -> None:
    def run(t: Any) -> Any:
        t.manual_seed(6)
        x = as_tensor(t, normal(6, 4))
        return t.nn.Dropout(0.4)(view(x)), t.nn.functional.dropout(view(x), 0.4), t.rand(2)

    same(run)


def test_dropout_in_place_and_its_graph() -> None:
    def run(t: Any) -> Any:
        t.manual_seed(7)
        x = t.ones(4, 3)
        y = t.nn.Dropout(0.3, inplace=True)(x)
        z = t.nn.functional.dropout(t.ones(4, requires_grad=True), 0.3)
        zero = t.nn.functional.dropout(t.tensor([1, 2]), 1)
        return y is x, x, z.grad_fn.name(), zero, str(zero.dtype)

    same(run)


def test_one_hot() -> None:
    ids = [[0, 3, 1], [2, 2, 0]]
    same(lambda t: [plain(t.nn.functional.one_hot(t.tensor(ids), *n)) for n in ((), (4,), (7,), (-1,))])
    same(lambda t: (str(t.nn.functional.one_hot(t.tensor(2)).dtype), t.nn.functional.one_hot(t.tensor(2))))
    same(lambda t: list(t.nn.functional.one_hot(t.tensor([], dtype=t.int64), 3).shape))


# ----------------------------------------------------------------------------------------------------- losses


def ids_for(shape: tuple[int, ...], classes: int) -> Any:
    return np.asarray(np.random.default_rng(3).integers(0, classes, shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, (5, 3), (3,), (1,)])
def test_bce_loss(weight: Any, reduction: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    p, y = rng.uniform(0.02, 0.98, (5, 3)), rng.random((5, 3))
    p[0], y[0] = [0.0, 1.0, 1.0], [0.0, 1.0, 0.0]
    y[1] = [1.0, 0.0, 1.0]
    w = None if weight is None else rng.random(weight) + 0.5
    x, target = as_tensor(mg, p, dtype), as_tensor(mg, y, dtype)

    def make(t: Any) -> Any:
        loss = t.nn.BCELoss(None if w is None else as_tensor(t, w, dtype), reduction=reduction)
        return lambda x: loss(x, as_tensor(t, y, dtype))

    compare(make, [p], dtype)
    assert mg.nn.BCELoss(reduction=reduction)(x, target).shape == ((5, 3) if reduction == "none" else ())


CLASSES = {(4,): (), (3, 4): (3,), (3, 4, 2): (3, 2), (2, 3, 2, 2): (2, 2, 2)}


def class_weight(lib: Any, shape: tuple[int, ...], dtype: str) -> Any:
    return as_tensor(lib, np.linspace(0.5, 2, shape[0 if len(shape) == 1 else 1]), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", CLASSES)
@pytest.mark.parametrize(("reduction", "weighted", "ignore", "smoothing"),
                         list(itertools.product(REDUCTIONS, [False, True], [-100, 1], [0.0, 0.2])))
def test_losses_of_class_ids(reduction: str, weighted: bool, ignore: int, smoothing: float, shape: tuple[int, ...],
                             dtype: str) -> None:
    ids = ids_for(CLASSES[shape], shape[0 if len(shape) == 1 else 1])
    if ids.size > 1:
        ids.flat[0] = ignore
    if ids.size == 1 and ids == ignore:
        ids = ids + 1

    def options(t: Any) -> dict[str, Any]:
        return {"weight": class_weight(t, shape, dtype) if weighted else None, "ignore_index": ignore,
                "reduction": reduction}

    compare(lambda t: t.nn.CrossEntropyLoss(label_smoothing=smoothing, **options(t)), [normal(*shape) * 2, ids], dtype)
    if not smoothing:
        dim = 0 if len(shape) == 1 else 1
        compare(lambda t: lambda x, y: t.nn.NLLLoss(**options(t))(t.nn.LogSoftmax(dim)(x), y), [normal(*shape), ids],
                dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", CLASSES)
@pytest.mark.parametrize(("reduction", "weighted", "smoothing"),
                         list(itertools.product(REDUCTIONS, [False, True], [0.0, 0.2])))
def test_cross_entropy_loss_of_probabilities(reduction: str, weighted: bool, smoothing: float, shape: tuple[int, ...],
                                             dtype: str) -> None:
    compare(lambda t: t.nn.CrossEntropyLoss(class_weight(t, shape, dtype) if weighted else None, reduction=reduction,
                                            label_smoothing=smoothing), [normal(*shape), normal(*shape, seed=1) ** 2],
            dtype)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss"])
def test_all_targets_ignored(name: str, reduction: str) -> None:
    def run(t: Any) -> Any:
        x = as_tensor(t, normal(3, 4)).requires_grad_()
        out = getattr(t.nn, name)(reduction=reduction)(x, t.tensor([-100] * 3))
        out.sum().backward()
        return repr(plain(out)).replace("-0.0", "0.0"), repr(plain(x.grad)).replace("-0.0", "0.0")

    same(run)


@pytest.mark.parametrize("arguments", [(False, None), (None, False), (True, True), (False, True), (True, False)])
@pytest.mark.parametrize("name", ["BCELoss", "NLLLoss", "CrossEntropyLoss"])
def test_deprecated_ways_to_say_reduction(name: str, arguments: tuple[Any, Any]) -> None:
    average, reduce = arguments

    def run(t: Any) -> Any:
        return getattr(t.nn, name)(size_average=average, reduce=reduce).reduction

    assert len(same_warnings(run)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(run)


# ----------------------------------------------------------------------------------------- 20 steps of training


def classifier(t: Any) -> Any:
    return t.nn.Sequential(OrderedDict(
        grid=t.nn.Unflatten(1, (2, 3)), flat=t.nn.Flatten(), hidden=t.nn.Linear(6, 8), drop=t.nn.Dropout(0.25),
        tanh=t.nn.Tanh(), middle=t.nn.Linear(8, 8), gate=t.nn.Sigmoid(), out=t.nn.Linear(8, 3)))


def ensemble(t: Any) -> Any:
    """Containers inside a model: what they hold must be trained."""
    nn = t.nn

    class Ensemble(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([nn.Linear(6, 3) for _ in range(3)])
            self.act = nn.ModuleDict({"tanh": nn.Tanh(), "soft": nn.Softmax(dim=1), "drop": nn.Dropout(0.1, True)})
            self.scales = nn.ParameterList([nn.Parameter(t.full((3,), 0.5 + i)) for i in range(3)])

        def forward(self, x: Any) -> Any:
            parts = [self.act[name](part(x)) * s for name, part, s in zip(self.act, self.parts, self.scales,
                                                                          strict=True)]
            return parts[0] + parts[1] + parts[2]

    Ensemble.__qualname__ = "Ensemble"
    return Ensemble()


LOSSES = {
    "CrossEntropyLoss of ids": (lambda t, d: t.nn.CrossEntropyLoss(label_smoothing=0.1), ids_for((10,), 3)),
    "CrossEntropyLoss of probabilities": (lambda t, d: t.nn.CrossEntropyLoss(), np.abs(normal(10, 3, seed=5))),
    "weighted CrossEntropyLoss": (
        lambda t, d: t.nn.CrossEntropyLoss(class_weight(t, (10, 3), d), ignore_index=2), ids_for((10,), 3)),
    "NLLLoss": (lambda t, d: lambda x, y: t.nn.NLLLoss(class_weight(t, (10, 3), d), reduction="sum")(
        t.nn.LogSoftmax(1)(x), y) / 10, ids_for((10,), 3)),
    "BCELoss": (lambda t, d: lambda x, y: t.nn.BCELoss(class_weight(t, (10, 3), d))(t.nn.Sigmoid()(x), y),
                np.round(np.random.default_rng(6).random((10, 3)))),
}


def train(t: Any, model_of: Any, loss_of: Any, target: Any, dtype: str) -> tuple[list[float], dict[str, Any], Any]:
    t.manual_seed(42)
    model, loss = model_of(t).to(getattr(t, dtype)), loss_of(t, dtype)
    x, y = as_tensor(t, normal(10, 6, seed=7), dtype), as_tensor(t, target, dtype)
    optimizer = t.optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
    losses = []
    for step in range(20):
        model.train(step % 5 != 4)
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses, {name: v.numpy() for name, v in model.state_dict().items()}, t.rand(3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("model_of", [classifier, ensemble])
def test_twenty_steps(model_of: Any, name: str, dtype: str) -> None:
    mine, theirs = (train(t, model_of, *LOSSES[name], dtype) for t in LIBS)
    bound = {"rtol": 2e-4, "atol": 2e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(mine[0], theirs[0], **bound)
    assert theirs[0][-1] < theirs[0][0] and list(mine[1]) == list(theirs[1])
    for key, value in theirs[1].items():
        np.testing.assert_allclose(mine[1][key], value, err_msg=key, **bound)
    assert mine[2].tolist() == theirs[2].tolist()  # every later random number too


# ------------------------------------------------------------------------------------------------- containers


def sizes(m: Any) -> Any:
    return [(name, c.out_features) for name, c in m._modules.items()]


def layers(t: Any, n: int, start: int = 1) -> list[Any]:
    return [t.nn.Linear(1, start + i) for i in range(n)]


def test_sequential_as_a_list() -> None:
    def run(t: Any) -> Any:
        Sequential = t.nn.Sequential
        m, named = Sequential(*layers(t, 4)), Sequential(OrderedDict(a=t.nn.Linear(1, 7), b=t.nn.Linear(1, 8)))
        seen = [sizes(m + named), type(m + named).__name__,
                sizes(m[-3:-1]), sizes(m[::-1]), sizes(named[:1]), m[-4] is m[0], m[t.tensor(1)].out_features]
        before = m
        m += named
        m.extend(layers(t, 8, 20))
        popped = m.pop(1), m.pop(-1)
        seen += [m is before, sizes(m), [p.out_features for p in popped], sizes(m.pop(slice(1, 4))), sizes(m)]
        seen += [[c.out_features for c in reversed(list(m))], m[0] in m, named[0] in m, t.nn.ReLU() in m, len(m)]
        return seen, repr(m), list(m.state_dict())

    same(run)


def test_module_list() -> None:
    def run(t: Any) -> Any:
        ModuleList = t.nn.ModuleList
        m = ModuleList(layers(t, 4))
        seen = [sizes(m[1:3]), sizes(m[::-2]), m[-1] is m[3], len(m), sizes(m + layers(t, 2, 10)),
                [c.out_features for c in m], m[2] in m, len(ModuleList()), type(m[:2]).__name__, sizes(m[5:])]
        m.append(t.nn.Linear(1, 20)).extend(layers(t, 2, 30))
        m += (c for c in layers(t, 2, 40))
        seen += [sizes(m), m.insert(1, t.nn.Linear(1, 50)), sizes(m), m.insert(len(m), t.nn.Linear(1, 60)), sizes(m)]
        m[0], m[-2] = t.nn.Linear(1, 70), t.nn.Linear(1, 80)
        seen += [sizes(m), m.pop(-1).out_features, sizes(m.pop(slice(0, 2))), sizes(m)]
        del m[-1]
        del m[::2]
        return seen, sizes(m), list(m.state_dict()), [n for n, _ in m.named_modules()]

    same(run)


def test_module_dict() -> None:
    def run(t: Any) -> Any:
        nn = t.nn
        m = nn.ModuleDict({"one": nn.Linear(1, 1), "two": nn.Linear(1, 2)})
        seen = [list(m), list(m.keys()), [k for k, _ in m.items()], [c.out_features for c in m.values()], len(m),
                "one" in m, "three" in m, 1 in m, m["two"] is m.two, sizes(nn.ModuleDict([("b", m.two), ("a", m.one)])),
                sizes(nn.ModuleDict(m)), len(nn.ModuleDict())]
        m["three"] = nn.Linear(1, 3)
        m["one"] = nn.Linear(1, 10)  # replaced in its place
        m.update({"four": nn.Linear(1, 4), "two": nn.Linear(1, 20)})
        m.update([["five", nn.Linear(1, 5)]])
        seen += [sizes(m), m.update(nn.ModuleDict(dict(six=nn.Linear(1, 6)))), m.pop("three").out_features, sizes(m)]
        del m["one"]
        seen += [sizes(m), repr(m), list(m.state_dict()), hasattr(m, "one")]
        m.clear()
        return seen, len(m), repr(m), list(m.parameters())

    same(run)


def test_parameter_list() -> None:
    def run(t: Any) -> Any:
        Parameter = t.nn.Parameter
        p = t.nn.ParameterList([Parameter(t.zeros(2)), t.ones(2, 3), "text", Parameter(t.tensor(4.0))])
        seen = [len(p), [type(v).__name__ for v in p], p[-1] is p[3], repr(p), [n for n, _ in p.named_parameters()],
                repr(p[1:]), repr(p[::-1]), type(p[:1]).__name__, list(p.state_dict()), "text" in list(p)]
        before = p
        p += [t.full((1,), 7.0)]
        p.append(t.zeros(0, 2)).extend(v for v in [Parameter(t.ones(1)), 5]).extend(p[:1])
        seen += [p is before, len(p), repr(p), list(p.state_dict()), [v.requires_grad for v in p.parameters()]]
        p[0], p[2], p[-2] = t.ones(3), Parameter(t.zeros(1)), 6
        seen += [repr(p), list(p.state_dict()), plain(p[0]), repr(t.nn.ParameterList()), len(t.nn.ParameterList()),
                 repr(t.nn.ParameterList([t.ones(2)])), p[0] is p.get_parameter("0")]
        return seen

    same(run)


def test_parameter_dict() -> None:
    def run(t: Any) -> Any:
        ParameterDict = t.nn.ParameterDict
        p = ParameterDict({"b": t.ones(2), "a": t.nn.Parameter(t.zeros(1, 2)), "s": "text"})
        seen = [repr(p), list(p), repr(p.keys()), [type(v).__name__ for v in p.values()], list(p.state_dict()), len(p),
                [n for n, _ in p.named_parameters()], "a" in p, "z" in p, p.get("z"), p.get("z", 3), p["a"] is p.a]
        p["c"], p["s"] = t.ones(3), t.ones(1)
        p.update(OrderedDict(z=t.ones(1), y=t.ones(1)))
        p.update([("m", t.ones(2))])
        p.update(ParameterDict({"k": t.ones(1)}))
        seen += [repr(p), p.pop("m").shape[0], list(p), hasattr(p, "m"), p.setdefault("n", t.ones(4)).shape[0]]
        del p["k"]
        seen += [list(p), list(p | ParameterDict({"w": t.ones(1)})), p.popitem()[0], list(p)]
        twin = copy.deepcopy(p)
        seen += [repr(twin), p == twin, p == p, len({p, twin}), twin["a"] is p["a"]]
        p.clear()
        return seen, len(p), repr(p), list(p.parameters()), list(twin)

    same(run)


def test_reprs() -> None:
    def run(t: Any) -> list[str]:
        nn = t.nn
        block = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
        modules = [
            nn.Sigmoid(), nn.Tanh(), nn.Softmax(), nn.Softmax(dim=-1), nn.LogSoftmax(1), nn.Dropout(), nn.Dropout(0),
            nn.Dropout(p=0.25, inplace=True), nn.Flatten(), nn.Flatten(0, end_dim=2), nn.Unflatten(1, (2, 3)),
            nn.BCELoss(), nn.BCELoss(t.ones(2), reduction="sum"), nn.NLLLoss(ignore_index=3), nn.CrossEntropyLoss(),
            nn.ModuleList(), nn.ModuleList([nn.ReLU()]), nn.ModuleList([block, nn.ReLU(), nn.ReLU(), block, block]),
            nn.ModuleList([nn.ModuleList([nn.Tanh(), nn.Tanh()]), nn.ModuleDict({"a": block, "b": nn.Sigmoid()})]),
            nn.ModuleDict(), nn.ModuleDict({"list": nn.ModuleList([block] * 3), "p": nn.ParameterList([t.ones(1, 2)])}),
            nn.Sequential(nn.ModuleList([block, block]), nn.Flatten()), ensemble(t), classifier(t)]
        return [repr(m) for m in modules]

    same(run)


@pytest.mark.parametrize("model_of", [classifier, ensemble])
def test_states_go_both_ways(model_of: Any) -> None:
    mine, theirs = model_of(mg), model_of(torch)
    x = normal(4, 6).astype("float32")
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert mine.state_dict()._metadata == theirs.state_dict()._metadata

    def carry(source: Any, lib: Any, target: Any) -> None:
        target.load_state_dict({k: lib.from_numpy(v.numpy().copy()) for k, v in source.state_dict().items()})
        a, b = mine.eval()(mg.from_numpy(x)), theirs.eval()(torch.from_numpy(x))
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-5, atol=1e-6)
        assert plain(list(mine.parameters())) == plain(list(theirs.parameters()))

    carry(mine, torch, theirs)
    with torch.no_grad():
        for p in theirs.parameters():
            p.mul_(-0.5)
    carry(theirs, mg, mine)


def test_weights_of_losses_are_buffers() -> None:
    def run(t: Any) -> Any:
        seen = []
        for name in ("BCELoss", "NLLLoss", "CrossEntropyLoss", "BCEWithLogitsLoss"):
            loss = getattr(t.nn, name)(t.tensor([1.0, 2.0]))
            seen.append([list(loss.state_dict()), [n for n, _ in loss.named_buffers()], loss.weight,
                         str(loss.double().weight.dtype), list(getattr(t.nn, name)().state_dict())])
        loss = t.nn.CrossEntropyLoss(None, None, 3, None, "sum", 0.5)
        return seen, [loss.ignore_index, loss.reduction, loss.label_smoothing, loss.weight], t.nn.NLLLoss().ignore_index

    same(run)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_containers(copied: Any) -> None:
    nn = mg.nn
    m = nn.Sequential(nn.ModuleList([nn.Linear(1, 2)]), nn.ModuleDict({"a": nn.Dropout(0.3)}),
                      nn.ParameterList([mg.ones(2), 3]), nn.CrossEntropyLoss(mg.ones(2)))
    twin = copied(m)
    assert repr(twin) == repr(m) and plain(twin.state_dict()) == plain(m.state_dict()) and len(twin[2]) == 2
    with mg.no_grad():
        twin[2][0].add_(1)
    assert m[2][0].tolist() == [1, 1]


# ----------------------------------------------------------------------------------------------------- errors

SAME_WORDS = {
    "dropout above 1": lambda t: t.nn.Dropout(1.5),
    "dropout below 0": lambda t: t.nn.Dropout(-0.1),
    "dropout of a word": lambda t: t.nn.Dropout("half"),
    "function above 1": lambda t: t.nn.functional.dropout(t.ones(2), 2, training=False),
    "dropout of a list": lambda t: t.nn.Dropout()([1.0]),
    "dropout of a list in eval": lambda t: t.nn.Dropout().eval()([1.0]),
    "Sequential + list": lambda t: t.nn.Sequential() + [t.nn.ReLU()],
    "Sequential index": lambda t: t.nn.Sequential(t.nn.ReLU()).pop(1),
    "ModuleList index": lambda t: t.nn.ModuleList([t.nn.ReLU()])[1],
    "ModuleList index below": lambda t: t.nn.ModuleList([t.nn.ReLU()])[-2],
    "ModuleList assign": lambda t: t.nn.ModuleList().__setitem__(0, t.nn.ReLU()),
    "ModuleList pop": lambda t: t.nn.ModuleList().pop(0),
    "ModuleList call": lambda t: t.nn.ModuleList()(t.ones(1)),
    "ModuleList index of a word": lambda t: t.nn.ModuleList()["0"],
    "ModuleDict key": lambda t: t.nn.ModuleDict()["a"],
    "ModuleDict pop": lambda t: t.nn.ModuleDict().pop("a"),
    "ModuleDict del": lambda t: t.nn.ModuleDict().__delitem__("a"),
    "ModuleDict of a method's name": lambda t: t.nn.ModuleDict({"keys": t.nn.ReLU()}),
    "ModuleDict of an attribute's name": lambda t: t.nn.ModuleDict({"training": t.nn.ReLU()}),
    "ModuleDict call": lambda t: t.nn.ModuleDict()(t.ones(1)),
    "ParameterList index": lambda t: t.nn.ParameterList()[0],
    "ParameterList index below": lambda t: t.nn.ParameterList([t.ones(1)])[-2],
    "ParameterList assign": lambda t: t.nn.ParameterList().__setitem__(0, t.ones(1)),
    "ParameterList of a tensor": lambda t: t.nn.ParameterList(t.ones(3)),
    "ParameterList call": lambda t: t.nn.ParameterList()(1),
    "NLLLoss reduction": lambda t: t.nn.NLLLoss(reduction="avg")(t.ones(1, 2), t.tensor([0])),
    "CrossEntropyLoss reduction": lambda t: t.nn.CrossEntropyLoss(reduction="avg")(t.ones(1, 2), t.tensor([0])),
    "CrossEntropyLoss batch": lambda t: t.nn.CrossEntropyLoss()(t.ones(3, 2), t.tensor([1, 0])),
    "CrossEntropyLoss smoothing": lambda t: t.nn.CrossEntropyLoss(label_smoothing=1.5)(t.ones(1, 2), t.tensor([0])),
}
OWN_WORDS = {
    "dropout of ints": lambda t: t.nn.Dropout()(t.tensor([1, 2])),
    "dropout with nan": lambda t: t.nn.Dropout(float("nan"))(t.ones(2)),
    "dropout into a leaf": lambda t: t.nn.Dropout(inplace=True)(t.ones(2, requires_grad=True)),
    "flatten backwards": lambda t: t.nn.Flatten(2, 1)(t.ones(2, 2, 2)),
    "flatten dim": lambda t: t.nn.Flatten(3)(t.ones(2)),
    "unflatten float": lambda t: t.nn.Unflatten(1, (2.0, 2)),
    "unflatten int": lambda t: t.nn.Unflatten(1, 4),
    "unflatten size": lambda t: t.nn.Unflatten(1, (2, 3))(t.ones(2, 5)),
    "unflatten -1": lambda t: t.nn.Unflatten(1, (2, -1))(t.ones(2, 5)),
    "unflatten dim": lambda t: t.nn.Unflatten(2, (2,))(t.ones(2, 2)),
    "softmax dim": lambda t: t.nn.Softmax(2)(t.ones(2, 2)),
    "log_softmax dim": lambda t: t.nn.LogSoftmax(-3)(t.ones(2, 2)),
    "Sequential * 1.5": lambda t: t.nn.Sequential() * 1.5,
    "Sequential += list": lambda t: t.nn.Sequential().__iadd__([]),
    "ModuleList of int": lambda t: t.nn.ModuleList(5),
    "ModuleList + int": lambda t: t.nn.ModuleList() + 5,
    "ModuleList append": lambda t: t.nn.ModuleList().append(5),
    "ModuleList assign int": lambda t: t.nn.ModuleList([t.nn.ReLU()]).__setitem__(0, 5),
    "ModuleDict of int": lambda t: t.nn.ModuleDict(5),
    "ModuleDict of ints": lambda t: t.nn.ModuleDict([5]),
    "ModuleDict of triples": lambda t: t.nn.ModuleDict([("a", t.nn.ReLU(), 1)]),
    "ModuleDict of int names": lambda t: t.nn.ModuleDict({1: t.nn.ReLU()}),
    "ModuleDict of a dotted name": lambda t: t.nn.ModuleDict({"a.b": t.nn.ReLU()}),
    "ModuleDict of values": lambda t: t.nn.ModuleDict({"a": 1}),
    "ParameterList of int": lambda t: t.nn.ParameterList(5),
    "ParameterDict of int": lambda t: t.nn.ParameterDict(5),
    "ParameterDict call": lambda t: t.nn.ParameterDict()(1),
    "ParameterDict del": lambda t: t.nn.ParameterDict().__delitem__("a"),
    "ParameterDict of int names": lambda t: t.nn.ParameterDict().__setitem__(1, t.ones(1)),
    "ParameterList of int tensor": lambda t: t.nn.ParameterList([t.tensor([1])]),
    "ParameterList overwritten": lambda t: t.nn.ParameterList([t.ones(1)]).__setitem__(0, 5),
    "BCELoss outside": lambda t: t.nn.BCELoss()(t.tensor([1.5]), t.tensor([1.0])),
    "BCELoss sizes": lambda t: t.nn.BCELoss()(t.ones(2), t.ones(2, 1)),
    "CrossEntropyLoss class": lambda t: t.nn.CrossEntropyLoss()(t.ones(1, 2), t.tensor([2])),
    "NLLLoss class": lambda t: t.nn.NLLLoss()(t.ones(1, 2), t.tensor([2])),
    "NLLLoss floats": lambda t: t.nn.NLLLoss()(t.ones(2, 2), t.ones(2)),
    "NLLLoss weight": lambda t: t.nn.NLLLoss(t.ones(3))(t.ones(1, 2), t.tensor([0])),
    "loss weight": lambda t: t.nn.CrossEntropyLoss(weight=[1.0, 2.0]),
    "one_hot of floats": lambda t: t.nn.functional.one_hot(t.ones(2)),
    "one_hot of int32": lambda t: t.nn.functional.one_hot(t.ones(2, dtype=t.int32)),
    "one_hot negative": lambda t: t.nn.functional.one_hot(t.tensor([-1])),
    "one_hot too large": lambda t: t.nn.functional.one_hot(t.tensor([3]), 3),
    "one_hot of nothing": lambda t: t.nn.functional.one_hot(t.tensor([], dtype=t.int64)),
    "one_hot of nothing in 0 classes": lambda t: t.nn.functional.one_hot(t.tensor([], dtype=t.int64), 0),
    "one_hot in 0 classes": lambda t: t.nn.functional.one_hot(t.tensor([0]), 0),
}


@pytest.mark.parametrize("name", [*SAME_WORDS, *OWN_WORDS])
def test_errors_are_torchs(name: str) -> None:
    same_error(SAME_WORDS.get(name) or OWN_WORDS[name], text=name in SAME_WORDS)

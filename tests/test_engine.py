"""The engine: order of the walk, depth, freed graphs, cycles, who owns which memory, modes, errors."""

from __future__ import annotations

import copy
import gc
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import minigrad
from minigrad import engine
from minigrad.modes import mode

BOTH = pytest.mark.parametrize("lib", [minigrad, torch], ids=["minigrad", "torch"])


def leaf(lib: Any, values: Any) -> Any:
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def message(call: Any) -> tuple[type, str]:
    """What a call raises."""
    with pytest.raises(Exception) as info:
        call()
    return info.type, str(info.value)


# ------------------------------------------------------------------------------------------------ the walk


def test_paths_that_meet_add_up() -> None:
    x = leaf(minigrad, 3.0)
    a = x * x
    b = a * x + a  # x^3 + x^2, with `a` reached by two paths of different length
    b.backward()
    assert x.grad.item() == 3 * 9 + 2 * 3


def test_nodes_are_walked_newest_first() -> None:
    x = leaf(minigrad, 2.0)
    y = x
    for _ in range(20):  # every level uses the one before twice: a wrong order pulls through half-finished sums
        y = y * y / y + y
    y.backward()
    assert x.grad.item() == 2.0**20


def test_a_chain_of_a_million_ops() -> None:
    x = leaf(minigrad, 1.0)
    y = x
    gc.disable()  # it takes half as long again to look through the chain, and finds nothing
    try:
        for _ in range(1_000_000):
            y = y + 0
        y.backward()
        assert x.grad.item() == 1
        del y  # freeing the chain must not recurse either
    finally:
        gc.enable()


def test_only_what_leads_to_the_inputs_is_walked() -> None:
    x, w = leaf(minigrad, [1.0, 2.0]), leaf(minigrad, 3.0)
    costly = (w * 2).exp()
    costly.backward()  # its graph is freed now
    (g,) = minigrad.autograd.grad((x * x).sum() + costly, x)  # would raise if it went there
    assert g.tolist() == [2, 4]
    assert w.grad is not None and x.grad is None


def test_backward_with_inputs_touches_no_other_leaf() -> None:
    for lib in (minigrad, torch):
        x, w = leaf(lib, [1.0, 2.0]), leaf(lib, [3.0, 4.0])
        (x * w).sum().backward(inputs=[w])
        assert x.grad is None and w.grad.tolist() == [1, 2]


def test_source_lines_only_where_asked_for() -> None:
    x = leaf(minigrad, 1.0)
    assert (x * 2).node.source is None
    mode.source = True
    try:
        node = (x * 2).node
    finally:
        del mode.source
    assert node.source[0] == __file__


# ------------------------------------------------------------------------------------------------- freeing


@BOTH
@pytest.mark.parametrize("f", [lambda x: x * 2, lambda x: x.exp(), lambda x: x**2, lambda x: x / 3, lambda x: x.relu()])
def test_a_second_backward_through_saved_values_is_refused(lib: Any, f: Any) -> None:
    y = f(leaf(lib, [1.0, 2.0]))
    y.backward(lib.ones_like(y))
    kind, text = message(lambda: y.backward(lib.ones_like(y)))
    assert kind is RuntimeError and "Trying to backward through the graph a second time" in text


@BOTH
@pytest.mark.parametrize("f", [lambda x: x + 1, lambda x: x.sum(), lambda x: x.view(2, 1), lambda x: x[0:1]])
def test_ops_that_save_nothing_can_run_backward_again(lib: Any, f: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    y = f(x)
    for _ in range(2):
        y.backward(lib.ones_like(y))
    assert x.grad.max().item() == 2


def test_the_error_names_the_op() -> None:
    y = leaf(minigrad, [1.0]).tanh()
    y.backward(minigrad.ones(1, dtype=minigrad.float64))
    assert "tanh" in message(lambda: y.backward(minigrad.ones(1)))[1]


@BOTH
def test_retain_graph(lib: Any) -> None:
    x = leaf(lib, 3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12
    with pytest.raises(RuntimeError):
        y.backward()


def test_what_no_rule_names_is_not_kept_alive() -> None:
    x = leaf(minigrad, np.ones((3, 4)).tolist())
    kept = {"sum": x.sum(), "add": x + x, "tanh": x.tanh(), "mul": x * 2, "mean": x.mean()}
    assert kept["sum"].node.saved == ((0, 1), False, (3, 4))  # the shape, not the array
    assert kept["add"].node.saved == ()
    assert kept["tanh"].node.saved[0] is kept["tanh"].array
    assert kept["mul"].node.saved == (2,)  # x itself is not needed: 2 has no gradient
    data = minigrad.ones(3, 4, dtype=minigrad.float64)
    assert [v is data.array for v in (x * data).node.saved] == [True]


def test_no_reference_cycles() -> None:
    """Reference counting alone frees a graph: gc finds nothing after training steps."""
    model = minigrad.nn.Sequential(minigrad.nn.Linear(3, 4), minigrad.nn.ReLU(), minigrad.nn.Linear(4, 1))
    optimizer = minigrad.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    x, y = minigrad.randn(5, 3), minigrad.randn(5, 1)

    def step() -> None:
        hidden = model[0](x)
        hidden.retain_grad()
        loss = minigrad.nn.functional.mse_loss(model[2](model[1](hidden)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        (g,) = minigrad.autograd.grad((model[0](x) ** 2).sum(), model[0].weight, create_graph=True)
        g.sum().backward()

    step()
    gc.collect()
    gc.disable()
    try:
        step()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_dropped_graph_is_gone_at_once() -> None:
    class Watched(np.ndarray):
        pass

    array = np.ones(3).view(Watched)
    x = minigrad.from_numpy(array)
    w = leaf(minigrad, [1.0, 2.0, 3.0])
    y = (w * x).sum()
    watch = weakref.ref(array)
    del array, x
    assert watch() is not None  # the node needs it
    del y
    assert watch() is None


# --------------------------------------------------------------------------------------- who owns a gradient


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: a.view(2, 1).view(2) + b,
        lambda a, b: (a + b).reshape(1, 2).t(),
        lambda a, b: a.expand(2) + b.clone(),
        lambda a, b: minigrad.cat([a, b]),
    ],
)
def test_gradients_share_memory_with_nothing(f: Any) -> None:
    a, b = leaf(minigrad, [1.0, 2.0]), leaf(minigrad, [3.0, 4.0])
    out = f(a, b)
    cotangent = minigrad.ones(*out.shape, dtype=minigrad.float64)
    out.backward(cotangent)
    arrays = [a.grad.array, b.grad.array, a.array, b.array, cotangent.array, out.array]
    for i, one in enumerate(arrays[:2]):
        assert one.flags.writeable
        assert not any(np.shares_memory(one, other) for j, other in enumerate(arrays) if j != i)


@BOTH
def test_accumulation_is_in_place(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    (x * 2).sum().backward()
    g = x.grad
    (x * 3).sum().backward()
    assert x.grad is g and g.tolist() == [5, 5]


@BOTH
def test_a_gradient_outlives_requires_grad(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    (x * 2).sum().backward()
    g = x.grad
    x.requires_grad_(False)
    assert x.grad is g
    x.requires_grad_()
    (x * 3).sum().backward()
    assert x.grad is g and g.tolist() == [5, 5]


@BOTH
def test_gradients_arrive_in_the_shape_and_dtype_of_the_leaf(lib: Any) -> None:
    x = lib.ones(3, 1, dtype=lib.float32, requires_grad=True)
    y = lib.ones(2, 1, 4, dtype=lib.float64, requires_grad=True)
    (x * y).sum().backward()
    assert (tuple(x.grad.shape), x.grad.dtype, x.grad[0].item()) == ((3, 1), lib.float32, 8)
    assert (tuple(y.grad.shape), y.grad.dtype) == ((2, 1, 4), lib.float64)


@BOTH
def test_grad_can_be_set_and_cleared(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    assert x.grad is None
    x.grad = lib.tensor([1.0, 1.0], dtype=lib.float64)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3, 3]
    x.grad = None
    assert x.grad is None
    assert message(lambda: setattr(x, "grad", lib.ones(3, dtype=lib.float64)))[0] is RuntimeError
    assert message(lambda: setattr(x, "grad", 1))[0] is TypeError
    assert message(lambda: setattr(x, "grad", lib.ones(2)))[0] is RuntimeError


@BOTH
def test_gradients_of_tensors_that_are_not_leaves(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    y, z = x * 2, x * 3
    y.retain_grad()
    (y * z).sum().backward()
    assert y.grad.tolist() == [3, 6] and y.retains_grad
    with pytest.warns(UserWarning, match="not a leaf Tensor"):
        assert z.grad is None


@BOTH
def test_retained_gradients_are_counted_once(lib: Any) -> None:
    x = leaf(lib, 2.0)
    y = x * 3
    y.retain_grad()
    (y * y).backward(inputs=[y])
    assert y.grad.item() == 12
    z = x * x
    z.grad = lib.ones((), dtype=lib.float64)  # kept, but nothing is added to it
    z.backward()
    assert z.grad.item() == 1


@BOTH
def test_grad_of_an_intermediate_leaves_the_rest_of_the_graph(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    b = (x * 2).exp()
    (g,) = lib.autograd.grad(b.sum(), b)
    b.sum().backward()
    assert g.tolist() == [1, 1] and x.grad is not None


@BOTH
def test_del_grad(lib: Any) -> None:
    x = leaf(lib, 1.0)
    (x * 2).backward()
    del x.grad
    assert x.grad is None


# --------------------------------------------------------------------------------------------- second order


@BOTH
def test_create_graph_and_accumulated_gradients(lib: Any, request: pytest.FixtureRequest) -> None:
    torch.set_warn_always(True)  # torch warns once a process otherwise
    request.addfinalizer(lambda: torch.set_warn_always(False))
    x = leaf(lib, [1.0, 2.0])
    with pytest.warns(UserWarning, match="create a reference cycle"):
        (x**3).sum().backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    first.sum().backward()
    assert x.grad.tolist() == [3 + 6, 12 + 12]


@BOTH
def test_third_derivative(lib: Any) -> None:
    x = leaf(lib, 2.0)
    y = x**4
    for expected in (32, 48, 48, 24):
        (y,) = lib.autograd.grad(y, x, create_graph=True)
        assert y.item() == expected


@BOTH
def test_gradient_with_respect_to_the_cotangent(lib: Any) -> None:
    x, v = leaf(lib, [1.0, 2.0]), leaf(lib, [3.0, 5.0])
    (g,) = lib.autograd.grad(x**2, x, v, create_graph=True)
    (back,) = lib.autograd.grad(g, v, lib.ones(2, dtype=lib.float64))
    assert back.tolist() == [2, 4]


# --------------------------------------------------------------------------------------------------- errors


@BOTH
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda lib, x: x.backward(), "grad can be implicitly created only for scalar outputs"),
        (lambda lib, x: lib.ones(1).backward(), "does not require grad and does not have a grad_fn"),
        (lambda lib, x: x.backward(lib.ones(3)), "Mismatch in shape: grad_output[0] has a shape of torch.Size([3])"),
        (
            lambda lib, x: lib.autograd.grad(x.sum(), lib.ones(2)),
            "One of the differentiated Tensors does not require grad",
        ),
        (lambda lib, x: lib.autograd.grad(x.sum(), lib.ones(2, requires_grad=True)), "appears to not have been used"),
        (lambda lib, x: lib.ones(2, dtype=lib.int64, requires_grad=True), "Only Tensors of floating point"),
        (lambda lib, x: setattr(x * 2, "requires_grad", False), "you can only change requires_grad flags of leaf"),
        (lambda lib, x: x.numpy(), "Can't call numpy() on Tensor that requires grad"),
        (lambda lib, x: copy.deepcopy(x * 2), "Only Tensors created explicitly by the user"),
        (lambda lib, x: lib.ones(2).retain_grad(), "can't retain_grad on Tensor that has requires_grad=False"),
    ],
)
def test_errors_are_torchs(lib: Any, call: Any, words: str) -> None:
    kind, text = message(lambda: call(lib, leaf(lib, [1.0, 2.0])))
    assert kind is RuntimeError and words in text


@BOTH
def test_unused_inputs(lib: Any) -> None:
    x, unused = leaf(lib, [1.0]), leaf(lib, [1.0, 2.0])
    assert lib.autograd.grad(x.sum(), [x, unused], allow_unused=True)[1] is None
    assert lib.autograd.grad(x.sum(), [x, unused], materialize_grads=True)[1].tolist() == [0, 0]


@BOTH
def test_only_inputs_changes_nothing(lib: Any) -> None:
    x, w = leaf(lib, [1.0]), leaf(lib, [2.0])
    assert lib.autograd.grad(x * w, x, None, None, False, True)[0].tolist() == [2]
    with pytest.warns(FutureWarning, match="only_inputs argument is deprecated"):
        assert lib.autograd.grad(x * w, x, only_inputs=False)[0].tolist() == [2]
    assert w.grad is None


# ---------------------------------------------------------------------------------------------------- modes


@BOTH
def test_modes_nest_and_decorate(lib: Any) -> None:
    x = leaf(lib, 1.0)

    @lib.no_grad()
    def quiet() -> bool:
        with lib.enable_grad():
            assert (x * 2).requires_grad
        return (x * 2).requires_grad

    @lib.no_grad
    def bare() -> bool:
        return (x * 2).requires_grad

    assert not quiet() and not bare() and lib.is_grad_enabled()
    with lib.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    lib.set_grad_enabled(False)
    assert not lib.is_grad_enabled()
    lib.set_grad_enabled(True)
    with pytest.raises(ZeroDivisionError), lib.no_grad():
        1 / 0  # noqa: B018
    assert lib.is_grad_enabled()


@BOTH
def test_a_decorated_generator_does_not_leak_its_mode(lib: Any) -> None:
    @lib.no_grad()
    def states() -> Any:
        for _ in range(2):
            yield lib.is_grad_enabled()

    for inside in states():
        assert not inside and lib.is_grad_enabled()

    @lib.no_grad()
    def echo() -> Any:
        got = yield 1
        return (yield got)

    talk = echo()
    assert next(talk) == 1 and talk.send(5) == 5


@BOTH
def test_a_decorator_is_reentrant(lib: Any) -> None:
    @lib.no_grad()
    def down(n: int) -> None:
        if n:
            down(n - 1)
        assert not lib.is_grad_enabled()

    down(3)
    assert lib.is_grad_enabled()


@BOTH
def test_inference_tensors(lib: Any) -> None:
    w = leaf(lib, [1.0, 2.0])
    with lib.inference_mode():
        t = lib.ones(2, dtype=lib.float64)
        t.add_(1)
        assert lib.is_inference_mode_enabled() and not (w * 2).requires_grad
    assert t.is_inference() and lib.is_grad_enabled()
    assert (w + t).requires_grad  # nothing has to be saved for a sum
    assert "Inference tensors cannot be saved for backward" in message(lambda: w * t)[1]
    assert "Inplace update to inference tensor" in message(lambda: t.add_(1))[1]
    assert "Setting requires_grad=True on inference tensor" in message(lambda: t.requires_grad_())[1]
    assert (w * t.clone()).requires_grad
    assert t[:1].is_inference() and "Inference tensors" in message(lambda: w[:1] * t[:1])[1]
    with lib.inference_mode(), lib.enable_grad():
        assert not (w * 2).requires_grad


def test_each_thread_has_its_own_mode() -> None:
    seen = []
    with minigrad.no_grad():
        thread = threading.Thread(target=lambda: seen.append(minigrad.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_no_warning_escapes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minigrad\.")  # what minigrad itself sets
        x = minigrad.tensor([0.0, -1.0, 1e30], requires_grad=True)
        (x.log() + x.exp() + x / 0 + x.sqrt()).sum().backward()
    assert not np.isfinite(x.grad.numpy()).all()


def test_entry_points_are_the_engines() -> None:
    assert issubclass(minigrad.Tensor, engine.TensorCore)
    assert type(minigrad.ones(1)).__module__ == "torch" and repr(minigrad.Tensor) == "<class 'torch.Tensor'>"

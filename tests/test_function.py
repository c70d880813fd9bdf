"""torch.autograd.Function: every program here runs on torch too, and both must give the same."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import plain, same, same_error

import minigrad
from minigrad.autograd import function

BOTH = pytest.mark.parametrize("lib", [minigrad, torch], ids=["minigrad", "torch"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def leaf(lib: Any, values: Any, dtype: str = "float64") -> Any:
    return lib.tensor(values, dtype=getattr(lib, dtype), requires_grad=True)


def made(lib: Any, forward: Any, backward: Any, name: str = "Mine", **more: Any) -> Any:
    """A Function class from its two functions; `apply` of it is returned."""
    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type(name, (lib.autograd.Function,), {**parts, **more}).apply


def cube(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * 3 * x**2

    return made(lib, forward, backward, "Cube")


def exp(lib: Any) -> Any:
    """Saves its output; the second derivative goes through it."""
    def forward(ctx: Any, x: Any) -> Any:
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    def backward(ctx: Any, g: Any) -> Any:
        (out,) = ctx.saved_tensors
        return g * out

    return made(lib, forward, backward, "Exp")


def sum_and_product(lib: Any) -> Any:
    """Two inputs, a number, two outputs."""
    def forward(ctx: Any, x: Any, k: int, y: Any) -> Any:
        ctx.save_for_backward(x, y)
        ctx.k = k
        return x + k * y, x * y

    def backward(ctx: Any, g: Any, h: Any) -> Any:
        x, y = ctx.saved_tensors
        return g + h * y, None, g * ctx.k + h * x

    return made(lib, forward, backward, "SumAndProduct")


# ------------------------------------------------------------------------------------------------ gradients


@DTYPES
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0)])
@pytest.mark.parametrize("function", [cube, exp])
def test_first_and_second_derivatives(function: Any, shape: tuple[int, ...], dtype: str) -> None:
    values, cotangent, second = np.random.default_rng(1).normal(size=(3, *shape))

    def run(lib: Any) -> Any:
        x = leaf(lib, values, dtype)
        v, w = (lib.tensor(c, dtype=getattr(lib, dtype)) for c in (cotangent, second))
        y = function(lib)(x * 1)
        (g,) = lib.autograd.grad(y, x, v, create_graph=True)
        (h,) = lib.autograd.grad(g, x, w)
        return [y, g, h]

    for ours, theirs in zip(run(minigrad), run(torch), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), 1e-6)
        assert str(ours.dtype) == str(theirs.dtype) and ours.requires_grad == theirs.requires_grad


@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)])
def test_several_outputs(used: tuple[int, ...]) -> None:
    def run(lib: Any) -> Any:
        x, y = leaf(lib, [1.5, -2.0]), leaf(lib, [[3.0, 0.5], [0.25, 4.0]])  # x is broadcast
        outs = sum_and_product(lib)(x, 3, y)
        total = sum((outs[i] * lib.tensor([1.0, 10.0])).sum() for i in used)
        first = lib.autograd.grad(total, [x, y], create_graph=True)
        second = lib.autograd.grad((first[0] * first[0]).sum() + first[1].sum(), [x, y], allow_unused=True)
        total.backward()
        return first, second, x.grad, y.grad

    same(run)


def test_only_what_is_asked_for() -> None:
    def run(lib: Any) -> Any:
        seen = []

        def backward(ctx: Any, g: Any) -> Any:
            seen.append(ctx.needs_input_grad)
            return g * 2, g * 3

        f = made(lib, lambda ctx, x, y: x * 2 + y * 3, backward)
        x, y, c = leaf(lib, [1.0]), leaf(lib, [2.0]), lib.ones(1)
        f(x, y).backward(lib.ones(1))
        f(x, c).backward(lib.ones(1))
        return seen, x.grad, y.grad, lib.autograd.grad(f(x * 1, y), y), f(c, c).requires_grad, c.grad

    same(run)


def test_none_means_no_gradient() -> None:
    def run(lib: Any) -> Any:
        x, y = leaf(lib, [1.0, 2.0]), leaf(lib, [3.0, 4.0])
        made(lib, lambda ctx, x, y: x * y, lambda ctx, g: (None, g * 5))(x, y).sum().backward()
        return x.grad, y.grad

    assert same(run)[0] is None


def test_a_single_gradient_in_a_tuple_and_surplus_nones() -> None:
    for backward in (lambda ctx, g: (g,), lambda ctx, g: (g, None), lambda ctx, g: [g][0]):
        def run(lib: Any, backward: Any = backward) -> Any:
            x = leaf(lib, [1.0])
            made(lib, lambda ctx, x: x * 1, backward)(x).backward()
            return x.grad

        same(run)


def test_gradients_are_fitted_to_their_inputs() -> None:
    def run(lib: Any) -> Any:
        x = leaf(lib, [1.0, 2.0], "float32")
        f = made(lib, lambda ctx, x: x * 1, lambda ctx, g: lib.ones(3, 2, dtype=lib.float64) * g)
        f(x).sum().backward()
        return x.grad, str(x.grad.dtype)

    same(run)


def test_materialized_gradients() -> None:
    def run(lib: Any) -> Any:
        seen = []

        def forward(ctx: Any, x: Any, materialize: bool) -> Any:
            ctx.set_materialize_grads(materialize)
            return x * 1, x * 2, (x * 2).long(), None, 7

        def backward(ctx: Any, *grads: Any) -> Any:
            seen.append([g if g is None else (plain(g), str(g.dtype)) for g in grads])
            return grads[1], None

        x = leaf(lib, [1.0, 2.0])
        for materialize in (True, False):
            outs = made(lib, forward, backward)(x, materialize)
            outs[1].sum().backward()
            seen.append([outs[3], outs[4], outs[2].requires_grad])
        return seen, x.grad

    same(run)


def test_outputs_without_a_gradient() -> None:
    def run(lib: Any) -> Any:
        def forward(ctx: Any, x: Any) -> Any:
            top = x.max()
            ctx.mark_non_differentiable(top)
            return x * 2, top

        x = leaf(lib, [1.0, 5.0])
        y, top = made(lib, forward, lambda ctx, g, h: g * 2 + h)(x)
        y.sum().backward()
        return top, top.requires_grad, y.requires_grad, x.grad

    same(run)


def test_setup_context() -> None:
    def run(lib: Any) -> Any:
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(inputs[0], output)
            ctx.n = inputs[1]

        f = made(lib, lambda x, n: x**n, lambda ctx, g: (g * ctx.n * ctx.saved_tensors[1] / ctx.saved_tensors[0], None),
                 setup_context=staticmethod(setup_context))
        x = leaf(lib, [2.0, 3.0])
        (g,) = lib.autograd.grad(f(x, 3).sum(), x, create_graph=True)
        return g, lib.autograd.grad(g.sum(), x)

    same(run)


def test_grad_mode_in_forward_and_backward() -> None:
    def run(lib: Any) -> Any:
        seen = []

        def forward(ctx: Any, x: Any) -> Any:
            seen.append((lib.is_grad_enabled(), x.requires_grad, (x * 1).requires_grad))
            return x * 2

        def backward(ctx: Any, g: Any) -> Any:
            seen.append(lib.is_grad_enabled())
            with lib.enable_grad():  # a rule may use autograd itself
                inner = g.detach().requires_grad_()
                (twice,) = lib.autograd.grad((inner * inner).sum(), inner)
            return twice

        x, f = leaf(lib, [3.0]), made(lib, forward, backward)
        f(x).backward()
        lib.autograd.grad(f(x), x, create_graph=True)
        with lib.no_grad():
            seen.append(f(x).requires_grad)
        return seen, x.grad

    same(run)


def test_a_straight_through_estimator_in_a_network() -> None:
    def run(lib: Any) -> Any:
        step = made(lib, lambda ctx, x: (x > 0).to(x.dtype), lambda ctx, g: g.clamp(-1, 1), "Step")
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Linear(4, 1))
        optimizer = lib.optim.SGD(model.parameters(), lr=0.1)
        losses = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = ((model[1](step(model[0](lib.ones(2, 3)))) - 3) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    np.testing.assert_allclose(run(minigrad), run(torch), 1e-5)


# ------------------------------------------------------------------------------------------------ memory


@BOTH
def test_gradients_own_their_memory(lib: Any) -> None:
    """backward returns one tensor twice, and a saved one: the leaves' gradients must not be those."""
    def forward(ctx: Any, x: Any, y: Any, z: Any) -> Any:
        ctx.save_for_backward(z)
        return x + y + z

    x, y, z = (leaf(lib, [1.0, 2.0]) for _ in range(3))
    f = made(lib, forward, lambda ctx, g: (g, g, ctx.saved_tensors[0]))
    for _ in range(2):  # the second adds in place
        f(x, y, z).sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == [2, 2] and z.grad.tolist() == [2, 4] and z.tolist() == [1, 2]


@BOTH
def test_an_output_that_is_an_input(lib: Any) -> None:
    reverse = made(lib, lambda ctx, x: x.view_as(x), lambda ctx, g: -g)
    same_object = made(lib, lambda ctx, x: x, lambda ctx, g: -g)
    for f in (reverse, same_object):
        x = leaf(lib, [1.0, 2.0])
        y = f(x)
        assert y is not x and type(y.grad_fn).__name__ == "MineBackward"
        (y * 3).sum().backward()
        assert x.grad.tolist() == [-3, -3] and x.is_leaf


def test_saved_tensors_are_watched() -> None:
    for written in ("input", "output"):
        def run(lib: Any, written: str = written) -> Any:
            x = leaf(lib, [1.0, 2.0]) * 1
            y = cube(lib)(x) if written == "input" else exp(lib)(x)
            z = y * 1
            (x if written == "input" else y).add_(1)
            z.sum().backward()

        same_error(run, text=False)
        with pytest.raises(RuntimeError, match="modified by an inplace operation: (Cube|Exp)Backward saved its"):
            run(minigrad)


def test_freed_and_retained() -> None:
    def run(lib: Any) -> Any:
        x = leaf(lib, [1.0, 2.0])
        y = cube(lib)(x).sum()
        y.backward(retain_graph=True)
        y.backward()
        free = made(lib, lambda ctx, x: x * 2, lambda ctx, g: g * 2)(x).sum()  # saves nothing
        free.backward()
        free.backward()
        return x.grad

    same(run)

    def twice(lib: Any) -> None:
        y = cube(lib)(leaf(lib, 1.0))
        y.backward()
        y.backward()

    same_error(twice, text=False)


def test_a_graph_that_nobody_holds_is_freed_at_once() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(minigrad, [1.0, 2.0])
        seen = []
        for f in (cube, exp):
            y = f(minigrad)(x)
            seen.append(weakref.ref(y.node.call.ctx))
            (g,) = minigrad.autograd.grad(y.sum(), x, create_graph=True)
            del y, g
        assert [ref() for ref in seen] == [None, None]
    finally:
        gc.enable()


def test_writing_to_an_input() -> None:
    def double_in_place(lib: Any) -> Any:
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            x.mul_(2)
            ctx.save_for_backward(x)
            return x

        return made(lib, forward, lambda ctx, g: g * 2 + 0 * ctx.saved_tensors[0])

    def run(lib: Any) -> Any:
        x = leaf(lib, [1.0, 2.0])
        a = x * 1
        a.retain_grad()
        y = double_in_place(lib)(a)
        (y * lib.tensor([1.0, 10.0])).sum().backward()
        base = x * 1
        double_in_place(lib)(base[:1])
        (base * lib.tensor([1.0, 10.0])).sum().backward()
        return y is a, y, base, x.grad, a.grad

    same(run)
    same_error(lambda lib: double_in_place(lib)(leaf(lib, [1.0])), text=False)

    def not_returned(lib: Any) -> None:
        made(lib, lambda ctx, x: (ctx.mark_dirty(x), x * 2)[1], None)(leaf(lib, [1.0]) * 1)

    same_error(not_returned)


# ------------------------------------------------------------------------------------------------ errors, names


@pytest.mark.parametrize(
    "backward",
    [
        lambda ctx, g: g,
        lambda ctx, g: (g, g, g),
        lambda ctx, g: (g[:1], None),
        lambda ctx, g: (g.reshape(1, 2).expand(3, 2)[:, :1], None),
        lambda ctx, g: (3.0, None),
        lambda ctx, g: (g, g),
        lambda ctx, g: 1 / 0,
    ],
    ids=["too few", "too many", "shape", "shape 2", "no tensor", "for a number", "the user's own"],
)
def test_errors_in_backward(backward: Any) -> None:
    same_error(lambda lib: made(lib, lambda ctx, x, k: x * k, backward)(leaf(lib, [1.0, 2.0]), 2).sum().backward())


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: made(lib, lambda ctx, x: ctx.save_for_backward(x, 3), None)(leaf(lib, 1.0)),
        lambda lib: type("Empty", (lib.autograd.Function,), {}).apply(leaf(lib, 1.0)),
        lambda lib: type("Half", (lib.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 1)}).apply(
            leaf(lib, 1.0)).backward(),
    ],
    ids=["saves a number", "no forward", "no backward"],
)
def test_errors_in_definitions(call: Any) -> None:
    same_error(call)


def test_once_differentiable() -> None:
    def run(lib: Any) -> Any:
        once = lib.autograd.function.once_differentiable
        x = leaf(lib, [1.0, 2.0])
        f = made(lib, lambda ctx, x: x**2, once(lambda ctx, g: g * 2))
        f(x).sum().backward()
        return x.grad, lib.autograd.grad(f(x).sum(), x, create_graph=True)

    same(run)
    x = leaf(minigrad, [1.0, 2.0])
    f = made(minigrad, lambda ctx, x: x**2, function.once_differentiable(lambda ctx, g: g * 2))
    (g,) = minigrad.autograd.grad(f(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked"):
        (g.sum() + x.sum()).backward()


def test_names() -> None:
    def run(lib: Any) -> Any:
        x = leaf(lib, [1.0])
        y = cube(lib)(x * 1)
        outs = sum_and_product(lib)(x, 2, y)
        parents = [None if p is None else p.name() for p, _ in outs[1].grad_fn.next_functions]
        return (repr(y), y.grad_fn.name(), type(y.grad_fn).__name__, parents, repr(y.grad_fn).partition(" ")[0],
                outs[0].grad_fn == outs[1].grad_fn, repr(outs), str(type((x * 1).grad_fn)))

    same(run)


def test_functions_and_grad_work_through_hooks_and_retain_grad() -> None:
    def run(lib: Any) -> Any:
        x = leaf(lib, [1.0, 2.0])
        y = cube(lib)(x)
        y.retain_grad()
        y.register_hook(lambda g: g * 10)
        (y * 2).sum().backward()
        (alone,) = lib.autograd.grad((cube(lib)(x) * 2).sum(), x)
        return y.grad, x.grad, alone

    same(run)

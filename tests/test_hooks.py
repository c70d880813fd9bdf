"""Hooks on tensors and on modules: every program here runs on torch too, and both must give the same."""

from __future__ import annotations

import copy
import gc
import io
import weakref
from typing import Any

import pytest
from side_by_side import plain, same, same_error, same_warnings

import minigrad


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(list(values), dtype=lib.float64, requires_grad=True)


# ------------------------------------------------------------------------------------------------ tensors


@pytest.mark.parametrize(
    "hook",
    [
        lambda g: g * 10,
        lambda g: None,
        lambda g: g.mul_(3) * 0 if False else None,
        lambda g: g.clamp(-1, 1),
        lambda g: g * 0 + 7,
    ],
    ids=["scale", "look", "nothing", "clamp", "constant"],
)
@pytest.mark.parametrize("where", ["leaf", "middle", "root"])
def test_tensor_hooks(hook: Any, where: str) -> None:
    def run(lib: Any) -> Any:
        x, seen = leaf(lib, 1.0, -2.0), []
        y = x * 3
        z = (y * y).sum()
        t = {"leaf": x, "middle": y, "root": z}[where]
        t.register_hook(lambda g: seen.append(plain(g)))
        t.register_hook(hook)
        t.register_hook(lambda g: seen.append(plain(g)))
        z.backward(retain_graph=True)
        (g,) = lib.autograd.grad(z, x, retain_graph=True)
        (h,) = lib.autograd.grad(z, x, create_graph=True)
        return seen, x.grad, g, h

    same(run)


def test_a_hook_runs_once_on_the_whole_gradient() -> None:
    def run(lib: Any) -> Any:
        x, seen = leaf(lib, 1.0, 2.0), []
        y = x * 2
        y.register_hook(lambda g: seen.append(plain(g)))
        (y.sum() + (y * y).sum() + (y * 3).sum()).backward()
        return seen, x.grad

    assert len(same(run)[0]) == 1


def test_handles() -> None:
    def run(lib: Any) -> Any:
        x, seen = leaf(lib, 1.0), []
        handle = x.register_hook(lambda g: g * 2)
        x.register_hook(lambda g: seen.append(plain(g)))
        (x * 1).backward()
        handle.remove()
        handle.remove()
        with x.register_hook(lambda g: g * 100):
            (x * 1).backward()
        (x * 1).backward()
        return seen, x.grad

    same(run)


def test_order_with_retain_grad() -> None:
    """retain_grad keeps what the hooks leave, whichever was registered first."""
    def run(lib: Any) -> Any:
        x = leaf(lib, 1.0, 2.0)
        before, after = x * 2, x * 3
        before.retain_grad()
        before.register_hook(lambda g: g * 10)
        after.register_hook(lambda g: g * 10)
        after.retain_grad()
        (before * after).sum().backward()
        return before.grad, after.grad, x.grad, before.retains_grad

    same(run)


def test_a_hook_that_writes_into_the_gradient() -> None:
    def run(lib: Any) -> Any:
        x = leaf(lib, 1.0, 2.0)
        y = x * 2
        y.register_hook(lambda g: g.mul_(5) and None if g.numel() == 1 else (g.mul_(5), None)[1])
        y.backward(lib.tensor([1.0, 1.0], dtype=lib.float64))
        return x.grad

    same(run)


def test_gradients_that_hooks_keep_are_their_own() -> None:
    def run(lib: Any) -> Any:
        x, kept, given = leaf(lib, 1.0, 2.0), [], lib.ones(2, dtype=lib.float64)
        x.register_hook(kept.append)
        x.register_hook(lambda g: given)
        for _ in range(2):
            (x * 3).sum().backward()
        x.grad.zero_()
        return kept, given

    same(run)


def test_hooks_survive_a_change_of_requires_grad() -> None:
    def run(lib: Any) -> Any:
        x = leaf(lib, 1.0)
        x.register_hook(lambda g: g * 10)
        x.requires_grad = False
        x.requires_grad = True
        (x * 2).backward()
        other = copy.deepcopy(x)  # has no hooks
        (other * 2).backward()
        return x.grad, other.grad

    same(run)


def test_hooks_after_accumulation() -> None:
    def run(lib: Any) -> Any:
        x, seen = leaf(lib, 1.0, 2.0), []
        handle = x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, plain(p.grad))))
        for _ in range(2):
            (x * x).sum().backward()
        lib.autograd.grad((x * x).sum(), x)  # accumulates nothing
        (x * x).sum().backward(inputs=[x])
        handle.remove()
        (x * x).sum().backward()
        return seen, x.grad

    assert len(same(run)[0]) == 3


def test_an_optimizer_step_in_backward() -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(0)
        model = lib.nn.Linear(2, 1).double()
        optimizers = {p: lib.optim.SGD([p], lr=0.1) for p in model.parameters()}

        def update(p: Any) -> None:
            optimizers[p].step()
            optimizers[p].zero_grad()

        for p in model.parameters():
            p.register_post_accumulate_grad_hook(update)
        for _ in range(3):
            (model(lib.ones(4, 2, dtype=lib.float64)) - 1).square().mean().backward()
        return [p.grad for p in model.parameters()], [round(p.sum().item(), 12) for p in model.parameters()]

    same(run)


def test_hooks_make_no_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        x = minigrad.ones(2, requires_grad=True)
        x.register_post_accumulate_grad_hook(lambda p: None)
        y = x * 2
        y.register_hook(lambda g: None)
        y.sum().backward()
        refs = weakref.ref(x), weakref.ref(y)
        del x, y
        assert [r() for r in refs] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.ones(1).register_hook(print),
        lambda lib: lib.ones(1).register_post_accumulate_grad_hook(print),
        lambda lib: (leaf(lib, 1.0) * 2).register_post_accumulate_grad_hook(print),
        lambda lib: _backward_with(lib, lambda g: 3.0),
        lambda lib: _backward_with(lib, lambda g: g.float()),
        lambda lib: _backward_with(lib, lambda g: g[:1]),
        lambda lib: _backward_with(lib, lambda g: g.reshape(2, 1)),
        lambda lib: _backward_with(lib, lambda g: {}["missing"]),
    ],
    ids=["constant", "constant 2", "no leaf", "a number", "dtype", "size", "shape", "the user's own"],
)
def test_errors_of_tensor_hooks(call: Any) -> None:
    same_error(call)


def _backward_with(lib: Any, hook: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    x.register_hook(hook)
    x.sum().backward()


# ------------------------------------------------------------------------------------------------ modules


class Recorder:
    """A hook of any kind: it notes its module's class and its gradients."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, module: Any, *gradients: Any) -> None:
        self.seen.append((type(module).__name__, plain(gradients)))


def two_in_two_out(lib: Any) -> Any:
    class Mixed(lib.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, a: Any, b: Any, k: int = 2) -> Any:
            return a * b, b * k, "text"

    return Mixed()


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_backward_hooks_of_a_network() -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(0)
        net = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.Tanh(), lib.nn.Linear(3, 1)).double()
        recorder = Recorder()
        for module in net:
            module.register_full_backward_pre_hook(recorder)
            module.register_full_backward_hook(recorder)
        result = []
        for x in (lib.ones(4, 2, dtype=lib.float64), lib.ones(4, 2, dtype=lib.float64, requires_grad=True)):
            net(x).sum().backward()
            result.append([*[p.grad.sum().item() for p in net.parameters()], x.grad])
        with lib.no_grad():
            net(x)
        return rounded([recorder.seen, plain(result)])

    same(run)


def rounded(x: Any) -> Any:
    """Nested lists, with numbers to ten digits: the order of sums differs."""
    return [rounded(v) for v in x] if isinstance(x, (list, tuple)) else round(x, 10) if isinstance(x, float) else x


@pytest.mark.parametrize("used", [[0], [1], [0, 1]])
@pytest.mark.parametrize("tracked", ["both", "a", "b", "neither"])
def test_tuples_of_inputs_and_outputs(used: list[int], tracked: str) -> None:
    def run(lib: Any) -> Any:
        a, b, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0), leaf(lib, 1.0, 1.0)
        a.requires_grad_(tracked in ("both", "a"))
        b.requires_grad_(tracked in ("both", "b"))
        module, recorder = two_in_two_out(lib), Recorder()
        module.register_full_backward_hook(recorder)
        module.register_full_backward_pre_hook(recorder)
        outs = module(a, b, 3)
        total = w.sum()
        for i in used:
            total = total + outs[i].sum()
        total.backward()
        module(a, b=b)  # a keyword argument is not watched
        return recorder.seen, a.grad, b.grad, [type(o).__name__ for o in outs], outs[0].requires_grad

    same(run)


def test_hooks_that_replace_gradients() -> None:
    def run(lib: Any) -> Any:
        result = []
        for kind in ("register_full_backward_hook", "register_full_backward_pre_hook"):
            a, b = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
            module, recorder = two_in_two_out(lib), Recorder()
            getattr(module, kind)(lambda m, grads, *more: tuple(None if g is None else g * 100 for g in grads))
            module.register_full_backward_hook(recorder)
            module.register_full_backward_pre_hook(recorder, prepend=True)
            module(a, b)[0].sum().backward()
            result.append([recorder.seen, a.grad, b.grad])
        return plain(result)

    same(run)


def test_their_order_with_forward_hooks() -> None:
    def run(lib: Any) -> Any:
        module, seen = lib.nn.Linear(1, 1).double(), []
        module.register_forward_pre_hook(lambda m, args: seen.append(args[0].grad_fn.name()))
        module.register_forward_hook(lambda m, args, out: seen.append((args[0].grad_fn.name(), out.grad_fn.name())))
        handle = module.register_full_backward_hook(lambda m, gi, go: seen.append("backward"))
        x = leaf(lib, 1.0)
        y = module(x.reshape(1, 1) * 1)
        seen.append(y.grad_fn.name())
        y.backward(retain_graph=True)
        y.backward()
        handle.remove()
        return seen, module(x.reshape(1, 1)).grad_fn.name()

    same(run)


def test_second_derivatives_through_backward_hooks() -> None:
    def run(lib: Any) -> Any:
        module, recorder, x = lib.nn.Tanh(), Recorder(), leaf(lib, 0.5, -1.0)
        module.register_full_backward_hook(recorder)
        (g,) = lib.autograd.grad(module(x).sum(), x, create_graph=True)
        (g * g).sum().backward()
        return rounded([recorder.seen, plain(x.grad)])

    same(run)


def test_warnings_and_errors_of_module_hooks() -> None:
    def no_tensor(lib: Any) -> None:
        class Named(lib.nn.Module):  # type: ignore[misc,name-defined]
            def forward(self, x: Any) -> Any:
                return {"out": x * 2}

        module, recorder = Named(), Recorder()
        module.register_full_backward_hook(recorder)
        module(leaf(lib, 1.0))["out"].backward()
        assert recorder.seen == []

    assert len(same_warnings(no_tensor)) == 1

    def wrong_number(lib: Any, pre: bool, tracked: bool = True) -> None:
        module = two_in_two_out(lib)
        if pre:
            module.register_full_backward_pre_hook(lambda m, grads: grads[:1])
        else:
            module.register_full_backward_hook(lambda m, grads, out: (lib.ones(1),))
        a, b = leaf(lib, 1.0), leaf(lib, 2.0)
        module(a, b)[0].sum().backward()

    same_error(lambda lib: wrong_number(lib, pre=False))
    same_error(lambda lib: wrong_number(lib, pre=True))

    def nothing_to_replace(lib: Any) -> None:
        module = lib.nn.Linear(1, 1)
        module.register_full_backward_hook(lambda m, grads, out: (lib.ones(1, 1),))
        module(lib.ones(1, 1)).sum().backward()

    with pytest.warns(UserWarning, match="no inputs require gradients"):
        same_error(nothing_to_replace)


def test_modules_with_backward_hooks_are_copied_and_saved() -> None:
    def run(lib: Any) -> Any:
        module = lib.nn.Linear(1, 1)
        module.register_full_backward_hook(hook_of_a_module)
        module.weight.data.fill_(2.0)
        copied = copy.deepcopy(module)
        file = io.BytesIO()
        lib.save(module, file)
        file.seek(0)
        loaded = lib.load(file, weights_only=False)
        results = []
        for m in (module, copied, loaded):
            x = lib.ones(1, 1, requires_grad=True)
            m(x).sum().backward()
            results.append(x.grad)
        return results

    assert same(run) == [[[20.0]]] * 3


def hook_of_a_module(module: Any, grad_input: Any, grad_output: Any) -> Any:
    return (grad_input[0] * 10,)

"""The tape and the walk back: what is added, what is freed, what is refused."""

from __future__ import annotations

from typing import Any

from parity.mutants.programs.registry import drawn, error, program


@program
def a_value_used_three_times(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    a = x * y
    b = a + x
    c = b * a
    (c + b * x + a).backward(drawn(torch, 3, seed=2, grad=False))
    return x.grad, y.grad


@program
def an_old_value_used_late(torch: Any) -> Any:
    x = drawn(torch, 4)
    first = x.sin()
    second = first.exp()
    third = second * first
    fourth = (third + first).tanh()
    (fourth * first).backward(drawn(torch, 4, seed=1, grad=False))
    return x.grad


@program
def broadcasting(torch: Any) -> Any:
    a, b, c, d = drawn(torch, 2, 3, 4), drawn(torch, 3, 1), drawn(torch, 4), drawn(torch, 1, 1, 1)
    e = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    (a * b + c / d.exp() - e).backward(drawn(torch, 2, 3, 4, seed=5, grad=False))
    return a.grad, b.grad, c.grad, d.grad, e.grad


@program
def a_bias_of_a_matrix(torch: Any) -> Any:
    x, b = drawn(torch, 5, 3), drawn(torch, 3)
    (x * 2 + b).backward(drawn(torch, 5, 3, seed=1, grad=False))
    return x.grad, b.grad


@program
def mixed_dtypes(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1).detach().float().requires_grad_()
    (x * y + y).backward(drawn(torch, 3, seed=2, grad=False))
    return x.grad, y.grad


@program
def gradients_accumulate_in_place(torch: Any) -> Any:
    x = drawn(torch, 3)
    (x * x).sum().backward()
    held = x.grad
    (x * 3).sum().backward()
    return held, x.grad, held is x.grad


@program
def the_root_is_a_leaf(torch: Any) -> Any:
    x, g = drawn(torch, 3), drawn(torch, 3, seed=1, grad=False)
    x.backward(g)
    x.backward(g)
    return x.grad, g, x.grad is g


@program
def leaves_share_no_buffer(torch: Any) -> Any:
    x, y, g = drawn(torch, 3), drawn(torch, 3, seed=1), drawn(torch, 3, seed=2, grad=False)
    (x + y).backward(g)
    x.grad.mul_(2)
    y.grad.add_(1)
    return x.grad, y.grad, g


@program
def views_share_no_gradient(torch: Any) -> Any:
    x, y, g = drawn(torch, 2, 3), drawn(torch, 6, seed=1), drawn(torch, 3, 2, seed=2, grad=False)
    (x.t() + y.view(3, 2)).backward(g)
    x.grad.zero_()
    return x.grad, y.grad, g


@program
def two_roots(torch: Any) -> Any:
    x = drawn(torch, 3)
    y, z = x * x, x.exp()
    torch.autograd.backward([y, z, y], [drawn(torch, 3, seed=i, grad=False) for i in (1, 2, 3)])
    return x.grad


@program
def some_inputs_only(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    middle = x * y
    out = (middle.sin() + y).sum()
    found = torch.autograd.grad(out, [middle, y], retain_graph=True)
    out.backward(inputs=[x])
    return found, x.grad, y.grad, error(lambda: torch.autograd.grad((x * 1).sum(), y))


@program
def retained_graphs(torch: Any) -> Any:
    x = drawn(torch, 3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad, error(y.backward)


@program
def graphs_that_need_nothing_saved(torch: Any) -> Any:
    x = drawn(torch, 3)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@program
def detached_and_not_recorded(torch: Any) -> Any:
    x = drawn(torch, 3)
    with torch.no_grad():
        a = x * 2
        with torch.enable_grad():
            b = x * 3
    c = x.detach() * x
    (b + c + a).sum().backward()
    with torch.inference_mode():
        frozen = x * 1
    return a.requires_grad, b.requires_grad, x.grad, error(lambda: frozen * x), error(frozen.sum().backward)


@program
def gradients_of_what_is_no_leaf(torch: Any) -> Any:
    x = drawn(torch, 3)
    y = x * x
    y.retain_grad()
    z = y * y
    z.sum().backward()
    return y.grad, x.grad, y.is_leaf, x.is_leaf, y.retains_grad, error(lambda: setattr(y, "requires_grad", False))


@program
def gradients_of_gradients(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    (dx,) = torch.autograd.grad((x * x * y).sum(), x, create_graph=True)
    (dx * dx * x).sum().backward()
    (third,) = torch.autograd.grad((x**4).sum(), x, create_graph=True)
    (third,) = torch.autograd.grad(third.sum(), x, create_graph=True)
    (third,) = torch.autograd.grad(third.sum(), x)
    return x.grad, y.grad, third


@program
def what_backward_refuses(torch: Any) -> Any:
    x = drawn(torch, 3)
    return (error((x * 2).backward), error(lambda: (x * 2).backward(drawn(torch, 2, grad=False))),
            error(drawn(torch, 3, grad=False).sum().backward), error(lambda: torch.autograd.grad(x.sum(), [])),
            error(lambda: torch.autograd.grad([x * 2, x * 3], x, [torch.ones(3, dtype=torch.float64)])),
            error(lambda: torch.autograd.grad(x.sum(), [x, torch.zeros(3)])),
            error(lambda: torch.autograd.grad(x.sum(), [x, torch.zeros(3)], allow_unused=True)))


@program
def requires_grad_switched(torch: Any) -> Any:
    x = drawn(torch, 3)
    y = x * x
    x.requires_grad_(False)
    z = x * 2
    x.requires_grad_(True)
    y.sum().backward()
    return x.grad, z.requires_grad, error(lambda: torch.ones(2, dtype=torch.int64).requires_grad_())


@program
def many_joined(torch: Any) -> Any:
    parts = [drawn(torch, 2, i, seed=i) for i in (1, 2, 3)]
    torch.cat(parts, 1).backward(drawn(torch, 2, 6, seed=9, grad=False))
    return [part.grad for part in parts]


@program
def gradients_with_a_history(torch: Any) -> Any:
    x = drawn(torch, 3)
    (x**3).sum().backward(create_graph=True)
    held = x.grad
    (x**2).sum().backward(create_graph=True)
    (again,) = torch.autograd.grad(x.grad.sum(), x)
    y, z, g = drawn(torch, 3, seed=1), drawn(torch, 3, seed=2), drawn(torch, 3, seed=3, grad=False)
    (y + z).backward(g, create_graph=True)
    with torch.no_grad():
        y.grad.add_(1)
    return held, x.grad, again, held is x.grad, x.grad.requires_grad, y.grad, z.grad, g


@program
def a_gradient_is_no_view(torch: Any) -> Any:
    g, x, y = drawn(torch, 2, 3, grad=False), drawn(torch, 2, 3, seed=1), drawn(torch, 3, 2, seed=2)
    (x + y.t()).backward(g)
    x.grad.add_(1)
    y.grad.add_(1)
    z = drawn(torch, 1, 3)
    z.expand(2, 3).sum().backward()
    z.grad[0, 0] = 9.0
    w = drawn(torch, 2, 3)
    w.sum().backward()
    w.grad[0, 0] = 9.0
    v, u = drawn(torch, 3), drawn(torch, 3, seed=1)
    (found,) = torch.autograd.grad(v * 1 + u, u, torch.ones(3, dtype=torch.float64))
    found.add_(1)
    return g, x.grad, y.grad, z.grad, w.grad, found, x.grad.stride(), y.grad.stride()


@program
def what_grad_returns_is_nobody_elses(torch: Any) -> Any:
    x, g = drawn(torch, 3), drawn(torch, 3, seed=1, grad=False)
    y = x + 0
    one, two = [torch.autograd.grad(y, [t], g, retain_graph=True)[0].clone() for t in (x, y)]
    y.backward(g, inputs=[x])
    x.grad.mul_(3)
    return one, two, g, x.grad


@program
def roots_that_are_leaves_and_asked_for(torch: Any) -> Any:
    x, g = drawn(torch, 3), drawn(torch, 3, seed=1, grad=False)
    (dx,) = torch.autograd.grad(x, x, g)
    torch.autograd.backward([x, x * 2, x], [g, g, g])
    x.backward(g, inputs=[x])
    return dx, g, x.grad


@program
def targets_on_the_way(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    a = x.exp()
    b = a * y
    c = b.sin() + a
    found = torch.autograd.grad(c.sum(), [b, a], retain_graph=True)
    again = torch.autograd.grad(c.sum(), [a, x, y], retain_graph=True)
    only_b = torch.autograd.grad(c.sum(), b)  # what lies behind b is not walked, and not freed
    return found, again, only_b, torch.autograd.grad(b.sum(), [x, y])


@program
def unused_inputs(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 2, seed=1)
    out = (x * x).sum()
    return (torch.autograd.grad(out, [x, y], allow_unused=True, retain_graph=True),
            torch.autograd.grad(out, [y, x], materialize_grads=True, retain_graph=True),
            error(lambda: torch.autograd.grad((x * 2).sum(), [x, y])),
            error(lambda: torch.autograd.grad(out, [x], allow_unused=False, materialize_grads=True)))


@program
def backward_into_chosen_inputs(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    middle = x * y
    middle.retain_grad()
    out = (middle * middle).sum()
    out.backward(inputs=[middle, x], retain_graph=True)
    out.backward(inputs=x, retain_graph=True)
    other = x * 2
    (other * other).sum().backward(inputs=[other])
    return middle.grad, x.grad, y.grad, other.grad


@program
def retained_by_default_under_create_graph(torch: Any) -> Any:
    x = drawn(torch, 3)
    y = (x**3).sum()
    (a,) = torch.autograd.grad(y, x, create_graph=True)
    (b,) = torch.autograd.grad(y, x, create_graph=True, retain_graph=False)
    return a, b, error(y.backward)


@program
def narrow_and_whole_results(torch: Any) -> Any:
    x = drawn(torch, 3)
    counts = x.argsort()
    compared = x > 0
    narrow = x.float() * torch.ones(3)
    narrow.backward(drawn(torch, 3, seed=1, grad=False).float())
    (x.to(torch.float32).to(torch.float16).double()).sum().backward()
    return counts.requires_grad, compared.requires_grad, x.grad, x.long().requires_grad, narrow


@program
def cotangents_of_another_dtype(torch: Any) -> Any:
    x, narrow = drawn(torch, 3), torch.ones(3) / 3
    y, seen = x * x, []
    y.retain_grad()
    y.register_hook(lambda g: seen.append(g.clone()))
    y.backward(narrow, retain_graph=True)
    x.backward(narrow)
    return (torch.autograd.grad(y, x, torch.ones(3, dtype=torch.float64) / 3, retain_graph=True),
            torch.autograd.grad(x, x, narrow), y.grad, x.grad, seen)


@program
def one_element_stands_for_many(torch: Any) -> Any:
    shapes = ((), (1,), (3,), (1, 3), (2, 1), (1, 1), (2, 3), (4, 1, 1), (4, 2, 1), (1, 1, 3))
    found = []
    for i, shape in enumerate(shapes):
        for dtype in (torch.float64, torch.float32):
            x = drawn(torch, *shape, seed=i).detach().to(dtype).requires_grad_()
            (x * drawn(torch, 4, 2, 3, seed=20)).backward(drawn(torch, 4, 2, 3, seed=21, grad=False), retain_graph=True)
            (x + drawn(torch, 2, 3, seed=22)).exp().sum().backward(create_graph=True)
            (x * drawn(torch, 1, 4, 2, 3, seed=23)).sin().sum().backward()
            found.append(x.grad)
    return found


@program
def a_frozen_parameter(torch: Any) -> Any:
    w, b, x = drawn(torch, 3, 3), drawn(torch, 3, seed=1), drawn(torch, 2, 3, seed=2, grad=False)
    w.requires_grad_(False)
    out = (x @ w + b).tanh()
    w.requires_grad_(True)
    out.sum().backward()
    first = w.grad
    y = x @ w
    w.requires_grad_(False)
    y.sum().backward()
    return first, b.grad, w.grad, w.requires_grad


@program
def views_taken_without_recording(torch: Any) -> Any:
    x = drawn(torch, 4)
    y = x * 1
    with torch.no_grad():
        view = y[:2]
        other = x.view(2, 2)
    return (view.requires_grad, other.requires_grad, error(view.sum().backward), error(lambda: view.mul_(2)),
            error(lambda: other.mul_(2)), (view * 2).requires_grad,
            error(lambda: view.backward(torch.ones(2, dtype=torch.float64))))


@program
def a_view_of_a_view_after_a_write(torch: Any) -> Any:
    x = drawn(torch, 3, 4)
    a = x * 1
    b = a.view(2, 6)
    c = b[1]
    with torch.no_grad():
        d = a[0]
    c.mul_(drawn(torch, 6, seed=1))
    a[0, 1] = 5.0
    (b.sum() + (c * c).sum() + (a**2).sum()).backward()
    return a, b, c, d, x.grad


@program
def empty_tensors(torch: Any) -> Any:
    x = drawn(torch, 0, 3)
    y = x.t()[:, :0] * 2
    (y.sum() + (x * drawn(torch, 3)).sum() + x.view(3, 0).sum()).backward()
    return x.grad, y


@program
def empty_tensors_written_to(torch: Any) -> Any:
    x = drawn(torch, 0, 3)
    y = x * 2
    y.add_(1)
    z = x.exp() + y
    z[:] = 1.0
    (z * y).sum().backward()
    joined = torch.cat([x, x])
    joined.add_(1)
    return x.grad, y.requires_grad, error(lambda: x.add_(1)), (2 / x).shape[1], joined


@program
def anomalies(torch: Any) -> Any:
    """detect_anomaly finds what turns to nan on the way back."""
    found = []
    for check_nan in (True, False):
        with torch.autograd.detect_anomaly(check_nan):
            x = drawn(torch, 3).detach().abs().requires_grad_()
            found += [error((x * 0).sqrt().sum().mul(0).backward), error(x.sqrt().sum().backward), x.grad]
    return found


@program
def inference(torch: Any) -> Any:
    x = drawn(torch, 3)
    with torch.inference_mode():
        a = x * 2
        a.add_(1)
        b = a[:2]
    before = a.clone(), b.clone()  # torch writes, and then refuses
    refused = [error(lambda name=name: getattr(a, name)()) for name in ("zero_", "uniform_", "exp_", "normal_")]
    refused += [error(lambda: a.add_(1)), error(lambda: a.__setitem__(0, 1.0)), error(lambda: b.mul_(2)),
                error(lambda: a.copy_(a + 1)), error(lambda: a.bernoulli_(0.5))]
    return before, a.requires_grad, refused, error(lambda: x * a), (a.clone() * x).requires_grad


@program
def each_saved_value_is_watched(torch: Any) -> Any:
    found = []
    for op in (torch.mul, torch.div, torch.pow, torch.mv, torch.maximum):
        for written in (0, 1):
            inputs = [drawn(torch, 3, 3).abs() + 1, drawn(torch, 3, seed=1).abs() + 1]
            out = op(*inputs)
            inputs[written].add_(1)
            found.append(error(out.sum().backward))
    return found


@program
def a_graph_of_many_paths(torch: Any) -> Any:
    """2 ** 40 of them, over 40 nodes."""
    x = drawn(torch, 3)
    y = x
    for _ in range(40):
        y = y + y
    y.backward(drawn(torch, 3, seed=1, grad=False))
    return x.grad


@program
def a_saved_gradient_that_grows(torch: Any) -> Any:
    x, w = drawn(torch, 3), drawn(torch, 3, seed=1)
    (x * x).sum().backward()
    penalty = (x.grad * w).sum()
    (x * 2).sum().backward()
    return error(penalty.backward), w.grad

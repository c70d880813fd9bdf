"""Writing into a tensor's memory."""

from __future__ import annotations

from typing import Any

from parity.mutants.programs.registry import drawn, error, program


@program
def saved_values_written_to(torch: Any) -> Any:
    x = drawn(torch, 3)
    y = x.exp()
    z = y * 2
    y.add_(1)
    w = drawn(torch, 3)
    v = w * 1
    u = v * v
    v.mul_(3)
    return error(z.sum().backward), error(u.sum().backward), w.grad


@program
def in_place_with_history(torch: Any) -> Any:
    x, y = drawn(torch, 3, 2), drawn(torch, 2, seed=1)
    a = x * 1
    row = a[1]
    a.mul_(2)
    row.add_(y)
    a[0] = y * y
    (a * a).backward(drawn(torch, 3, 2, seed=2, grad=False))
    return a, row, x.grad, y.grad


@program
def views_of_what_is_written_to(torch: Any) -> Any:
    x = drawn(torch, 4)
    a = x * 1
    view = a.view(2, 2)
    a[1:3] = 7.0
    (view * view).backward(drawn(torch, 2, 2, seed=1, grad=False))
    return view, x.grad


@program
def writing_to_leaves(torch: Any) -> Any:
    x = drawn(torch, 3)
    refused = error(lambda: x.add_(1))
    with torch.no_grad():
        x.add_(1)
        x[0] = 0.0
    return x, x.requires_grad, refused, error(lambda: x.view(3).mul_(2))


@program
def results_that_are_written_to(torch: Any) -> Any:
    """A rule that needs the output finds the new one, or backward refuses."""
    found = []
    for name in ("exp", "tanh", "sigmoid", "sqrt", "reciprocal"):
        x = drawn(torch, 3).detach().abs().add(0.1).requires_grad_()
        y = x * 2
        getattr(y, name + "_")()
        (y * 3).sum().backward()
        found.append(x.grad)
        z = x * 2
        getattr(z, name + "_")()
        z.add_(1)
        found.append(error(z.sum().backward))
    return found


@program
def inputs_that_are_written_to(torch: Any) -> Any:
    x, y = drawn(torch, 3), drawn(torch, 3, seed=1)
    a = x * 1
    a.mul_(x)
    b = y * 1
    b.mul_(a * 1).sub_(x).div_(a + 3)
    (a + b).sum().backward()
    c = x * 1
    c.sin_().pow_(2)
    return a, b, x.grad, y.grad, error(c.sum().backward)


@program
def powers_in_place(torch: Any) -> Any:
    """The rules need the old x, the exponent, and the result, which moves into x's memory."""
    found = []
    for late in (lambda x, n: None, lambda x, n: x.add_(1), lambda x, n: n.add_(1)):
        a, b = drawn(torch, 3).detach().abs().requires_grad_(), drawn(torch, 3, seed=1)
        x, n = a * 1, b * 1
        x.pow_(n)
        late(x, n)
        found += [error((x * 2).sum().backward), a.grad, b.grad]
    return found


@program
def relu_in_place(torch: Any) -> Any:
    x = drawn(torch, 6)
    y = torch.nn.functional.relu(x * 2, inplace=True)
    (y * y).sum().backward()
    z = x * 1
    out = z.relu_()
    return x.grad, z, out is z


@program
def retained_gradients_of_what_is_written_to(torch: Any) -> Any:
    x = drawn(torch, 4)
    a = x * 2
    a.retain_grad()
    a.mul_(3)
    (a * a).sum().backward()
    b = x * 2
    view = b[1:3]
    view.retain_grad()
    b.mul_(2)
    (view * view).sum().backward()
    c = x * 2
    c.retain_grad()
    c.mul_(5)
    (c * c).sum().backward()
    d = x * 2
    d.retain_grad()
    d[1:3].mul_(7)
    (d * d).sum().backward()
    return a.grad, view.grad, c.grad, d.grad, x.grad


@program
def every_kind_of_place(torch: Any) -> Any:
    keys = (0, -1, (slice(1, 3),), (Ellipsis, 0), (slice(None), 1, slice(0, 2)), (None, 0), ([0, 2],), (0, [1, 0, 1]),
            (slice(None), [0, 1]), ([0, 1], slice(None), [1, 1]), (slice(0, 2), [1, 2]), ())
    found = []
    for key in keys:
        x, a = drawn(torch, 3, 4, 2), drawn(torch, 3, 4, 2, seed=1)
        index = tuple(torch.tensor(k) if isinstance(k, list) else k for k in key) if isinstance(key, tuple) else key
        b = a * 1
        value = drawn(torch, *b[index].shape, seed=2)
        b[index] = value
        (b * x).sum().backward()
        found += [b, a.grad, value.grad]
        c = drawn(torch, 3, 4, 2, grad=False)
        c[index] = value.detach()
        c[index] += 1
        c[index] = 3
        found.append(c)
    return found


@program
def masks_and_single_values(torch: Any) -> Any:
    x = drawn(torch, 3, 4)
    a = x * 1
    a[a > 0] = 0.5
    one = torch.tensor(2.0, requires_grad=True)
    b = x * 1
    b[x < 0] = one
    b[0] = one
    (a * b).sum().backward()
    c = torch.zeros(3, 4, dtype=torch.int64)
    c[c == 0] = torch.tensor(2.7)
    d = torch.zeros(4, dtype=torch.uint8)
    d[1] = 7
    d[2] = -1
    narrow = torch.zeros(2, 2)
    narrow[[0, 1], [1, 0]] = torch.ones(2)
    return (a, b, x.grad, one.grad, c, d, error(lambda: narrow.__setitem__([0], torch.ones(2, dtype=torch.float64))),
            error(lambda: narrow.__setitem__(narrow > 5, torch.ones(2, dtype=torch.float64))), narrow)


@program
def values_with_leading_ones(torch: Any) -> Any:
    x, y = torch.zeros(2, 3, dtype=torch.float64), drawn(torch, 1, 1, 3)
    x[0] = y
    x[:, 1:] = y[..., :2]
    x[torch.tensor([1])] = y
    x.sum().backward()
    z = torch.zeros(2, 3)
    return (x, y.grad, error(lambda: z.__setitem__(0, torch.ones(2, 1, 3))),
            error(lambda: z.__setitem__(0, torch.ones(1, 4))), error(lambda: z.__setitem__((0, 0), torch.ones(2))))


@program
def what_cannot_be_written(torch: Any) -> Any:
    x = torch.zeros(3)
    wide = torch.zeros(1, 3).expand(2, 3)
    whole = torch.zeros(3, dtype=torch.int64)
    leaf = drawn(torch, 4)
    return (error(lambda: x.add_(torch.zeros(2, 3))), error(lambda: wide.add_(1)), error(lambda: whole.add_(0.5)),
            error(lambda: torch.zeros(2, 1).mul_(torch.zeros(2, 3))), error(lambda: leaf[:2].add_(1)),
            error(lambda: leaf.__setitem__(0, 1.0)), error(lambda: x.__setitem__(0, "a")),
            error(lambda: x.__setitem__(0, None)), error(lambda: x.copy_(torch.zeros(4))),
            error(lambda: (leaf * 1).copy_(torch.zeros(5))), error(lambda: torch.zeros(0).__setitem__(
                Ellipsis, torch.zeros(2, 0))), x.add_(torch.ones(1)), whole.add_(True),
            torch.zeros(3, dtype=torch.float16).add_(torch.full((3,), 0.1, dtype=torch.float64)))


@program
def views_written_to_in_every_layout(torch: Any) -> Any:
    found = []
    for view in (lambda t: t.t(), lambda t: t[1], lambda t: t[:, ::2], lambda t: t.flatten()[3:],
                 lambda t: t[1:, 1:].t(), lambda t: t.permute(1, 0)[2:], lambda t: t.unsqueeze(1)[:, 0, 1:3],
                 lambda t: t.view(2, 2, 3)[1], lambda t: t[0, 0], lambda t: t.expand(3, 4)):
        for layout in (lambda t: t * 1, lambda t: (t * 1).t().contiguous().t() if t.ndim else t):
            x = drawn(torch, 3, 4)
            a = layout(x)
            try:
                part = view(a)
                other = view(a)
            except RuntimeError:  # a view(...) of what is not contiguous
                continue
            y = drawn(torch, *part.shape, seed=1)
            part.mul_(y)
            (a * drawn(torch, 3, 4, seed=2, grad=False)).sum().backward(retain_graph=True)
            (other * other).sum().backward()
            found += [a, part, x.grad, y.grad]
    return found


@program
def a_number_that_is_written_to(torch: Any) -> Any:
    x = torch.tensor(2.0, requires_grad=True)
    a = x * 3
    b, c = a.view(1), a[None, None]
    b.mul_(x)
    (a + b + c * c).sum().backward()
    d = x * 1
    e = d.expand(2, 3)
    d.add_(1)
    (e * e).sum().backward()
    return a, b, c, x.grad, e


@program
def shapes_changed_in_place(torch: Any) -> Any:
    x = drawn(torch, 1, 3, 1)
    a = x * 2
    a.squeeze_(0).unsqueeze_(1)
    (a * a).sum().backward()
    b = drawn(torch, 1, 3, grad=False)
    b.squeeze_()
    with torch.no_grad():
        c = x * 1
        c.squeeze_()
    d = x * 1
    saved = d * d
    d.squeeze_()
    wide = drawn(torch, 1, 1, 3, grad=False).expand(2, 1, 3).squeeze_(1)
    return a, x.grad, b, c.shape[0], error(lambda: drawn(torch, 1, 3).squeeze_()), error(saved.sum().backward), wide


@program
def written_without_recording(torch: Any) -> Any:
    x = drawn(torch, 4)
    a = x * x
    saved = a * a
    with torch.no_grad():
        a.zero_()
        a[0] = 1.0
        view = a[1:]
        view.fill_(2)
    b = x * 2
    with torch.no_grad():
        b.mul_(5)
        b += x
        b[:2] = x[2:]
        b[2] = x.sum()
        b[1:2] = drawn(torch, 1, seed=1)
    b.sum().backward()
    return a, b, x.grad, error(saved.sum().backward), a.requires_grad


@program
def constants_that_become_recorded(torch: Any) -> Any:
    y = drawn(torch, 2)
    a = torch.zeros(3, 2, dtype=torch.float64)
    row, other = a[1], a[2]
    row.copy_(y)
    a.mul_(2)
    (a * a).sum().backward()
    return a, row, other, y.grad, row.requires_grad, other.requires_grad


@program
def filled(torch: Any) -> Any:
    x = drawn(torch, 3)
    value = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    a, b, c = x * 1, x * 1, x * 1
    a.fill_(value)
    b.zero_()
    c[1:].fill_(2.0)
    (a * 2 + b + c).sum().backward()
    return a, b, c, x.grad, value.grad


@program
def copies_written_to(torch: Any) -> Any:
    """A result is no view of what it was made from, if torch's is none."""
    f, x = torch.nn.functional, drawn(torch, 2, 3, 4, grad=False)
    copies = [x.flip(0), x.roll(1, 0), x[[0]], x.tril(), torch.cat([x]), f.pad(x, (1, 1)), x.clamp(min=-9.0)]
    for copy in copies:
        copy.add_(1)
    return x, copies


@program
def what_gradients_of_gradients_saved_written_to(torch: Any) -> Any:
    """A view of what is written to is written to as well, also where only backward took it."""
    found = []
    for function, shape in ((lambda a, b: (a * b).sum(1), (2, 3)), (lambda a, b: (a * b).mean((0, 1)), (2, 3)),
                            (lambda a, b: a @ b, (2, 3, 3)), (lambda a, b: a @ b, (3, 3))):
        for written in range(3):
            a, b = drawn(torch, *shape), drawn(torch, *shape, seed=1)
            out = function(a, b)
            g = drawn(torch, *out.shape, seed=2)
            first = torch.autograd.grad(out, [a, b], g, create_graph=True)
            with torch.no_grad():
                (a, b, g)[written].add_(1)
            for d in first:
                found += [error(lambda d=d, t=t: torch.autograd.grad(d.sum(), t, retain_graph=True)) for t in (a, b, g)]
    return found


def written_to_expanded(torch: Any, base: Any, value: Any) -> list[Any]:
    """What every way to write to an expanded tensor, or to a part of one, raises."""
    wide = base.expand(2, 3)
    found = [error(write) for write in (
        lambda: wide.__setitem__(0, 2.0), lambda: wide.__setitem__((slice(None), 1), 3.0),
        lambda: wide.__setitem__((0, 0), value[0]), lambda: wide.__setitem__(Ellipsis, 2.0),
        lambda: wide[0].mul_(value), lambda: wide[:, 0].add_(1), lambda: wide[0, 0].copy_(value[0]),
        lambda: wide[0].__setitem__(1, 2.0), lambda: wide.add_(1), lambda: wide[1:].sub_(value))]
    with torch.no_grad():
        found.append(error(lambda: wide[1].mul_(value)))
    return [*found, base.detach()]


@program
def parts_of_expanded_tensors_written_to(torch: Any) -> Any:
    found = [written_to_expanded(torch, drawn(torch, 1, 3, grad=grad) * 1, drawn(torch, 3, seed=1, grad=recorded))
             for grad in (True, False) for recorded in (True, False)]
    value, constant = drawn(torch, 3, seed=1), drawn(torch, 1, 3, grad=False).expand(2, 3).detach()

    def written_to_and_differentiated() -> None:  # torch notices at the second step
        constant[0].mul_(value)
        torch.autograd.grad(constant[1].sum(), value)
    return found, error(written_to_and_differentiated)


@program
def tensors_resized(torch: Any) -> Any:
    found = []
    for shape in ((2, 3), (3, 2), (6,), (2, 2), (0,), (1, 1)):
        x = torch.arange(6.0, dtype=torch.float64)
        same_memory = x.detach()
        found.append(x.resize_(*shape))
        x.add_(1)  # in the memory that it had
        found.append(same_memory)
    x = torch.arange(6.0, dtype=torch.float64)
    longer = x.resize_(2, 4)  # what is added holds whatever lay there
    found += [longer.reshape(-1)[:6], longer.shape, longer is x]
    return found, error(lambda: drawn(torch, 3).resize_(2)), error(lambda: (drawn(torch, 3) * 1).resize_(2))

"""Functions at values, shapes and dtypes that torch's samples leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.mutants.programs.registry import drawn, error, program


def derivatives(torch: Any, function: Any, *inputs: Any, seed: int = 50) -> list[Any]:
    """A function's value, its gradients for a random cotangent, and theirs where there are any."""
    inputs = tuple(x.detach().clone().requires_grad_() for x in inputs)
    out = function(*inputs)
    g = drawn(torch, *out.shape, seed=seed)
    first = torch.autograd.grad(out, inputs, g, create_graph=True, allow_unused=True)
    live = [d for d in first if d is not None and d.requires_grad]
    second = torch.autograd.grad(live, [*inputs, g], [drawn(torch, *d.shape, seed=seed + 1 + i, grad=False)
                                                      for i, d in enumerate(live)], allow_unused=True) if live else []
    pairs = zip([*inputs, g], second, strict=bool(live))
    return [out, *first, *[torch.zeros_like(x) if d is None else d for x, d in pairs]]


@program
def powers_at_zero(torch: Any) -> Any:
    x = torch.tensor([0.0, 0.0, 0.0, 1.0, 2.0, 0.5], dtype=torch.float64)
    y = torch.tensor([0.0, 2.0, 1.0, 0.0, 3.0, -1.0], dtype=torch.float64)
    found = []
    for exponent in (y, y.flip(0), 1 - y, y):
        a, b = x.clone().requires_grad_(), exponent.clone().requires_grad_()
        (a**b).sum().backward()
        found += [a.grad, b.grad]
    for n in (0, 1, 2, 3, 0.5, -1):
        a = x.clone().requires_grad_()
        (a**n).sum().backward()
        found.append(a.grad)
    return found


@program
def backward_of_the_first_after_the_second(torch: Any) -> Any:
    def graph(seed: int) -> tuple[Any, Any]:
        x = drawn(torch, 3, 4, seed=seed)
        y = x.exp().tanh() * x.sigmoid() + (x * x + 1).log() - x.softmax(1) * x.std() + x @ x.T @ x / (x.var(0) + 1)
        return x, (y * x.sin()).sum() + x.norm() + x.logsumexp(1).sum() + x.amax(0).sum()

    (x, first), (z, second) = graph(1), graph(2)
    first.backward()
    second.backward()
    return x.grad, z.grad


@program
def activations_of_the_first_after_the_second(torch: Any) -> Any:
    """One after the other, of the same shape and with other signs: what is left over from the first shows."""
    f, found = torch.nn.functional, []
    functions = (f.relu, f.relu6, f.leaky_relu, f.elu, f.selu, f.celu, f.gelu, f.silu, f.softplus, f.hardtanh,
                 lambda x: f.softplus(x, 1.0, 0.2), torch.abs, f.logsigmoid, torch.tanh, torch.sigmoid,
                 lambda x: x.clamp(-0.5, 0.5), lambda x: x.maximum(-x + 0.3), lambda x: x.minimum(x * 2),
                 lambda x: torch.where(x > 0, x * x, -x))
    for function in functions:
        inputs = [drawn(torch, 3, 4, seed=seed) for seed in (1, 2)]
        outputs = [function(x) for x in inputs]
        for x, out in zip(inputs, outputs, strict=True):
            out.backward(drawn(torch, 3, 4, seed=3, grad=False))
            found.append(x.grad)
    return found


@program
def second_derivatives_at_corners(torch: Any) -> Any:
    f, found = torch.nn.functional, []
    x = torch.tensor([-1.0, -0.5, 0.0, -0.0, 0.5, 1.0, 3.0], dtype=torch.float64)
    for function in (lambda a: f.elu(a, 0.3), lambda a: f.celu(a, 0.3), f.selu, lambda a: f.elu(a, -0.3), f.softplus,
                     lambda a: f.softplus(a, 2.0, 1.5), f.gelu, f.silu, f.logsigmoid):
        found += derivatives(torch, function, x)
    return found


@program
def sums_of_many_narrow_numbers(torch: Any) -> Any:
    x = drawn(torch, 200, 120, grad=False).float() + 100
    half = torch.ones(70000, dtype=torch.float16)
    tenths = torch.full((300_000, 2), 0.1)  # added one to the next in float32, these come to 0.3 % too much
    return [tenths.sum(0), tenths.mean(0), tenths.double().sum(0),
            x.sum(0), x.mean(0), x.sum(1), x.sum(), x.var(0), half.sum() == 70000, half.mean(),
            half.reshape(7, -1).sum(0)]


@program
def losses_of_narrow_numbers(torch: Any) -> Any:
    """Added up in wider ones, or 200 * 200 * 2 would be too much for float16, and narrow again in the end."""
    x, y = torch.full((5, 2), 200.0, dtype=torch.float16), torch.zeros(5, 2, dtype=torch.float16)
    found = [loss(x, y) for loss in (torch.nn.functional.mse_loss, torch.nn.functional.l1_loss)]
    return found, [loss.dtype == torch.float16 for loss in found]


@program
def running_sums(torch: Any) -> Any:
    """Of many narrow numbers, and of whole numbers that float64 cannot hold."""
    tenths, large = torch.full((100_000, 2), 0.1), torch.tensor([[2**60 + 1, 3, 5], [2**55 + 1, 7, 9]])
    return tenths.cumsum(0)[-1], tenths.t().cumsum(1)[:, -1], large.cumsum(1), large.sum(1), large.prod(1)


@program
def clamps_with_bounds_that_cross(torch: Any) -> Any:
    x = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    low, high = torch.full((6,), 1.0, dtype=torch.float64), torch.tensor([-1.0, 0, 1, 2, 1, 3], dtype=torch.float64)
    found = []
    for lo, hi in ((low, high), (high, low), (-low, low)):
        inputs = [t.clone().requires_grad_() for t in (x, lo, hi)]
        torch.clamp(*inputs).backward(drawn(torch, 6, grad=False))
        found += [t.grad for t in inputs]
    return found


@program
def infinities(torch: Any) -> Any:
    inf = float("inf")
    x = torch.tensor([[-inf, -inf], [inf, 1.0], [0.0, -inf]], dtype=torch.float64)
    return x.logsumexp(1), torch.sign(torch.tensor([float("nan"), inf, -inf, 0.0])), x.maximum(x.flip(1))


@program
def norms_at_zero(torch: Any) -> Any:
    found = []
    for keepdim in (False, True):
        x = (drawn(torch, 3, 4).detach() * torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)).requires_grad_()
        (x.norm(dim=1, keepdim=keepdim) * 2).sum().backward()
        found.append(x.grad)
        y = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
        y.std(1, keepdim=keepdim).sum().backward()
        found.append(y.grad)
    return found


@program
def selections_with_repetition(torch: Any) -> Any:
    x = drawn(torch, 4, 3)
    rows = torch.tensor([0, 2, 2, -1])
    (x[rows] * drawn(torch, 4, 3, seed=1)).sum().backward()
    first = x.grad.clone()
    (x[1:, None, ::2] * 2).sum().backward()
    (x[..., 1] * drawn(torch, 4, seed=2)).sum().backward()
    (x[x > 0] ** 2).sum().backward()
    picked = [x[:, rows[:2]], x.t()[:, rows], torch.cat([x.t(), x.t()]), torch.cat([x.t(), x.t()], 1), x.t()[rows[:1]]]
    return first, x.grad, picked, [t.stride() for t in picked]


@program
def losses_with_every_option(torch: Any) -> Any:
    f, x, y = torch.nn.functional, drawn(torch, 4, 5), torch.tensor([0, 4, -100, 2])
    weight = drawn(torch, 5, seed=1, grad=False).abs()
    endless = torch.where(torch.arange(5) == 3, float("inf"), weight)
    soft = drawn(torch, 4, 5, seed=2).softmax(1)
    found = []
    for reduction in ("mean", "sum", "none"):
        for options in ({}, {"label_smoothing": 0.3}, {"weight": weight}, {"weight": weight, "label_smoothing": 0.2}):
            found += derivatives(torch, lambda a, o=options, r=reduction: f.cross_entropy(a, y, reduction=r, **o), x)
            found += derivatives(torch, lambda a, b, o=options, r=reduction: (
                f.cross_entropy(a, b, reduction=r, **o)), x, soft)
        for loss in (f.cross_entropy, f.nll_loss):  # no target is of the class whose weight is infinite
            found += derivatives(torch, lambda a, r=reduction, loss=loss: loss(a, y, endless, reduction=r), x)
        found += derivatives(torch, lambda a, r=reduction: f.nll_loss(a, y, weight, reduction=r), x)
        found += derivatives(torch, lambda a, r=reduction: f.nll_loss(a, y.clamp(0), reduction=r, ignore_index=2), x)
        for loss in (f.mse_loss, f.l1_loss, f.huber_loss, f.smooth_l1_loss, f.binary_cross_entropy_with_logits):
            found += derivatives(torch, lambda a, b, r=reduction, loss=loss: loss(a, b, reduction=r), x, soft)
        for loss in (f.mse_loss, f.l1_loss, f.huber_loss):
            found += derivatives(torch, lambda a, b, r=reduction, loss=loss: (
                loss(a, b, reduction=r, weight=soft.detach())), x, soft)
    return found


@program
def losses_reduced_in_the_old_way(torch: Any) -> Any:
    f, x, y = torch.nn.functional, drawn(torch, 4, 5), drawn(torch, 4, 5, seed=1)
    p, q = x.sigmoid(), y.sigmoid()
    ids = torch.tensor([0, 4, 3, 2])
    return [loss(a, b, size_average=s, reduce=r) for s in (True, False, None) for r in (True, False, None)
            for loss, a, b in ((f.mse_loss, x, y), (f.l1_loss, x, y), (f.smooth_l1_loss, x, y), (f.kl_div, x, q),
                               (f.binary_cross_entropy, p, q), (f.binary_cross_entropy_with_logits, x, q),
                               (f.cross_entropy, x, ids), (f.nll_loss, x, ids))]


@program
def losses_with_weights_that_require_grad(torch: Any) -> Any:
    """torch has no gradient for these: an error, unless nothing is recorded."""
    f, x, y = torch.nn.functional, drawn(torch, 4, 5), torch.tensor([0, 4, -100, 2])
    soft, weight = drawn(torch, 4, 5, seed=2).softmax(1).detach(), drawn(torch, 5, seed=1)
    calls: list[Callable[[Any, Any], Any]] = [
        lambda a, w: f.cross_entropy(a, y, w), lambda a, w: f.cross_entropy(a, y, w, label_smoothing=0.1),
        lambda a, w: f.nll_loss(a, y, w), lambda a, w: f.binary_cross_entropy_with_logits(a, soft, w),
        lambda a, w: f.binary_cross_entropy_with_logits(a, soft, pos_weight=w)]
    found = []
    for call in calls:
        for a in (x, x.detach()):
            for w in (weight, weight.detach()):
                found.append(error(lambda call=call, a=a, w=w: call(a, w)))
        with torch.no_grad():
            found.append(call(x, weight.abs()))
    probabilities = soft.clone().requires_grad_()
    return found, error(lambda: f.binary_cross_entropy_with_logits(x.detach(), probabilities, weight))


@program
def losses_of_images(torch: Any) -> Any:
    f, x = torch.nn.functional, drawn(torch, 2, 3, 4, 2)
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (2, 4, 2)))
    weight = drawn(torch, 3, seed=1, grad=False).abs()
    soft = drawn(torch, 2, 3, 4, 2, seed=3).softmax(1)
    found = []
    for smoothing in (0.0, 0.1):
        found += derivatives(torch, lambda a, s=smoothing: f.cross_entropy(a, ids, weight, label_smoothing=s), x)
        found += derivatives(torch, lambda a, s=smoothing: f.cross_entropy(a, soft, weight, label_smoothing=s), x)
    found += derivatives(torch, lambda a: f.nll_loss(a, ids, weight), x)
    return found + derivatives(torch, lambda a: f.cross_entropy(a[0, :, 0, 0], ids[0, 0, 0], weight), x)


@program
def losses_with_weights_of_positives(torch: Any) -> Any:
    f, x, y = torch.nn.functional, drawn(torch, 4, 5), drawn(torch, 4, 5, seed=1).sigmoid().detach()
    weight, positive = drawn(torch, 5, seed=2, grad=False).abs(), drawn(torch, 5, seed=3, grad=False).abs()
    found = []
    for reduction in ("mean", "sum", "none"):
        for options in ({"weight": weight}, {"pos_weight": positive}, {"weight": weight, "pos_weight": positive}):
            found += derivatives(torch, lambda a, o=options, r=reduction: (
                f.binary_cross_entropy_with_logits(a, y, reduction=r, **o)), x)
        found += derivatives(torch, lambda a, r=reduction: f.binary_cross_entropy(a, y, weight, reduction=r),
                             x.sigmoid())
    return found


@program
def probabilities_of_zero_and_one(torch: Any) -> Any:
    f = torch.nn.functional
    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 1e-13, 1e-50, 0.5], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.5], dtype=torch.float64)
    f.binary_cross_entropy(p, y, reduction="sum").backward()
    log_p = drawn(torch, 7)
    f.kl_div(log_p, y, reduction="sum").backward()
    refused = [error(lambda wrong=wrong: f.binary_cross_entropy(torch.tensor([wrong, 0.5]), torch.ones(2)))
               for wrong in (-0.1, 1.1, float("inf"))]
    return f.binary_cross_entropy(p, y, reduction="none"), p.grad, log_p.grad, refused


@program
def losses_at_their_corners(torch: Any) -> Any:
    f = torch.nn.functional
    x = torch.tensor([-3.0, -2.0, -0.5, 0.0, 0.5, 2.0, 3.0], dtype=torch.float64)
    zero = torch.zeros(7, dtype=torch.float64)
    found = []
    for size in (0.5, 2.0, 1.0):
        found += derivatives(torch, lambda a, b, s=size: f.huber_loss(a, b, delta=s, reduction="none"), x, zero)
        found += derivatives(torch, lambda a, b, s=size: f.smooth_l1_loss(a, b, beta=s, reduction="none"), x, zero)
    found += derivatives(torch, lambda a, b: f.smooth_l1_loss(a, b, beta=0.0, reduction="none"), x, zero)
    return found + derivatives(torch, lambda a, b: f.l1_loss(a, b, reduction="none"), x, zero)


@program
def losses_that_broadcast_and_mix_dtypes(torch: Any) -> Any:
    f, x = torch.nn.functional, drawn(torch, 4, 3)
    y, z = drawn(torch, 3, seed=1), drawn(torch, 4, 3, seed=2).float()
    found = []
    for loss in (f.mse_loss, f.l1_loss, f.huber_loss, f.smooth_l1_loss):
        found += derivatives(torch, loss, x, y)
        found += [loss(x, z), loss(x, y, reduction="sum"), loss(x[:, :1], x, reduction="sum"), loss(x[:, :1], x)]
    return found + [f.binary_cross_entropy_with_logits(x, z.sigmoid()),
                    f.kl_div(x[0], y.sigmoid(), reduction="batchmean"),
                    f.kl_div(x.log_softmax(1), y.log_softmax(0), log_target=True, reduction="batchmean")]


@program
def everything_ignored(torch: Any) -> Any:
    f, x = torch.nn.functional, drawn(torch, 2, 3)
    y = torch.tensor([-100, -100])
    return [f.cross_entropy(x, y), f.cross_entropy(x, y, reduction="sum"), f.nll_loss(x, y),
            f.cross_entropy(x, torch.tensor([0, 0]), ignore_index=0), f.cross_entropy(x, y, label_smoothing=0.1),
            error(lambda: f.cross_entropy(x, torch.tensor([-99, 0]))),
            error(lambda: f.nll_loss(x, torch.tensor([-1, 0]))),
            error(lambda: f.cross_entropy(x, torch.tensor([3, 0]))),
            f.cross_entropy(x, torch.tensor([-7, 0]), ignore_index=-7)]


@program
def logsumexp_of_nothing(torch: Any) -> Any:
    shapes = (((0, 3), 0), ((3, 0), 1), ((0, 3), 1), ((2, 0, 3), (0, 1)), ((2, 0, 3), (0, 2)))
    return [torch.logsumexp(torch.zeros(*shape, dtype=torch.float64), dim, keepdim)
            for shape, dim in shapes for keepdim in (False, True)]

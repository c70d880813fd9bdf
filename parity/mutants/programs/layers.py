"""Windows, padding, embeddings: options, corners and ties that torch's samples leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.mutants.programs.registry import drawn, error, program


def with_gradient(torch: Any, function: Callable[[Any], Any], x: Any) -> list[Any]:
    """What a function makes of x and how it lies in memory, and x's gradient for a random cotangent; or the error."""
    x = x.detach().clone().requires_grad_()
    try:
        out = function(x)
    except Exception as found:
        return [type(found).__name__]
    out.backward(drawn(torch, *out.shape, seed=9, grad=False))
    return [out, out.stride(), x.grad]


@program
def pooling_with_every_option(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 3, 7, 8), []
    for kernel, stride in ((2, 2), (3, 2), ((3, 2), (2, 3)), (3, 1), (2, 3), ((4, 5), (3, 4))):
        for padding in (0, 1, (1, 0)):
            for ceil in (False, True):
                found += with_gradient(torch, lambda a, k=kernel, s=stride, p=padding, c=ceil: (
                    f.max_pool2d(a, k, s, p, ceil_mode=c)), x)
                for options in ({}, {"count_include_pad": False}, {"divisor_override": 5}):
                    found += with_gradient(torch, lambda a, k=kernel, s=stride, p=padding, c=ceil, o=options: (
                        f.avg_pool2d(a, k, s, p, ceil_mode=c, **o)), x)
    found += with_gradient(torch, lambda a: f.max_pool2d(a, 2, 2, 1, dilation=(2, 1), ceil_mode=True), x)
    found += with_gradient(torch, lambda a: f.max_pool2d(a, 1, 2), x)
    whole = torch.arange(-30, -6).reshape(1, 2, 3, 4)
    found += [f.max_pool2d(whole.to(dtype), 3, 2, 1) for dtype in (torch.int8, torch.int32, torch.int64)]
    return found + with_gradient(torch, lambda a: f.avg_pool2d(a[0], 2), x)


@program
def pooling_along_three_dimensions(torch: Any) -> Any:
    f, x = torch.nn.functional, drawn(torch, 1, 2, 5, 4, 5)
    found = [part for n in (2, 3) for part in with_gradient(torch, lambda a, n=n: f.max_pool3d(a, n), x)]
    found += with_gradient(torch, lambda a: f.max_pool3d(a[0], (2, 1, 3), (1, 2, 2), (1, 0, 1), (2, 1, 1), True), x)
    return found + list(f.max_pool3d(x, 3, 1, 1, return_indices=True))


@program
def interpolation(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 3, 5, 4), []
    for given in ({"size": 7}, {"size": (3, 9)}, {"scale_factor": 2}, {"scale_factor": (1.5, 0.5)},
                  {"scale_factor": 1.7}, {"size": 4, "scale_factor": 2.0}, {}):
        found += with_gradient(torch, lambda a, g=given: f.interpolate(a, **g), x)
    for shape in ((2, 3, 5), (1, 2, 3, 4, 2)):
        found += with_gradient(torch, lambda a: f.interpolate(a, scale_factor=1.5), drawn(torch, *shape))
    return found


@program
def pooling_along_one_dimension(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 3, 9), []
    for options in ({}, {"stride": 1}, {"stride": 2, "padding": 1}, {"stride": 4}, {"stride": 4, "ceil_mode": True}):
        found += with_gradient(torch, lambda a, o=options: f.max_pool1d(a, 3, **o), x)
        found += with_gradient(torch, lambda a, o=options: f.avg_pool1d(a, 3, **o), x)
        found += with_gradient(torch, lambda a, o=options: f.avg_pool1d(a[0], (3,), **o), x)
        values, places = f.max_pool1d(x, 3, return_indices=True, **options)
        found += [values, places]
    return found + with_gradient(torch, lambda a: f.max_pool1d(a, 2, dilation=3), x)


@program
def ties_in_a_window(torch: Any) -> Any:
    f, x = torch.nn.functional, (drawn(torch, 2, 3, 6, 5) * 1.5).round().detach()
    found = with_gradient(torch, lambda a: f.max_pool2d(a, 3, 2, 1), x)
    for options in ({}, {"padding": 1}, {"stride": 1}, {"ceil_mode": True, "padding": 1, "stride": 3}):
        found += list(f.max_pool2d(x, 3, return_indices=True, **options))
        found += list(f.max_pool2d(x[0], 3, return_indices=True, **options))
    return found


@program
def means_of_patches(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 3, 7, 5), []
    for size in (1, 2, 3, (1, 1), (1, 2), (2, 1), (3, 2), (None, 2), (4, None), (9, 8)):
        found += with_gradient(torch, lambda a, s=size: f.adaptive_avg_pool2d(a, s), x)
    for size in (1, 2, 3, 5, 6):
        found += with_gradient(torch, lambda a, s=size: f.adaptive_avg_pool1d(a[0], s), x)
    return [*found, f.adaptive_avg_pool2d(x, 1).grad_fn.name()]  # of all there is, made as any mean


@program
def convolutions_with_every_option(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 4, 7, 6), []
    for groups in (1, 2):
        w, b = drawn(torch, 6, 4 // groups, 3, 2, seed=1), drawn(torch, 6, seed=2)
        for options in ({}, {"stride": 2, "padding": 1}, {"stride": (2, 3), "padding": (0, 2)}, {"dilation": (2, 3)},
                        {"padding": "same"}, {"padding": "same", "dilation": (1, 2)}, {"padding": "valid"}):
            found += with_gradient(torch, lambda a, w=w, b=b, o=options, n=groups: (
                f.conv2d(a, w, b, groups=n, **o)), x)
            found += with_gradient(torch, lambda a, o=options, n=groups: f.conv2d(x[0], a, groups=n, **o), w)
        found += with_gradient(torch, lambda a, w=w: f.conv2d(x, w, a, groups=4 // w.shape[1]), b)
        v, c = drawn(torch, 4, 6 // groups, 3, 2, seed=3), drawn(torch, 6, seed=4)
        for options in ({}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": (2, 3)},
                        {"stride": (3, 2), "output_padding": (2, 0)}, {"padding": (1, 0)}):
            found += with_gradient(torch, lambda a, v=v, c=c, o=options, n=groups: (
                f.conv_transpose2d(a, v, c, groups=n, **o)), x)
            found += with_gradient(torch, lambda a, o=options, n=groups: f.conv_transpose2d(x, a, groups=n, **o), v)
    w = drawn(torch, 5, 4, 3, seed=5)
    for options in ({}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"padding": "same"}, {"padding": (2,)}):
        found += with_gradient(torch, lambda a, o=options: f.conv1d(a[:, :, 0], w, **o), x)
        found += with_gradient(torch, lambda a, o=options: f.conv1d(x[0, :, 0], a, **o), w)
    return found


@program
def derivatives_of_convolutions_derivatives(torch: Any) -> Any:
    f, found = torch.nn.functional, []
    for call, shape in ((f.conv2d, (3, 2, 2, 2)), (f.conv_transpose2d, (2, 3, 2, 2))):
        for seed in (0, 1):
            x, w = drawn(torch, 2, 2, 4, 4, seed=seed), drawn(torch, *shape, seed=seed + 2)
            out = call(x, w, stride=2)
            g = drawn(torch, *out.shape, seed=seed + 4)
            first = torch.autograd.grad(out, [x, w], g, create_graph=True)
            found += torch.autograd.grad((first[0].sin().sum() + (first[1] ** 2).sum()), [x, w, g])
    return found


@program
def padding_of_every_kind(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 3, 5, 6), []
    for mode in ("reflect", "replicate", "circular", "constant"):
        for widths in ((1, 2), (2, 1, 1, 3), (-1, 2, 0, -2), (0, 0, 2, 0), (4, 3, 4, 2), (-1, -1, -1, -1)):
            inner = x[0] if len(widths) == 2 else x
            found += with_gradient(torch, lambda a, m=mode, w=widths: f.pad(a, w, m), inner)
    for widths in ((1, 1, 0, 0, 2, 0), (0, 0, 0, 0, 0, 0, 1, -1)):
        found += with_gradient(torch, lambda a, w=widths: f.pad(a, w, value=1.5), x)
    return found


@program
def embeddings(torch: Any) -> Any:
    f, ids, found = torch.nn.functional, torch.tensor([[0, 2, 2], [4, 1, 2]]), []
    for options in ({}, {"padding_idx": 2}, {"padding_idx": -1}, {"padding_idx": 0}, {"scale_grad_by_freq": True}):
        found += with_gradient(torch, lambda w, o=options: f.embedding(ids, w, **o), drawn(torch, 5, 3))
    return found, f.one_hot(ids), f.one_hot(ids, 7)


@program
def large_numbers(torch: Any) -> Any:
    """What must not overflow."""
    f, found = torch.nn.functional, []
    x = torch.tensor([[1000.0, -1000.0, 999.0], [-800.0, -801.0, -900.0]], dtype=torch.float64)
    ids = torch.tensor([1, 2])
    for function in (lambda a: a.softmax(1), lambda a: a.log_softmax(1), lambda a: a.logsumexp(1), torch.sigmoid,
                     lambda a: f.cross_entropy(a, ids), f.softplus, f.logsigmoid, f.silu, f.elu, torch.tanh,
                     lambda a: f.binary_cross_entropy_with_logits(a, (a > 0).double()),
                     lambda a: f.softplus(a, 2.0, 5.0),
                     lambda a: a.float().softmax(0).double(), lambda a: f.gelu(a), lambda a: f.celu(a, 0.5)):
        found += with_gradient(torch, function, x)
    return found


@program
def activations_at_their_corners(torch: Any) -> Any:
    f, found = torch.nn.functional, []
    x = torch.tensor([-1.0, -0.5, 0.0, -0.0, 0.5, 1.0, 6.0, 10.0, 20.0, 21.0], dtype=torch.float64)
    for function in (lambda a: f.elu(a, 0.3), lambda a: f.celu(a, 0.3), f.selu, lambda a: f.leaky_relu(a, 0.2), f.relu6,
                     lambda a: f.hardtanh(a, -0.5, 0.5), f.softplus, lambda a: f.softplus(a, 2.0, 20.0), f.gelu,
                     lambda a: f.softplus(a, 2.0, 1.0), lambda a: f.elu(a, -0.3),
                     f.relu, lambda a: a.clamp(0, 1), lambda a: a.clamp(min=0.5), lambda a: a.clamp(max=0.5), torch.abs,
                     torch.sign, lambda a: a.maximum(a.flip(0)), lambda a: a.minimum(a * 1)):
        found += with_gradient(torch, function, x)
    return found


@program
def signs_of_zeros(torch: Any) -> Any:
    """1 / 0 is inf, 1 / -0 is -inf."""
    f, zeros = torch.nn.functional, torch.tensor([0.0, -0.0], dtype=torch.float64)
    ignored = f.cross_entropy(drawn(torch, 3, 4), torch.tensor([1, -100, 2]), reduction="none")
    return 1 / ignored, [1 / function(zeros) for function in (
        f.elu, f.selu, f.celu, f.gelu, f.silu, f.leaky_relu, lambda a: f.elu(a, -0.3), lambda a: f.celu(a, -0.3),
        lambda a: f.leaky_relu(a, -0.3))]


@program
def remainders(torch: Any) -> Any:
    inf = float("inf")
    x = torch.tensor([5.0, -5.0, 5.0, -5.0, -1.0, 1.0, 0.0, -6.0], dtype=torch.float64)
    y = torch.tensor([3.0, 3.0, -3.0, -3.0, inf, -inf, 3.0, 3.0], dtype=torch.float64)
    return (torch.remainder(x, y), torch.fmod(x, y), torch.div(x, y, rounding_mode="floor"), x // y,
            torch.remainder(x.long(), torch.tensor(-3)), error(lambda: torch.remainder(x.long(), torch.tensor(0))))


@program
def numbers_with_whole_numbers(torch: Any) -> Any:
    f, x = torch.nn.functional, drawn(torch, 4, 3, grad=False).float()
    whole = torch.tensor([[1, 2, 3]] * 4)
    found = [loss(a, b) for loss in (f.mse_loss, f.l1_loss, f.smooth_l1_loss) for a, b in ((x, whole), (whole, x))]
    return [*found, x * whole, whole / whole, x**whole, torch.where(x > 0, x, 1), f.huber_loss(x, whole)]


@program
def gradients_of_single_numbers(torch: Any) -> Any:
    x = torch.tensor(2.0, requires_grad=True)
    (x * x).backward()
    x.grad.add_(1)
    (x * 3).backward()
    y = torch.tensor(3.0, requires_grad=True)
    (found,) = torch.autograd.grad(y.exp() * y, y)
    found[...] = found + 1
    (y * torch.ones(3)).sum().backward()
    y.grad += 1
    half = torch.ones(2, dtype=torch.float16, requires_grad=True)
    return x.grad, found, y.grad, error(lambda: (half * 1).backward(torch.full((2,), 70000.0)))


@program
def windows_that_do_not_fit(torch: Any) -> Any:
    f, x, w = torch.nn.functional, drawn(torch, 1, 2, 4, 4), drawn(torch, 3, 2, 2, 2)
    return [error(call) for call in (
        lambda: f.conv2d(x, w, stride=0), lambda: f.conv2d(x, w, dilation=0), lambda: f.conv2d(x, w, padding=-1),
        lambda: f.conv2d(x, w, groups=0), lambda: f.conv2d(x, w, dilation=4), lambda: f.conv2d(x, w, stride=(1, 2, 3)),
        lambda: f.conv2d(x, w, padding="same", stride=2), lambda: f.max_pool2d(x, 2, padding=2),
        lambda: f.max_pool2d(x, 5), lambda: f.conv_transpose2d(x, w.transpose(0, 1), output_padding=1),
        lambda: f.pad(x, (5, 0), "reflect"), lambda: f.pad(x, (-3, -3)), lambda: f.max_pool2d(x, 2, 0))]

"""Where numbers go wrong silently, if they do: NaN and infinity, kinks, ties, zeros, nothing at all, whole numbers.

Each program runs on both libraries and returns values and gradients, which must be the same but for rounding; what
raises on torch must raise the same type here.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

import minigrad as mg

INF, NAN = float("inf"), float("nan")
ODD = [-1.0, -0.0, 0.0, 1.0, 3.0, 6.0, INF, -INF, NAN]
UNARY = ["abs", "relu", "sqrt", "log", "sign", "exp", "log1p", "rsqrt", "reciprocal", "square", "sigmoid", "tanh",
         "floor", "ceil", "round", "trunc", "erf", "log2", "log10", "expm1", "sin", "cos", "tan", "asin", "acos",
         "atan", "sinh", "cosh"]
FUNCTIONAL = ["relu6", "leaky_relu", "elu", "hardtanh", "softplus", "gelu", "silu", "softsign", "tanhshrink",
              "logsigmoid", "selu", "celu", "mish"]
REDUCTIONS = ["sum", "mean", "prod", "var", "std", "norm", "max", "min", "amax", "amin", "argmax", "argmin", "median",
              "logsumexp", "all", "any", "cumsum", "sort", "softmax"]


def plain(value: Any) -> Any:
    """Tensors as their dtype, shape and numbers; floats so that equal means close, and NaN equals NaN."""
    if isinstance(value, (mg.Tensor, torch.Tensor)):
        return str(value.dtype), list(value.shape), plain(value.detach().tolist())
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return pytest.approx(value, rel=1e-5, abs=1e-30, nan_ok=True) if isinstance(value, float) else value


def outcome(program: Any, lib: Any) -> Any:
    """What a program returns, or the type of what it raises."""
    try:
        return program(lib)
    except Exception as error:
        return type(error)


def agree(program: Any) -> Any:
    """Run a program on both; what it gives must be the same."""
    ours, theirs = outcome(program, mg), outcome(program, torch)
    assert numbers(ours) == plain(theirs)
    return ours


def numbers(value: Any) -> Any:
    """The same as `plain`, with the floats as they are: the other side of an equation."""
    if isinstance(value, mg.Tensor):
        return str(value.dtype), list(value.shape), value.detach().tolist()
    return [numbers(one) for one in value] if isinstance(value, (list, tuple)) else value


def pulled(lib: Any, function: Any, *values: Any) -> Any:
    """The value of a function, and its gradients from a cotangent of 1, 2, 3, ..."""
    inputs = [lib.tensor(value, requires_grad=True) for value in values]
    out = function(*inputs)
    out.backward(lib.arange(1.0, out.numel() + 1).reshape(out.shape))
    return out, [x.grad for x in inputs]


# ------------------------------------------------------------------------------------- NaN, infinity and kinks


@pytest.mark.parametrize("name", UNARY + FUNCTIONAL)
def test_functions_at_kinks_infinity_and_nan(name: str) -> None:
    values = [x for x in ODD if x != INF] if name == "gelu" else ODD  # of infinity torch's gelu makes NaN
    agree(lambda lib: pulled(lib, getattr(lib, name, None) or getattr(lib.nn.functional, name), values))


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, 0, 1, 2, -2])
def test_powers_of_zero_and_of_negative_numbers(power: float) -> None:
    agree(lambda lib: pulled(lib, lambda x: x**power, [0.0, -1.0, 2.0, NAN, INF]))


@pytest.mark.parametrize("function", [
    lambda lib, x, y: x**y, lambda lib, x, y: x / y, lambda lib, x, y: x * y, lambda lib, x, y: x % y,
    lambda lib, x, y: lib.maximum(x, y), lambda lib, x, y: lib.minimum(x, y), lambda lib, x, y: lib.fmod(x, y),
    lambda lib, x, y: lib.where(x > y, x, y), lambda lib, x, y: lib.clamp(x, min=y),
])
def test_two_inputs_at_zeros_ties_infinity_and_nan(function: Any) -> None:
    x, y = [0.0, 0.0, 2.0, -1.0, 1.0, INF, NAN, 1.0], [0.0, 2.0, 0.0, 3.0, 1.0, INF, 1.0, NAN]
    agree(lambda lib: pulled(lib, lambda a, b: function(lib, a, b), x, y))


def test_where_hides_a_gradient_that_is_nan_as_torch_does() -> None:
    """0 times infinity is NaN: the known trap of where(x > 0, x.sqrt(), 0) is there, as in torch."""
    found = agree(lambda lib: pulled(lib, lambda x: lib.where(x > 0, x.sqrt(), lib.zeros(2)), [0.0, 4.0]))
    assert "nan" in str(found)


@pytest.mark.parametrize("row", [[-INF, 0.0], [-INF, -INF], [1e4, -1e4], [INF, 1.0], [NAN, 1.0], [3.4e38, -3.4e38]])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_and_its_kin_at_extremes(name: str, row: list[float]) -> None:
    agree(lambda lib: pulled(lib, lambda x: getattr(x, name)(0), row))


@pytest.mark.parametrize("scale", [1e4, -1e4, 88.0, -104.0, 0.0, 1e38])
@pytest.mark.parametrize("loss", [
    lambda F, x, y: F.binary_cross_entropy_with_logits(x, y), lambda F, x, y: F.cross_entropy(x, y),
    lambda F, x, y: F.cross_entropy(x, y, label_smoothing=0.1), lambda F, x, y: F.mse_loss(x, y),
    lambda F, x, y: F.cross_entropy(x[None], y.argmax()[None]), lambda F, x, y: F.l1_loss(x, y),
    lambda F, x, y: F.smooth_l1_loss(x, y), lambda F, x, y: F.huber_loss(x, y), lambda F, x, y: F.kl_div(x, y),
    lambda F, x, y: F.nll_loss(F.log_softmax(x[None], 1), y.argmax()[None]),
    lambda F, x, y: F.binary_cross_entropy(x.sigmoid(), y),
])
def test_losses_at_extreme_logits(loss: Any, scale: float) -> None:
    agree(lambda lib: pulled(lib, lambda x: loss(lib.nn.functional, x, lib.tensor([1.0, 0.0])), [scale, -scale]))


def test_cross_entropy_is_finite_where_it_should_be() -> None:
    for lib in (mg, torch):
        x = lib.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
        loss = lib.nn.functional.cross_entropy(x, lib.tensor([0, 0]))
        loss.backward()
        assert loss.item() == 1e4 and x.grad.tolist() == [[0, 0], [-0.5, 0.5]]


# ------------------------------------------------------------------------------------------------------- ties


@pytest.mark.parametrize("function", [
    lambda x: x.max(), lambda x: x.min(), lambda x: x.max(1).values, lambda x: x.min(0).values, lambda x: x.amax(1),
    lambda x: x.amin(), lambda x: x.median(), lambda x: x.sort(1).values, lambda x: x.topk(2).values,
    lambda x: x.abs().max(), lambda x: x.norm(INF), lambda x: x.clamp(2, 2), lambda x: x.cummax(1).values,
    lambda x: x.unique(return_inverse=True)[1], lambda x: x.argmax(1),
])
def test_ties(function: Any) -> None:
    rows = [[1.0, 2.0, 2.0], [3.0, 3.0, 3.0], [2.0, -2.0, 1.0]]
    if not hasattr(mg.Tensor, "cummax") and "cummax" in function.__code__.co_names:
        pytest.skip("minigrad has no cummax")
    agree(lambda lib: pulled(lib, function, rows) if function(lib.tensor(rows, requires_grad=True)).requires_grad
          else function(lib.tensor(rows)))


def test_pooling_over_ties() -> None:
    agree(lambda lib: pulled(lib, lambda x: lib.nn.functional.max_pool2d(x, 2), [[[[1.0] * 4] * 4]]))


# ----------------------------------------------------------------------------------------- zeros, and nothing


@pytest.mark.parametrize("function", [
    lambda lib, x: x.prod(), lambda lib, x: x.cumprod(0), lambda lib, x: x.norm(), lambda lib, x: x.norm(1),
    lambda lib, x: x.norm(3), lambda lib, x: x.std(), lambda lib, x: x.var(), lambda lib, x: x / x.sum(),
    lambda lib, x: lib.nn.functional.normalize(x, dim=0), lambda lib, x: lib.nn.functional.layer_norm(x, (4,)),
    lambda lib, x: lib.nn.functional.cosine_similarity(x, lib.ones(4), 0), lambda lib, x: x.sqrt().sum(),
])
@pytest.mark.parametrize("values", [[0.0] * 4, [2.0, 0.0, 3.0, 0.0], [2.0, 0.0, 3.0, 1.0]])
def test_zeros(function: Any, values: list[float]) -> None:
    agree(lambda lib: pulled(lib, lambda x: function(lib, x), values))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_nothing(name: str, shape: tuple[int, ...]) -> None:
    def whole(lib: Any) -> Any:
        return getattr(lib.zeros(shape), name)()

    def along(lib: Any) -> Any:
        found = getattr(lib.zeros(shape), name)(len(shape) - 1)
        return list(found) if isinstance(found, tuple) else found

    agree(whole)
    agree(along)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("function", [lambda x: x.std(0), lambda x: x.var(0), lambda x: x.std(), lambda x: x.mean(0),
                                      lambda x: x.softmax(0), lambda x: x.expand(3, 2), lambda x: x.squeeze(0)])
def test_dimensions_of_size_one(function: Any) -> None:
    agree(lambda lib: pulled(lib, function, [[1.0, -2.0]]))


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_broadcast_dimensions_of_size_one_get_their_sums() -> None:
    agree(lambda lib: pulled(lib, lambda x, y, z: x * y + z, [[1.0, 2.0, 3.0]], [[4.0], [5.0]], 2.0))


# --------------------------------------------------------------------------------- whole numbers, true and false


@pytest.mark.parametrize("program", [
    lambda lib: lib.ones(2, dtype=lib.int64).requires_grad_(), lambda lib: lib.tensor([True], requires_grad=True),
    lambda lib: lib.nn.Parameter(lib.ones(2, dtype=lib.int64)), lambda lib: lib.arange(3).float().requires_grad_(),
    lambda lib: lib.nn.Parameter(lib.ones(2, dtype=lib.int64), requires_grad=False),
    lambda lib: lib.ones(2, dtype=lib.int64).backward(), lambda lib: lib.ones(2, dtype=lib.int64).sum().backward(),
    lambda lib: [(op(lib.ones(2, requires_grad=True))).requires_grad
                 for op in (lambda x: x.long(), lambda x: x > 0, lambda x: x.argmax(), lambda x: x.bool())],
    lambda lib: lib.tensor(1) // lib.tensor(0), lambda lib: lib.tensor(1) % lib.tensor(0),
    lambda lib: lib.tensor([2]) ** -1, lambda lib: lib.tensor([1, -1, 0]) / 0, lambda lib: lib.tensor([7, -7]) // -2,
    lambda lib: lib.tensor([7, -7]) % -3, lambda lib: lib.tensor([200], dtype=lib.uint8) + 100,
    lambda lib: lib.tensor([2**62]) * 4, lambda lib: lib.tensor([True, True]) + lib.tensor([True, False]),
    lambda lib: lib.tensor([True]) - lib.tensor([True]), lambda lib: lib.tensor([1, 2]).mean(),
    lambda lib: lib.tensor([1.5]).long() + lib.tensor([-1.5]).long(), lambda lib: lib.tensor([1, 2]).add_(1.5),
])
def test_whole_numbers(program: Any) -> None:
    agree(program)


# ---------------------------------------------------------------------------------- graphs used in odd ways


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("program", [
    lambda lib, x: [(y := x * 2).sum().backward(), y.grad, y.is_leaf],
    lambda lib, x: [(y := (x * x).sum()).backward(), y.backward()],
    lambda lib, x: x.add_(1), lambda lib, x: x.__setitem__(0, 1.0), lambda lib, x: setattr(x, "grad", lib.ones(3)),
    lambda lib, x: setattr(x, "grad", lib.ones(2, dtype=lib.float64)), lambda lib, x: x.backward(),
    lambda lib, x: [(y := x.exp()), y.mul_(2), y.sum().backward(), x.grad],
    lambda lib, x: [(y := x * 1), (z := y * y), y.add_(1), z.sum().backward()],
    lambda lib, x: [(y := x * 1), (v := y[:1]), y.mul_(3), (v * 2).sum().backward(), x.grad],
    lambda lib, x: [(y := x * 1), (v := y[:1]), v.mul_(3), y.sum().backward(), x.grad],
    lambda lib, x: [(y := x.detach()), (z := (x * x).sum()), y.add_(1), z.backward()],
    lambda lib, x: lib.autograd.grad(lib.autograd.grad((x**3).sum(), x, create_graph=True)[0].sum(), x),
    lambda lib, x: lib.autograd.grad(lib.autograd.grad((x * 3).sum(), x, create_graph=True)[0].sum(), x),
    lambda lib, x: lib.autograd.grad((x * 2).sum(), [x, lib.ones(1, requires_grad=True)], allow_unused=True),
    lambda lib, x: lib.autograd.grad((x * 2).sum(), [x, lib.ones(1, requires_grad=True)]),
    lambda lib, x: [lib.nn.utils.clip_grad_norm_([x], 1.0), x.grad],
])
def test_graphs(program: Any) -> None:
    agree(lambda lib: program(lib, lib.tensor([1.0, 2.0], requires_grad=True)))


@pytest.mark.filterwarnings("ignore:Anomaly Detection", "ignore:Error detected in")
@pytest.mark.parametrize(("function", "node"), [
    (lambda lib, x: (x.sqrt() * 0).sum(), "Sqrt"), (lambda lib, x: (x.log() * 0).sum(), "Log"),
    (lambda lib, x: (x / x).sum(), "Div"), (lambda lib, x: lib.where(x > 0, x.rsqrt(), 0.0 * x).sum(), "Rsqrt"),
])
def test_an_anomaly_is_found_where_it_arises(function: Any, node: str) -> None:
    for lib in (mg, torch):
        x = lib.tensor([0.0, 1.0], requires_grad=True)
        with lib.autograd.detect_anomaly(), pytest.raises(RuntimeError, match=f"{node}Backward0' returned nan"):
            function(lib, x).backward()

"""What is a composition of the table's entries, against torch: values, gradients, second order, names, errors.

Each case is a line of Python that runs on both libraries, with x (3, 4), y (3, 4), v (4,), m (4, 4) and i, a matrix of
indices. The table's own entries are in test_ops; torch's metadata is run by `python -m parity conformance`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import same, same_error, same_warnings

import minigrad as mg

WITH_GRADIENT = """
x.cumprod(1) | torch.cumprod(torch.zeros(3) * v[0] + v[:3], 0) | x.prod() | x.prod(0) | x.prod(1, keepdim=True)
(x * (x > 0)).prod(1) | (v * (v > 1)).prod() | (x * (x > 0)).cumprod(0) | x[:0].prod(0) | x.prod(1)[0].prod()
x.sort(0)[0] | x.sort(descending=True).values | x.topk(2)[0] | torch.topk(x, 1, 0, largest=False)[0] | x.median()
x.median(1).values | x.max(1).values | x.min(0, keepdim=True)[0] | x.round().median()
torch.einsum('ij,jk->ik', x, m) | torch.einsum('ij,ij->', x, y) | torch.einsum('i,j', v, v) | torch.einsum('ii', m)
torch.einsum('ii->i', m) | torch.einsum('...j,j->...', x, v)
torch.einsum('bij,bjk->bik', x.view(2, 2, 3), y.view(2, 3, 2)) | torch.einsum('ij->ji', x)
torch.einsum('ij,kj,j->ik', x, y, v) | torch.einsum('i,ij', v, m) | torch.einsum('iij->j', m.view(2, 2, 4))
torch.bmm(x.view(3, 2, 2), y.view(3, 2, 2)) | torch.outer(v, v) | torch.addmm(y, x, m, beta=0.5, alpha=2) | m.trace()
m.diag() | v.diag(1) | m.diag(-2) | x.norm() | x.norm(1) | x.norm(2, 1) | x.norm(3, 0) | x.norm(float('inf'))
(x * 0).norm() | (x * 0).norm(3) | x.norm(dim=1) | torch.linalg.norm(x) | torch.linalg.norm(v, 1)
torch.inverse(m + 4 * torch.eye(4).to(m.dtype)) | x @ v | v @ v | v @ m | x.gather(1, i) | x.take_along_dim(i[:1], 1)
x.scatter(1, i, y) | x.scatter(1, i, 2.0) | x.scatter_add(1, i, y) | x.index_select(1, i[0])
x.masked_fill(x > 0, 0.5) | x.masked_select(x > 0) | x[x > 0] | x.flip(0, 1) | x.flip((1,)) | x.roll(1)
x.roll((1, -2), (0, 1)) | x.roll(5, 1) | x.repeat(2, 1) | v.repeat(2, 3) | x.tile(2) | x.chunk(3, 1)[1]
x.split(3, 1)[1] | x.split([1, 2])[1] | x.unbind(1)[2] | list(x)[1] | x.narrow(1, 1, 2) | x.movedim(0, 1)
torch.hstack([v, v[:2]]) | torch.hstack([x, y]) | torch.vstack([v, x]) | torch.column_stack([v, v])
torch.stack([x, y], 1) | torch.meshgrid(v, v[:2], indexing='ij')[0] | torch.meshgrid(v, v[:2], indexing='xy')[1]
x.unflatten(1, (2, -1)) | x.ravel() | x.repeat_interleave(2) | x.repeat_interleave(2, 0) | x.addcmul(x, y, value=2)
x.addcdiv(x, y.exp()) | x.lerp(y, 0.3) | x % 0.7 | 2 / x | 2 - x | x.clamp_min(0.1) | x.clamp_max(v)
x.logsumexp((0, 1)) | torch.cat([x, x[:0, 0]]) | x.tril(1).triu() | x.diff() | x.diff(2, 0)
torch.unsqueeze(x, axis=1) | torch.stack([x, y], axis=1) | x.softmax(axis=1) | x.unbind(axis=1)[0] | x.fmod(0.6)
torch.div(x, 0.3, rounding_mode='trunc') | torch.div(x, 0.3, rounding_mode='floor') | x.round(decimals=1)
x.clone().zero_() | x.clone().fill_(2) | x.clone().copy_(y) | x.clone().unsqueeze_(0) | x.clone().t_()
x.clone().masked_fill_(x > 0, 1) | x.clone().transpose_(0, 1).mul_(2) | x.clone().scatter_add_(1, i, y)
x.clone().floor_() | x.clone().cumsum_(0) | x.clone().eq_(y)
""".replace("\n", " | ").strip(" |").split(" | ")

PLAIN = """
x // 0.7 | 7 // k | k // 2 | k % 3 | -7 % k | k.fmod(2) | torch.div(k, 2, rounding_mode='trunc') | k << 1 | k >> 1
k ** 2 | torch.logical_and(k, k - 3) | torch.logical_or(x > 0, k[:, :4]) | torch.logical_xor(x > 0, y > 0)
torch.logical_not(k) | torch.isnan(x / 0 * 0) | torch.isinf(x / 0) | torch.isfinite(x) | k.cumsum(0) | k.prod()
k.cumprod(1) | (k > 2).sum() | k.median() | torch.tensor([-3.0, 3.0, -4.5]) % 3 | k % -2 | torch.count_nonzero(k - 3)
(x > 0).count_nonzero(dim=0) | x.argsort() | x.argsort(0, descending=True) | k.sort(stable=True)[1] | x.topk(2)[1]
k[0].bincount() | k[0].bincount(minlength=9) | k[0].bincount(x[0]) | k.unique()
k.unique(return_counts=True) | k.unique(return_inverse=True) | k.unique(dim=0) | x.nonzero()
(x > 0).nonzero(as_tuple=True) | torch.argwhere(k) | torch.where(x > 0) | k.new_zeros(2) | x.new_tensor([1, 2])
x.new_full((2,), 3) | x.new_ones((2, 3), dtype=torch.int64) | k.sign() | k.abs()
torch.floor(x) | x.int() | torch.less(x, y) | torch.greater_equal(x, 0) | torch.not_equal(k, 1) | k.float() | k.bool()
x.long() | k.char() | x.half() | k.byte() | torch.as_tensor([[1, 2], [3, 4]]) | torch.Tensor([1, 2])
torch.FloatTensor([[1], [2]]) | torch.LongTensor([1, 2]) | torch.Tensor(2, 3).shape | x.type(torch.LongTensor)
x.type('torch.DoubleTensor') | x.type() | k.type(torch.float32) | x[None, :, 1:3] | x[:, [0, 2]] | x[k[:, 0] > 1]
x[[0, 1], [1, 2]] | x[..., None].shape | x[-1] | x[1, -2] | x[:, ::2] | k.tolist() | torch.is_tensor(x) | x.numel()
x.is_floating_point()
""".replace("\n", " | ").strip(" |").split(" | ")


def inputs(lib: Any, dtype: str) -> dict[str, Any]:
    """The names that the lines use, as tensors of a library."""
    rng = np.random.default_rng(5)
    arrays = {"x": (3, 4), "y": (3, 4), "v": (4,), "m": (4, 4)}
    found = {name: lib.from_numpy(rng.normal(size=shape).astype(dtype)) for name, shape in arrays.items()}
    found["i"] = lib.from_numpy(rng.integers(0, 4, (3, 4)))
    found["k"] = lib.from_numpy(rng.integers(1, 6, (3, 4)))
    return {"torch": lib, **found}


def results(lib: Any, line: str, dtype: str) -> list[Any]:
    """The line's value, its gradients for a random cotangent, and the gradients of these: with the grad_fn's name."""
    names = inputs(lib, dtype)
    leaves = [names[n].requires_grad_() for n in "xyvm"]
    out = eval(line, names)
    rng = np.random.default_rng(7)
    g = lib.from_numpy(np.asarray(rng.normal(size=tuple(out.shape)).astype(dtype))).requires_grad_()
    first = lib.autograd.grad(out, leaves, g, create_graph=True, allow_unused=True)
    ways = [lib.from_numpy(rng.normal(size=tuple(leaf.shape)).astype(dtype)) for leaf in leaves]
    again = [(a, way) for a, way in zip(first, ways, strict=True) if a is not None and a.requires_grad]
    second = [None] * 5
    if again:
        second = lib.autograd.grad([a for a, _ in again], [*leaves, g], [w for _, w in again], allow_unused=True)
    return [out, *first, *second]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("line", WITH_GRADIENT)
def test_against_torch(line: str, dtype: str) -> None:
    mine, theirs = results(mg, line, dtype), results(torch, line, dtype)
    for a, b in zip(mine, theirs, strict=True):
        if a is None or b is None:  # no path, or one that only carries zeros
            assert not np.any((b if a is None else a).detach().numpy(force=True) if a is not b else 0)
            continue
        assert str(a.dtype) == str(b.dtype) and tuple(a.shape) == tuple(b.shape)
        tolerance = 1e-12 if dtype == "float64" else 2e-5
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(force=True), rtol=tolerance, atol=5 * tolerance)


@pytest.mark.parametrize("line", PLAIN)
def test_without_a_gradient(line: str) -> None:
    def run(lib: Any) -> Any:
        found = eval(line, inputs(lib, "float32"))
        return found, repr(found)

    same(run)


# Compositions whose last step is another op than torch's: their values and gradients are right, their names are not.
OTHER_NAMES = ("einsum", "cdist", "inverse", "addmm", "norm(1)", "norm(3", "inf')", "addc",
               "trace", "clamp_", "repeat_interleave", "cat([x, x[:0, 0]])", "unflatten", "chunk(", "reduce=",
               "x * 0).norm(3)", "copy_", "unsqueeze_", "t_()", "linalg.norm(v, 1)", "take_along", "decimals",
               "[x > 0]", "diff", "eq_", "[0].prod", "xy'", "diag(1)")


@pytest.mark.parametrize("line", [line for line in WITH_GRADIENT if not any(part in line for part in OTHER_NAMES)])
def test_the_name_of_the_node(line: str) -> None:
    def run(lib: Any) -> str:
        names = inputs(lib, "float32")
        for n in "xyvm":
            names[n].requires_grad_()
        return str(eval(line, names).grad_fn.name())

    same(run)


@pytest.mark.parametrize("call", [
    "x.sum(0)", "x.mean()", "x.mean(1)", "1 - x", "x - 1", "x.clamp(0, 1)", "x ** 2", "x ** x", "2 ** x", "x.max()",
    "x.max(0)[0]", "x @ m", "x @ v", "v.dot(v)", "x.double()", "x.log2()", "x.log1p()", "x // 2", "x.sub(2, alpha=2)",
    "x.clone().copy_(m[:3])", "x[0]", "x[:, None]", "x[None, 1:]", "x[None, 1]", "x[0, None]", "x[1:, :, None]",
    "x.clone().index_select(0, torch.tensor([1]))"])
def test_printed_name(call: str) -> None:
    def run(lib: Any) -> str:
        names = inputs(lib, "float32")
        for n in "xvm":
            names[n].requires_grad_()
        return repr(eval(call, names)).split("grad_fn=")[1]

    same(run)


def test_named_tuples_print_as_torchs() -> None:
    for call in ("sort()", "topk(1)", "median(0)", "max(1)", "min(0)"):
        same(lambda lib, call=call: repr(eval(f"torch.tensor([[1., 3.], [2., 4.]]).{call}", {"torch": lib})))


@pytest.mark.parametrize("call", [
    "torch.zeros(2, 3).flip(2)", "torch.zeros(2)[::-1]", "torch.zeros(2).roll((1, 2), 0)",
    "torch.zeros(2, 3).repeat(2)", "torch.zeros(4).split(-1)", "torch.zeros(4).split([1, 2])",
    "torch.zeros(4).chunk(0)", "torch.tensor(1.).unbind()", "torch.zeros(4).narrow(0, 3, 2)",
    "torch.zeros(2, 3).gather(0, torch.zeros(2, dtype=torch.int64))", "torch.zeros(3).gather(0, torch.tensor([3]))",
    "torch.zeros(3).index_select(0, torch.tensor([3]))", "torch.zeros(3).masked_fill(torch.zeros(3), 1.)",
    "torch.zeros(3).masked_select(torch.zeros(3))", "torch.zeros(3).topk(4)", "torch.tensor([-1]).bincount()",
    "torch.tensor([1.]).bincount()", "torch.einsum('ij', torch.zeros(3))",
    "torch.einsum('i,j->k', torch.zeros(3), torch.zeros(3))", "torch.einsum('i,i', torch.zeros(3), torch.zeros(2))",
    "torch.bmm(torch.zeros(2, 3), torch.zeros(2, 3))", "torch.bmm(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4))",
    "torch.outer(torch.zeros(2, 3), torch.zeros(2))", "torch.diag(torch.zeros(1, 1, 1))",
    "torch.trace(torch.zeros(2))", "torch.tril(torch.zeros(2))", "torch.hstack([])", "torch.vstack([])",
    "torch.stack([])", "torch.cat([])", "torch.cat([torch.zeros(2, 3), torch.zeros(2)])", "torch.meshgrid([])",
    "torch.meshgrid(torch.zeros(2, 2))", "torch.tensor([1, 2]) // torch.tensor([0, 1])", "torch.tensor([1]) % 0",
    "torch.div(torch.zeros(2), 2, rounding_mode='up')", "torch.zeros(2).sum(True)", "torch.zeros(0, 2).amax(0)",
    "torch.tensor([1]).norm()", "torch.zeros(2).exp(3)", "torch.exp([1.])", "torch.logical_and(torch.zeros(2), 1)",
    "torch.maximum(torch.zeros(2), 1.)", "torch.zeros(2, requires_grad=True).unsqueeze_(0)",
    "torch.zeros(2).floor_divide(0, 1)", "torch.zeros(2).unflatten(0, (3, 2))",
    "torch.multinomial(torch.zeros(3), 1)", "torch.arange(float('inf'))", "torch.pow(2, 3)", "torch.zeros(2) << 1",
    "del_item(torch.zeros(2))", "torch.inverse(torch.ones(2, 2, dtype=torch.int64))"])
def test_errors(call: str) -> None:
    def del_item(x: Any) -> None:
        del x[0]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_error(lambda lib: eval(call, {"torch": lib, "del_item": del_item}), text=False)


def test_a_rounded_quotient_has_no_derivative() -> None:
    same_error(lambda lib: (lib.ones(2, requires_grad=True) // 2).sum().backward(), text=False)


def test_what_torch_has_first_derivatives_of_alone() -> None:
    def run(lib: Any) -> Any:
        names = inputs(lib, "float64")
        x, y = names["x"].requires_grad_(), names["y"].requires_grad_()
        (lib.cdist(x, y) * lib.arange(9.0).view(3, 3)).sum().backward()
        return [[round(v, 10) for v in grad.flatten().tolist()] for grad in (x.grad, y.grad)]

    same(run)


def test_a_singular_matrix_has_no_inverse() -> None:
    with pytest.raises(RuntimeError, match="singular|Singular"):
        mg.inverse(mg.zeros(2, 2))


def test_meshgrid_warns_where_no_indexing_is_named() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mg.meshgrid(mg.arange(2), mg.arange(3))
    assert "indexing" in str(caught[0].message)


def test_views_share_memory() -> None:
    def run(lib: Any) -> Any:
        x = lib.arange(12.0).reshape(3, 4)
        x.split(2, 1)[1][0, 0] = 100
        x.unbind()[1].mul_(2)
        x.narrow(0, 2, 1).zero_()
        x.movedim(0, 1)[3, 0] = -1
        for row in x:
            row[0] += 1
        lib.meshgrid(x[0], x[1], indexing="ij")
        x.chunk(4, 1)[1].add_(5)
        return x

    same(run)


def test_reshaping_in_place_keeps_the_history() -> None:
    def run(lib: Any) -> Any:
        w = lib.arange(4.0, requires_grad=True)
        y = w * 2
        view = y[1:]
        y.unsqueeze_(1).transpose_(0, 1).squeeze_()
        y[0] = 5
        y.mul_(w)
        (y.sum() + view.sum()).backward()
        return y, view, w.grad

    same(run)


def test_multinomial_draws_torchs_numbers() -> None:
    def run(lib: Any) -> Any:
        lib.manual_seed(3)
        p = lib.tensor([[0.1, 0.2, 0.7], [1.0, 1.0, 2.0]])
        waits = lib.zeros(3).exponential_(2)
        return lib.multinomial(p, 2), p.multinomial(5, replacement=True), lib.multinomial(p[0], 1), waits

    same(run)


def test_tensors_among_numpy_sklearn_and_pandas() -> None:
    pandas, model_selection = pytest.importorskip("pandas"), pytest.importorskip("sklearn.model_selection")
    metrics = pytest.importorskip("sklearn.metrics")

    def run(lib: Any) -> Any:
        x = lib.arange(12.0).reshape(6, 2)
        frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
        left, right = model_selection.train_test_split(x, test_size=0.5, random_state=0)
        truth, guess = lib.tensor([0, 1, 1]), lib.tensor([0, 1, 0])
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's, about torch's __array__
        return [np.array(x).tolist(), np.asarray(x[0]).tolist(), x.numpy().dtype.name, left, right,
                lib.tensor(frame.values), lib.tensor(frame["b"].values), lib.tensor(frame["a"]),
                lib.from_numpy(frame.to_numpy()), float(metrics.accuracy_score(truth, guess)),
                np.mean(x.numpy()).item(), lib.tensor(np.float32(2.5)), pandas.Series(x[:, 0]).tolist(),
                np.concatenate([x, x]).shape, lib.tensor([x[0, 0], x[0, 1]])]

    with warnings.catch_warnings():
        same(run)


def test_limits_of_dtypes() -> None:
    def run(lib: Any) -> Any:
        found = [lib.finfo(lib.float32), lib.finfo(), lib.finfo(lib.float16), lib.iinfo(lib.uint8)]
        return [(i.min, i.max, i.bits, i.dtype) for i in found], found[0].eps, found[2].tiny

    same(run)


def test_default_dtype() -> None:
    def run(lib: Any) -> Any:
        lib.set_default_dtype(lib.float64)
        try:
            made = lib.tensor(1.0), lib.zeros(2), lib.arange(3).exp(), lib.tensor([1]) / 2, lib.rand(2)
            return [str(t.dtype) for t in made]
        finally:
            lib.set_default_dtype(lib.float32)

    same(run)


def test_a_tensor_of_a_tensor_warns() -> None:
    assert same_warnings(lambda lib: lib.tensor(lib.zeros(2)))

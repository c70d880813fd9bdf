"""Names and arguments that public beginners' scripts needed and minigrad had not: each against torch."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from side_by_side import same, same_error

# ---- out= ----


def test_the_result_goes_where_out_says() -> None:
    def scenario(lib: Any) -> Any:
        x, y = lib.tensor([1.0, 2.0]), lib.tensor([3.0, 5.0])
        out = lib.zeros(2)
        view = lib.zeros(2, 2)
        given = lib.add(x, y, out=out)
        lib.mul(x, y, out=view[1])
        return given is out, out, view, lib.mm(lib.eye(2), view, out=lib.empty(0)), lib.cat((x, y), out=lib.empty(4))

    same(scenario)


def test_out_keeps_its_dtype() -> None:
    same(lambda lib: lib.sub(lib.tensor([3]), lib.tensor([1]), out=lib.zeros(1, dtype=lib.float64)))
    same_error(lambda lib: lib.add(lib.tensor([1]), lib.tensor([0.5]), out=lib.zeros(1, dtype=lib.int64)))


def test_out_of_another_shape_is_resized_with_a_warning() -> None:
    def scenario(lib: Any) -> Any:
        out = lib.zeros(2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lib.exp(lib.zeros(3), out=out)
        return out, [(w.category, str(w.message)[:60]) for w in caught][:1]

    same(scenario)


@pytest.mark.parametrize("who", ["input", "out"])
def test_no_gradient_passes_through_out(who: str) -> None:
    def call(lib: Any) -> Any:
        x, out = lib.ones(2, requires_grad=who == "input"), lib.ones(2, requires_grad=who == "out")
        return lib.add(x, x, out=out)

    same_error(call)
    same(lambda lib: [lib.no_grad()(call)(lib)])


# ---- powers of matrices ----


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7])
def test_matrix_power_and_its_gradient(n: int) -> None:
    def scenario(lib: Any) -> Any:
        x = lib.tensor([[[2.0, 1.0], [0.5, 3.0]], [[1.0, 0.0], [4.0, 1.0]]], dtype=lib.float64, requires_grad=True)
        y = x.matrix_power(n)
        (y * lib.tensor([1.0, -2.0])).sum().backward()
        return [round(v, 9) for v in y.detach().flatten().tolist() + x.grad.flatten().tolist()]

    same(scenario)


def test_matrix_power_of_integers_and_errors() -> None:
    same(lambda lib: lib.linalg.matrix_power(lib.tensor([[1, 1], [1, 0]]), 10))
    same_error(lambda lib: lib.matrix_power(lib.ones(2, 3), 2))
    same_error(lambda lib: lib.matrix_power(lib.tensor([[1, 1], [1, 0]]), -1), text=False)


# ---- recurrent cells ----


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("shape", [(2,), (4, 2)])
def test_a_cell_and_its_gradients(kind: str, given: bool, shape: tuple[int, ...]) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(0)
        cell = getattr(lib.nn, kind)(2, 3, dtype=lib.float64)
        x = lib.randn(shape, dtype=lib.float64, requires_grad=True)
        h = lib.randn(*shape[:-1], 3, dtype=lib.float64)
        state = None if not given else (h, h * 2) if kind == "LSTMCell" else h
        out = cell(x, cell(x, state))
        (out[0] * out[1] if kind == "LSTMCell" else out).square().sum().backward()
        grads = [x.grad, *[p.grad for p in cell.parameters()]]
        names = [(name, tuple(p.shape)) for name, p in cell.named_parameters()]
        return repr(cell), names, [[round(v, 9) for v in g.flatten().tolist()] for g in grads]

    same(scenario)


def test_cells_with_options_and_errors() -> None:
    same(lambda lib: repr(lib.nn.RNNCell(2, 3, bias=False, nonlinearity="relu")))
    same(lambda lib: list(lib.nn.GRUCell(2, 3, bias=False).state_dict()))
    same_error(lambda lib: lib.nn.LSTMCell(2, 3)(lib.ones(1, 1, 2)))
    same_error(lambda lib: lib.nn.GRUCell(2, 3)(lib.ones(1, 4)), text=False)


# ---- normalisation in groups ----


@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 3, 2)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm_and_its_gradients(shape: tuple[int, ...], groups: int) -> None:
    if len(shape) == 2 and groups == 4:
        pytest.skip("groups of one number")

    def scenario(lib: Any) -> Any:
        lib.manual_seed(0)
        layer = lib.nn.GroupNorm(groups, 4, dtype=lib.float64)
        lib.nn.init.normal_(layer.weight)
        x = lib.randn(shape, dtype=lib.float64, requires_grad=True)
        y = layer(x)
        (y * lib.randn(shape, dtype=lib.float64)).sum().backward()
        numbers = (y.detach(), x.grad, layer.weight.grad, layer.bias.grad)
        return repr(layer), y.grad_fn.name(), [[round(v, 8) for v in t.flatten().tolist()] for t in numbers]

    same(scenario)


def test_group_norm_without_parameters_and_errors() -> None:
    same(lambda lib: repr(lib.nn.GroupNorm(2, 4, affine=False)))
    same(lambda lib: list(lib.nn.GroupNorm(2, 4, bias=False).state_dict()))
    same_error(lambda lib: lib.nn.GroupNorm(3, 4))
    same_error(lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4), 3), text=False)
    same_error(lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4, 1), 2, lib.ones(3)), text=False)


# ---- small things ----


@pytest.mark.parametrize("replacement", [True, False])
def test_weighted_random_sampler(replacement: bool) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(3)
        sampler = lib.utils.data.WeightedRandomSampler([0.1, 0.9, 0.4, 3.0, 0.6], 4, replacement)
        return len(sampler), list(sampler), list(sampler)

    same(scenario)


def test_weighted_random_sampler_refuses() -> None:
    for args in (([0.5], 0), ([0.5], 1, 2), ([[0.5]], 1)):
        same_error(lambda lib, args=args: lib.utils.data.WeightedRandomSampler(*args))


def test_a_module_says_its_name() -> None:
    def scenario(lib: Any) -> Any:
        class Named(lib.nn.Linear):  # type: ignore[misc,name-defined]
            def _get_name(self) -> str:
                return "Mine" + super()._get_name()

        return repr(Named(1, 2))

    same(scenario)


def test_a_handle_prints_as_torchs() -> None:
    def scenario(lib: Any) -> str:
        handle = lib.nn.Linear(1, 1).register_forward_hook(lambda *args: None)
        return repr(handle).split(" object at ")[0]

    same(scenario)


def test_tensors_given_to_a_loss_class_are_an_error() -> None:
    same_error(lambda lib: lib.nn.MSELoss(lib.ones(2), lib.zeros(2)), text=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for flags in ((False, None), (None, False), (True, False), (False, True), (True, True)):
            same(lambda lib, flags=flags: lib.nn.MSELoss(*flags).reduction)


@pytest.mark.parametrize("function", ["cross_entropy", "nll_loss"])
def test_the_loss_of_an_ignored_target_is_0_and_not_minus_0(function: str) -> None:
    def scenario(lib: Any) -> str:
        x = lib.tensor([[0.5, 0.5], [1.0, 2.0], [100.0, -100.0]])
        return repr(getattr(lib.nn.functional, function)(x, lib.tensor([0, 1, 0]), ignore_index=1, reduction="none"))

    same(scenario)


# ---- orders, counts and places ----


def grad_name(x: Any) -> str:
    return repr(x.grad_fn).split(" at ")[0]


@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (2, 3, 4)])
@pytest.mark.parametrize("name", ["kthvalue", "mode"])
def test_kthvalue_and_mode(name: str, shape: tuple[int, ...]) -> None:
    args = (1,) if name == "kthvalue" else ()

    def scenario(lib: Any) -> Any:
        lib.manual_seed(1)
        few = lib.randint(0, 3, shape).float() if name == "mode" else lib.rand(shape)
        x = few.clone().requires_grad_()
        results: list[Any] = []
        for dim in range(-len(shape), len(shape)):
            for keepdim in (False, True):
                found = getattr(x, name)(*args, dim, keepdim)
                results += [found, grad_name(found.values)]
                results += lib.autograd.grad((found.values * found.values).sum(), x)
        return results, getattr(lib, name)(x, *args), getattr(lib, name)(few.long() if name == "mode" else few, *args)

    same(scenario)


def test_the_kth_value_for_every_k() -> None:
    same(lambda lib: [lib.tensor([[3, 1, 2], [5, 9, 7]]).kthvalue(k) for k in (1, 2, 3)])
    for k in (0, 4):
        same_error(lambda lib, k=k: lib.ones(2, 3).kthvalue(k))
    same_error(lambda lib: lib.ones(2, 3).kthvalue(1, 2))


@pytest.mark.parametrize("bounds", [(), (4,), (5, -1, 2), (4, 0, 0), (3, 0.5, 0.6), (7, -9, 9)])
def test_histc(bounds: tuple[float, ...]) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(2)
        x = lib.randn(4, 50)
        return repr([lib.histc(x, *bounds), x.double().histc(*bounds), lib.histc(lib.ones(3), *bounds)])

    same(scenario)


def test_take_and_its_gradients() -> None:
    def scenario(lib: Any) -> Any:
        x = lib.arange(12.0).reshape(3, 4).T.requires_grad_()
        out = lib.take(x, lib.tensor([[0, -1, 5], [5, 2, -12]]))
        (first,) = lib.autograd.grad((out * out * out).sum(), x, create_graph=True)
        return out, grad_name(out), first, lib.autograd.grad(first.sum(), x)

    same(scenario)
    same(lambda lib: lib.arange(6).take(lib.tensor(3)))
    same_error(lambda lib: lib.ones(3).take(lib.ones(3)))
    for place in (3, -4):
        same_error(lambda lib, place=place: lib.ones(3).take(lib.tensor([place])), text=False)


@pytest.mark.parametrize("p", [0, 1, 2, 3, float("inf")])
def test_dist(p: float) -> None:
    def scenario(lib: Any) -> Any:
        x = lib.tensor([[1.0, -2.0], [0.5, 4.0]], requires_grad=True)
        out = lib.dist(x, lib.tensor([3.0, 1.0]), p)
        (grad,) = lib.autograd.grad(out, x) if p else (x,)
        return out, grad_name(out), (grad * 10000).round()

    same(scenario)


def test_frac() -> None:
    def scenario(lib: Any) -> Any:
        x = lib.tensor([2.75, -1.25, 0.0, -3.0], requires_grad=True)
        out = x.frac()
        return out, grad_name(out), lib.autograd.grad(out.sum(), x), lib.frac(x * 2), out.detach().frac_()

    same(scenario)


@pytest.mark.parametrize("dims", [(0, 1), (1, 0), (-1, 0), (2, 1)])
def test_rot90(dims: tuple[int, int]) -> None:
    def scenario(lib: Any) -> Any:
        x = lib.arange(24.0).reshape(2, 3, 4).requires_grad_()
        turned = [lib.rot90(x, k, dims) for k in range(-2, 5)]
        grads = [lib.autograd.grad((out * out * out).sum(), x) for out in turned]
        return turned, [grad_name(out) for out in turned], grads, x.rot90(), lib.arange(4)[None].rot90()

    same(scenario)


def test_rot90_refuses() -> None:
    for dims in ((0,), (0, 1, 1), (0, 0), (0, 5)):
        same_error(lambda lib, dims=dims: lib.rot90(lib.ones(2, 3), 1, dims), text=len(dims) == 1)


def test_exp_and_others_in_place_as_functions() -> None:
    def scenario(lib: Any) -> Any:
        x = lib.tensor([0.25, 4.0])
        same_one = lib.sqrt_(x) is x
        steps = [step(x).tolist() for step in (lib.square_, lib.neg_, lib.abs_, lib.reciprocal_, lib.floor_, lib.exp_)]
        return same_one, steps, lib.clamp_(x, 0, 1.5)

    same(scenario)


def test_range_is_deprecated_and_includes_its_end() -> None:
    def scenario(lib: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made = [lib.range(1, 4), lib.range(0, 1, 0.25), lib.range(5, 1, -2), lib.range(0, 3, dtype=lib.int64)]
        return repr(made), {(w.category, str(w.message)) for w in caught}

    same(scenario)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_error(lambda lib: lib.range(1, 4, 0), text=False)
        same_error(lambda lib: lib.range(1, 4, -1), text=False)


# ---- what is printed ----


def test_the_graph_of_a_vector_by_a_matrix() -> None:
    def scenario(lib: Any) -> Any:
        v, m = lib.ones(2, requires_grad=True), lib.ones(2, 3, requires_grad=True)
        return grad_name(v @ m), (v @ m).grad_fn.next_functions[0][0].name(), grad_name(m.T @ v)

    same(scenario)


@pytest.mark.parametrize("name", ["parameters", "buffers", "children", "modules"])
def test_the_walks_of_a_module_print_as_torchs(name: str) -> None:
    for walk in (name, f"named_{name}"):
        same(lambda lib, walk=walk: repr(getattr(lib.nn.Linear(1, 1), walk)()).split(" at ")[0])


# ---- pooling in three dimensions, stretching ----


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"stride": (1, 2, 1), "padding": (1, 0, 1)},
                                     {"dilation": 2, "stride": 1}, {"ceil_mode": True}])
def test_max_pool3d(options: dict[str, Any]) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(4)
        x = lib.randn(2, 2, 4, 5, 3, requires_grad=True)
        out, places = lib.nn.functional.max_pool3d(x, 2, **options, return_indices=True)
        layer = lib.nn.MaxPool3d(2, **options)
        return (out, places, grad_name(out), lib.autograd.grad((out * out).sum(), x), repr(layer),
                layer(x[0]))

    same(scenario)


def test_max_pool3d_refuses() -> None:
    for shape in ((2, 3), (1, 2, 3, 4, 5, 6)):
        same_error(lambda lib, shape=shape: lib.nn.functional.max_pool3d(lib.ones(shape), 2), text=False)


@pytest.mark.parametrize("to", [{"scale_factor": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.5}, {"size": 7},
                                {"size": 1}])
@pytest.mark.parametrize("shape", [(2, 1, 5), (1, 2, 3, 4), (1, 1, 2, 3, 2)])
def test_interpolate_by_the_nearest(shape: tuple[int, ...], to: dict[str, Any]) -> None:
    def scenario(lib: Any) -> Any:
        lib.manual_seed(5)
        x = lib.randn(shape, requires_grad=True)
        out = lib.nn.functional.interpolate(x, **to)
        return out, grad_name(out), lib.autograd.grad((out * out).sum(), x)

    same(scenario)


def test_interpolate_to_two_sizes_and_its_errors() -> None:
    same(lambda lib: lib.nn.functional.interpolate(lib.arange(6.0).reshape(1, 1, 2, 3), size=(3, 5)))
    same(lambda lib: lib.nn.functional.interpolate(lib.arange(6.0).reshape(1, 1, 2, 3), scale_factor=(1, 2)))
    same_error(lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 3)), text=False)
    same_error(lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 3), 6, 2), text=False)


# ---- errors in a script ----


def test_a_traceback_begins_in_the_script(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("def f():\n    raise ValueError('mine')\n\n\nf()\n")
    runs = [subprocess.run([sys.executable, *how, str(script)], capture_output=True, text=True)
            for how in ([], ["-m", "minigrad"])]
    assert runs[0].stderr == runs[1].stderr
    assert [run.returncode for run in runs] == [1, 1]

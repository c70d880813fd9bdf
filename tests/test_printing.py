"""Printing against torch: the same array, the same text; first the text alone, then tensors and what holds them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from side_by_side import same, same_error
from torch._tensor_str import get_printoptions as torch_get_printoptions

import minigrad as mg
from minigrad import printing

pytestmark = pytest.mark.filterwarnings("error")

FLOATS = [np.float16, np.float32, np.float64]
OTHERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.bool_]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 9),
        "threshold": st.sampled_from([0, 1, 10, 50, float("inf")]),
        "edgeitems": st.integers(0, 4),
        "linewidth": st.integers(1, 150),
        "profile": st.sampled_from(["default", "short", "full", "unknown"]),
        "sci_mode": st.sampled_from([None, True, False]),
    },
)


@contextmanager
def options(**given: Any) -> Iterator[None]:
    """The same options in torch and in minigrad, for the length of a `with`; then the defaults again."""
    try:
        torch.set_printoptions(**given)
        printing.set_printoptions(**given)
        assert printing.get_printoptions() == torch_get_printoptions()
        yield
    finally:
        torch.set_printoptions(profile="default")
        printing.set_printoptions(profile="default")


def assert_same_text(array: np.ndarray, *, default_dtype: Any = np.float32) -> None:
    tensor = torch.from_numpy(array)
    implied = printing.array_suffixes(array, default_dtype)
    assert printing.tensor_repr(array, suffixes=implied) == repr(tensor)
    if tensor.is_floating_point():
        tensor.requires_grad_()
        assert printing.tensor_repr(array, suffixes=[*implied, "requires_grad=True"]) == repr(tensor)
        assert printing.tensor_repr(array, suffixes=[*implied, "grad_fn=<MulBackward0>"]) == repr(tensor * 1)


@st.composite
def float_arrays(draw: st.DrawFn) -> np.ndarray:
    """Floats of one kind an array, so that each of torch's styles comes up: whole, fixed and scientific."""
    dtype = np.dtype(draw(st.sampled_from(FLOATS)))
    width = 8 * dtype.itemsize
    plain = st.floats(-1000, 1000, width=width)
    whole = st.integers(-2000, 2000).map(float)
    alike = st.sampled_from([0.1, 0.25, 1.0, 1.5, 99.5, -7.0])
    kind = draw(st.sampled_from([st.floats(width=width), plain, whole, alike]))
    odd = st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf])
    elements = draw(st.sampled_from([kind, kind | odd]))
    return draw(hnp.arrays(dtype, SHAPES, elements=elements.map(dtype.type), fill=elements.map(dtype.type)))


other_arrays = st.sampled_from(OTHERS).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))


@settings(max_examples=200, deadline=None)
@given(float_arrays())
def test_floats(array: np.ndarray) -> None:
    assert_same_text(array)


@settings(max_examples=100, deadline=None)
@given(other_arrays)
def test_integers_and_bools(array: np.ndarray) -> None:
    assert_same_text(array)


@settings(max_examples=300, deadline=None)
@given(float_arrays() | other_arrays, OPTIONS)
@example(np.arange(9.0), {"edgeitems": 0, "threshold": 1})
@example(np.ones((3, 3)), {"edgeitems": 0, "threshold": 1})
@example(np.array(1.5), {"edgeitems": 0, "threshold": 0})
def test_every_option(array: np.ndarray, chosen: dict[str, Any]) -> None:
    with options(**chosen):
        assert_same_text(array)


@pytest.mark.parametrize("shape", [(1000,), (1001,), (2000, 3), (4, 300), (7, 7, 50), (2, 3, 4, 99), (8, 9, 5, 6)])
@pytest.mark.parametrize("decades", [0, 2, 6])
def test_large_arrays_are_summarised(shape: tuple[int, ...], decades: int) -> None:
    rng = np.random.default_rng(decades)
    array = rng.standard_normal(shape) * 10.0 ** rng.integers(0, decades + 1, shape)
    array[tuple(size // 2 for size in shape)] = 1e30  # left out by a summary: it must not widen the columns
    assert_same_text(array)
    assert_same_text(array.astype(np.float32).T)
    assert_same_text(array[..., ::-1].clip(-1e5, 1e5).astype(np.int64))


@pytest.mark.parametrize(
    "values",
    [
        [1000.0, 1.0], [1001.0, 1.0], [1e8, 1e6], [1e8 + 1, 1e6], [1e-4, 1e-3], [9e-5, 1e-3],  # the limits
        [0.0, -0.0], [0.0] * 50, [np.nan], [np.nan] * 50,  # no number to choose a style or a width by
        [np.inf, -np.inf, 1.0], [np.nan, 0.5], [-np.inf, 1e9], [5e-324, 1e308],
    ],
)  # fmt: skip
def test_where_the_style_changes(values: list[float]) -> None:
    with np.errstate(over="ignore"):
        for dtype in FLOATS:
            assert_same_text(np.array(values).astype(dtype))
    for sci_mode in (True, False):
        with options(sci_mode=sci_mode):
            assert_same_text(np.array(values))


@pytest.mark.parametrize("default", [torch.float16, torch.float32, torch.float64])
def test_the_default_dtype_is_not_shown(default: torch.dtype) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        for dtype in FLOATS + OTHERS:
            for shape in [(), (2,), (0,), (0, 3), (2, 0, 3)]:
                assert_same_text(np.ones(shape, dtype), default_dtype=str(default).removeprefix("torch."))
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("shape", [(), (3,), (17,), (2, 2), (0, 3)])
@pytest.mark.parametrize("name_length", [1, *range(20, 72)])
def test_suffixes_break_the_line_where_torch_does(shape: tuple[int, ...], name_length: int) -> None:
    function = type("F" * name_length, (torch.autograd.Function,), {
        "forward": staticmethod(lambda ctx, x: x.clone()),
        "backward": staticmethod(lambda ctx, g: g),
    })  # fmt: skip
    array = np.full(shape, 1.5)
    suffixes = [*printing.array_suffixes(array, np.float32), f"grad_fn=<{function.__name__}Backward>"]
    tensor = function.apply(torch.from_numpy(array).requires_grad_())
    assert printing.tensor_repr(array, suffixes=suffixes) == repr(tensor)


def test_the_prefix_sets_the_indent() -> None:
    class LongNamedTensor(torch.Tensor):
        pass

    array = np.arange(60.0, dtype=np.float32).reshape(2, 30)
    expected = repr(torch.from_numpy(array).as_subclass(LongNamedTensor))
    assert printing.tensor_repr(array, prefix="LongNamedTensor(", suffixes=[]) == expected


def test_profile_and_options_combine_as_in_torch() -> None:
    with options(profile="short", precision=7, sci_mode=True):
        assert_same_text(np.array([1.5, 2.25]))
        with options(edgeitems=1):  # sci_mode is back to None, precision stays
            assert_same_text(np.array([1.5, 2.25]))
    with options(profile="full"):
        assert_same_text(np.arange(1200))


@pytest.mark.parametrize("spec", ["", ".3f", "10.2e", ">12", "+", "d", "%", "s"])
@pytest.mark.parametrize("dtype", FLOATS + OTHERS)
def test_format_scalar(dtype: Any, spec: str) -> None:
    array = np.array(1.7).astype(dtype)
    try:
        expected = format(torch.from_numpy(array), spec)
    except ValueError as error:
        with pytest.raises(ValueError) as raised:
            printing.format_scalar(array, spec)
        assert str(raised.value) == str(error)
    else:
        assert printing.format_scalar(array, spec) == expected


# ------------------------------------------------------------------------------------ tensors, and what holds them


def texts(lib: Any, array: np.ndarray, requires_grad: bool, form: str) -> list[str]:
    """A tensor's text in every way in which scripts print it: all of repr, and str and format once of each class."""
    x = lib.from_numpy(array)
    x = {"as it is": x, "transposed": x.t() if x.dim() < 3 else x.transpose(0, 2), "flat": x.reshape(-1)}[form]
    if x.is_floating_point() and requires_grad:
        x = x.detach().requires_grad_()
        found = [x, x * 1, -x, x.unsqueeze(0), x.detach(), x.data, lib.nn.Parameter(x)]
    else:
        found = [x, [x, {"x": (x, x.shape)}], lib.nn.Parameter(x, requires_grad=False)]
    found += [x.shape, x.dtype, x.device, x.numpy(force=True).shape, x.dim(), x.numel(), x.grad]
    classes = {type(value): value for value in found}
    return [*map(repr, found), *map(str, classes.values()), *map("{}".format, classes.values())]


@settings(max_examples=500, deadline=None)
@given(float_arrays() | other_arrays, st.booleans())
def test_tensors(array: np.ndarray, requires_grad: bool) -> None:
    for form in ("as it is", "transposed", "flat"):
        assert texts(mg, array, requires_grad, form) == texts(torch, array, requires_grad, form)


KINDS = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 10**6), st.floats(-12, 12), st.floats(0, 6), st.booleans())
def test_large_and_random_tensors(kind: str, seed: int, scale: float, spread: float, whole: bool) -> None:
    """Drawn from NumPy, not from hypothesis: sizes around the limits, all magnitudes, few special values."""
    rng = np.random.default_rng(seed)
    shapes = [(1000,), (1001,), (10, 100), (11, 91), (500, 3), (3, 500), (10, 10, 10), (7, 13, 11), (2, 3, 200)]
    shape = shapes[seed % len(shapes)]
    with np.errstate(all="ignore"):
        values = rng.standard_normal(shape) * 10.0 ** (scale + spread * rng.standard_normal(shape))
        array = (np.round(values) if whole else values).astype(kind)
    if array.dtype.kind == "f" and seed % 3 == 0:
        array.flat[rng.integers(0, array.size, 4)] = [0.0, np.nan, np.inf, -np.inf]
    assert repr(mg.from_numpy(array)) == repr(torch.from_numpy(array))


PRINTED: dict[str, Any] = {
    "a parameter": lambda t: t.nn.Parameter(t.tensor([[1.0, 2.5]])),
    "frozen": lambda t: t.nn.Parameter(t.ones(2), requires_grad=False),
    "a buffer": lambda t: t.nn.Buffer(t.ones(2)),
    "state": lambda t: t.nn.ParameterList([t.ones(2), t.nn.Parameter(t.ones(1))]).state_dict(),
    "ParameterList": lambda t: t.nn.ParameterList([t.nn.Parameter(t.ones(2)), t.nn.Parameter(t.ones(2, 3))]),
    "ModuleList": lambda t: t.nn.ModuleList([t.nn.Linear(2, 3), t.nn.Linear(2, 3), t.nn.ReLU()]),
    "ModuleDict": lambda t: t.nn.ModuleDict({"in": t.nn.Linear(2, 3), "out": t.nn.Sequential(t.nn.Tanh())}),
    "Sequential": lambda t: t.nn.Sequential(t.nn.Linear(2, 3, bias=False), t.nn.Sequential(t.nn.Dropout(0.2))),
    "empty containers": lambda t: [t.nn.ModuleList(), t.nn.Sequential(), t.nn.ParameterList()],
    "sizes": lambda t: [t.Size([]), t.Size([2, 3]), t.Size([1]) + t.Size([2]), (2,) + t.Size([3]), t.Size([2]) * 2,
                        t.ones(2, 3, 4).shape[1:], t.ones(2, 3).size(), t.ones(2, 3).size(-1), tuple(t.ones(2).shape)],
    "dtypes": lambda t: [t.float32, t.half, t.long, t.bool, t.tensor([1]).dtype, t.tensor(1.0).type()],
    "devices": lambda t: [t.device("cpu"), t.device("cuda:1"), t.device("cuda", 0), str(t.device("cuda:0")),
                          t.ones(1).device],
    "classes": lambda t: [type(t.ones(1)), type(t.Size([1])), type(t.float32), type(t.device("cpu"))],
    "empty": lambda t: [t.tensor([]), t.tensor([[]]), t.zeros(0, 3), t.zeros(2, 0, dtype=t.int64),
                        t.tensor([], dtype=t.bool)],
    "numbers": lambda t: [t.tensor(3), t.tensor(-2.5), t.tensor(True), t.tensor(float("nan")), t.tensor(float("-inf")),
                          t.tensor(1e-10), t.tensor(123456789.0), t.tensor(0.1, dtype=t.float64)],
    "views": lambda t: [x := t.arange(6.0, requires_grad=True), x.view(2, 3), x.view(2, 3).t(), x[1], x[2:], x.data],
    "gradients": lambda t: [x := t.ones(2, requires_grad=True), (x * x).sum().backward(), x.grad, x],
    "named results": lambda t: [t.tensor([[1.0, 2.0], [3.0, 0.0]]).max(1), t.tensor([[1.0, 2.0]]).min(0)],
    "an optimizer": lambda t: [o := t.optim.Adam([t.nn.Parameter(t.ones(1))]), o.state_dict(), o.param_groups],
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_printed(name: str) -> None:
    same(lambda lib: [repr(PRINTED[name](lib)), str(PRINTED[name](lib))])


SPECS = ["", ".4f", ".2e", "10.3f", ">10", "<8", "05.1f", "+.2f", "g", ".0f", ",.1f", ".2%"]


@pytest.mark.parametrize("spec", SPECS)
def test_format_of_one_number(spec: str) -> None:
    def run(lib: Any) -> Any:
        loss = lib.tensor(1234.5678, requires_grad=True) * 2
        found = [format(x, spec) for x in (loss, loss.detach(), loss.double(), lib.tensor(float("nan")))]
        old_style = "%.3f %d %s" % (loss.detach(), lib.tensor(3), loss)  # noqa: UP031  # as in many scripts
        return [*found, f"{lib.tensor(7):5d}|", f"{lib.tensor(True)}", old_style, f"{loss!r:>60}"]

    same(run)


@pytest.mark.parametrize("value", [[1.0, 2.0], [1.0], [[3.0]], []])
def test_format_of_several_numbers(value: Any) -> None:
    same(lambda lib: f"{lib.tensor(value)}")
    same_error(lambda lib: f"{lib.tensor(value):.4f}")
    same_error(lambda lib: f"{lib.nn.Parameter(lib.tensor(2.0)):.4f}")  # torch, too, formats plain tensors only


def test_set_printoptions_changes_what_tensors_print() -> None:
    def run(lib: Any) -> Any:
        seen = []
        chosen: list[dict[str, Any]] = [
            {"precision": 2}, {"sci_mode": True}, {"sci_mode": False, "precision": 10}, {"linewidth": 30},
            {"threshold": 5, "edgeitems": 1}, {"profile": "full"}, {"profile": "short"}, {"profile": "default"},
        ]  # fmt: skip
        for changed in chosen:
            lib.set_printoptions(**changed)
            seen += [repr(x) for x in (lib.arange(1200.0), lib.tensor([[1e-7, 1.0], [3.0, 2e5]]), lib.tensor(0.1))]
        return seen

    same(run)


def test_a_notebook_also_shows_shape_and_gradient() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    assert w._repr_html_() == "<pre>tensor([1., 2.], requires_grad=True)\nshape [2], torch.float32</pre>"
    (w * w).sum().backward()
    assert w._repr_html_().endswith("torch.float32\ngrad tensor([2., 4.])</pre>")
    assert "&lt;MulBackward0&gt;" in (w * w)._repr_html_()

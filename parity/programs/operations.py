"""The grammar of expressions: each function here writes one, over tensors of the scene.

It returns the expression, or None where the scene has no tensor for it; for an expression with several results the
number of them comes before it. Most expressions are valid; torch decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch
from hypothesis import strategies as st

from parity.programs.scene import Scene

Expression = str | tuple[int, str] | None
Production = Callable[[Scene], Expression]

DTYPES = ("float64", "float64", "float64", "float32", "float32", "int64", "bool", "int32")
ANYWHERE = ("sin", "cos", "tanh", "sigmoid", "relu", "exp", "square", "abs", "neg", "atan", "sinh", "cosh", "erf",
            "sign",
            "expm1", "round", "floor", "ceil", "trunc", "clone", "contiguous", "positive")
SOMEWHERE = ("sqrt", "log", "reciprocal", "rsqrt", "log1p", "log2", "log10", "tan", "asin", "acos")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "logsigmoid", "sigmoid", "tanh", "relu6",
               "selu",
               "hardtanh", "softsign", "mish", "celu")
REDUCTIONS = ("sum", "mean", "amax", "amin", "logsumexp", "prod", "var", "std", "norm")


def is_float(t: torch.Tensor) -> bool:
    return t.is_floating_point()


def with_dims(low: int, high: int = 9) -> Callable[[torch.Tensor], bool]:
    return lambda t: is_float(t) and low <= t.ndim <= high


def anything(t: torch.Tensor) -> bool:
    return True


# ------------------------------------------------------------------------------------------ leaves


def shape(s: Scene) -> list[int]:
    return [s.one_of((2, 3, 1, 2, 3, 4, 0) if s.chance(4) else (2, 3, 1)) for _ in range(s.one_of((2, 1, 2, 3, 0)))]


def literal(s: Scene, dtype: str, sizes: list[int]) -> str:
    """A tensor of small numbers: of multiples of a half, with ties and zeros; or of others, with two decimals."""
    n, random = math.prod(sizes), Random(s.number(0, 999))
    if dtype == "bool":
        numbers: list[Any] = [random.random() < 0.5 for _ in range(n)]
    elif not dtype.startswith("float"):
        numbers = [random.randint(0 if dtype == "uint8" else -2, 3) for _ in range(n)]
    elif random.random() < 0.5:
        numbers = [random.randint(-4, 4) / 2 for _ in range(n)]
    else:
        numbers = [round(random.gauss(0, 1), 2) for _ in range(n)]
    if not n:
        return f"torch.zeros({sizes}, dtype=torch.{dtype})"
    for size in sizes[:0:-1]:
        numbers = [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return f"torch.tensor({numbers if sizes else numbers[0]}, dtype=torch.{dtype})"


def leaf(s: Scene) -> str:
    dtype = s.one_of(DTYPES)
    text = literal(s, dtype, shape(s))
    return text + ".requires_grad_()" if dtype.startswith("float") and not s.chance(3) else text


def scalar(s: Scene) -> str:
    return s.one_of(("2", "0.5", "-1.5", "3", "1", "0", "True", "-1"))


# ------------------------------------------------------------------------------------------ elementwise


def unary(s: Scene) -> Expression:
    x = s.tensor((lambda t: t.dtype != torch.bool) if s.chance(12) else is_float)
    if x is None:
        return None
    function = s.one_of(ANYWHERE if is_float(s[x]) else ANYWHERE[8:])
    return f"{x}.{function}()" if not s.chance(3) or function == "contiguous" else f"torch.{function}({x})"


def unary_with_a_domain(s: Scene) -> Expression:
    x = s.tensor()
    if x is None:
        return None
    function = s.one_of(SOMEWHERE)
    inside = "torch.tanh({})" if function in ("asin", "acos") else s.one_of(("({}.abs() + 0.5)", "{}"))
    return f"{inside.format(x)}.{function}()"


def arithmetic(s: Scene) -> Expression:
    x = s.tensor(anything if s.chance(6) else is_float)
    y = x and (scalar(s) if s.chance(3) else s.partner(x, anything if s.chance(6) else is_float))
    if x is None or y is None:
        return None
    if s.chance(2):
        x, y = y, x
    floats = all(text.startswith("v") and is_float(s[text]) for text in (x, y))
    operator = s.one_of(("*", "+", "-", "/", "*", "+", "-", "/", "**", *(("//", "%") if floats else ())))
    if operator == "**" and not floats:
        return None
    return f"({x}.abs() + 0.5) ** {y}" if operator == "**" and x.startswith("v") else f"{x} {operator} {y}"


def two_inputs(s: Scene) -> Expression:
    x = s.tensor()
    y = x and s.partner(x)
    if x is None or y is None:
        return None
    return s.one_of((
        f"torch.maximum({x}, {y})", f"torch.minimum({x}, {y})", f"torch.where({x} > {y}, {x}, {y})",
        f"torch.where({x} > 0, {y}, {scalar(s)})", f"torch.add({x}, {y})",
        f"torch.sub({x}, {y})", f"torch.lerp({x}, {y}, 0.25)", f"{x}.clamp(min={y})",
        f"{x}.clamp({y}, {y} + 1)",
        f"torch.div({x}, {y}, rounding_mode='floor')", f"torch.div({x}, {y}, rounding_mode='trunc')",
        f"torch.fmod({x}, {y})", f"torch.pow({x}.abs() + 0.5, {y})", f"torch.addcmul({x}, {x}, {y}, value=0.5)",
        f"torch.addcdiv({x}, {x}, {y}, value=0.5)", f"torch.rsub({x}, {y})", f"{x}.sub({y})",
        f"{x}.masked_fill({y} > 0, {scalar(s)})", f"{x}.expand_as({y})", f"{x}.type_as({y})",
        f"{x}.where({y} > 0, {y})"))


def with_numbers(s: Scene) -> Expression:
    x = s.tensor()
    if x is None:
        return None
    a = scalar(s)
    return s.one_of((f"{x}.clamp(-1, 1)", f"{x}.clamp(min={a})", f"{x}.clamp(max={a})", f"{x}.pow({a})", f"{x} ** 3",
                     f"{x} ** 2", f"{x} ** 0", f"2 ** {x}", f"{x} % 2", f"{x} // 2", f"{a} - {x}", f"{a} / {x}",
                     f"F.leaky_relu({x}, 0.1)", f"F.elu({x}, 0.5)", f"F.softplus({x}, 2, 1.005)",
                     f"F.hardtanh({x}, -0.5, 1)",
                     f"F.gelu({x}, approximate='tanh')", f"{x}.round(decimals=1)"))


def activation(s: Scene) -> Expression:
    x = s.tensor()
    return x and f"F.{s.one_of(ACTIVATIONS)}({x})"


def comparison(s: Scene) -> Expression:
    x = s.tensor(anything)
    y = x and (scalar(s) if s.chance(2) else s.partner(x, anything))
    return x and y and f"{x} {s.one_of(COMPARISONS)} {y}"


def logic(s: Scene) -> Expression:
    x = s.tensor(lambda t: not is_float(t))
    y = x and s.partner(x, lambda t: not is_float(t))
    if x is None or y is None:
        return None
    return s.one_of((f"{x} & {y}", f"{x} | {y}", f"{x} ^ {y}", f"~{x}", f"torch.logical_and({x}, {y})",
                     f"torch.logical_not({x})", f"{x}.logical_xor({y})"))


# ------------------------------------------------------------------------------------------ reductions


def dim(s: Scene, x: str) -> int:
    """A dim of x; once in a while one that it has not."""
    n = s[x].ndim
    return s.number(-n - 1, n) if n == 0 or s.chance(40) else s.one_of([*range(n), *range(-n, 0)])


def size(s: Scene, x: str, d: int) -> int:
    """How many elements x has along dim d; 1 where it has no such dim."""
    return s[x].shape[d] if -s[x].ndim <= d < s[x].ndim else 1


def reduction(s: Scene) -> Expression:
    x = s.tensor(anything if s.chance(8) else is_float)
    if x is None:
        return None
    function = s.one_of(REDUCTIONS)
    more = ", keepdim=True" if s.chance(3) else ""
    if function in ("var", "std") and s.chance(2):
        more += s.one_of((", unbiased=False", ", correction=0"))
    way = s.one_of(("along", "whole", "several"))
    if way == "whole" and function != "logsumexp":
        return f"{x}.{function}()"
    if way == "several" and function != "prod" and s[x].ndim > 1:
        return f"{x}.{function}(dim={s.one_of(((0, 1), (-1, 0), (0,), (1, -2)))}{more})"
    return f"{x}.{function}(dim={dim(s, x)}{more})"


def ordering(s: Scene) -> Expression:
    x = s.tensor((lambda t: t.dtype != torch.bool) if s.chance(8) else is_float)
    if x is None:
        return None
    d = dim(s, x)
    keep = s.one_of(("", ", keepdim=True"))
    if s.chance(2):
        return s.one_of((f"{x}.max()", f"{x}.min()", f"{x}.argmax()", f"{x}.argmin(dim={d}{keep})", f"{x}.all()",
                         f"{x}.any(dim={d}{keep})", f"{x}.median()", f"{x}.argmax(dim={d}{keep})",
                         f"{x}.argsort(dim={d}, stable=True)", f"{x}.nonzero()", f"{x}.detach().unique()"))
    median = () if 0 in s[x].stride() else (f"{x}.median(dim={d}{keep})",)
    return 2, s.one_of((f"{x}.max(dim={d}{keep})", f"{x}.min(dim={d}{keep})", *median,
                        f"{x}.sort(dim={d}, stable=True)",
                        f"{x}.sort(dim={d}, stable=True, descending=True)"))


def along_a_dim(s: Scene) -> Expression:
    x = s.tensor()
    if x is None:
        return None
    d = dim(s, x)
    return s.one_of((f"{x}.softmax(dim={d})", f"{x}.log_softmax(dim={d})", f"F.softmax({x}, dim={d})",
                     f"{x}.cumsum({d})",
                     f"{x}.cumprod(dim={d})", f"F.normalize({x}, dim={d}, eps=0.1)", f"{x}.flip({d})",
                     f"{x}.norm(p={s.one_of((1, 2, 3, 0, math.inf))}, dim={d})".replace("inf", "float('inf')"),
                     f"{x}.repeat_interleave(2, dim={d})"))


# ------------------------------------------------------------------------------------------ shapes, views, picking


def view(s: Scene) -> Expression:
    x = s.tensor(anything if s.chance(6) else is_float)
    if x is None:
        return None
    n, sizes = s[x].ndim, list(s[x].shape)
    d, e = dim(s, x), dim(s, x)
    order = s.draw(st.permutations(range(n)))
    rest = s.one_of([[-1], *([[*sizes[:i], -1, *sizes[i + 2 :]] for i in range(n - 1)]), [1, *sizes], sizes[::-1]])
    return s.one_of((f"{x}.transpose({d}, {e})", f"{x}.view({rest})", f"{x}.reshape({rest})", f"{x}.unsqueeze({d})",
                     f"{x}.permute({order})", f"{x}.squeeze()", f"{x}.squeeze({d})", f"{x}.flatten()", f"{x}.T",
                     f"{x}.t()", f"{x}.expand({[s.one_of((2, 3)) if k == 1 else k for k in sizes]})",
                     f"{x}.expand(2, {', '.join(['-1'] * n)})", f"{x}.narrow({d}, 0, 1)", f"{x}.view_as({x})",
                     f"{x}.broadcast_to({[2, *sizes]})", f"{x}.ravel()", f"{x}.movedim({d}, {e})",
                     f"{x}.flatten({d}, {e})", f"{x}.swapaxes({d}, {e})"))


def several_views(s: Scene) -> Expression:
    x = s.tensor(with_dims(1))
    if x is None:
        return None
    d = dim(s, x)
    n = size(s, x, d)
    return s.one_of(((n, f"{x}.unbind({d})"), (n, f"{x}.split(1, dim={d})"), (2, f"{x}.chunk(2, dim={d})"),
                     (2, f"{x}.split([1, {max(n - 1, 0)}], dim={d})"), (n, f"{x}")))


def key(s: Scene, x: str, advanced: bool) -> str:
    """A subscript: ints, slices, None, dots; with `advanced` also lists, masks and index tensors."""
    parts: list[str] = []
    sizes = list(s[x].shape)
    kinds = ("int", "slice", "slice", "all", "dots", "none", *(("list", "index", "mask") if advanced else ()))
    taken = 0
    for _ in range(s.number(1, max(len(sizes), 1))):
        kind = s.one_of(kinds)
        if kind == "dots" and "..." not in parts:
            parts.append("...")
        elif kind == "none":
            parts.append("None")
        elif taken < len(sizes):
            n = sizes[taken]
            taken += 1
            parts.append(part(s, kind, n, x if advanced else ""))
    return ", ".join(parts) or "..."


def part(s: Scene, kind: str, n: int, x: str) -> str:
    """What picks along a dimension of size n."""
    some = [s.number(-n, max(n - 1, -n)) for _ in range(2)]
    if kind == "int":
        return str(some[0])
    if kind == "slice":
        return s.one_of(("1:", ":1", "::2", ":-1", "1:2", f"{some[0]}:", "5:"))
    if kind == "list":
        return str(some)
    if kind == "index":
        fitting = s.tensor(lambda t: t.dtype == torch.int64 and bool(((t < n) & (t >= -n)).all()))
        return fitting or f"torch.tensor({some})"
    if kind == "mask":
        return s.tensor(lambda t: t.dtype == torch.bool and t.shape == (n,)) or str([i % 2 == 0 for i in range(n)])
    return ":"


def getitem(s: Scene) -> Expression:
    x = s.tensor(anything if s.chance(6) else is_float)
    if x is None:
        return None
    if s.chance(6):
        mask = s.tensor(lambda t: t.dtype == torch.bool and t.shape == s[x].shape)
        return f"{x}[{mask}]" if mask else f"{x}[{x} > 0]"
    return f"{x}[{key(s, x, s.chance(3))}]"


def picking(s: Scene) -> Expression:
    x = s.tensor(with_dims(1))
    if x is None:
        return None
    d = dim(s, x)
    n = size(s, x, d)
    index = f"torch.zeros({list(s[x].shape)}, dtype=torch.int64)"
    index = index if n < 2 else f"torch.arange({s[x].numel()}).reshape({list(s[x].shape)}) % {n}"
    return s.one_of((f"{x}.gather({d}, {index})", f"{x}.index_select({d}, torch.tensor([0, {max(n - 1, 0)}, 0]))",
                     f"{x}.scatter({d}, {index}, 1.5)", f"{x}.scatter_add({d}, {index}, {x})",
                     f"{x}.masked_select({x} > 0)", f"torch.take_along_dim({x}, {index}, {d})", f"{x}.tril()",
                     f"{x}.triu(1)", f"{x}.diag()", f"{x}.trace()", f"{x}.repeat(2, {', '.join(['1'] * s[x].ndim)})",
                     f"{x}.tile(2)", f"{x}.scatter({d}, {index}, {x})"))


def joining(s: Scene) -> Expression:
    x = s.tensor(anything if s.chance(8) else is_float)
    if x is None:
        return None
    y = s.tensor(lambda t: t.ndim == s[x].ndim) if s.chance(8) else s.tensor(lambda t: t.shape == s[x].shape)
    d = dim(s, x)
    parts = f"[{x}, {y}]" if y and s.chance(2) else f"[{x}, {y}, {x}]"
    return s.one_of((f"torch.cat({parts}, dim={d})", f"torch.stack({parts}, dim={d})", f"torch.hstack({parts})",
                     f"torch.vstack({parts})"))


# ------------------------------------------------------------------------------------------ products, layers, losses


def product(s: Scene) -> Expression:
    x = s.tensor(with_dims(1))
    if x is None:
        return None
    n = s[x].shape[-1]
    y = s.tensor(lambda t: with_dims(1)(t) and t.dtype == s[x].dtype
                 and (s.chance(30) or t.shape[-2 if t.ndim > 1 else -1] == n))
    same = s.tensor(lambda t: with_dims(1)(t) and t.shape[-1] == n and t.dtype == s[x].dtype)
    if y is None:
        return f"{x} @ {same}.transpose(-1, -2)" if same else None
    return s.one_of((f"{x} @ {y}", f"torch.matmul({x}, {y})", f"{x} @ {same}.transpose(-1, -2)",
                     f"F.linear({x}, {same})",
                     f"torch.mm({x}, {y})", f"torch.dot({x}, {same})", f"torch.outer({x}, {same})",
                     f"torch.mv({x}, {y})",
                     f"torch.einsum('...i,...i->...', {x}, {same})", f"torch.einsum('ij,jk->ik', {x}, {y})",
                     f"torch.bmm({x}, {y})", f"torch.addmm({x}, {x}, {y})", f"torch.einsum('i,j->ij', {x}, {same})"))


def loss(s: Scene) -> Expression:
    x = s.tensor()
    y = x and s.tensor(lambda t: t.dtype == s[x].dtype and (t.shape == s[x].shape or s.chance(20)))
    if x is None or y is None:
        return None
    how = s.one_of(("", ", reduction='none'", ", reduction='sum'", ", reduction='mean'"))
    return s.one_of((
        f"F.mse_loss({x}, {y}{how})", f"F.l1_loss({x}, {y}{how})", f"F.smooth_l1_loss({x}, {y}{how}, beta=0.5)",
        f"F.huber_loss({x}, {y}{how}, delta=0.5)",
        f"F.kl_div({x}, ({y} * 0.5).exp(){how})".replace("'mean'", "'batchmean'"),
        f"F.binary_cross_entropy_with_logits({x}, {y}{how})",
        f"F.binary_cross_entropy({x}.sigmoid(), {y}.sigmoid(){how})",
        f"F.cross_entropy({x}, {y}.softmax(-1){how})" if s[x].shape == s[y].shape and s[x].numel() else
        f"F.mse_loss({x}, {y})"))


def classification(s: Scene) -> Expression:
    x = s.tensor(with_dims(1, 3))
    if x is None:
        return None
    sizes = s[x].shape
    classes = sizes[0] if len(sizes) == 1 else sizes[1]
    targets = math.prod(sizes) // max(classes, 1)
    rows = [] if len(sizes) == 1 else [sizes[0], *sizes[2:]]
    target = f"(torch.arange({targets}) % {max(classes, 1)}).reshape({rows})"
    how = s.one_of(("", ", reduction='none'", ", reduction='sum'", ", label_smoothing=0.1", ", ignore_index=0"))
    if s.chance(2):
        weights = f", weight=torch.arange({classes}, dtype={s[x].dtype}) + 0.5"
        how += weights if s.chance(2) else ""
        return f"F.cross_entropy({x}, {target}{how})"
    how = "" if "label" in how else how
    return s.one_of((f"F.nll_loss({x}.log_softmax({min(1, len(sizes) - 1)}), {target}{how})",
                     f"F.one_hot({target}, {classes})", f"F.embedding({target}, {x})"))


def layer(s: Scene) -> Expression:
    x = s.tensor(lambda t: with_dims(2)(t) and t.numel() > 0)
    if x is None:
        return None
    sizes, kind = list(s[x].shape), str(s[x].dtype)
    weight = f"torch.arange({sizes[-1]}, dtype={kind})"
    return s.one_of((
        f"F.layer_norm({x}, [{sizes[-1]}])", f"F.layer_norm({x}, {sizes[-2:]})",
        f"F.batch_norm({x}, None, None, training=True)",
        f"F.layer_norm({x}, [{sizes[-1]}], {weight}, {weight})", f"F.dropout({x}, 0.5)",
        f"F.dropout({x}, 0.3, training=False)",
        f"F.max_pool2d({x}.unsqueeze(0), 2, 1)", f"F.avg_pool2d({x}.unsqueeze(0), 2, 1, 1)", f"F.pad({x}, (1, 0))",
        f"F.pad({x}, (2, 0, 0, 1), value=1.5)", f"F.conv1d({x}.unsqueeze(0), {x}.unsqueeze(0))" if len(sizes) == 2 else
        f"F.conv1d({x}, {x})", f"F.cosine_similarity({x}, {x} + 1)"))


# ------------------------------------------------------------------------------------------ the graph, the dtype


def conversion(s: Scene) -> Expression:
    x = s.tensor(anything)
    if x is None:
        return None
    kind = s.one_of(("torch.float64", "torch.float32", "torch.int64", "torch.bool"))
    return s.one_of((f"{x}.detach()", f"{x}.detach().clone()", f"{x}.to({kind})", f"{x}.double()", f"{x}.float()",
                     f"{x}.long()", f"{x}.clone()", f"{x}.data", f"torch.zeros_like({x})", f"torch.ones_like({x})",
                     f"torch.full_like({x}, 2)", f"{x}.detach().requires_grad_()",
                     f"{x}.clone().detach().requires_grad_()",
                     f"torch.rand_like({x})", f"{x}.new_ones(2)", f"torch.tensor({x}.tolist())", f"{x}.contiguous()",
                     f"{x}.requires_grad", f"{x}.is_contiguous()", f"{x}.stride()", f"{x}.sum().item()",
                     f"torch.randn_like({x}.float())", f"torch.as_tensor({x})"))


EXPRESSIONS: tuple[Production, ...] = (
    arithmetic, unary, two_inputs, arithmetic, unary_with_a_domain, with_numbers, activation, comparison, logic,
    reduction, reduction,
    ordering, along_a_dim, view, view, view, several_views, getitem, getitem, picking, joining, product, product, loss,
    classification, layer, conversion, conversion)

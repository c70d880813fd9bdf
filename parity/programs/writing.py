"""The grammar of statements: results get names, memory is written to, gradients are asked for, modes change."""

from __future__ import annotations

import re
from typing import Any

import torch
from hypothesis import strategies as st

from parity.programs import operations
from parity.programs.machine import Program
from parity.programs.operations import is_float
from parity.programs.scene import Draw, Scene

MODES = ("", "", "", "", "with torch.no_grad(): ", "with torch.no_grad(): ", "with torch.enable_grad(): ",
         "with torch.set_grad_enabled(False): ")
IN_PLACE = ("mul_({y})", "add_({y})", "sub_({y})", "div_({y})", "copy_({y})", "clamp_(-1, 1)", "tanh_()", "exp_()",
            "sigmoid_()", "relu_()", "zero_()", "fill_(1.5)", "fill_({y}.sum())", "neg_()", "abs_()", "square_()",
            "sqrt_()", "masked_fill_({x} > 0, 0.5)", "pow_(2)", "sin_()", "t_()", "unsqueeze_(0)", "squeeze_()",
            "floor_()", "transpose_(0, -1)", "lerp_({y}, 0.5)", "addcmul_({y}, {y})", "clamp_(min=0)",
            "mul_(2)", "add_(1)", "retain_grad()", "uniform_()", "normal_()", "cumsum_(0)",
            "round_()")
RESHAPES = re.compile(r"(\bt|transpose|squeeze)_\(")  # without recording, they leave a history of another shape
# torch 2.13 crashes where a hook is put on a view whose base was written to since, unless grad_fn is read before.
HOOK = "{0}.grad_fn; {0}.register_hook(lambda g: {1})"
AUGMENTED = ("+=", "*=", "-=", "/=", "+=", "*=", "**=", "//=", "%=")


@st.composite
def programs(draw: Draw) -> Program:
    """Random differentiable programs."""
    s = Scene(draw)
    for _ in range(s.number(1, 3)):
        s.write(f"{s.new_name()} = {operations.leaf(s)}")
    mode, left = "", 0
    for _ in range(s.number(1, 14)):
        if left == 0:
            mode, left = (s.one_of(MODES), s.number(1, 3)) if s.chance(5) else ("", 0)
        left = max(left - 1, 0)
        statement = s.one_of(STATEMENTS)(s)
        if statement is not None:
            s.write(statement if RESHAPES.search(statement) else mode + statement)
    finish(s)
    return s.program()


def assignment(s: Scene) -> str | None:
    found = s.one_of(operations.EXPRESSIONS)(s)
    if found is None:
        return None
    count, text = found if isinstance(found, tuple) else (0, found)
    names = [s.new_name() for _ in range(count)] or [s.new_name()]
    return f"{', '.join(names)}{',' if count == 1 else ''} = {text}"


def new_leaf(s: Scene) -> str:
    return f"{s.new_name()} = {operations.leaf(s)}"


def written(s: Scene) -> str | None:
    """A tensor to write to: seldom a leaf that requires grad, which is refused.

    Never an expanded one (refused, or deprecated), nor a gradient, which in torch may share memory with others.
    """
    leaves = s.chance(12)
    gradients = {name for text in s.statements if "autograd.grad(" in text for name in re.findall(r"v\d+",
                                                                                                  text.split("=")[0])}
    return s.tensor(lambda t: is_float(t) and 0 not in t.stride() and (leaves or not (t.is_leaf and t.requires_grad))
                    and not any(t is s[name] for name in gradients if name in s.machine.names))


def in_place(s: Scene) -> str | None:
    x = written(s)
    y = x and s.partner(x)
    if x is None or y is None:
        return None
    if s.chance(3):
        return f"{x} {s.one_of(AUGMENTED)} {operations.scalar(s) if s.chance(3) else y}"
    return f"{x}.{s.one_of(IN_PLACE)}".replace("{x}", x).replace("{y}", y)


def setitem(s: Scene) -> str | None:
    x = written(s)
    if x is None:
        return None
    where = f"{x} > 0" if s.chance(6) and s[x].ndim else operations.key(s, x, s.chance(3))
    if s.machine.run(f"{x}[{where}]") and "[" in where:
        return None  # torch would write up to the index that is not there, and refuse only then
    smaller = s.tensor(lambda t: is_float(t) and t.numel() == 1 or t.ndim == s[x].ndim - 1)
    fitting = s.partner(x) if s.chance(6) else smaller
    value = operations.scalar(s) if fitting is None or s.chance(3) else fitting
    # torch calls a view of a constant a leaf when x[:] += w has made its base require grad
    operators = ("=",) if s[x]._is_view() and not s[x].requires_grad else ("=", "=", "+=", "*=")
    return f"{x}[{where}] {s.one_of(operators)} {value}"


def hook(s: Scene) -> str | None:
    x = s.tensor(lambda t: t.requires_grad)
    if x is None:
        return None
    harmless = (f"{x}.retain_grad()", HOOK.format(x, "None"), f"{x}.grad = None")
    doubled = HOOK.format(x, "None if g is None else g * 2")
    return s.one_of(harmless if any("create_graph" in text for text in s.statements) else (doubled, *harmless))


def is_hooked(s: Scene) -> bool:
    """Whether a hook changes gradients; their gradients are then those of no function, and up to the rules."""
    return any("else g * 2" in text for text in s.statements)


def is_deep(s: Scene) -> bool:
    """Whether another gradient with a graph could lead to a third derivative of a norm, which is wrong in torch."""
    return any("_norm(" in text for text in s.statements) and any("create_graph" in text for text in s.statements)


def differentiate(s: Scene) -> str | None:
    """A backward, or gradients as results; of some outputs, with cotangents, with any of the options."""
    outputs = [s.tensor(lambda t: t.requires_grad) for _ in range(s.one_of((1, 1, 2, 3)))]
    if outputs[0] is None:
        return None
    outputs = list(dict.fromkeys(outputs))
    graph = () if is_hooked(s) or is_deep(s) else ("create_graph",)
    options = "".join(s.one_of(("", "", f", {word}=True")) for word in ("retain_graph", *graph))
    live = "create_graph" in options
    if len(outputs) == 1 and s.chance(2):
        given = "" if s[outputs[0]].numel() == 1 and s.chance(2) else cotangent(s, outputs[0], live)
        return f"{outputs[0]}.backward({given or 'None'}{options})"
    cotangents = f"[{', '.join(cotangent(s, name, live) for name in outputs)}]"
    if s.chance(2):
        return f"torch.autograd.backward([{', '.join(outputs)}], {cotangents}{options})"
    hooked = is_hooked(s)
    inputs = list(dict.fromkeys(s.tensor(lambda t: t.requires_grad and not (t._is_view() if t.is_leaf else hooked))
                                for _ in range(s.number(1, 3))))
    if inputs[0] is None:
        return None
    names = [s.new_name() for _ in inputs]
    unused = "" if s.chance(8) else ", allow_unused=True"
    return (f"{', '.join(names)}, = torch.autograd.grad([{', '.join(outputs)}], [{', '.join(inputs)}], {cotangents}"
            f"{options}{unused})")


def cotangent(s: Scene, name: str, live: bool = False) -> str:
    """Numbers that are not all equal: where they are, the gradient of a softmax is 0 whatever its rule.

    One that is `live` may have a history. (A plain backward would pass it on, where a rule passes g on as it is.)
    """
    x = s[name]
    fitting = s.tensor(lambda t: t.shape == x.shape and t.dtype == x.dtype) if s.chance(4) else None
    if fitting:
        return f"{fitting} * 1" if live else f"{fitting}.detach().clone()"
    return f"(torch.arange({x.numel()}, dtype={x.dtype}) - 1.5).reshape({list(x.shape)})"


def finish(s: Scene) -> None:
    """What a program ends with: gradients, and mostly the gradients of a function of them."""
    outputs = s.tensors(lambda t: t.requires_grad and not t.is_leaf)[-3:]
    leaves = s.tensors(lambda t: t.requires_grad and t.is_leaf and not t._is_view())[:4]
    if not outputs or not leaves:
        return
    cotangents = ", ".join(cotangent(s, name) for name in outputs)
    if s.chance(2) or is_hooked(s) or is_deep(s):
        s.write(f"torch.autograd.backward([{', '.join(outputs)}], [{cotangents}])")
        return
    names = [s.new_name() for _ in leaves]
    s.write(f"{', '.join(names)}, = torch.autograd.grad([{', '.join(outputs)}], [{', '.join(leaves)}], [{cotangents}], "
            "create_graph=True, allow_unused=True)")
    again = [name for name in names if isinstance(s.machine.names.get(name), torch.Tensor) and s[name].requires_grad]
    if again:
        cotangents = ", ".join(cotangent(s, name) for name in again)
        s.write(f"torch.autograd.backward([{', '.join(again)}], [{cotangents}])")


STATEMENTS: tuple[Any, ...] = (*[assignment] * 10, in_place, in_place, setitem, hook, differentiate, new_leaf)

"""Small changes to a program that make it wrong: another constant, sign or operator, a term or a factor left out.

A file is parsed, and every place that can be changed gives one or more changes. Left alone is what concerns no
number: errors and the checks that raise them, warnings, texts and names, types, what is saved to files and loaded,
and what only saves time (LEFT_OUT). A change there is a wrong message or a slow engine, but no wrong gradient.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.MatMult: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitXor: ast.BitOr, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}
# Calls that only check, or warn, or make an error, and what is handed over only for a warning's sake.
MESSAGES = ("warn", "RuntimeError", "ValueError", "TypeError", "cast", "isinstance", "field", "dataclass", "user_line",
            "_require", "_check_channels", "_check_multinomial", "_floating_only", "refuse_what_needs_more",
            "tensor_only", "_warn_of_node")
COPIES = ("own", "copy", "clone")
NO_NUMBERS = ("stacklevel", "strict")  # arguments
# Functions, classes and constants in which nothing is changed, because no number depends on them.
LEFT_OUT = {
    "__repr__", "_overwritten", "_warn_of_node", "_x", "_nll_name", "_under",  # texts and names
    "_require", "_float_dtype", "_whole_numbers", "_check_channels", "_check_multinomial", "_floating_only",  # errors
    "state_dict", "load_state_dict", "BEFORE_IT_EXISTED",  # files
    "blocks", "BLOCK",  # time: work is done in pieces
    "seed", "default_generator.seed",  # the operating system's randomness
    # No check comes here without a GPU. They decide the draws there alone, and tests/test_device.py holds them, with
    # the stand-in for CuPy, which is no part of parity.
    "generator_of", "seed_gpus", "_seed_of_gpus",
    "ops.TABLE", "ops.VOCABULARY", "TABLE['cat']",  # lists of the entries, for tests and formulas
}


@dataclass
class Change:
    """One node of a file's tree, `owner.field` (or its entry `index`), and what to put in its place."""

    kind: str  # "sign", "term left out", ...
    scope: str  # the function, method or table entry that it is in
    line: int
    function: int  # the line on which the innermost function around it begins; 0 outside of functions
    before: str
    after: str
    owner: ast.AST
    field: str
    index: int | None
    new: Any

    @contextmanager
    def made(self) -> Iterator[None]:
        """The tree with the change, for as long as the block lasts."""
        place = getattr(self.owner, self.field)
        old = place if self.index is None else place[self.index]
        self._set(self.new)
        try:
            yield
        finally:
            self._set(old)

    def _set(self, node: Any) -> None:
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node

    def __str__(self) -> str:
        return f"{self.scope} (line {self.line}): {self.before}  ->  {self.after}"


def changes(tree: ast.AST, refusals: bool = False, scope: str = "", function: int = 0) -> Iterator[Change]:
    """All changes of a tree, in the order of the text; with `refusals`, errors that are no longer raised are some."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST):
                continue
            if is_refusal(node):
                if refusals:
                    yield refusal_left_out(scope, function, tree, field, index, node)
                # The error itself is apart, but not its else.
                yield from changes(ast.Module(node.orelse, []), refusals, scope, function)
                continue
            if isinstance(node, ast.For) and all(map(is_refusal, node.body)):  # what it runs over is only checked
                yield from changes(ast.Module(node.body, []), refusals, scope, function)
                continue
            if is_apart(node) or is_open_size(tree, node):
                continue
            inner, inner_function = scope, function
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                inner = f"{scope}.{node.name}".lstrip(".")
            elif isinstance(node, ast.Assign) and not scope:
                inner = ast.unparse(node.targets[0])
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                inner_function = first_line(node)
            for kind, other in alternatives(node):
                new = ast.copy_location(copy.copy(other), node)  # a copy: it may be a part of the node, a sum's term
                ast.fix_missing_locations(new)
                yield Change(kind, inner, node.lineno, inner_function, short(node), short(new), tree, field, index, new)
            yield from changes(node, refusals, inner, inner_function)


def refusal_left_out(scope: str, function: int, tree: ast.AST, field: str, index: int | None, node: ast.If) -> Change:
    """The error is not raised any more."""
    new = ast.copy_location(ast.If(ast.Constant(False), node.body, node.orelse), node)
    ast.fix_missing_locations(new)
    return Change("refusal left out", scope, node.lineno, function, f"if {short(node.test)}: raise", "no error", tree,
                  field, index, new)


def first_line(function: ast.FunctionDef | ast.Lambda) -> int:
    """Where Python says that a function begins: at its first decorator."""
    return min([function.lineno, *[d.lineno for d in getattr(function, "decorator_list", [])]])


def is_refusal(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise)


def is_apart(node: ast.AST) -> bool:
    """Whether it has no part in any number: an error, a warning, a docstring, an import, a type."""
    if isinstance(node, (ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Global)):
        return True
    if isinstance(node, ast.ExceptHandler) and isinstance(node.body[-1], ast.Raise):
        return True
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name in LEFT_OUT
    if isinstance(node, ast.Assign):
        name = ast.unparse(node.targets[0])
        return name in LEFT_OUT or (name.istitle() and isinstance(node.value, ast.BinOp))  # an alias of a type
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return ast.unparse(node.target) in LEFT_OUT
    if isinstance(node, ast.keyword) and (node.arg in NO_NUMBERS or ast.unparse(node) == "copy=False"):
        return True
    if isinstance(node, ast.If) and all(is_apart(step) for step in node.body) and not node.orelse:
        return True
    if isinstance(node, ast.IfExp) and is_apart(node.body):
        return True
    if isinstance(node, ast.IfExp) and all(is_word(branch) for branch in (node.body, node.orelse)):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    call = node.value if isinstance(node, ast.Expr) else node
    return isinstance(call, ast.Call) and (name_of(call.func) in MESSAGES or ast.unparse(call.func) in LEFT_OUT)


def is_open_size(parent: ast.AST, node: ast.AST) -> bool:
    """Whether it is the -1 of a shape: NumPy takes any negative size for the one that it is to find."""
    in_a_shape = (isinstance(parent, ast.Call) and name_of(parent.func) == "reshape") or (
        isinstance(parent, ast.IfExp) and ast.unparse(parent.orelse) == "1")
    return in_a_shape and ast.unparse(node) == "-1"


def alternatives(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """What may stand in a node's place to make it wrong, each with its kind."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        yield "constant", ast.Constant(another(node.value))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "sign", node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED and not is_text(node):
        yield from alternatives_of_arithmetic(node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPPED:
        yield "comparison", ast.Compare(node.left, [swapped(node.ops[0])], node.comparators)
    elif isinstance(node, ast.AugAssign):
        yield "= for +=", ast.Assign([node.target], node.value)
        if type(node.op) in SWAPPED:
            yield sign_or_operator(node.op), ast.AugAssign(node.target, swapped(node.op), node.value)
    elif isinstance(node, ast.IfExp):
        yield "condition", node.body
        yield "condition", node.orelse
    elif isinstance(node, ast.If) and isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
        yield "condition", ast.If(node.test.operand, node.body, node.orelse)
    elif isinstance(node, ast.If):
        yield "condition", ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Call) and name_of(node.func) == "where" and len(node.args) == 3:
        condition, yes, no = node.args
        yield "branches swapped", ast.Call(node.func, [condition, no, yes], [])
    elif isinstance(node, ast.Call) and name_of(node.func) in COPIES:
        yield "shared memory", node.func.value if isinstance(node.func, ast.Attribute) else node.args[0]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "step left out", ast.Pass()


def alternatives_of_arithmetic(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    """Another operator, and one of the two sides alone (the right one only where the sides may change places)."""
    yield sign_or_operator(node.op), ast.BinOp(node.left, swapped(node.op), node.right)
    left_out = "term left out" if isinstance(node.op, (ast.Add, ast.Sub)) else "factor left out"
    yield left_out, node.left
    if isinstance(node.op, (ast.Add, ast.Mult, ast.BitXor, ast.BitAnd, ast.BitOr)):
        yield left_out, node.right


def sign_or_operator(operator: ast.operator) -> str:
    return "sign" if isinstance(operator, (ast.Add, ast.Sub)) else "operator"


def swapped(operator: ast.AST) -> Any:
    return SWAPPED[type(operator)]()


def another(value: Any) -> Any:
    """Another number; for a small float one that is as small."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) or value == 0 else value * 2


def is_word(node: ast.AST) -> bool:
    """Whether it is a name of torch's: of an operation in an error or in what a gradient's graph prints."""
    return (isinstance(node, ast.Constant) and isinstance(node.value, str)) or (
        isinstance(node, ast.Call) and name_of(node.func) in LEFT_OUT)


def is_text(node: ast.BinOp) -> bool:
    """Whether it joins strings or types."""
    return any(isinstance(side, (ast.JoinedStr, ast.List, ast.Tuple)) or
               (isinstance(side, ast.Constant) and not isinstance(side.value, (int, float)))
               for side in (node.left, node.right))


def name_of(function: ast.expr) -> str:
    """`where` of `np.where(...)` and of `where(...)`."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def short(node: ast.AST, width: int = 110) -> str:
    """The node's text on one line."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= width else text[: width - 1] + "…"

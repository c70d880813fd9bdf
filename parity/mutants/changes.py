"""Small changes to a program that make it wrong: another constant, sign or operator, a term or a factor left out.

A file is parsed, and every place that can be changed gives one or more changes. Left alone is what concerns no
number: errors and the checks that raise them, warnings, texts and names, types, what is saved to files and loaded,
and what only saves time (LEFT_OUT). A change there is a wrong message or a slow engine, but no wrong gradient.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

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
# Functions, classes and constants in which nothing is changed, because no number depends on them.
LEFT_OUT = {
    "__repr__", "_overwritten", "_warn_of_node", "_x", "_nll_name", "_under",  # texts and names
    "_require", "_float_dtype", "_whole_numbers", "_check_channels", "_check_multinomial", "_floating_only",  # errors
    "state_dict", "load_state_dict", "BEFORE_IT_EXISTED",  # files
    "blocks", "BLOCK",  # time: work is done in pieces
    "seed",  # the operating system's randomness
}


@dataclass
class Change:
    """One node of a file's tree, `owner.field` (or its entry `index`), and what to put in its place."""

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


def changes(tree: ast.AST, scope: str = "", function: int = 0) -> Iterator[Change]:
    """All changes of a tree, in the order of the text."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or is_apart(node):
                continue
            inner, inner_function = scope, function
            if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise):  # the error is apart, its else is not
                yield from changes(ast.Module(node.orelse, []), scope, function)
                continue
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                inner = f"{scope}.{node.name}".lstrip(".")
            elif isinstance(node, ast.Assign) and not scope:
                inner = ast.unparse(node.targets[0])
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                inner_function = node.lineno
            for after, new in alternatives(node):
                ast.copy_location(new, node)
                ast.fix_missing_locations(new)
                yield Change(inner, node.lineno, inner_function, short(node), after, tree, field, index, new)
            yield from changes(node, inner, inner_function)


def is_apart(node: ast.AST) -> bool:
    """Whether it has no part in any number: an error, a warning, a docstring, an import, a type."""
    if isinstance(node, (ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Global)):
        return True
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name in LEFT_OUT
    if isinstance(node, ast.Assign):
        name = ast.unparse(node.targets[0])
        return name in LEFT_OUT or (name.istitle() and isinstance(node.value, ast.BinOp))  # an alias of a type
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target) in LEFT_OUT
    if isinstance(node, ast.keyword) and node.arg == "stacklevel":
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
    return isinstance(call, ast.Call) and name_of(call.func) in MESSAGES


def alternatives(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """What may stand in a node's place to make it wrong, each with its text."""
    found: list[Any] = []
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        found = [ast.Constant(node.value + 1 if type(node.value) is int or node.value == 0 else node.value * 2)]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        found = [node.operand]
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED and not is_text(node):
        found = [ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right), node.left]  # type: ignore[arg-type]
        if isinstance(node.op, (ast.Add, ast.Mult, ast.BitXor, ast.BitAnd, ast.BitOr)):
            found.append(node.right)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPPED:
        found = [ast.Compare(node.left, [SWAPPED[type(node.ops[0])]()], node.comparators)]  # type: ignore[list-item]
    elif isinstance(node, ast.AugAssign):
        found = [ast.Assign([node.target], node.value)]
        if type(node.op) in SWAPPED:
            found.append(ast.AugAssign(node.target, SWAPPED[type(node.op)](), node.value))  # type: ignore[arg-type]
    elif isinstance(node, ast.IfExp):
        found = [node.body, node.orelse]
    elif isinstance(node, ast.If) and isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
        found = [ast.If(node.test.operand, node.body, node.orelse)]
    elif isinstance(node, ast.If):
        found = [ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)]
    elif isinstance(node, ast.Call) and name_of(node.func) == "where" and len(node.args) == 3:
        condition, yes, no = node.args
        found = [ast.Call(node.func, [condition, no, yes], [])]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        found = [ast.Pass()]
    for new in found:
        yield short(new), new


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

"""Wrong rules for the table: no gradient, the wrong sign, twice the gradient, another input's rule, stale values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from parity.mutants.changes import Change, name_of, short

STEPS = ("sign", "floor_div", "trunc_div", "first_max", "zeros_like")  # entries whose derivative is 0

# What some wrong rules call; it is put at the end of the mutated file. A stale value is the one before last.
HELPERS = '''
def _detached(value):
    return value.detach() if hasattr(value, "detach") else value

def _stale(value, seen={}):
    before = seen.get((type(value), getattr(value, "shape", None)), value)
    seen[type(value), getattr(value, "shape", None)] = value
    return before
'''


def rule_changes(tree: ast.Module) -> Iterator[Change]:
    """All wrong rules of a file of the table."""
    for statement in tree.body:
        for call in ast.walk(statement):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Op":
                entry = ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else "an entry"
                rules = [k for k in call.keywords if isinstance(k.value, ast.Lambda)]
                for keyword in rules:
                    yield from wrong_rules(f"{entry}, the rule for {keyword.arg}", keyword, rules)


def wrong_rules(scope: str, keyword: ast.keyword, rules: list[ast.keyword]) -> Iterator[Change]:
    """What may stand in the place of one of an entry's rules."""
    rule = keyword.value
    assert isinstance(rule, ast.Lambda)
    body, arguments = ast.unparse(rule.body), ast.unparse(rule.args)
    if body == "zeros_like(g)":
        texts = {"g": (f"lambda {arguments}: g", "g for zero")}
    else:
        texts = {"zero": (f"lambda {arguments}: ({body}) * 0", "zero"),
                 "the other sign": (f"lambda {arguments}: -({body})", "sign"),
                 "twice": (f"lambda {arguments}: ({body}) * 2", "factor 2")}
    for other in rules:
        if other is not keyword and ast.unparse(other.value) != ast.unparse(rule):
            texts[f"the rule for {other.arg}"] = ast.unparse(other.value), "another input's rule"
    saved = [a.arg for a in rule.args.args[1:] if a.arg in {k.arg for k in rules} | {"out"}]
    for name in saved:
        for way in ("detached", "stale") if has_slope(rule.body, name) else ("stale",):
            replaced = Wrapped(name, f"_{way}").visit(ast.parse(body, mode="eval").body)
            texts[f"with a {way} {name}"] = f"lambda {arguments}: {ast.unparse(replaced)}", f"{way} value"
    for after, (text, kind) in texts.items():
        new = ast.parse(text, mode="eval").body
        for node in ast.walk(new):
            ast.copy_location(node, rule)
        yield Change(kind, scope, rule.lineno, rule.lineno, short(rule.body), after, keyword, "value", None, new)


def has_slope(node: ast.AST, name: str) -> bool:
    """Whether a value depends on the named one, in more than steps: what is detached there was detached before."""
    if isinstance(node, ast.Compare) or (isinstance(node, ast.Call) and name_of(node.func) in STEPS):
        return False
    return (isinstance(node, ast.Name) and node.id == name) or any(
        has_slope(inner, name) for inner in ast.iter_child_nodes(node))


class Wrapped(ast.NodeTransformer):
    """Puts `helper(name)` in the place of `name`."""

    def __init__(self, name: str, helper: str) -> None:
        self.name, self.helper = name, helper

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Call(ast.Name(self.helper, ast.Load()), [node], []) if node.id == self.name else node

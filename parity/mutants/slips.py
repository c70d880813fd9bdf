"""Slips that people make, and that no change of a single place gives: a step in another order, eps inside the root."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from parity.mutants.changes import Change, first_line

DECAY = "                if weight_decay:\n                    g = g + weight_decay * w\n"
UPHILL = '                if maximize:\n                    g = -g\n'


@dataclass(frozen=True)
class Slip:
    """Other lines in a function, `edits`: pairs of text that stands there once, and what stands there instead."""

    kind: str
    what: str
    file: str
    function: str
    edits: tuple[tuple[str, str], ...]


def slip(kind: str, what: str, file: str, function: str, *edits: tuple[str, str]) -> Slip:
    return Slip(kind, what, file, function, edits)


SLIPS = [
    # ---- the engine ----
    slip("missing broadcast reduction", "no gradient is fitted to its input", "engine.py", "fit",
         ("    array = grad.array if", "    return grad\n    array = grad.array if")),
    slip("missing broadcast reduction", "stretched dimensions are not summed", "engine.py", "fit",
         ("(*range(extra), *stretched)).reshape(node.shape)", "(*range(extra),))")),
    slip("missing broadcast reduction", "leading dimensions are not summed", "engine.py", "fit",
         ("(*range(extra), *stretched)).reshape(node.shape)", "tuple(stretched))")),
    slip("missing broadcast reduction", "the first of the stretched elements for their sum", "engine.py", "fit",
         ("grad = grad.sum((*range(extra), *stretched)).reshape(node.shape)",
          "grad = grad[(0,) * extra + tuple([slice(0, 1) if n == 1 else slice(None) for n in node.shape])]")),
    slip("= for +=", "the last of several gradients", "engine.py", "walk_back",
         ("pending[parent] = pending[parent] + grad", "pending[parent] = grad")),
    slip("= for +=", "backward sets .grad instead of adding to it", "engine.py", "Leaf.accumulate",
         ("old.array += g", "old.array[...] = g")),
    slip("shared gradient buffer", "gradients add up in place", "engine.py", "walk_back",
         ("pending[parent] = pending[parent] + grad", "pending[parent] += grad")),
    slip("shared gradient buffer", "a leaf keeps what a rule passed on", "engine.py", "walk_back",
         ("pending[parent] = own(grad)", "pending[parent] = grad")),
    slip("shared gradient buffer", ".grad is a new tensor each time", "engine.py", "Leaf.accumulate",
         ("old.array += g", "self.grad = wrap(old.array + g)")),
    slip("wrong walk order", "oldest first", "engine.py", "newest_first", (", reverse=True", "")),
    slip("wrong walk order", "in the order in which they are found", "engine.py", "newest_first",
         ("    nodes.sort(key=attrgetter(\"tick\"), reverse=True)\n", "")),
    slip("wrong walk order", "each node as often as it is used", "engine.py", "newest_first",
         ("                parent.seen = walk\n", "")),
    slip("ignored retain_graph", "the graph is freed always", "engine.py", "walk_back",
         ("if not retain_graph:", "if True:")),
    slip("ignored retain_graph", "the graph is kept always", "engine.py", "walk_back",
         ("if not retain_graph:", "if False:")),
    slip("stale saved array", "only the first saved array is watched", "engine.py", "Node.read",
         ("for cell in self.cells:", "for cell in self.cells[:1]:")),
    slip("stale saved array", "a write through a view is not noticed", "engine.py", "apply",
         ("out.cell, out.base_tick = args[0].cell, tick()", "out.base_tick = tick()")),
    slip("stale saved array", "a write is not noticed", "engine.py", "TensorCore.bump",
         ("self.cell[0] = tick()", "pass")),
    # ---- optimizers ----
    slip("weight decay's place", "after the momentum", "optim/sgd.py", "SGD._update",
         (DECAY, ""), ("                w -= lr * g\n", DECAY + "                w -= lr * g\n")),
    slip("weight decay's place", "before the sign is turned", "optim/sgd.py", "SGD._update",
         (UPHILL + DECAY, DECAY + UPHILL)),
    slip("weight decay's place", "apart from the gradient", "optim/sgd.py", "SGD._update",
         ("g = g + weight_decay * w", "w -= lr * weight_decay * w")),
    slip("momentum's order", "the step is taken with the sum before this gradient", "optim/sgd.py", "SGD._running_sum",
         ("b *= momentum", "before = b.copy()\n            b *= momentum"),
         ("if dampening else g\n", "if dampening else g\n            return before\n")),
    slip("momentum's order", "the learning rate inside the sum", "optim/sgd.py", "SGD._update",
         ("self._running_sum(b[0], g, group, first)", "self._running_sum(b[0], lr * g, group, first) / lr")),
    slip("momentum's order", "the first gradient is dampened, too", "optim/sgd.py", "SGD._running_sum",
         ("b[...] = g", "b[...] = (1 - dampening) * g")),
    slip("momentum's order", "Nesterov looks ahead twice", "optim/sgd.py", "SGD._running_sum",
         ("return g + momentum * b if", "return g + momentum * (g + momentum * b) if")),
    slip("eps inside the root", "sqrt(v' + eps)", "optim/adam.py", "Adam._update",
         ("np.sqrt(v) / root + eps", "np.sqrt(v / root**2 + eps)")),
    slip("Adam's bias correction", "of eps, too", "optim/adam.py", "Adam._update",
         ("(np.sqrt(v) / root + eps)", "((np.sqrt(v) + eps) / root)")),
    slip("Adam's bias correction", "none for v", "optim/adam.py", "Adam._update",
         (" / root", "")),
    slip("Adam's bias correction", "none for m", "optim/adam.py", "Adam._numbers_at",
         ("float(scalar(group[\"lr\"]) / (1 - beta1**t))", "float(scalar(group[\"lr\"]))")),
    slip("Adam's bias correction", "v's without its root", "optim/adam.py", "Adam._numbers_at",
         ("math.sqrt(1 - beta2**t)", "(1 - beta2**t)")),
    slip("Adam's bias correction", "with the other average's beta", "optim/adam.py", "Adam._numbers_at",
         ("math.sqrt(1 - beta2**t)", "math.sqrt(1 - beta1**t)")),
    slip("momentum's order", "the step is taken before m is brought up to date", "optim/adam.py", "Adam._update",
         ("            lerp(m, g, new1)\n", ""), ("+ eps)\n", "+ eps)\n            lerp(m, g, new1)\n")),
    slip("amsgrad's maximum", "it is not remembered", "optim/adam.py", "Adam._update",
         ("np.maximum(top, v, out=top)", "np.maximum(top, v)")),
    slip("eps inside the root", "sqrt(v' + eps)", "optim/adam.py", "NAdam._update",
         ("np.sqrt(v / correction) + eps", "np.sqrt(v / correction + eps)")),
    slip("momentum's order", "no look ahead", "optim/adam.py", "NAdam._numbers_at",
         ("mu_next / (1 - product * mu_next)", "mu / (1 - product)")),
    slip("weight decay's place", "decoupled, but after the step", "optim/adaptive.py", "Adaptive._gradients",
         ("                    w *= kept\n", "                    pass\n"),
         ("yield numbers, w, g, *averages\n", "yield numbers, w, g, *averages\n"
          "                if decay and decoupled:\n                    w *= kept\n")),
    slip("weight decay's place", "before the sign is turned", "optim/adaptive.py", "Adaptive._gradients",
         ("g + decay * w", "g + (-decay if group[\"maximize\"] else decay) * w")),
    slip("eps inside the root", "sqrt(v + eps)", "optim/rmsprop.py", "RMSprop._update",
         ("np.sqrt(v - a * a if centered else v) + eps", "np.sqrt((v - a * a if centered else v) + eps)")),
    slip("momentum's order", "the step is taken with the sum before this gradient", "optim/rmsprop.py",
         "RMSprop._update", ("                b += g / size\n                w -= lr * b\n",
                             "                w -= lr * b\n                b += g / size\n")),
    slip("momentum's order", "the learning rate inside the sum", "optim/rmsprop.py", "RMSprop._update",
         ("b += g / size", "b += lr * g / size"), ("w -= lr * b", "w -= b")),
    slip("eps inside the root", "sqrt(s + eps)", "optim/adagrad.py", "Adagrad._update",
         ("np.sqrt(s) + eps", "np.sqrt(s + eps)")),
    slip("momentum's order", "the step is taken before the sum is brought up to date", "optim/adagrad.py",
         "Adagrad._update", ("            s += g * g\n", ""),
         ("(np.sqrt(s) + eps)\n", "(np.sqrt(s) + eps)\n            s += g * g\n")),
    # ---- losses ----
    slip("mean for sum", "both divide by the number of elements", "nn/losses.py", "_reduction",
         ("x.array.size if reduction == \"mean\" else 1", "x.array.size if reduction != \"none\" else 1")),
    slip("mean for sum", "neither does: a sum for a mean", "nn/losses.py", "_reduction",
         ("x.array.size if reduction == \"mean\" else 1", "1")),
    slip("mean for sum", "a sum for each sample, and the mean of these", "nn/losses.py", "_reduction",
         ("x.array.size if", "(len(x.array) if x.array.ndim else 1) if")),
    slip("mean for weighted mean", "over the elements", "nn/losses.py", "_weighted",
         ("losses.sum() / weight.sum()", "losses.mean()")),
    slip("mean for weighted mean", "over the targets", "nn/losses.py", "nll_loss",
         ("n = wrap(counted.sum())", "n = wrap(kept.sum())")),
    slip("mean for weighted mean", "ignored targets count", "nn/losses.py", "cross_entropy",
         ("n = wrap(counted.sum())", "n = wrap(np.array(kept.size))")),
    slip("label smoothing", "over the other classes alone", "nn/losses.py", "cross_entropy",
         ("per_class, 0) * (label_smoothing / classes)", "per_class, 0) * (label_smoothing / (classes - 1))")),
]


def slips(file: str, source: str, tree: ast.Module) -> Iterator[Change]:
    """The slips of a file, as changes of its tree: each puts a whole function in its own place."""
    for each in SLIPS:
        if each.file == file:
            owner, index = holder(tree, each.function)
            function = owner.body[index]
            changed, at = holder(ast.parse(edited(source, function, each)), each.function)
            yield Change(each.kind, each.function, function.lineno, first_line(function), each.kind, each.what, owner,
                         "body", index, changed.body[at])


def holder(tree: Any, name: str) -> tuple[Any, int]:
    """The module or class whose body a function stands in, and where."""
    *classes, last = name.split(".")
    for cls in classes:
        [tree] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == cls]
    [index] = [i for i, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef) and node.name == last]
    return tree, index


def edited(source: str, function: ast.FunctionDef, each: Slip) -> str:
    """The file's text with the function's changed. ValueError for text that is not there once: minigrad has changed."""
    lines = source.splitlines(keepends=True)
    text = "".join(lines[function.lineno - 1 : function.end_lineno])
    for old, new in each.edits:
        if text.count(old) != 1:
            raise ValueError(f"{each.file}, {each.function}: {text.count(old)} times {old!r}, which slips.py changes")
        text = text.replace(old, new)
    return "".join(lines[: function.lineno - 1]) + text

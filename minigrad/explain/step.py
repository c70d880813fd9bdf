"""A recorded training step as plain data: its nodes, the modules they ran in, and the events of the three passes.

Everything is made of dicts, lists, strings and numbers: the page gets it as JSON, the drawings and the text read it.

    step    {"title", "step", "loss", "files", "groups", "nodes", "events"}
    file    {"name", "first", "lines"}: the lines from number `first` on
    group   {"label", "kind", "parent"}: one call of a module; parent is a group's number or None
    node    {"kind": "operation" | "parameter" | "leaf" | "data", "title", "name", "shape", "value", "place", "group",
             "inputs": [[the input's name in the rules, a node's number]], "settings": [[name, text]], "note",
             "grad_fn": torch's name for an operation, "keeps": what the tape keeps of it}
    place   [a file's number, a line], or None
    event   {"pass": "forward" | "backward" | "update", "node", "place", "text", ...}, see the methods of Builder
"""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import Leaf, Node, TensorCore, fit, names_of
from ..gradfn import torch_name
from .formulas import formula
from .reasons import why_zero
from .record import Call, Given, Made, Place, Recording, Updated, Walk
from .updates import update_formula
from .values import shown

Step = dict[str, Any]
AROUND = 150  # lines of a long file before the first and after the last that is shown
LONGEST_SETTING = 60  # letters


def step_of(recording: Recording, title: str, number: int | None = None) -> Step:
    """What was recorded, as data. ValueError if nothing was walked back."""
    if not recording.walks:
        raise ValueError("there is nothing to explain: no backward was called")
    return Builder(recording).build(title, number)


class Builder:
    """Gathers a step's parts; nodes, groups and files are known by their numbers."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.names: dict[int, str] = {}
        for walk in recording.walks:
            self.names = {**walk.names, **self.names}
        self.numbers: dict[Any, int] = {}  # by Node, or a constant's key
        self.calls: dict[Call, int] = {}
        self.files: dict[str, list[int]] = {}  # the lines that are asked for
        self.nodes: list[dict[str, Any]] = []
        self.groups: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.users: dict[int, list[tuple[Call, ...]]] = {}  # of a leaf or a constant: in which calls it is used
        self.leaf_values: dict[Leaf, Any] = {}

    def build(self, title: str, number: int | None) -> Step:
        for walk in self.recording.walks:
            for node in reversed(walk.nodes):
                if not isinstance(node, Leaf) and node not in self.numbers:
                    self.add_operation(node)
                    self.add_forward(node)
            self.add_backward(walk)
        for updated in self.recording.updates:
            self.add_update(updated)
        self.place_leaves()
        root = self.recording.walks[-1].roots[0]
        return {"title": title, "step": number, "loss": self.nodes[self.numbers[root]]["value"], "groups": self.groups,
                "files": [_file(name, lines) for name, lines in self.files.items()], "nodes": self.nodes,
                "events": self.events}

    # ------------------------------------------------------------------------------------------- the nodes

    def add(self, key: Any, **facts: Any) -> int:
        self.numbers[key] = len(self.nodes)
        self.nodes.append({"name": "", "place": None, "group": None, "inputs": [], "settings": [], "note": "", **facts})
        return self.numbers[key]

    def add_operation(self, node: Node) -> None:
        op, made = node.pullback.op, node.source if isinstance(node.source, Made) else None
        saved = dict(zip(node.pullback.names, node.saved or (), strict=False))
        given = made.args if made and made.args else [
            saved.get(name, node.parents[i] if i < len(node.parents) else None)
            for i, name in enumerate((*op.inputs, *op.params))]
        value = self.value_of(node)
        inputs, settings = [], []
        for name, x in zip((*op.inputs, *op.params), given, strict=False):
            at = self.input_of(x, name, node, made)
            if at is None and x is not None:
                settings.append([name, _short(x)])
            elif at is not None:
                inputs.append([name, at])
        self.add(node, kind="operation", title=node.op_name, grad_fn=torch_name(node), shape=list(node.shape),
                 name=self.names.get(id(node), ""), value=shown(value), place=self.place(node.source),
                 inputs=inputs, settings=settings, keeps=", ".join(node.pullback.names) or "nothing",
                 group=self.group_of(made.calls) if made else None,
                 note="" if made or value is not None else "The tape has kept no value here: no rule needs it.")

    def input_of(self, x: Any, name: str, node: Node, made: Made | None) -> int | None:
        """The number of the node that an argument is; None for numbers and settings."""
        calls = made.calls if made else ()
        i = node.pullback.op.inputs.index(name) if name in node.pullback.op.inputs else -1
        parent = node.parents[i] if 0 <= i < len(node.parents) else None
        if isinstance(x, Given) and x.node is None:
            return self.constant(x.key, x.value, calls, self.names.get(x.base or 0), x.detached_at)
        if parent is None:  # without a recording, the tape knows arrays only
            return self.constant((id(x), 0), x, calls) if isinstance(x, np.ndarray) and x.ndim and i >= 0 else None
        if isinstance(parent, Leaf):
            return self.leaf(parent, x.value if isinstance(x, Given) else x, calls)
        return self.numbers[parent]

    def leaf(self, leaf: Leaf, value: Any, calls: tuple[Call, ...]) -> int:
        self.leaf_values.setdefault(leaf, value)
        if leaf not in self.numbers:
            name = self.parameter_name(leaf, calls)
            self.add(leaf, kind="parameter" if name else "leaf", title=name or self.names.get(id(leaf), "leaf"),
                     shape=list(leaf.shape), value=shown(value),
                     note="Its requires_grad is off, so what arrives is dropped." if leaf.frozen else "")
        self.users.setdefault(self.numbers[leaf], []).append(calls)
        return self.numbers[leaf]

    def parameter_name(self, leaf: Leaf, calls: tuple[Call, ...]) -> str:
        """As `named_parameters` of the outermost module calls it; "" if it is no module's."""
        for call in calls[:1]:
            for name, p in call.module.named_parameters():
                if p.node is leaf:
                    return name
        held = any(updated.node is leaf for updated in self.recording.updates)
        return self.names.get(id(leaf), "parameter") if held else ""

    def constant(self, key: Any, value: Any, calls: tuple[Call, ...], base: str | None = None,
                 detached_at: Place = None) -> int:
        if key not in self.numbers:
            note = "Detached: the same values as a constant, so no gradient goes back from here." if detached_at else ""
            unnamed = "detached" if detached_at else f"view of {base}" if base else "constant"
            self.add(key, kind="data", title=self.names.get(key[0], unnamed), shape=list(np.shape(value)),
                     value=shown(value), note=note, place=self.place(detached_at))
        outside = [i for i, call in enumerate(calls) if key[0] in call.given]
        self.users.setdefault(self.numbers[key], []).append(calls[: outside[0]] if outside else calls)
        return self.numbers[key]

    def value_of(self, node: Node) -> Any:
        """A node's output; of one that was not recorded, if its rules or a later node's have kept it."""
        if isinstance(node, Leaf):
            return self.leaf_values.get(node)
        if isinstance(node.source, Made):
            return node.source.value
        if "out" in node.pullback.names and node.saved is not None:
            return node.saved[node.pullback.names.index("out")]
        for walk in self.recording.walks:
            for other in walk.nodes:
                for i, parent in enumerate(other.parents):
                    if parent is node and i < len(other.pullback.op.inputs):
                        name = other.pullback.op.inputs[i]
                        if name in other.pullback.names and other.saved is not None:
                            return other.saved[other.pullback.names.index(name)]
        return None

    # ------------------------------------------------------------------------------------------ the groups

    def place_leaves(self) -> None:
        """A parameter or a constant belongs to the innermost call that has all its users."""
        for number, users in self.users.items():
            common = [calls[0] for calls in zip(*users, strict=False) if all(call is calls[0] for call in calls)]
            self.nodes[number]["group"] = self.group_of(tuple(common))

    def group_of(self, calls: tuple[Call, ...]) -> int | None:
        parent: int | None = None
        for i, call in enumerate(calls):
            if call not in self.calls:
                self.calls[call] = len(self.groups)
                self.groups.append({"label": self.call_name(calls[:i], call), "kind": type(call.module).__name__,
                                    "parent": parent})
            parent = self.calls[call]
        return parent

    def call_name(self, around: Sequence[Call], call: Call) -> str:
        """The module's name in the module around it, or in the script."""
        for outer in reversed(around):
            for name, module in outer.module.named_modules():
                if module is call.module and name:
                    return name
        return self.names.get(id(call.module), "")

    # ------------------------------------------------------------------------------------------ the events

    def add_event(self, direction: str, node: int, text: str, place: Any = None, **facts: Any) -> None:
        self.events.append({"pass": direction, "node": node, "text": text, "place": place or self.nodes[node]["place"],
                            **facts})

    def label(self, number: int) -> str:
        return self.nodes[number]["name"] or self.nodes[number]["title"]

    def add_forward(self, node: Node) -> None:
        """{"node"}: the operation runs; all that there is to show stands in the node."""
        number = self.numbers[node]
        facts = self.nodes[number]
        given = ", ".join(self.label(i) for _, i in facts["inputs"])
        self.add_event("forward", number, f"{facts['title']}({given}) has shape {facts['shape']}")

    def add_backward(self, walk: Walk) -> None:
        """{"g", "root", "vanished", "hooked", "shares", "stopped"}: what arrived, and for each input {"input", "node",
        "formula", "rule_at", "where", "value", "fitted", "summed", "before", "after", "why"}. A leaf's: {"g", ...,
        "grad_before", "grad_after"}, the last two only if .grad changes.

        "vanished": g is zero; "hooked": a hook has changed it; "where" names the values in the formula; "fitted" is the
        share summed over "summed", the broadcast dimensions; "before" and "after": what had arrived at the input
        already, and the sum; "stopped": inputs without a gradient, and why.
        """
        pending: dict[Node, Any] = {}
        for first, seed in zip(walk.roots, walk.cotangents, strict=True):
            pending[first] = pending[first] + seed if first in pending else seed
        for node, g in walk.arrived.items():
            number, root = self.numbers[node], node in walk.roots
            is_array = isinstance(g, np.ndarray)
            facts = {"g": shown(g), "root": root, "vanished": is_array and not g.any(),
                     "hooked": is_array and not np.array_equal(g, pending.get(node, g), equal_nan=True)}
            if isinstance(node, Leaf):
                self.add_arrival(node, walk, g, facts)
                continue
            shares = [self.share(node, i, g, share, pending) for i, share in walk.shares.get(node, ())]
            reached = [one["node"] for one in shares]
            stopped = [[name, at, self.why_stopped(node, name, at)] for name, at in self.nodes[number]["inputs"]
                       if at not in reached]
            start = " is where the walk starts: it" if root else ""
            to = ", ".join(map(self.label, reached)) or "nobody"
            self.add_event("backward", number, f"{self.label(number)}{start} hands its gradient on to {to}",
                           self.place(walk.place) if root else None, shares=shares, stopped=stopped, **facts)

    def add_arrival(self, leaf: Leaf, walk: Walk, g: Any, facts: dict[str, Any]) -> None:
        number, before = self.numbers[leaf], walk.grads[leaf]
        text = f"the gradient of {self.label(number)} is complete"
        if walk.stores and not leaf.frozen:
            text = f"{self.label(number)}.grad {'receives' if before is None else 'grows by'} the gradient"
            facts |= {"grad_before": shown(before), "grad_after": shown(g if before is None else before + g)}
        self.add_event("backward", number, text, self.place(walk.place), **facts)

    def why_stopped(self, node: Node, name: str, at: int) -> str:
        """Why an input of a node gets no gradient."""
        if self.nodes[at]["kind"] == "data":
            return self.nodes[at]["note"] or "a constant: no gradient is wanted"
        if name not in node.pullback.op.rules:
            return f"{node.op_name} has no rule for it: the gradient ends here"
        return "it does not lead to what the gradient was asked for"

    def share(self, node: Node, i: int, g: Any, share: Any, pending: dict[Node, Any]) -> dict[str, Any]:
        op, parent = node.pullback.op, node.parents[i]
        assert parent is not None
        number = self.numbers[node]
        name = op.inputs[i]
        found = {"input": name, "node": self.numbers[parent], "formula": "the Function's own backward()", "where": [],
                 "value": shown(share), "summed": [], "fitted": None, "before": None, "after": None, "why": "",
                 "rule_at": ""}
        if name in op.rules:
            inputs, settings = dict(self.nodes[number]["inputs"]), dict(self.nodes[number]["settings"])
            where = [[word, inputs.get(word), settings.get(word, "")] for word in names_of(op.rules[name])]
            found |= {"formula": formula(op, name), "rule_at": _rule_at(op.rules[name]),
                      "where": [[word, number if word == "out" else at, text] for word, at, text in where]}
        if not isinstance(share, np.ndarray):
            return found
        found["why"] = why_zero(op.name, g, share)
        fitted = share
        if share.shape != parent.shape or share.dtype != parent.dtype:
            fitted = np.asarray(fit(share, parent))
            found |= {"fitted": shown(fitted), "summed": _summed(share.shape, parent.shape)}
        if parent in pending:
            found |= {"before": shown(pending[parent]), "after": shown(pending[parent] + fitted)}
        pending[parent] = pending[parent] + fitted if parent in pending else fitted
        return found

    def add_update(self, updated: Updated) -> None:
        """{"optimizer", "formula", "options", "before", "after", "grad", "state"}: a parameter's new values."""
        options = {name: value for name, value in updated.options.items() if name not in ("params", "param_names")}
        set_options = [[name, _short(value)] for name, value in options.items() if value or name == "lr"]
        known = updated.node if updated.node in self.numbers else id(updated.parameter)
        if known not in self.numbers:  # no path led to it
            self.add(known, kind="parameter", title=self.names.get(id(updated.node), "parameter"),
                     shape=list(updated.before.shape), value=shown(updated.before),
                     note="The loss does not depend on it in this step.")
        number = self.numbers[known]
        kind = type(updated.optimizer)
        text = f"{kind.__name__} updates {self.nodes[number]['title']}"
        if updated.grad is None:
            text = f"{kind.__name__} leaves {self.nodes[number]['title']} as it is: it has no gradient"
        self.add_event("update", number, text, self.place(updated.place), optimizer=kind.__name__, options=set_options,
                       formula=update_formula(kind, options), before=shown(updated.before), after=shown(updated.after),
                       moved=shown(updated.after - updated.before), grad=shown(updated.grad),
                       state=[[name, shown(old), shown(new)] for name, (old, new) in updated.state.items()])

    # ------------------------------------------------------------------------------------------ the source

    def place(self, source: tuple[str, int] | None) -> list[int] | None:
        if source is None or not source[0] or not linecache.getlines(source[0]):
            return None
        self.files.setdefault(source[0], []).append(source[1])
        return [list(self.files).index(source[0]), source[1]]


def _file(name: str, wanted: list[int]) -> dict[str, Any]:
    lines = [line.rstrip("\n") for line in linecache.getlines(name)]
    first = max(1, min(wanted) - AROUND)
    return {"name": Path(name).name, "first": first, "lines": lines[first - 1 : max(wanted) + AROUND]}


def _summed(shape: tuple[int, ...], wanted: tuple[int, ...]) -> list[int]:
    """The dimensions of a share that broadcasting had added or stretched."""
    extra = len(shape) - len(wanted)
    return [*range(extra), *(extra + i for i, n in enumerate(wanted) if n == 1 and shape[extra + i] != 1)]


def _rule_at(rule: Any) -> str:
    """Where in minigrad a rule stands: "ops.py, line 133"."""
    return f"{Path(rule.__code__.co_filename).name}, line {rule.__code__.co_firstlineno}"


def _short(x: Any) -> str:
    if isinstance(x, (TensorCore, Given)):
        x = x.array if isinstance(x, TensorCore) else x.value
    text = " ".join(repr(x).split())
    return text if len(text) <= LONGEST_SETTING else text[: LONGEST_SETTING - 1] + "…"

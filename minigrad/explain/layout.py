"""Where the nodes of a step are drawn: in rows, inputs above, each module's nodes in a box of its own.

A box is laid out by itself, and is then one item among others in the box around it (the calls of modules are nested, so
no way leads out of a box and back in). In a box the steps are those of Sugiyama, Tagawa & Toda (1981):

1. rows: an item stands one row below the lowest of its inputs (the longest path); a parameter just above its user
2. an edge that passes a row gets a bend there, an item that keeps the way free
3. order: each row is sorted by the mean place of its neighbours (their barycentre), down and up, a few times
4. places: each item moves towards the mean of its neighbours, as far as those beside it allow

    layout  {"box": the whole, "edges": [{"from": a node's number, "to", "bends": [key]}], "sizes"}
    box     {"rows": [[item]], "width"}
    item    {"key", "x": its middle in its box}, and for a module "box"
    key     "n3" is node 3, "g1" group 1, "n3@2" a bend in row 2 on the way from n3

Heights are not in it, since modules open and close: `place` works them out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

WIDTH, HEIGHT, LEAF_HEIGHT, BEND = 186, 66, 50, 6  # of nodes, and the width of a bend
ACROSS, DOWN = 20, 30  # between nodes
PADDING, TITLE = 12, 22  # in a box
SWEEPS = 8
SIZES = {"width": WIDTH, "height": HEIGHT, "leaf": LEAF_HEIGHT, "down": DOWN, "padding": PADDING, "title": TITLE}

Box = dict[str, Any]
Place = tuple[float, float, float, float]  # left, top, width, height
Around = defaultdict[str, list[str]]
Ways = dict[tuple[str, str], list[str]]  # from an item to another: with the bends between them


def layout(step: dict[str, Any]) -> dict[str, Any]:
    """The layout of a whole step (see step.py)."""
    edges = {(source, number) for number, node in enumerate(step["nodes"]) for _, source in node["inputs"]}
    boxes = _Boxes(step["nodes"], step["groups"], sorted(edges))
    return {"box": boxes.box(None), "edges": boxes.drawn, "sizes": SIZES}


def place(box: Box, nodes: list[dict[str, Any]], x: float = 0, y: float = 0) -> tuple[dict[str, Place], float]:
    """Where every item is, all modules open, and where the box ends. graph.js does the same in the page."""
    found: dict[str, Place] = {}
    y += PADDING
    for row in box["rows"]:
        lowest = y
        for item in row:
            key, middle = item["key"], x + item["x"]
            if "box" in item:
                width = item["box"]["width"]
                inner, end = place(item["box"], nodes, middle - width / 2, y + TITLE)
                found |= inner
                found[key] = middle - width / 2, y, width, end - y
            elif "@" in key:
                found[key] = middle, y, 0, 0
            else:
                found[key] = middle - WIDTH / 2, y, WIDTH, height_of(nodes[int(key[1:])])
            lowest = max(lowest, y + found[key][3])
        for key in [item["key"] for item in row if _is_leaf(item["key"], nodes)]:
            left, top, width, height = found[key]
            found[key] = left, lowest - height, width, height  # at the bottom of its row, near its user
        y = lowest + DOWN
    return found, y - DOWN + PADDING


def _is_leaf(key: str, nodes: list[dict[str, Any]]) -> bool:
    return key[0] == "n" and "@" not in key and nodes[int(key[1:])]["kind"] != "operation"


def height_of(node: dict[str, Any]) -> int:
    return HEIGHT if node["kind"] == "operation" else LEAF_HEIGHT


class _Boxes:
    """The boxes of a step, from the inside out."""

    def __init__(self, nodes: list[dict[str, Any]], groups: list[dict[str, Any]], edges: list[tuple[int, int]]) -> None:
        self.nodes, self.groups, self.edges = nodes, groups, edges
        self.drawn: list[dict[str, Any]] = []

    def item_of(self, node: int, group: int | None) -> str | None:
        """What stands for a node in a group's box: itself, or the box that it is in; None if it is not in there."""
        inside, item = self.nodes[node]["group"], f"n{node}"
        while inside != group:
            if inside is None:
                return None
            inside, item = self.groups[inside]["parent"], f"g{inside}"
        return item

    def box(self, group: int | None) -> Box:
        backwards = [item for n in reversed(range(len(self.nodes))) if (item := self.item_of(n, group))]
        items = list(dict.fromkeys(backwards))[::-1]  # a box where its last node is: its inputs come before it
        pairs = {edge: (a, b) for edge in self.edges
                 if (a := self.item_of(edge[0], group)) and (b := self.item_of(edge[1], group)) and a != b}
        edges = list(dict.fromkeys(pairs.values()))
        boxes = {item: self.box(int(item[1:])) for item in items if item[0] == "g"}
        rows, ways = _bent(_rows(items, edges), edges)
        widths = {item: BEND if "@" in item else boxes[item]["width"] if item in boxes else WIDTH
                  for row in rows for item in row}
        _order(rows, list(ways.values()))
        middles = _places(rows, list(ways.values()), widths)
        self.drawn += [{"from": source, "to": target, "bends": ways[a, b][1:-1]}
                       for (source, target), (a, b) in pairs.items()]
        left = min(middles[item] - widths[item] / 2 for item in middles) - PADDING
        right = max(middles[item] + widths[item] / 2 for item in middles) + PADDING
        drawn = [[{"key": item, "x": round(middles[item] - left, 1), **({"box": boxes[item]} if item in boxes else {})}
                  for item in row] for row in rows]
        return {"rows": drawn, "width": round(right - left, 1)}


def _rows(items: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """As high as its inputs let it; but what depends on nothing else than such items as low as its users let it.

    In `items` inputs come before their users.
    """
    inputs, users = _neighbours(edges)
    highest: dict[str, int] = {}
    lowest: dict[str, int] = {}
    movable: dict[str, bool] = {}
    rows: dict[str, int] = {}
    for item in items:
        highest[item] = 1 + max([highest[a] for a in inputs[item]], default=-1)
    for item in reversed(items):
        lowest[item] = min([lowest[b] - 1 for b in users[item]], default=highest[item])
    for item in items:
        behind = inputs[item]
        movable[item] = not behind or (lowest[item] > highest[item] and all(movable[a] for a in behind))
    for item in reversed(items):
        down = movable[item] and users[item]
        rows[item] = min(rows[b] for b in users[item]) - 1 if down else highest[item]
    return {item: rows[item] for item in items}  # in this order: weight before bias


def _bent(row_of: dict[str, int], edges: list[tuple[str, str]]) -> tuple[list[list[str]], Ways]:
    """The items of each row, with bends, and each edge's way. Edges from one item share their bends."""
    rows: list[list[str]] = [[] for _ in range(max(row_of.values()) + 1)]
    for item, at in row_of.items():
        rows[at].append(item)
    ways = {}
    for a, b in edges:
        bends = [(at, f"{a}@{at}") for at in range(row_of[a] + 1, row_of[b])]
        for at, bend in bends:
            if bend not in rows[at]:
                rows[at].append(bend)
        ways[a, b] = [a, *[bend for _, bend in bends], b]
    return rows, ways


def _neighbours(ways: Iterable[Sequence[str]]) -> tuple[Around, Around]:
    """For each item those above it and those below it, on the ways from item to item."""
    above: Around = defaultdict(list)
    below: Around = defaultdict(list)
    for upper, lower in dict.fromkeys(step for way in ways for step in pairwise(way)):
        below[upper].append(lower)
        above[lower].append(upper)
    return above, below


def _order(rows: list[list[str]], ways: list[list[str]]) -> None:
    """Sort each row by its items' barycentres: going down by those above, going up by those below."""
    above, below = _neighbours(ways)
    at = {item: i - (len(row) - 1) / 2 for row in rows for i, item in enumerate(row)}
    for sweep in range(SWEEPS):
        beyond = below if sweep % 2 else above
        for row in rows[:: -1 if sweep % 2 else 1]:
            wanted = {item: _mean([at[other] for other in beyond[item]], at[item]) for item in row}
            row.sort(key=wanted.__getitem__)
            at |= {item: i - (len(row) - 1) / 2 for i, item in enumerate(row)}


def _places(rows: list[list[str]], ways: list[list[str]], widths: dict[str, float]) -> dict[str, float]:
    """The middle of each item, from left to right at least ACROSS apart."""
    above, below = _neighbours(ways)
    middles = dict.fromkeys((item for row in rows for item in row), 0.0)
    for sweep in range(SWEEPS):
        for row in rows[:: -1 if sweep % 2 else 1]:
            wanted = {item: _mean([middles[other] for other in above[item] + below[item]], middles[item])
                      for item in row}
            _settle(row, wanted, widths, middles)
    return middles


def _settle(row: list[str], wanted: dict[str, float], widths: dict[str, float], middles: dict[str, float]) -> None:
    """Each item where it wants to be; those that would overlap become a block, as near to their wishes as it can be."""
    blocks: list[tuple[list[str], list[float], float]] = []  # items, their distances from the first, its place
    for item in row:
        members, apart, first = [item], [0.0], wanted[item]
        while blocks:
            before, distances, start = blocks[-1]
            step = distances[-1] + (widths[before[-1]] + widths[members[0]]) / 2 + ACROSS
            if start + step <= first:
                break
            blocks.pop()
            first = (start * len(before) + (first - step) * len(members)) / (len(before) + len(members))
            members, apart = before + members, distances + [step + d for d in apart]
        blocks.append((members, apart, first))
    for members, apart, first in blocks:
        middles.update({item: first + d for item, d in zip(members, apart, strict=True)})


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise

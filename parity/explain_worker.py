"""One engine's part of `python -m parity explain`, in a process of its own.

    python -m parity.explain_worker torch STEP SEEN - SCRIPT [ARGUMENTS]
    python -m parity.explain_worker minigrad STEP SEEN PAGE SCRIPT [ARGUMENTS]

The first writes what torch computed in that training step to SEEN; the second reads it, runs the script on minigrad up
to the same step, and writes the page, with torch's numbers beside ours.
"""

from __future__ import annotations

import os
import pickle
import sys
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from parity.engines import ENGINES
from parity.explain import Seen
from parity.tolerances import WITHOUT_JUDGES
from parity.worker import load, seed


def main(name: str, step: str, seen: str, page: str, script: str, *arguments: str) -> None:
    torch = load(ENGINES[name])
    seed(torch)
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.getcwd())
    sys.stdout = sys.stderr
    if name == "torch":
        from parity.explain_torch import watch

        Path(seen).write_bytes(pickle.dumps(watch(int(step), script)))
    else:
        write_page(int(step), script, pickle.loads(Path(seen).read_bytes()), Path(page))


def write_page(number: int, script: str, seen: list[Seen], page: Path) -> None:
    from minigrad.explain.__main__ import recording_of, write
    from minigrad.explain.step import Builder

    builder = Builder(recording_of(Path(script), number))
    step = builder.build(f"{script}, step {number}", number)
    put_beside(builder, seen)
    write(step, page)
    matched = sum("torch" in node for node in step["nodes"] if node["kind"] != "data")
    print(f"{matched} of {sum(node['kind'] != 'data' for node in step['nodes'])} nodes", file=sys.stderr)


def put_beside(builder: Any, seen: list[Seen]) -> None:
    """Add "torch" to our nodes and events, for every tensor of torch's that is the same one."""
    from minigrad.engine import Leaf

    nodes = {number: node for node, number in builder.numbers.items() if hasattr(node, "parents")}
    pairs = matched_operations(builder, {n: node for n, node in nodes.items() if not isinstance(node, Leaf)}, seen)
    pairs |= matched_leaves(builder, {n: node for n, node in nodes.items() if isinstance(node, Leaf)}, seen)
    for number, theirs in pairs.items():
        node = nodes[number]
        ours = builder.value_of(node)
        if ours is not None:
            builder.nodes[number]["torch"] = beside(ours, theirs.value)
        arrived = [walk.arrived[node] for walk in builder.recording.walks if node in walk.arrived]
        for event in builder.events:
            if event["node"] == number and event["pass"] == "backward" and theirs.gradient is not None and arrived:
                event["torch"] = beside(arrived[-1], theirs.gradient)
            if event["node"] == number and event["pass"] == "update" and theirs.after is not None:
                after = next(updated.after for updated in builder.recording.updates if updated.node is node)
                event["torch"] = beside(after, theirs.after)


def matched_operations(builder: Any, nodes: dict[int, Any], seen: list[Seen]) -> dict[int, Seen]:
    """Operations with the same grad_fn, shape and line, in the same order. What one library makes of several parts may
    be one operation in the other: what stands between matches has no partner."""
    operations = [one for one in seen if one.grad_fn]
    ours = [(facts["grad_fn"], tuple(facts["shape"]), facts["place"][1] if facts["place"] else 0)
            for facts in map(builder.nodes.__getitem__, nodes)]
    theirs = [(one.grad_fn, one.value.shape, one.line) for one in operations]
    numbers = list(nodes)
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return {numbers[block.a + i]: operations[block.b + i] for block in blocks for i in range(block.size)}


def matched_leaves(builder: Any, nodes: dict[int, Any], seen: list[Seen]) -> dict[int, Seen]:
    """A parameter is known by its number in the optimizer; without one, leaves come in the order of their use."""
    held = [update.node for update in builder.recording.updates]
    by_number = {one.number: one for one in seen if one.number is not None}
    if held:
        return {n: by_number[held.index(node)] for n, node in nodes.items()
                if node in held and held.index(node) in by_number}
    leaves = [one for one in seen if not one.grad_fn]
    same = len(leaves) == len(nodes) and all(one.value.shape == node.shape
                                             for one, node in zip(leaves, nodes.values(), strict=True))
    return dict(zip(nodes, leaves, strict=True)) if same else {}


def beside(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    """torch's value, as a page shows it, and how far ours is from it."""
    from minigrad.explain.values import shown

    largest = float(np.abs(theirs).max(initial=0))
    equal = bool(np.array_equal(ours, theirs, equal_nan=True))
    difference = 0.0 if equal else float(np.nanmax(np.abs(ours.astype(np.float64) - theirs)))
    relative = difference / largest if largest else difference
    text = "equal, bit for bit" if equal else f"off by at most {difference:.1e}, {relative:.1e} of the largest entry"
    return {"value": shown(theirs), "same": equal or relative <= WITHOUT_JUDGES, "text": text}


if __name__ == "__main__":
    main(*sys.argv[1:])

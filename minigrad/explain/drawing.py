"""A step as a drawing that stands still, SVG or DOT, and as text for the terminal."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from .layout import PADDING, layout, place
from .step import Step

ARROW = ('<defs><marker id="arrow" class="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="4.5" '
         'markerHeight="4.5" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>')
TEMPLATES = Path(__file__).parent / "templates"
COLOURS = {"operation": "white", "parameter": "#e3f2e8", "leaf": "#e3f2e8", "data": "#eaf1fb"}


class Drawing:
    """One step, drawn. A notebook shows it; `save` writes .svg or .dot, by the file's name."""

    def __init__(self, step: Step) -> None:
        self.svg, self.dot = svg(step), dot(step)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: Any) -> None:
        """Write the drawing. ValueError for a name that ends neither in .svg nor in .dot."""
        kind = str(path).rpartition(".")[2]
        if kind not in ("svg", "dot"):
            raise ValueError(f"a drawing is saved as .svg or as .dot, not as {path}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(getattr(self, kind))


def template(name: str) -> str:
    """The text of a file that the drawing or the page is made with."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def svg(step: Step) -> str:
    """The graph, with all modules open: a file that needs nothing beside it, and follows a dark scheme."""
    style = f"<style>{template('colours.css')}{template('graph.css')}svg {{ background: var(--page); }}</style>"
    return graph(step, layout(step)).replace(">", f">{style}", 1)


def graph(step: Step, arranged: dict[str, Any]) -> str:
    """The graph without its style, as the page has it, too: there the parts move, and are found by their ids."""
    places, height = place(arranged["box"], step["nodes"])
    width = arranged["box"]["width"]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" viewBox="0 0 {width:g} {height:g}" '
             f'width="{width:g}" height="{height:g}" role="group" aria-label="{escape(step["title"])}">{ARROW}']
    for number, group in enumerate(step["groups"]):
        x, y, w, h = places[f"g{number}"]
        parts.append(f'<g id="g{number}" class="group" transform="translate({x:g},{y:g})" '
                     f'aria-label="module {escape(group_name(group))}"><rect width="{w:g}" height="{h:g}" rx="9"/>'
                     f'<text class="soft" x="{PADDING}" y="17"><tspan class="sign"></tspan> '
                     f'{escape(shortened(group_name(group), 28))}</text></g>')
    parts += [f'<path id="e{number}" class="edge" d="{curve(edge, places)}"/>'
              for number, edge in enumerate(arranged["edges"])]
    for number, node in enumerate(step["nodes"]):
        x, y, w, h = places[f"n{number}"]
        name = escape(f"{node['kind']} {title_of(node)}, shape {node['shape']}")
        parts.append(f'<g id="n{number}" class="node {node["kind"]}" transform="translate({x:g},{y:g})" '
                     f'aria-label="{name}"><title>{name}</title>{_inside(node, w, h)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _inside(node: dict[str, Any], w: float, h: float) -> str:
    """A node's rectangle; its name; its line and its shape; its value, or a strip of colours."""
    value = node["value"] or {}
    right = f'text-anchor="end" x="{w - 9:g}"'
    line = f"line {node['place'][1]}" if node["place"] else ""
    y = h - 24 if node["kind"] == "operation" else 18
    shown = node["shape"] or "scalar"
    shape = f'<text class="soft" {right} y="{y:g}"><tspan class="g">g</tspan> {shown}</text>'
    parts = [f'<rect width="{w:g}" height="{h:g}" rx="7"/>', shape,
             f'<text class="title" x="9" y="18">{escape(in_box(node))}</text>']
    if node["kind"] == "operation":
        parts.append(f'<text class="soft" x="9" y="{h - 24:g}">{line}</text>')
    if "picture" in value:
        parts.append(f'<image x="9" y="{h - 18:g}" width="{w - 18:g}" height="11" preserveAspectRatio="none" '
                     f'href="{value["picture"]}"/>')
    elif "numbers" in value:
        parts.append(f'<text class="number" x="9" y="{h - 8:g}">{escape(in_short(value))}</text>')
    return "".join(parts)


def curve(edge: dict[str, Any], places: dict[str, Any]) -> str:
    """An edge's way as an SVG path: from the bottom of a node by its bends to the top of another."""
    points = [_end(places[f"n{edge['from']}"], 1), *[places[key][:2] for key in edge["bends"]],
              _end(places[f"n{edge['to']}"], 0)]
    path = "M{:g} {:g}".format(*points[0])
    for (x, y), (to_x, to_y) in zip(points, points[1:], strict=False):
        middle = (y + to_y) / 2
        path += f" C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
    return path


def _end(at: tuple[float, ...], bottom: int) -> tuple[float, float]:
    x, y, w, h = at
    return x + w / 2, y + h * bottom


def dot(step: Step) -> str:
    """The graph in Graphviz's language. Modules are clusters."""
    lines = ["digraph step {", '  node [shape=box, style="rounded,filled", fontname="sans-serif"]']
    lines += _clusters(step, None, "  ")
    for number, node in enumerate(step["nodes"]):
        lines += [f"  n{source} -> n{number} [label={_quoted(name)}]" for name, source in node["inputs"]]
    return "\n".join([*lines, "}\n"])


def _clusters(step: Step, inside: int | None, indent: str) -> list[str]:
    lines = []
    for number, node in enumerate(step["nodes"]):
        if node["group"] == inside:
            label = f"{title_of(node)}\n{node['shape']}"
            lines.append(f"{indent}n{number} [label={_quoted(label)}, fillcolor={_quoted(COLOURS[node['kind']])}]")
    for number, group in enumerate(step["groups"]):
        if group["parent"] == inside:
            lines.append(f"{indent}subgraph cluster_{number} {{ label={_quoted(group_name(group))}")
            lines += [*_clusters(step, number, indent + "  "), f"{indent}}}"]
    return lines


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def text(step: Step) -> str:
    """The whole step for the terminal: a paragraph for each event, with formulas."""
    lines, current = [step["title"]], ""
    for event in step["events"]:
        if event["pass"] != current:
            current = event["pass"]
            lines += ["", current.upper()]
        line = f" (line {event['place'][1]})" if event["place"] else ""
        lines.append(f"  {event['text']}{line}")
        if current == "forward":
            lines.append(f"      value    {in_short(step['nodes'][event['node']]['value'])}")
        elif current == "update":
            lines += [f"      {formula}" for formula in event["formula"]]
            lines.append(f"      {in_short(event['before'])}  ->  {in_short(event['after'])}")
        else:
            lines += _backward_lines(event)
    return "\n".join(lines) + "\n"


def _backward_lines(event: dict[str, Any]) -> list[str]:
    lines = [f"      g        {in_short(event['g'])}"]
    for share in event.get("shares", ()):
        lines.append(f"      for {share['input']:<4} {share['formula']}  =  {in_short(share['value'])}")
        if share["fitted"]:
            lines.append(f"               summed over dim {share['summed']}: {in_short(share['fitted'])}")
        if share["after"]:
            lines.append(f"               added to {in_short(share['before'])}: {in_short(share['after'])}")
        lines += [f"               {share['why']}"] if share["why"] else []
    lines += [f"      for {name:<4} nothing: {why}" for name, _, why in event.get("stopped", ())]
    if "grad_after" in event:
        lines.append(f"      .grad    {in_short(event['grad_after'])}")
    return lines


def in_short(value: dict[str, Any] | None) -> str:
    """A value in a line."""
    if value is None:
        return "not kept"
    if "numbers" in value:
        return " ".join(str(_rounded(value["numbers"])).replace("'", "").split())
    return f"shape {value['shape']}, from {_rounded(value['least'])} to {_rounded(value['most'])}"


def _rounded(numbers: Any) -> Any:
    if isinstance(numbers, list):
        return [_rounded(n) for n in numbers]
    return float(f"{numbers:.5g}") if isinstance(numbers, float) else numbers


def title_of(node: dict[str, Any]) -> str:
    """An operation with the name of its result, if the script gives it one."""
    return f"{node['name']} = {node['title']}" if node["name"] else node["title"]


def in_box(node: dict[str, Any]) -> str:
    """The title where there is little room: of a parameter's name the end, which the modules around it do not tell."""
    if node["kind"] == "operation":
        return shortened(title_of(node), 23)
    return shortened(".".join(node["title"].split(".")[-2:]), 16)


def group_name(group: dict[str, Any]) -> str:
    """A module's name and its class."""
    return f"{group['label']}: {group['kind']}" if group["label"] else group["kind"]


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

"""The page: a step, its layout and its drawing, joined with the templates into one file that loads nothing."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from .drawing import graph, template
from .layout import layout

SCRIPTS_AND_STYLES = ("colours.css", "graph.css", "page.css", "graph.js", "detail.js", "page.js")


class Page:
    """A step as a page. A notebook shows it; `save` writes it."""

    def __init__(self, step: dict[str, Any]) -> None:
        arranged = layout(step)
        data = json.dumps({"step": step, "layout": arranged}).replace("<", "\\u003c")  # no </script> in it
        parts = {name: template(name) for name in SCRIPTS_AND_STYLES}
        parts |= {"title": escape(step["title"]), "svg": graph(step, arranged), "data": data}
        self.html = template("page.html")
        for name, text in parts.items():
            self.html = self.html.replace("{{" + name + "}}", text)

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self.html)}" width="100%" height="760" style="border: 0"></iframe>'

    def save(self, path: str | Path) -> None:
        """Write the page to a file."""
        Path(path).write_text(self.html, encoding="utf-8")

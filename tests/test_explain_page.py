"""The step-through page and the drawings: the layout, what stands in the files, and a browser that steps to the end."""

from __future__ import annotations

import html
import json
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_explain import Model, data

import minigrad
from minigrad import explain, nn
from minigrad.explain.layout import ACROSS, DOWN, layout, place
from minigrad.explain.values import shown

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")


def node(inputs: list[int], group: int | None = None) -> dict[str, Any]:
    return {"kind": "operation" if inputs else "data", "inputs": [["x", i] for i in inputs], "group": group}


@st.composite
def steps(draw: Any) -> dict[str, Any]:
    """A random graph; its nodes lie in calls of modules that follow one another in time, and are nested."""
    groups = [{"parent": None}, {"parent": 0}, {"parent": 0}, {"parent": None}]
    of_time = [None, 0, 1, 1, 0, 2, 2, 0, None, 3, 3, None]
    nodes: list[dict[str, Any]] = []
    for i in range(draw(st.integers(1, 24))):
        inputs = draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True)) if i else []
        nodes.append(node(inputs, of_time[i * len(of_time) // 24]))
    used = {n["group"] for n in nodes} | {groups[n["group"]]["parent"] for n in nodes if n["group"] is not None}
    numbers = {old: new for new, old in enumerate(sorted(u for u in used if u is not None))}
    for n in nodes:
        n["group"] = numbers.get(n["group"])
    kept = [{"parent": numbers.get(groups[old]["parent"])} for old in numbers]
    return {"nodes": nodes, "groups": kept}


@settings(max_examples=60, deadline=None)
@given(steps())
def test_nothing_overlaps_inputs_stand_above_and_boxes_hold_what_is_theirs(step: dict[str, Any]) -> None:
    arranged = layout(step)
    places, _ = place(arranged["box"], step["nodes"])
    drawn = [(f"n{i}", n["group"]) for i, n in enumerate(step["nodes"])]
    drawn += [(f"g{i}", g["parent"]) for i, g in enumerate(step["groups"])]
    for i, (key, group) in enumerate(drawn):
        x, y, w, h = places[key]
        assert x >= 0 and x + w <= arranged["box"]["width"] + 0.1
        if group is not None:
            left, top, width, height = places[f"g{group}"]
            assert left <= x and x + w <= left + width + 0.1 and top <= y and y + h <= top + height
        for other, its_group in drawn[:i]:
            if its_group == group:
                a, b, c, d = places[other]
                assert x + w <= a or a + c <= x or y + h <= b or b + d <= y, f"{key} lies over {other}"
    for edge in arranged["edges"]:
        upper, lower = places[f"n{edge['from']}"], places[f"n{edge['to']}"]
        assert upper[1] + upper[3] <= lower[1], "an input stands above"
    assert len(arranged["edges"]) == len({(a, i) for i, n in enumerate(step["nodes"]) for _, a in n["inputs"]})


def test_a_chain_is_a_straight_line_and_a_parameter_stands_beside_its_user() -> None:
    step = {"groups": [], "nodes": [node([]), node([0]), node([1]), node([]), node([2, 3]), node([4])]}
    places, _ = place(layout(step)["box"], step["nodes"])
    assert places["n0"][0] == places["n1"][0]
    assert places["n3"][1] > places["n1"][1], "not at the top: in the row above its user"
    assert places["n4"][1] - (places["n3"][1] + places["n3"][3]) == DOWN
    assert abs(places["n3"][0] - places["n2"][0]) >= places["n2"][2] + ACROSS


def loss_function() -> Any:
    return nn.MSELoss()(Model()(data()[0]), data()[1])


# --------------------------------------------------------------------------------------------- the files


def test_the_drawing_is_well_formed_and_has_every_node_group_and_edge(tmp_path: Path) -> None:
    drawing = explain.draw(loss_function)
    drawing.save(tmp_path / "graph.svg")
    drawing.save(tmp_path / "graph.dot")
    root = ElementTree.fromstring((tmp_path / "graph.svg").read_text())
    classes = [element.get("class", "") for element in root.iter()]
    in_dot = re.findall(r"^ *n\d+ \[", drawing.dot, re.MULTILINE)
    assert sum(name.startswith("node ") for name in classes) == len(in_dot)
    assert classes.count("group") == drawing.dot.count("subgraph")
    assert classes.count("edge") == drawing.dot.count("->") == 13
    assert "prefers-color-scheme: dark" in drawing.svg and drawing.dot.count("{") == drawing.dot.count("}")
    with pytest.raises(ValueError, match=r"\.svg or as \.dot"):
        drawing.save(tmp_path / "graph.png")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_the_dot_text() -> None:
    subprocess.run(["dot", "-Tsvg"], input=explain.draw(loss_function).dot, text=True, check=True, capture_output=True)


def test_the_text_has_the_formulas_the_numbers_and_the_sums() -> None:
    w = minigrad.tensor([2.0, 3.0], requires_grad=True)
    told = explain.text(lambda: (w * w).sum())
    assert "for x    g * y  =  [2.0, 3.0]" in told
    assert "added to [2.0, 3.0]: [4.0, 6.0]" in told
    assert told.index("FORWARD") < told.index("BACKWARD")


def test_the_page_is_one_file_and_survives_hostile_source(tmp_path: Path) -> None:
    script = tmp_path / "hostile.py"
    script.write_text('import torch\nx = torch.ones(2, requires_grad=True)\n'
                      'loss = (x * 2).sum()  # </script><b>{{data}} "quoted" & more\nloss.backward()\n')
    done = run("minigrad.explain", str(script), "-o", str(tmp_path / "page.html"))
    assert "hostile.py, step 1: 3 nodes, 5 steps" in done.stdout
    text = (tmp_path / "page.html").read_text()
    loads = r"""(?:src|href)=["'](?!data:|#)|url\(["']?(?!#)|@import|https?://(?!www\.w3\.org/2000/svg)"""
    assert not re.search(loads, text)
    step = data_of(tmp_path / "page.html")["step"]
    assert step["files"][0]["lines"][2].endswith('# </script><b>{{data}} "quoted" & more')
    assert text.count("</script>") == 2


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "FASHION_IMAGES": "100"}
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=300, env=environment,
                          cwd=cwd)


def test_the_command_writes_what_the_name_says(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nimport torch\nw = torch.tensor(float(sys.argv[1]), requires_grad=True)\n"
                      "(w ** 2).backward()\nraise SystemExit('too far')\n")
    for kind, text in (("svg", "<svg "), ("dot", "digraph"), ("txt", "FORWARD"), ("html", "<!doctype html>")):
        out = tmp_path / f"out.{kind}"
        done = run("minigrad.explain", str(script), "-o", str(out), "--", "3.0")
        assert done.returncode == 0, done.stderr
        assert out.read_text().startswith(text) or text in out.read_text()
    assert "g * (n * x ** (n - (n != 0)))  =  6.0" in run("minigrad.explain", str(script), "--text", "--", "3.0").stdout
    done = run("minigrad.explain", str(script), "--step", "2", "--", "3.0")
    assert done.returncode == 1 and "too far" in done.stderr


def test_a_script_that_ends_too_early_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import torch\ntorch.ones((), requires_grad=True).exp().backward()\n")
    done = run("minigrad.explain", str(script), "--step", "7")
    assert done.returncode == 1
    assert done.stderr == "script.py ends after 1 training steps: there is no step 7\n"


# ------------------------------------------------------------------------------------------- in a browser

# Runs in the page: walks to the end by the keyboard and notes what is to be seen at every step.
WALK = """<script>
onload = () => {
  const press = key => (document.activeElement || document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const seen = [];
  const look = () => {
    const current = document.querySelector(".node[aria-current=step]");
    const line = document.querySelector("#lines .now"), pane = document.querySelector("#source .scroll");
    seen.push({
      said: document.getElementById("said").textContent, current: current && current.id, pass: document.body.className,
      numbers: [...document.querySelectorAll("#facts .value")].map(
        value => [...value.querySelectorAll("td")].map(td => td.title)),
      labels: [...document.querySelectorAll("#facts .label")].map(label => label.textContent),
      formulas: [...document.querySelectorAll("#facts .formula")].map(code => code.textContent),
      why: [...document.querySelectorAll("#facts .why")].map(why => why.textContent),
      line: line && line.dataset.line,
      cut: line && line.getBoundingClientRect().right > pane.getBoundingClientRect().right,
      lit: document.querySelectorAll(".edge.lit").length,
      focusable: document.querySelectorAll(".node[tabindex='0']").length });
  };
  look();
  while (Number(document.getElementById("slider").value) < Number(document.getElementById("slider").max)) {
    press("ArrowRight");
    look();
  }
  press("ArrowRight");
  const end = document.getElementById("count").textContent;
  press("Home");
  const home = document.getElementById("count").textContent;
  const slider = document.getElementById("slider");
  slider.value = 3;
  slider.dispatchEvent(new Event("input"));
  const slid = document.getElementById("count").textContent;
  const last = [...document.querySelectorAll(".node.operation")].pop();
  last.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const clicked = document.querySelector(".node[aria-current=step]").id === last.id;
  document.getElementById("close").click();
  const hidden = [...document.querySelectorAll(".node")].filter(node => node.style.display === "none").length;
  const group = document.querySelector(".group");
  if (group) group.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  const root = document.documentElement, style = getComputedStyle(document.body);
  parent.document.body.append("BROWSER" + " SAW " + JSON.stringify({
    seen, end, home, slid, clicked, hidden, width: innerWidth, needs: root.scrollWidth,
    expanded: group && group.getAttribute("aria-expanded"), tall: root.scrollHeight <= innerHeight,
    colours: [style.color, style.backgroundColor], live: document.getElementById("said").getAttribute("aria-live"),
    unnamed: [...document.querySelectorAll("button, input, [role=button]")].filter(
      e => !(e.getAttribute("aria-label") || e.textContent).trim()).length }) + "SEEN" + "!");
};
</script></body>"""


def walked(page: Path, folder: Path, scheme: str, sizes: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """What a browser shows on its way through the page, in frames of these sizes."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("NO BROWSER IS INSTALLED: the page was not opened (apt-get install chromium)")
    text = html.escape(page.read_text().replace("</body>", WALK))
    frames = folder / "frames.html"
    frames.write_text('<!doctype html><html lang="en"><body>' + "".join(
        f'<iframe width="{width}" height="{height}" srcdoc="{text}"></iframe>' for width, height in sizes))
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=20000",
         f"--user-data-dir={folder / 'profile'}", "--window-size=1600,1000",
         f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", "--dump-dom", frames.as_uri()],
        capture_output=True, text=True, timeout=180)
    told = [json.loads(html.unescape(each)) for each in re.findall(r"BROWSER SAW\s(.*?)SEEN!", done.stdout, re.DOTALL)]
    assert len(told) == len(sizes), done.stderr
    return told


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A page of an experiment, made once."""
    folder = tmp_path_factory.mktemp("pages")

    @cache
    def page(name: str, number: int) -> Path:
        done = run("minigrad.explain", name, "--step", str(number), "-o", str(folder / f"{name}.html"))
        assert done.returncode == 0, done.stderr
        return folder / f"{name}.html"

    return page


@pytest.mark.parametrize(("name", "number"), [("circles", 101), ("fashion", 2)])
def test_the_keyboard_steps_to_the_end_and_the_numbers_are_the_engines(name: str, number: int, pages: Any,
                                                                       tmp_path: Path) -> None:
    page = pages(name, number)
    step = data_of(page)["step"]
    (told,) = walked(page, tmp_path, "light", [(1440, 900)])
    assert told["end"] == f"{len(step['events'])} / {len(step['events'])}"
    assert told["home"] == f"1 / {len(step['events'])}"
    assert told["slid"] == f"4 / {len(step['events'])}" and told["clicked"]
    assert [seen["said"] for seen in told["seen"]] == [event["text"] for event in step["events"]]
    for event, seen in zip(step["events"], told["seen"], strict=True):
        assert seen["current"] == f"n{event['node']}" and seen["pass"] == event["pass"] and seen["focusable"] == 1
        assert seen["line"] == str(event["place"][1]) and not seen["cut"]
        if event["pass"] == "backward":
            assert seen["formulas"] == [share["formula"] for share in event.get("shares", [])]
            assert seen["why"] == [share["why"] for share in event.get("shares", []) if share["why"]]
            assert seen["lit"] == len({share["node"] for share in event.get("shares", [])})
    trained = engine_numbers(name, number, tmp_path)
    updates = [(event, seen) for event, seen in zip(step["events"], told["seen"], strict=True) if "optimizer" in event]
    assert len(updates) == len(trained["grads"]) == 6
    for (event, seen), grad, after in zip(updates, trained["grads"], trained["after"], strict=True):
        check_shown(event["grad"], seen, grad)
        check_shown(event["after"], seen, after)
    assert step["loss"]["numbers"] == shown(np.asarray(trained["loss"], np.float32))["numbers"]


def check_shown(value: dict[str, Any], seen: dict[str, Any], array: np.ndarray) -> None:
    """The page has shown all numbers of the array, or, of a large one, its extremes."""
    assert value == shown(array)
    if "numbers" in value:
        numbers = np.ravel(value["numbers"]).tolist()
        assert any([float(n) for n in table] == numbers for table in seen["numbers"])
    else:
        found = [re.findall(r"from (\S+) to (\S+),", label) for label in seen["labels"]]
        assert any(math.isclose(float(low), value["least"], rel_tol=1e-4) and math.isclose(float(high), value["most"],
                   rel_tol=1e-4) for pairs in found for low, high in pairs)


ENGINE = """
import pickle, runpy, sys
import minigrad.as_torch
import torch
script, number, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
step, backward, done, losses = torch.optim.Optimizer.step, torch.Tensor.backward, [], []

def note_loss(loss, *args, **kwargs):
    losses.append(loss.item())
    backward(loss, *args, **kwargs)

def note(optimizer, *args):
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    grads = [p.grad.numpy().copy() for p in parameters]
    step(optimizer, *args)
    done.append(1)
    if len(done) == number:
        after = [p.detach().numpy() for p in parameters]
        pickle.dump({"grads": grads, "after": after, "loss": losses[-1]}, open(out, "wb"))
        sys.exit()

torch.optim.Optimizer.step, torch.Tensor.backward = note, note_loss
sys.path.insert(0, script.rpartition("/")[0])
runpy.run_path(script, run_name="__main__")
"""


def engine_numbers(name: str, number: int, folder: Path) -> dict[str, Any]:
    """The loss, the gradients and the updated parameters of a step, from a run that no recording looks at."""
    (folder / "engine.py").write_text(ENGINE)
    script = ROOT / "parity" / "experiments" / f"{name}.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "FASHION_IMAGES": "100"}
    subprocess.run([sys.executable, "engine.py", str(script), str(number), "numbers"], check=True, cwd=folder,
                   capture_output=True, timeout=300, env=environment)
    return pickle.loads((folder / "numbers").read_bytes())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_desk_in_both_schemes_and_modules_close(pages: Any, tmp_path: Path, scheme: str) -> None:
    for told in walked(pages("circles", 101), tmp_path, scheme, [(360, 740), (820, 1100), (1440, 900)]):
        assert told["needs"] <= told["width"], "it scrolls sideways"
        assert told["tall"], "the page itself does not scroll: its panes do"
        assert told["hidden"] > 10 and told["expanded"] == "true", "all modules closed, then one opened by the keyboard"
        assert told["live"] == "polite" and told["unnamed"] == 0
        text, ground = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in told["colours"]]
        assert (text > ground) == (scheme == "dark")


def test_a_graph_of_500_nodes_and_its_page_stay_small_and_quick(tmp_path: Path) -> None:
    x = minigrad.ones(8, 8, requires_grad=True)

    def deep() -> Any:
        h = x
        for _ in range(250):
            h = (h * 0.99).tanh()
        return h.sum()

    page = explain(deep, tmp_path / "page.html")
    assert page.html.count('class="node ') == 502
    assert len(page.html) < 4_000_000
    (told,) = walked(tmp_path / "page.html", tmp_path, "light", [(1440, 900)])
    assert told["end"] == "1003 / 1003"

"""The page at the end of a parity run: what stands in it, that it needs nothing else, and how a browser shows it."""

from __future__ import annotations

import dataclasses
import html
import itertools
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from parity_engines import FOUR, run_streams, spoil, with_gradient
from PIL import Image

from parity.engines import DEFAULT_ENGINES, ENGINES, environment
from parity.page.build import write_page
from parity.page.checks import checks
from parity.page.documents import FIGURES, document
from parity.page.pictures import pictures
from parity.page.record import write_record
from parity.records import Backward, Finished, Started, Update
from parity.report import notes
from parity.results import MOST_COLUMNS, HeatMap
from parity.verdict import problems, verdict

ROOT = Path(__file__).resolve().parent.parent
CUDA = tuple(name for name, engine in ENGINES.items() if engine.cuda)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
EMPTY = {"meta", "link", "img", "br", "line", "path", "use", "input"}


def absent(records):
    return [Finished("not run", "no CUDA device")]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A run with one script that agrees, one that does not, pictures, and two of the three other checks."""
    out = tmp_path_factory.mktemp("report")
    good = run_streams(dict.fromkeys(CUDA, absent), (*FOUR, *CUDA))
    good.notes.append("drawn with <love> & care")
    bad = run_streams({"minigrad": spoil(Update, 7, with_gradient(0, lambda gradient: gradient * 1.01))})
    bad.name = "bad"
    for engine in FOUR:
        folder = out / "made_up" / engine
        folder.mkdir(parents=True)
        Image.new("RGB", (600, 300), "red" if engine == "torch-f64" else "white").save(folder / "boundary.png")
    (out / "conformance.json").write_text(json.dumps({"versions": "", "rows": [CONFORMS, NOT_STRICT]}))
    (out / "mutants.json").write_text(json.dumps({"mutants": MUTANTS}))
    script = out / "made_up.py"
    script.write_text('"""A script with <angles> & "quotes".\n\nMore."""\n')
    return write_page([good, bad], [script, out / "gone.py"], out)


CONFORMS = {"kind": "op", "name": "add", "tier": "core", "full": True, "strict": True, "reasons": [],
            "checks": {"samples": {"passed": 7, "total": 7, "failures": []}}}
NOT_STRICT = CONFORMS | {"name": "max", "strict": False, "reasons": ["ties: 3 is not 1"]}
MUTANTS = [
    {"mutant": "ops.py:tanh: sign", "line": 1, "killed by": "samples of tanh", "because": "", "equivalent": None},
    {"mutant": "ops.py:mul: zero", "line": 1, "killed by": "", "because": "", "equivalent": None},
    {"mutant": "ops.py:exp: stale", "line": 1, "killed by": "", "because": "", "equivalent": "the same number"},
]


PROGRAMS = {"programs": 10, "asked for": 10, "differ": 0, "died": [], "seed": 0, "scripts": [],
            "excused": {"rounding": 3}, "reasons": {"rounding": "torch itself"}}


class Reader(HTMLParser):
    """Collects what a test asks of a page, and whether every tag is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.ids, self.sources, self.images, self.headings, self.words = [], [], [], [], [], []
        self.tables = self.captions = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.sources += [given[name] for name in ("src", "href", "xlink:href") if name in given]
        self.images += [given.get("alt")] if tag == "img" else []
        self.images += [given.get("aria-label")] if tag == "svg" and "aria-hidden" not in given else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data.split()


def test_the_page_is_one_sound_file(page):
    text = page.read_text()
    reader = Reader(text)
    assert not reader.open, "a tag is not closed"
    assert len(reader.ids) == len(set(reader.ids))
    assert all(source.startswith(("data:", "#")) for source in reader.sources), "it would load something"
    assert {source[1:] for source in reader.sources if source.startswith("#")} <= set(reader.ids), "a dead link"
    assert not re.search(r"url\((?!#)|@import|<script", text)
    assert "prefers-color-scheme: dark" in text
    assert not list(page.parent.glob("*.unfinished"))


def test_the_page_speaks_to_those_who_do_not_see_it(page):
    reader = Reader(page.read_text())
    assert reader.tables == reader.captions > 3
    assert len(reader.images) == 2 * 3 + 4 and all(reader.images), "figures and pictures, each with its words"
    assert reader.headings[0] == 1 and reader.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(reader.headings, reader.headings[1:], strict=False))


def test_what_the_page_says(page):
    said = " ".join(Reader(page.read_text()).words)
    assert "DISAGREE bad: minigrad: gradient of layer1.weight at step 7" in said
    assert said.index("DISAGREE") < said.index("At a glance"), "the verdict comes first"
    assert f"{', '.join(CUDA)} not run: no CUDA device" in said
    assert 'A script with <angles> & "quotes".' in said and "drawn with <love> & care" in said
    assert "torch-f64 : 100.00% of the pixels are not torch's" in said and "minigrad : same pixels as torch" in said
    assert "1 of 2 rows as promised (core strict, common full), 14 cases" in said and "max: ties: 3 is not 1" in said
    assert "1 of 2 mutants killed (50.0%), 1 equivalent" in said and "survived: ops.py:mul: zero" in said
    assert f"To have it here: python -m parity programs --json {page.parent}/programs.json" in said


def test_every_figure_takes_the_pages_colours(page):
    figures = re.findall(r"<svg role=.*?</svg>", page.read_text(), re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        ElementTree.fromstring(figure)
        assert "var(--" in figure or "currentColor" in figure
        assert not re.search(r"(fill|stroke): #(000000|ffffff|c8501e|1c1c1e)", figure)
    variables = set(re.findall(r"var\((--[a-z0-9-]+)\)", "".join(figures)))
    style = page.read_text()
    assert all(style.count(f"{name}:") == 2 for name in variables), "each in light and in dark"


# ---- contrast ----
def luminance(color: str) -> float:
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_has_contrast_in_light_and_dark(page):
    palettes = re.findall(r":root \{(.*?)\}", page.read_text(), re.DOTALL)
    assert len(palettes) == 2
    for palette in palettes:
        color = dict(re.findall(r"--([\w-]+): (#\w+);", palette))
        for name in ("text", "soft", "link", "good"):
            assert min(contrast(color[name], color[ground]) for ground in ("page", "card")) >= 4.5, name
        for name in ("good", "bad", "neither"):
            assert contrast(color[name], color[f"{name}-back"]) >= 4.5, name
        for name in ("minigrad", "minigrad-f64", "torch-f64", "allowed", *CUDA):
            assert contrast(color[name], color["card"]) >= 3, f"the line of {name}"


# ---- a real browser ----
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("NO BROWSER IS INSTALLED: the page was not opened (apt-get install chromium)")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_opens_it_wide_and_narrow_without_a_scroll_sideways(page, tmp_path, scheme):
    """The page runs in frames of a phone's width and of a desk's, and tells how wide it became."""
    tell = """<script>onload = () => { const root = document.documentElement, style = getComputedStyle(document.body);
      parent.document.body.append(JSON.stringify({width: innerWidth, needs: root.scrollWidth, height: root.scrollHeight,
      text: style.color, ground: style.backgroundColor, drawn: [...document.images].every(i => i.naturalWidth > 0),
      figures: [...document.querySelectorAll(".figures svg")].every(s => s.getBoundingClientRect().height > 100)})
      + "\\n"); }</script></body>"""
    text = html.escape(page.read_text().replace("</body>", tell))
    frames = tmp_path / "frames.html"
    frames.write_text('<!doctype html><html lang="en"><body>' + "".join(
        f'<iframe width="{width}" height="800" srcdoc="{text}"></iframe>' for width in (360, 768, 1280)))
    done = subprocess.run(
        [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900",
         f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", "--dump-dom", frames.as_uri()],
        capture_output=True, text=True, timeout=60)
    told = [json.loads(html.unescape(line)) for line in re.findall(r'\{"width".*?\}', done.stdout)]
    assert sorted(each["width"] for each in told) == [360, 768, 1280], done.stderr
    for each in told:
        assert each["needs"] <= each["width"], "it scrolls sideways"
        assert each["drawn"] and each["figures"] and each["height"] > 2000
        light = sum(map(int, re.findall(r"\d+", each["ground"])[:3])) > 600
        assert light is (scheme == "light")


# ---- its parts ----
def with_loss(value):
    return lambda record: dataclasses.replace(record, loss=value)


def losses_of_0(records):
    return [dataclasses.replace(record, loss=0.0) for record in records if isinstance(record, Backward)]


def both(first, then):
    return lambda records: then(first(records))


INFINITE = both(spoil(Backward, 9, with_loss(float("inf"))),
                spoil(Update, 5, with_gradient(0, lambda gradient: gradient * np.inf)))
NOTHING = both(spoil(Backward, 9, with_loss(float("nan"))), both(
    spoil(Backward, 1, with_loss(None)), spoil(Update, 5, with_gradient(0, lambda gradient: None))))
ODD = {
    "infinite": {"minigrad": INFINITE},
    "nan and None": dict.fromkeys(FOUR, NOTHING),
    "losses alone, all 0": dict.fromkeys(FOUR, lambda records: [*losses_of_0(records), Finished("finished")]),
    "nobody trains": dict.fromkeys(FOUR, lambda records: [Finished("finished")]),
    "all fail": dict.fromkeys(FOUR, lambda records: [Finished("failed", "t.py:1: E", error="E", where="t.py:1")]),
    "one step": dict.fromkeys(FOUR, lambda records: [*itertools.islice(records, 4), Finished("finished")]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_runs_have_a_page_too(name, tmp_path):
    comparison = run_streams(ODD[name])
    text = write_page([comparison], [tmp_path / "gone.py"], tmp_path).read_text()
    assert not Reader(text).open
    for figure in re.findall(r"<svg role=.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(figure)


@pytest.mark.parametrize("name", ["conformance", "mutants", "programs"])
def test_a_result_that_cannot_be_read_is_no_result(tmp_path, name):
    (tmp_path / f"{name}.json").write_text('{"half":')
    [check] = [each for each in checks(tmp_path) if name in each.command]
    assert not check.ran and "cannot be read" in check.verdict


def test_a_result_of_nothing_is_not_good(tmp_path):
    (tmp_path / "conformance.json").write_text('{"rows": []}')
    (tmp_path / "mutants.json").write_text('{"mutants": []}')
    (tmp_path / "programs.json").write_text(json.dumps(PROGRAMS | {"programs": 0, "asked for": 0}))
    assert [(each.ran, each.good) for each in checks(tmp_path)] == [(True, False)] * 3


@pytest.mark.parametrize("change, good", [
    ({}, True), ({"differ": 1}, False), ({"died": ["a process"]}, False), ({"programs": 7}, False)])  # interrupted
def test_random_programs_are_good_if_all_were_tried_and_agree(tmp_path, change, good):
    (tmp_path / "programs.json").write_text(json.dumps(PROGRAMS | change))
    [check] = [each for each in checks(tmp_path) if each.title == "Random programs"]
    assert (check.ran, check.good) == (True, good)
    assert list(check.rows) == [("rounding", 3, "torch itself")]


def test_a_documents_lines_are_found_in_their_order():
    lines = [f"Epoch: {epoch} | Training loss: {train} | Testing loss: {test}"
             for epoch, train, test in FIGURES["line_l1"]["tables"][0]["rows"]]
    [table] = document("line_l1", "\n".join(["loaded", *lines])).tables
    assert (table.same, len(table.rows)) == (28, 28)
    lines[11] = lines[11].replace("0.383", "0.384")  # the second run's epoch 1
    [table] = document("line_l1", "\n".join(lines)).tables
    assert table.same == 27
    [(name, [cell, _])] = [row for row in table.rows if not row[1][0].same]
    assert (name, cell.printed, cell.ours) == ("1", "0.383", "0.384")
    [table] = document("line_l1", "").tables
    assert table.same == 0 and not any(cell.ours for _, cells in table.rows for cell in cells)
    assert document("my_script", "") is None


PRINTED = {  # by the experiments: a line for each table, which its pattern has to find
    "line_l1": ["Epoch: 0 | Training loss: 0.524 | Testing loss: 0.557"],
    "circles": ["Epoch: 0 | Train loss: 0.69457 | Train accuracy: 50.00% | Test loss: 0.69 | Test accuracy: 51.50%",
                "Epoch: 0 | Train loss: 0.69468 | Train accuracy: 50.00% | Test loss: 0.69 | Test accuracy: 46.50%"],
    "line_mse": ["Epoch   0: train loss 0.0922, validation loss 0.1935",
                 "End:   weight 0.4398 (true: 0.7), bias 0.3607 (true: 0.3)"],
    "fashion": ["    1      0.474684                  103.2 %        83.39 %"],
    "blob_adam": [],
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_documents_patterns_fit_what_its_experiment_prints(name):
    tables = document(name, "\n".join(PRINTED[name])).tables
    assert [sum(all(cell.ours for cell in cells) for _, cells in table.rows) for table in tables] == [1] * len(tables)
    assert len(tables) == len(PRINTED[name])
    assert (ROOT / "parity" / "experiments" / f"{name}.py").exists()


def test_a_broken_picture_is_said_and_not_shown(tmp_path):
    for engine, color in (("torch", "white"), ("minigrad", "white"), ("minigrad-f64", None), ("torch-f64", "size")):
        (tmp_path / engine).mkdir()
        if color == "white":
            Image.new("RGB", (8, 8), color).save(tmp_path / engine / "a.png")
        elif color == "size":
            Image.new("RGB", (9, 8)).save(tmp_path / engine / "a.png")
    (tmp_path / "minigrad-f64" / "a.png").write_bytes(b"no picture")
    [versions] = pictures({engine: tmp_path / engine for engine in FOUR}).values()
    notes = {version.engine: version.note for version in versions}
    assert notes == {"torch": "the reference", "minigrad": "same pixels as torch", "torch-f64": "of another size",
                     "minigrad-f64": "drew no such picture"}
    assert pictures({"minigrad": tmp_path / "minigrad"}) == {}


def test_a_heat_map_of_a_long_run_keeps_the_largest_errors():
    heat = HeatMap()
    weight, bias = heat.row("w", "weight"), heat.row("b", "bias")
    assert (weight, bias, heat.row("w", "weight"), heat.rows) == (0, 1, 0, ["weight", "bias"])
    steps = 5 * MOST_COLUMNS
    for step in range(1, steps + 1):
        heat.add(step, {weight: {"minigrad": 1.0 if step == 777 else 0.1}})
    matrix = heat.matrix("minigrad")
    assert matrix.shape == (2, len(heat.steps)) and len(heat.steps) <= MOST_COLUMNS
    assert np.isnan(matrix[bias]).all() and not np.isnan(matrix[weight]).any()
    [column] = np.flatnonzero(matrix[weight] == 1)
    assert heat.steps[column] <= 777 < heat.steps[column] + heat.width
    assert heat.steps[-1] > steps - heat.width and not heat.has("torch")


# ---- CUDA ----
def on_a_gpu(records):
    started = Started({"torch": "2.13", "device": "NVIDIA H200 (made up)"})
    return [started if isinstance(record, Started) else record for record in records]


def test_tf32_is_shown_and_not_judged(tmp_path):
    fault = spoil(Update, 7, with_gradient(0, lambda gradient: gradient * 1.001))
    faults = {"torch-cuda": on_a_gpu, "torch-cuda-tf32": fault}
    comparison = run_streams(faults, (*FOUR, *CUDA))
    assert not problems(comparison)
    assert {name: verdict(comparison, name) for name in CUDA} == dict.fromkeys(CUDA, "agrees") | {
        "torch-cuda-tf32": "shown"}
    assert comparison.results["torch-cuda-tf32"].largest["gradient"] > 1e-4
    assert comparison.results["torch-cuda-f64"].largest["gradient"] < 1e-13

    faulty = run_streams({"torch-cuda": fault}, (*FOUR, *CUDA))
    assert verdict(faulty, "torch-cuda") == "DISAGREES"

    said = write_record([comparison], tmp_path)
    [written] = tmp_path.iterdir()
    assert written.name == "parity-h200-made-up.md" and str(written) in said
    text = written.read_text()
    assert text.startswith("# Parity on NVIDIA H200 (made up)\n") and "AGREE: 1 of 1 experiments" in text


def test_torch_in_another_order_is_shown_and_not_judged():
    fault = spoil(Update, 7, with_gradient(0, lambda gradient: gradient * 1.001))
    comparison = run_streams({"torch-reordered": fault}, (*FOUR, "torch-reordered"))
    assert not problems(comparison) and verdict(comparison, "torch-reordered") == "shown"
    assert any("torch-reordered adds in another order" in note for note in notes(comparison))
    assert "torch-reordered" not in DEFAULT_ENGINES

    product = "(x := torch.arange(7840.).sin().reshape(10, 784)) @ x.T"
    usual = eval(product, {"torch": torch}).flatten().tolist()
    reordered = json.loads(subprocess.run(
        [sys.executable, "-c", f"import torch; print(({product}).flatten().tolist())"],
        env=environment(ENGINES["torch-reordered"]), capture_output=True, text=True, check=True).stdout)
    assert usual != reordered, "torch's wheels for this processor know only one order: leave the engine out there"
    np.testing.assert_allclose(usual, reordered, atol=1e-2)  # sums of 784 products, up to 4e2: the last bits differ


def test_without_a_gpu_nothing_is_recorded(tmp_path):
    comparison = run_streams(dict.fromkeys(CUDA, absent), (*FOUR, *CUDA))
    said = write_record([comparison], tmp_path / "results")
    assert said.startswith("nothing recorded; minigrad-cuda not run: no CUDA device")
    assert not (tmp_path / "results").exists()


# ---- docs/promises.md ----
def test_what_the_promises_page_names_exists():
    text = (ROOT / "docs" / "promises.md").read_text()
    named = re.findall(r"`((?:tests|parity|minigrad|benchmarks|docs)/[\w./]+)(?:::(\w+))?`", text)
    assert len(named) > 30
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or re.search(rf"def {test}\b", (ROOT / path).read_text()), f"{path} has no {test}"
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    for module in re.findall(r"`python -m ([\w.]+)", text):
        path = ROOT / module.replace(".", "/")
        assert (path / "__main__.py").exists() or path.with_suffix(".py").exists(), module
    for check in re.findall(r"`python -m parity (conformance|programs|bisect|mutants)", text):
        assert (ROOT / "parity" / check / "command.py").exists(), check

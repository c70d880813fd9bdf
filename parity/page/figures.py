"""The curves and heat maps of the page, as SVG that takes its colours from the page: light or dark."""

import html
import io
import re
from collections.abc import Iterable
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from parity.compare import Comparison
from parity.engines import ENGINES, JUDGE, REFERENCE
from parity.plots import STYLES, in_blocks
from parity.results import HeatMap
from parity.tolerances import JUDGES, KINKS

WIDTH = 4.0  # inches: as wide as a phone shows it, so its text stays readable
MOST_POINTS = 300  # of a curve
MOST_LABELS = 24  # of a heat map's rows
TEXT, ALLOWED = "#1c1c1e", "#b00020"
VARIABLES = {TEXT: "currentColor", ALLOWED: "var(--allowed)"}  # the page has these, in two versions
WIDER = 0.4  # than on a plot of its own, for a line on a page
VARIABLES |= {style["color"]: f"var(--{name})" for name, style in STYLES.items()}
STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "parity", "font.size": 9.5, "font.family": "sans-serif",
    "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), TEXT),
}


def in_style(height: float, rows: int, **options: object) -> tuple[Figure, np.ndarray]:
    figure, axes = plt.subplots(rows, 1, figsize=(WIDTH, height), layout="constrained", squeeze=False, **options)
    return figure, axes[:, 0]


# ---- curves ----
def loss_figure(comparison: Comparison) -> str:
    """The loss curves laid over each other; below them, on a log axis, their errors."""
    with plt.rc_context(STYLE):
        figure, (above, below) = in_style(4.1, 2, sharex=True)
        draw_losses(above, comparison)
        draw_errors(below, comparison, "loss")
        return as_svg(figure, f"{comparison.name}-loss", f"{comparison.name}: loss curves of all engines and, below, "
                      f"their errors on a logarithmic axis. {in_words(comparison, ['loss'])}")


def error_figure(comparison: Comparison) -> str:
    """The largest error of any gradient, and of any parameter, at each step."""
    with plt.rc_context(STYLE):
        figure, axes = in_style(4.1, 2, sharex=True)
        for axis, kind in zip(axes, ("gradient", "parameter"), strict=True):
            draw_errors(axis, comparison, kind)
        kinds = in_words(comparison, ["gradient", "parameter"])
        return as_svg(figure, f"{comparison.name}-errors", f"{comparison.name}: errors of gradients and parameters "
                      f"over the steps, on logarithmic axes. {kinds}")


def in_words(comparison: Comparison, kinds: Iterable[str]) -> str:
    """What the figure shows, for those who do not see it."""
    largest = [f"{name}, {kind}: {result.largest[kind]:.1e}" for kind in kinds
               for name, result in comparison.results.items() if name != JUDGE and kind in result.largest]
    return f"Largest errors: {'; '.join(largest)}."


def draw_losses(axis: Axes, comparison: Comparison) -> None:
    count = len(comparison.losses[REFERENCE])
    block = -(-count // MOST_POINTS)
    axis.set_title("loss" if block == 1 else f"loss, mean of {block} steps")
    for name, style in STYLES.items():
        if losses := comparison.losses.get(name):
            means = in_blocks(losses, block, np.mean)
            axis.plot(1 + block * np.arange(len(means)), means, **wider(style))
    drawn = np.concatenate([line.get_ydata() for line in axis.lines if len(line.get_ydata())] or [np.ones(1)])
    if drawn.min() > 0 and drawn.max() > 30 * drawn.min():
        log_scale(axis)
    mark_steps(axis, comparison)


def draw_errors(axis: Axes, comparison: Comparison, kind: str) -> None:
    """Errors relative to the largest entry. An error of exactly 0 has no place on a log axis and leaves a gap."""
    curve = comparison.curves[kind]
    axis.set_title(f"error of {'the loss' if kind == 'loss' else 'all ' + kind + 's'}")
    block = -(-len(curve.steps) // MOST_POINTS) or 1
    if curve.bound:
        allowed = in_blocks(curve.bound, block, np.max)
        axis.plot(curve.steps[: len(curve.bound) : block], allowed, color=ALLOWED, linewidth=0.9)
        axis.axhline(JUDGES, color=ALLOWED, linewidth=0.9, linestyle=(0, (1, 2)))
    if comparison.big and any(result.kink_step for result in comparison.results.values()):
        axis.axhline(KINKS[kind], color=ALLOWED, linewidth=0.9, linestyle=(0, (4, 2)))
    for name, style in STYLES.items():
        errors = np.array(curve.errors.get(name, []))
        if name != JUDGE and errors.any():
            largest = in_blocks(errors, block, np.max)
            largest[largest == 0] = np.nan
            axis.plot(curve.steps[: len(errors) : block], largest, **wider(style))
    log_scale(axis)
    mark_steps(axis, comparison)
    axis.set_xlabel("step")


def wider(style: dict[str, Any]) -> dict[str, Any]:
    return style | {"linewidth": style["linewidth"] + WIDER}


def log_scale(axis: Axes) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(numticks=5))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    axis.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def power(value: float) -> str:
    """1e-6 and 0.1, as they are typed; matplotlib would set 10 with an exponent, which a page's font misplaces."""
    return f"{value:g}" if value >= 0.01 else f"{value:.0e}".replace("e-0", "e-")


def mark_steps(axis: Axes, comparison: Comparison) -> None:
    axis.grid(alpha=0.18, color=TEXT, linewidth=0.6)
    axis.margins(x=0.01)
    for step in comparison.built_at[1:]:
        axis.axvline(step, color=TEXT, linewidth=0.6, linestyle=":")
    if comparison.big:
        axis.set_xscale("log")  # most of what is compared are the first steps
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


# ---- heat maps ----
def heat_figure(comparison: Comparison) -> str:
    """Each parameter's gradient error at each step, a panel for each engine."""
    heat = comparison.heat
    engines = [name for name in comparison.results if name != JUDGE and heat.has(name)]
    if not engines:
        return ""
    with plt.rc_context(STYLE):
        rows = min(len(heat.rows), 40)
        figure, axes = in_style((0.55 + max(0.17 * rows, 0.4)) * len(engines) + 0.3, len(engines), sharex=True)
        for axis, name in zip(axes, engines, strict=True):
            alike = [each for each in engines if ENGINES[each].wide == ENGINES[name].wide]
            draw_heat(figure, axis, heat, name, alike)
        axes[-1].set_xlabel("step")
        return as_svg(figure, f"{comparison.name}-heat", f"{comparison.name}: heat map of gradient errors by parameter "
                      f"and step, one panel for each engine. {in_words(comparison, ['gradient'])}")


def draw_heat(figure: Figure, axis: Axes, heat: HeatMap, name: str, alike: list[str]) -> None:
    """`alike`: the engines of the same precision, whose panels have the same colours."""
    values = heat.matrix(name)
    shown = np.stack([heat.matrix(each) for each in alike])
    shown = shown[np.isfinite(shown) & (shown > 0)]
    largest = shown.max(initial=1e-16)
    norm = LogNorm(max(shown.min(initial=largest / 10), largest * 1e-5), largest, clip=True)
    image = axis.imshow(np.where(values > 0, values, np.nan), aspect="auto", cmap="viridis", norm=norm,
                        interpolation="nearest")
    axis.set_title(name)
    every = -(-len(heat.rows) // MOST_LABELS)
    axis.set_yticks(range(0, len(heat.rows), every), [shortened(row) for row in heat.rows[::every]], fontsize=7.5)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda column, _: heat.step_at(column)))
    bar = figure.colorbar(image, ax=axis, pad=0.02, aspect=12, format=FuncFormatter(lambda value, _: power(value)))
    bar.ax.tick_params(labelsize=7.5, which="both")
    bar.ax.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    bar.outline.set_visible(False)


def shortened(name: str) -> str:
    return name if len(name) <= 18 else f"…{name[-17:]}"


# ---- SVG ----
def as_svg(figure: Figure, prefix: str, description: str) -> str:
    """The figure as an element of the page: no size of its own, the page's colours, ids that no other figure has."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r'font-family: [^;"]*', "font-family: system-ui, sans-serif", text)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{re.sub(r'[^a-z0-9]', '-', prefix.lower())}-", text)
    for color, variable in VARIABLES.items():
        text = text.replace(color, variable)
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(description)}" ', 1)

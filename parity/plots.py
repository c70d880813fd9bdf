"""The curves with their errors; and each figure that a script saved, of all engines side by side."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from parity.compare import Comparison
from parity.engines import JUDGE, REFERENCE
from parity.results import Curve
from parity.tolerances import JUDGES, KINKS

STYLES: dict[str, dict[str, Any]] = {  # in drawing order: the reference broad and pale, the others on top
    "torch": {"color": "#9ab3cf", "linewidth": 3.5},
    "torch-f64": {"color": "#5b5b5b", "linewidth": 1.0},
    "minigrad": {"color": "#c8501e", "linewidth": 1.2, "linestyle": (0, (4, 2))},
    "minigrad-f64": {"color": "#2e7d4f", "linewidth": 1.0, "linestyle": (0, (1, 1.5))},
    "minigrad-cuda": {"color": "#b3611f", "linewidth": 1.2, "linestyle": (0, (4, 2))},
    "minigrad-cuda-f64": {"color": "#7a8f1f", "linewidth": 1.0, "linestyle": (0, (4, 2, 1, 2))},
    "torch-cuda": {"color": "#7b4fa3", "linewidth": 1.2, "linestyle": (0, (6, 2, 1, 2))},
    "torch-cuda-f64": {"color": "#1f7f8c", "linewidth": 1.0, "linestyle": (0, (6, 2, 1, 2, 1, 2))},
    "torch-cuda-tf32": {"color": "#b0408a", "linewidth": 1.0, "linestyle": (0, (2, 1))},
    "torch-reordered": {"color": "#3f6fb5", "linewidth": 1.0, "linestyle": (0, (4, 1, 1, 1))},
    "minigrad-ordered": {"color": "#8a5a2b", "linewidth": 1.0, "linestyle": (0, (3, 1, 1, 1, 1, 1))},
    "torch-nudged": {"color": "#777777", "linewidth": 0.9, "linestyle": (0, (1, 1))},
    "torch-f64-nudged": {"color": "#aaaaaa", "linewidth": 0.9, "linestyle": (0, (1, 2))},
}
MOST_POINTS = 1200  # of a curve
MOST_FIGURES = 20  # of those that a script saved
IMAGES = (".png", ".jpg", ".jpeg")


def plot_curves(comparison: Comparison, path: Path) -> None:
    """The loss curves laid over each other; then the errors of losses, gradients and parameters."""
    figure, axes = plt.subplots(2, 2, figsize=(13, 8.5), layout="constrained")
    plot_losses(axes[0, 0], comparison)
    over_a_kink = comparison.big and any(result.kink_step for result in comparison.results.values())
    for axis, (kind, curve) in zip(axes.flat[1:], comparison.curves.items(), strict=True):
        plot_errors(axis, kind, curve, over_a_kink)
    for axis in axes.flat:
        axis.set_xlabel("step")
        axis.grid(alpha=0.25)
        axis.margins(x=0.01)
        for step in comparison.built_at[1:]:
            axis.axvline(step, color="black", linewidth=0.7, linestyle=":")
    if len(comparison.built_at) > 1:
        axes[0, 0].plot([], [], color="black", linewidth=0.7, linestyle=":", label="next optimizer")
        axes[0, 0].legend()
    title = f"{comparison.name}: every engine from the same seed, no weights copied"
    figure.suptitle("\n".join([title, *comparison.notes]))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_losses(axis: Axes, comparison: Comparison) -> None:
    block = block_length(comparison.losses[REFERENCE])
    axis.set_title("training loss" if block == 1 else f"training loss, mean of {block} steps")
    axis.set_ylabel("loss")
    for name, style in STYLES.items():
        if losses := comparison.losses.get(name):
            means = in_blocks(losses, block, np.mean)
            axis.plot(1 + block * np.arange(len(means)), means, label=name, **style)
    axis.legend()


def plot_errors(axis: Axes, kind: str, curve: Curve, over_a_kink: bool) -> None:
    """Errors on a log axis. An error of exactly 0 has no place there and leaves a gap."""
    axis.set_title(f"{kind}: largest error, measured from torch-f64")
    axis.set_ylabel("error / largest entry")
    axis.set_yscale("log")
    if curve.bound:
        steps = curve.steps[: len(curve.bound)]
        axis.plot(steps, curve.bound, color="#b00020", linewidth=1.0, label="allowed in float32")
        axis.axhline(JUDGES, color="#2e7d4f", linewidth=0.8, label="allowed in float64")
    if over_a_kink:
        axis.axhline(KINKS[kind], color="#b00020", linewidth=0.8, linestyle=":", label="after a ReLU's kink")
    for name, style in STYLES.items():
        errors = np.array(curve.errors.get(name, []))
        if name != JUDGE and errors.any():
            block = block_length(curve.steps)
            largest = in_blocks(errors, block, np.max)
            largest[largest == 0] = np.nan
            axis.plot(curve.steps[: len(errors) : block], largest, label=name, **style)
    if axis.lines:
        axis.legend()


def block_length(values: Sequence[float]) -> int:
    """A long curve is drawn as some hundred points, one for each block of so many steps."""
    return -(-len(values) // MOST_POINTS)


def in_blocks(values: Sequence[float] | np.ndarray, block: int, combine: Callable[..., np.floating]) -> np.ndarray:
    return np.array([combine(values[start : start + block]) for start in range(0, len(values), block)])


def plot_figures(directories: Mapping[str, Path], out: Path) -> list[Path]:
    """For each image that the script saved with torch, one picture with all engines' versions of it."""
    saved = []
    root = directories[REFERENCE]
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix.lower() in IMAGES)
    for name in names[:MOST_FIGURES]:
        reference = plt.imread(directories[REFERENCE] / name)
        height, width = reference.shape[:2]
        rows = (len(directories) + 1) // 2
        size = (13, (13 / 2 * height / width + 0.35) * rows)
        figure, axes = plt.subplots(rows, 2, figsize=size, layout="constrained", squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
        for axis, (engine, directory) in zip(axes.flat, directories.items(), strict=False):
            show(axis, engine, directory / name, reference)
        path = out / f"{'-'.join(Path(name).with_suffix('').parts)}-all-engines.png"
        figure.savefig(path, dpi=110)
        plt.close(figure)
        saved.append(path)
    return saved


def show(axis: Axes, engine: str, path: Path, reference: np.ndarray) -> None:
    if not path.exists():
        axis.set_title(f"{engine}: no such figure")
        return
    image = plt.imread(path)
    axis.imshow(image)
    title = engine
    if engine != REFERENCE and image.shape == reference.shape:
        differing = np.mean((image != reference).any(axis=-1))
        title += f": {differing:.2%} of the pixels not as torch's" if differing else ": same pixels as torch"
    axis.set_title(title, fontsize=11)

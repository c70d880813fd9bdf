"""How the lessons' figures look, and where they go: `save` puts one into figures/, which `make docs` fills anew.

The data sets of the experiments, `toy_data` and `drawn_shapes`, can be imported after this module.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "parity" / "experiments"))

BLUE, ORANGE, GREEN, GRAY = "#2563eb", "#ea580c", "#059669", "#9ca3af"
plt.rcParams.update({
    "figure.figsize": (9, 3.6), "figure.dpi": 110, "font.size": 10, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#e5e7eb", "axes.axisbelow": True,
    "legend.frameon": False, "savefig.facecolor": "white",
})


def save(name):
    """Save the current figure, and close it."""
    plt.tight_layout()
    plt.savefig(HERE / "figures" / f"{name}.png", metadata={"Software": None})
    plt.close()

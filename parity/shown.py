"""A matplotlib backend without a screen: `plt.show()` saves each open figure as shown-1.png, shown-2.png, …

The engines' figures then stand side by side in the report like those that the script saves itself. As on a
screen, figures are closed once they were shown; interactive mode and `show(block=False)` leave them open.
"""

import itertools
from typing import Any

import matplotlib
from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

numbers = itertools.count(1)


def keep_this_backend() -> None:
    """Whatever the script asks for: `matplotlib.use("TkAgg")` would open a window for each engine, or fail."""
    matplotlib.use = lambda *args, **kwargs: None


class FigureManager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        managers = Gcf.get_all_fig_managers()
        for manager in managers:
            manager.canvas.figure.savefig(f"shown-{next(numbers)}.png")
        if block or (block is None and not matplotlib.is_interactive()):
            Gcf.destroy_all()


class FigureCanvas(FigureCanvasAgg):
    manager_class: Any = FigureManager

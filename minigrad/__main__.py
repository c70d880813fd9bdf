"""`python -m minigrad script.py` runs an unmodified torch script on minigrad; without a script it teaches."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from textwrap import indent
from types import TracebackType

EXAMPLE = """\
w = torch.tensor(0.3, requires_grad=True)  # two parameters
b = torch.tensor(0.1, requires_grad=True)
predicted = (w * 2 + b).tanh()             # one neuron; the input is 2
loss = (predicted - 1) ** 2                # it should have said 1
loss.backward()
"""

NEXT = """\
w.grad says: make w larger by a little, and the loss falls by 1.0045 times as much.

Where to go next
  python -m minigrad.explain circles             a page that steps through a whole training step
  python -m minigrad script.py                   an unmodified PyTorch script, run on minigrad
  python -m parity script.py                     the same on torch, compared step by step
  python -i docs/tour/c1_chain_rule.py           the tour: build the engine yourself, in eight chapters
  minigrad/engine.py, minigrad/ops.py            the engine, and the table of all derivatives
"""


def main() -> None:
    """Run the script named on the command line, with the arguments after it, as Python would. None named: teach."""
    if len(sys.argv) == 1:
        teach()
        return
    parser = argparse.ArgumentParser(
        prog="python -m minigrad",
        description="Run an unmodified PyTorch script on minigrad: every `import torch` in it, and in what it imports, "
        "gives minigrad. NumPy, matplotlib, scikit-learn and the rest are the real ones.",
        epilog="example: python -m minigrad parity/experiments/line_l1.py",
    )
    parser.add_argument("script", help="the script to run; without one, a worked example is shown")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its own arguments")
    given = parser.parse_args()
    if not Path(given.script).is_file():
        parser.error(f"no such script: {given.script}")

    import minigrad.as_torch  # noqa: F401  # from here on `torch` is minigrad

    sys.argv = [given.script, *given.args]
    sys.path[0] = str(Path(given.script).resolve().parent)
    sys.excepthook = _show_error
    runpy.run_path(given.script, run_name="__main__")


def _show_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error as `python script.py` does: from the script's own lines on, without those that started it."""
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, runpy.run_path.__code__.co_filename):
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def teach() -> None:
    """Print a worked example: a few lines, and what happens in them, forward and backward."""
    import minigrad
    from minigrad import explain

    print(f"How does a parameter change the loss?\n\n{indent(EXAMPLE, '    ')}")
    print(explain.text(lambda: exec(EXAMPLE, {"torch": minigrad})).strip())
    print(f"\n{NEXT}", end="")


if __name__ == "__main__":
    main()

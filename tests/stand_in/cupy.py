"""The strict array module under CuPy's name: with this folder on PYTHONPATH a process has a "GPU" (see strict.py)."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from strict import StrictLibrary  # found through the line above

sys.modules[__name__] = StrictLibrary  # type: ignore[assignment]  # all that minigrad asks of CuPy

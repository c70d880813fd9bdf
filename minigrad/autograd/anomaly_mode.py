"""torch.autograd.detect_anomaly: find the operation whose gradient is nan, and the line that used it."""

from __future__ import annotations

import linecache
import warnings
from typing import Any

import numpy as np

from ..device import is_array
from ..engine import Node, TensorCore
from ..gradfn import torch_name
from ..modes import Setter


class set_detect_anomaly(Setter):
    """Detect anomalies or not, as `mode` says: from this call on, or, as `with` block or decorator, there only."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(source=mode, watch=refuse_nan if mode and check_nan else None)


class detect_anomaly(set_detect_anomaly):
    """In this block, or a function decorated with it, a nan in backward is a RuntimeError that names the operation.

    A warning tells the line where the operation was called, also when backward fails for another reason. The forward
    has to be in the block, too, for its lines to be known:

        with torch.autograd.detect_anomaly():
            loss = (x.sqrt() * 0).sum()
            loss.backward()  # at x = 0: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True) -> None:
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be "
                      "enabled for debugging.", stacklevel=2)
        super().__init__(True, check_nan)


def refuse_nan(node: Node, i: int, grad: Any) -> None:
    """The watch on backward: the gradient that a node's rule gives for its i-th input."""
    array = grad.array if isinstance(grad, TensorCore) else grad
    if (is_array(array) or isinstance(array, np.generic)) and np.isnan(array).any():
        raise RuntimeError(f"Function '{torch_name(node)}' returned nan values in its {i}th output.")


def warn_of_forward(node: Node) -> None:
    """Say where the operation was called that backward has failed at."""
    if node.source is None:
        where = ("No forward pass information available. Enable detect anomaly during forward pass for more "
                 "information.")
    else:
        file, line = node.source
        where = ("Traceback of forward call that caused the error:\n"
                 f'  File "{file}", line {line}\n    {linecache.getline(file, line).strip()}\n')
    warnings.warn(f"Error detected in {torch_name(node)}. {where}", stacklevel=2)

"""Runs a script on torch with errors of rounding's size added: how far they carry is how far torch strays from itself.

After every step of an optimizer each parameter moves by up to NUDGE units in its last place, at random. Where training
amplifies rounding (a net that leaves a long plateau, a learning rate at the edge of what is stable), such a run ends
far from the one without; where it does not, they stay together. torch alone takes part, so nothing that minigrad does
can widen what is measured. Tensors that are trained by hand, without an optimizer, are not moved.
"""

import importlib
from typing import Any

import numpy as np

from parity.tolerances import NUDGE


def install(torch: Any, dtype: str) -> None:
    """Nudge all parameters of all optimizers, in this process, from now on."""
    random = np.random.default_rng(0)  # of its own: the script's random numbers stay as they are
    largest = NUDGE * float(np.finfo(dtype).eps)

    def nudge(optimizer: Any, args: Any, kwargs: Any) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                factors = 1 + largest * random.uniform(-1, 1, tuple(parameter.shape))
                parameter.data.mul_(torch.tensor(factors).to(parameter.dtype))

    optimizer_module = importlib.import_module("torch.optim.optimizer")  # no attribute of torch.optim
    optimizer_module.register_optimizer_step_post_hook(nudge)

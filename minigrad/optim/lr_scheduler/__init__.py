"""Learning rate schedules: after each epoch, `scheduler.step()` sets the learning rate of every group anew.

A schedule defines `get_lr`, which computes the next learning rates from the present ones, so that schedules can be
chained; and, where there is one, `_get_closed_form_lr`, which computes them from the first ones.
"""

from .base import LRScheduler
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from .cycles import CyclicLR, OneCycleLR
from .plateau import ReduceLROnPlateau
from .schedules import ExponentialLR, LambdaLR, MultiplicativeLR, MultiStepLR, StepLR

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR", "LambdaLR",
           "LRScheduler", "MultiplicativeLR", "MultiStepLR", "OneCycleLR", "ReduceLROnPlateau", "StepLR"]

_LRScheduler = LRScheduler  # its name in old scripts, which derive from it

for _name in __all__:
    globals()[_name].__module__ = __name__  # where torch has them: for pickles and for printing

"""Learning rate schedules: after each epoch, `scheduler.step()` sets the learning rate of every group anew.

A schedule defines `get_lr`, which computes the next learning rates from the present ones, so that schedules can be
chained; and, where there is one, `_get_closed_form_lr`, which computes them from the first ones.
"""

from .base import LRScheduler
from .plateau import ReduceLROnPlateau
from .schedules import ExponentialLR, StepLR

__all__ = ["ExponentialLR", "LRScheduler", "ReduceLROnPlateau", "StepLR"]

for _schedule in (ExponentialLR, LRScheduler, ReduceLROnPlateau, StepLR):
    _schedule.__module__ = __name__  # where torch has them: for pickles and for printing

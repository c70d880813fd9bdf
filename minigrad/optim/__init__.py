"""Optimizers, under torch.optim's names."""

from . import lr_scheduler
from .adagrad import Adagrad
from .adam import Adam, AdamW, NAdam
from .lbfgs import LBFGS
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["Adagrad", "Adam", "AdamW", "LBFGS", "lr_scheduler", "NAdam", "Optimizer", "RMSprop", "SGD"]

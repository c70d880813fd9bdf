from .activation import ReLU
from .container import Sequential
from .linear import Identity, Linear
from .loss import BCEWithLogitsLoss, L1Loss, MSELoss
from .module import Module

__all__ = ["BCEWithLogitsLoss", "Identity", "L1Loss", "Linear", "MSELoss", "Module", "ReLU", "Sequential"]

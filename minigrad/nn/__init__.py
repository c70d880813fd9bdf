"""Layers, losses and what models are built from, under torch.nn's names."""

from . import functional, init, modules, parameter
from .modules import BCEWithLogitsLoss, Identity, L1Loss, Linear, Module, MSELoss, ReLU, Sequential
from .parameter import Buffer, Parameter

__all__ = ["BCEWithLogitsLoss", "Buffer", "Identity", "L1Loss", "Linear", "MSELoss", "Module", "Parameter", "ReLU",
           "Sequential", "functional", "init", "modules", "parameter"]

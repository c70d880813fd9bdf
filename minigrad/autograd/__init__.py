"""torch.autograd: gradients on request (walks.py), operations of the user's own (function.py), checks of both."""

from ..modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from . import functional
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable
from .walks import backward, grad

__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "functional", "grad", "gradcheck",
           "gradgradcheck", "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled"]

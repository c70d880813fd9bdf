"""The part of torchvision that beginners' scripts use: Fashion-MNIST, and images to tensors.

The modules of this package take their `torch` from here and use nothing but its public names, so they serve
the real torch just as well: `build` makes such a copy, for where torchvision is not installed.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import minigrad as torch
import minigrad.utils.data

from . import datasets, transforms

__all__ = ["build", "datasets", "torch", "transforms"]
__version__ = torch.__version__


def build(other_torch: Any, name: str = "torchvision") -> ModuleType:
    """This package once more, importable under `name`, with classes of its own that make other_torch's tensors.

    RuntimeError if a module of that name is loaded already.
    """
    if name in sys.modules:
        raise RuntimeError(f"{name} is loaded already: it cannot be built on another torch")
    package: Any = ModuleType(name, __doc__)
    package.__path__ = __path__  # the same files: `from . import torch` in them finds what stands below
    package.torch = other_torch
    package.__version__ = f"{__version__} (minigrad.vision)"
    sys.modules[name] = package
    for module in ("transforms", "datasets"):
        setattr(package, module, importlib.import_module(f"{name}.{module}"))
    return package

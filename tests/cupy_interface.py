"""What CuPy answers to: its functions, ufuncs and methods that NumPy has too, and their arguments.

`python tests/cupy_interface.py`, where CuPy is installed (a GPU is not needed), writes it to cupy_interface.json; the
strict array module (strict.py) refuses all else. So what CuPy cannot do fails in the suite on every machine.
"""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
MODULES = ("", "linalg", "fft", "lib.stride_tricks")


def found_in(library: Any, module: str) -> Any:
    for name in filter(None, module.split(".")):
        library = getattr(library, name, None)
    return library


def arguments_of(function: Any) -> list[str]:
    """The names of a function's arguments: from its signature, or from the first line of its docstring."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        first = re.search(r"\((.*?)\)", function.__doc__ or "")  # as Cython writes it: (self, Py_ssize_t axis=-1)
        parts = first.group(1).split(",") if first else []
        return [part.split("=")[0].split()[-1].lstrip("*") for part in parts if part]


def collect(cupy: Any) -> dict[str, Any]:
    functions, ufuncs = {}, []
    for module in MODULES:
        ours = found_in(np, module)
        for name in filter(lambda name: not name.startswith("_"), dir(ours)):
            theirs = getattr(found_in(cupy, module), name, None)
            if isinstance(getattr(ours, name), np.ufunc) and isinstance(theirs, cupy.ufunc | type(cupy.matmul)):
                ufuncs.append(name)
            elif callable(theirs) and not isinstance(theirs, type) and theirs is not getattr(ours, name):
                functions[f"{module}.{name}".lstrip(".")] = arguments_of(theirs)
    methods = {name: arguments_of(getattr(cupy.ndarray, name)) for name in dir(cupy.ndarray)
               if hasattr(np.ndarray, name) and callable(getattr(cupy.ndarray, name)) and not name.startswith("_")}
    return {"version": cupy.__version__, "ufuncs": ufuncs, "functions": functions, "methods": methods}


if __name__ == "__main__":
    import cupy

    FILE.write_text(json.dumps(collect(cupy), indent=1) + "\n")

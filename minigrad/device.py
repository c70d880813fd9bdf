"""Where tensors live. minigrad computes with NumPy, so that is the CPU; `device` names it as torch does."""

from __future__ import annotations

from typing import Any

_TYPES = ("cpu", "cuda", "mps", "xpu", "meta")


class device:
    """A device's name: `device("cuda:0")`, `device("cuda", 0)`, `device(type="cpu")`.

    >>> device("cuda:1").index, str(device("cpu"))
    (1, 'cpu')
    """

    __slots__ = ("type", "index")
    __module__ = "torch"

    type: str
    index: int | None

    def __init__(self, type: str | device, index: int | None = None) -> None:
        name, colon, number = str(type).partition(":")
        if name not in _TYPES or (colon and not number.isdigit()):
            raise RuntimeError(f"Expected one of {', '.join(_TYPES)} device type at start of device string: {type}")
        self.type = name
        self.index = int(number) if colon else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"


CPU = device("cpu")


def check(where: Any) -> None:
    """Make sure that tensors can live there; AssertionError (torch's, without CUDA) where they cannot."""
    found = where if isinstance(where, device) else device(where)
    if found.type != "cpu":
        raise AssertionError(f"Torch not compiled with CUDA enabled: minigrad has no device {str(found)!r} here. "
                             'Choose the device with "cuda" if torch.cuda.is_available() else "cpu".')

"""An array as a page can show it: its numbers if they are few, else a heat map, and what they are like altogether."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

MOST_NUMBERS, MOST_COLUMNS = 40, 10  # shown one by one
CELLS = (18, 36)  # of a heat map, at most
POSITIVE, NEGATIVE, NOT_A_NUMBER = (217, 95, 14), (33, 113, 181), (190, 0, 190)  # red, green, blue


def shown(array: Any) -> dict[str, Any] | None:
    """{"shape", "dtype", "numbers" or "least", "most", "mean", "zeros", and "picture" if there is more than one}."""
    if not isinstance(array, np.ndarray):
        return None
    found: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.size <= MOST_NUMBERS and (array.ndim == 0 or array.shape[-1] <= MOST_COLUMNS):
        found["numbers"] = numbers(array)
    else:
        least, most, mean = array.min(), array.max(), array.mean(dtype=np.float64)
        found |= {"least": number(least), "most": number(most), "mean": number(mean)}
    if array.size > 1:
        found |= {"zeros": int((array == 0).sum()), "picture": heat_map(array)}
    return found


def number(x: Any) -> Any:
    """A number that JSON can hold and that reads as its own dtype prints it: float32's 0.1 is 0.1."""
    if isinstance(x, (np.bool_, np.integer)):
        return x.item()
    return float(str(x)) if np.isfinite(x) else str(x)


def numbers(array: Any) -> Any:
    """All numbers, as nested lists."""
    return [numbers(row) for row in array] if array.ndim else number(array[()])


def heat_map(array: Any) -> str:
    """A picture as a data: address. Each cell is the mean of a block: blue below zero, orange above, clear at zero.

    It is turned, if need be, so that the longer side lies across; a third dimension and more are rows, too.
    """
    grid = np.atleast_1d(array).reshape(-1, array.shape[-1] if array.ndim else 1).astype(np.float64)
    if grid.shape[0] > grid.shape[1]:
        grid = grid.T
    for axis, most in enumerate(CELLS):
        n = grid.shape[axis]
        if n > most:
            edges = np.arange(most + 1) * n // most
            sums = np.add.reduceat(grid, edges[:-1], axis)
            grid = sums / np.expand_dims(np.diff(edges), 1 - axis)
    finite = np.isfinite(grid)
    largest = np.abs(grid[finite]).max(initial=0) or 1
    strength = np.rint(np.abs(np.where(finite, grid, 0)) / largest * 31) / 31  # in few steps: it packs better
    pixels = np.empty((*grid.shape, 4), np.uint8)
    pixels[..., :3] = np.where((grid < 0)[..., None], NEGATIVE, POSITIVE)
    pixels[..., 3] = np.rint(255 * np.sqrt(strength))
    pixels[~finite] = (*NOT_A_NUMBER, 255)
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def png(pixels: Any) -> bytes:
    """A PNG file of (height, width, 4) bytes: red, green, blue, and how opaque."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)  # 0: no filter
    header = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)  # 8 bits each, with transparency
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks)

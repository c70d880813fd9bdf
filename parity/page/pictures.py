"""What the scripts drew: each picture of all engines, as data in the page."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from parity.engines import REFERENCE
from parity.plots import IMAGES, MOST_FIGURES

MOST_PIXELS = 900  # wide; a picture is drawn larger than the page shows it
LEAST_SHARE = 1e-4  # of pixels, that is told in digits
COLORS = 128  # enough for a plot, and a third of the size


@dataclass(frozen=True)
class Version:
    """One engine's version of a picture. `source` is empty where it drew none."""

    engine: str
    source: str
    note: str  # "same pixels as torch"
    width: int = 0
    height: int = 0


def pictures(directories: Mapping[str, Path]) -> dict[str, list[Version]]:
    """For each image that the script saved with torch: all engines' versions."""
    root = directories.get(REFERENCE)
    if root is None:
        return {}
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix.lower() in IMAGES)
    found = {}
    for name in names[:MOST_FIGURES]:
        reference = read(root / name)
        if reference is not None:
            found[name] = [version(engine, folder / name, reference) for engine, folder in directories.items()]
    return found


def read(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError:
        return None


def version(engine: str, path: Path, reference: Image.Image) -> Version:
    image = read(path)
    if image is None:
        return Version(engine, "", "drew no such picture")
    if engine == REFERENCE:
        note = "the reference"
    elif image.size != reference.size:
        note = "of another size"
    else:
        differing = np.mean((np.asarray(image) != np.asarray(reference)).any(axis=-1))
        share = f"{differing:.2%}" if differing >= LEAST_SHARE else f"less than {LEAST_SHARE:.2%}"
        note = f"{share} of the pixels are not torch's" if differing else "same pixels as torch"
    image.thumbnail((MOST_PIXELS, 4 * MOST_PIXELS))
    file = io.BytesIO()
    image.quantize(COLORS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return Version(engine, source, note, *image.size)

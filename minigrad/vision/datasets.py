"""torchvision.datasets: MNIST and Fashion-MNIST, 70,000 images of 28 x 28 gray pixels in ten classes.

The files are looked for where torchvision keeps them, then where $MINIGRAD_DATA says, then downloaded if that
is asked for. None is believed before it is checked: a .gz by its SHA-256, before it is unpacked; an unpacked
file by its own header and its size.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.files import replacing

from . import torch
from .transforms import whole

Function = Callable[[Any], Any]

LARGEST_FILE = 64 * 2**20  # no file of the family comes near; a server that sends more is not believed
SILENCE, PATIENCE = 30, 600  # seconds to wait for a server's next bytes, and for one whole file


class Image:
    """A gray image as the data sets hand it out, in place of torchvision's PIL image: NumPy is all it needs.

    `mode`, `size` (width, height), np.asarray(image) (a uint8 copy), ToTensor and matplotlib's imshow work as
    with PIL; `PIL.Image.fromarray(np.asarray(image))` makes the real thing.
    """

    mode = "L"  # PIL's name for 8-bit gray

    def __init__(self, pixels: np.ndarray[Any, Any]) -> None:
        self._pixels = pixels.copy()
        self.size = pixels.shape[1], pixels.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self._pixels, dtype)

    def __repr__(self) -> str:
        return f"<minigrad.vision Image mode={self.mode} size={self.size[0]}x{self.size[1]}>"


class MNIST(torch.utils.data.Dataset[tuple[Any, Any]]):
    """Handwritten digits (LeCun, Cortes, Burges): item i is (image, label), each through its transform, if any.

    `data` is a uint8 tensor (N, 28, 28), `targets` an int64 tensor (N,): 60,000 to train, 10,000 to test. Files
    are looked for in root/MNIST/raw (.gz or unpacked, torchvision's layout), then in $MINIGRAD_DATA/mnist
    (.gz), and with `download` fetched into the former. RuntimeError if they are nowhere or damaged.
    """

    classes = [*("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"),
               *("5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine")]
    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/"]
    folder = "mnist"  # in $MINIGRAD_DATA
    sha256 = {"train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
              "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
              "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
              "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}

    def __init__(self, root: str | Path, train: bool = True, transform: Function | None = None,
                 target_transform: Function | None = None, download: bool = False) -> None:
        self.root = os.path.expanduser(root)
        self.train = train
        self.transform, self.target_transform = transform, target_transform
        if download:
            self.download()
        split = "train" if train else "t10k"
        images = self._read(f"{split}-images-idx3-ubyte", 3)
        labels = self._read(f"{split}-labels-idx1-ubyte", 1)
        if len(images) != len(labels) or labels.max(initial=0) >= len(self.classes):
            raise RuntimeError(
                f"{type(self).__name__}: {len(images)} images and {len(labels)} labels up to "
                f"{labels.max(initial=0)} do not belong together: delete the unpacked files in {self.raw_folder}")
        self.data = torch.from_numpy(images)
        self.targets = torch.from_numpy(labels.astype(np.int64))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image: Any = Image(self.data.numpy()[index])
        target: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        return len(self.data)

    def __whole__(self, indices: list[int]) -> list[Any] | None:
        """Images sliced and transformed all at once, if the transform can do that; targets one by one."""
        transform = whole(self.transform)
        if transform is None:
            return None
        targets = torch.from_numpy(np.asarray(self.targets)[indices].astype(np.int64))
        if self.target_transform is not None:
            targets = torch.utils.data.default_collate([self.target_transform(label) for label in targets.tolist()])
        return [transform(np.asarray(self.data)[indices]), targets]

    @property
    def raw_folder(self) -> str:
        """Where torchvision keeps the files as they were downloaded."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def __repr__(self) -> str:
        text = (f"Dataset {type(self).__name__}\n    Number of datapoints: {len(self)}\n"
                f"    Root location: {self.root}\n    Split: {'Train' if self.train else 'Test'}")
        named = [("Transform: ", self.transform), ("Target transform: ", self.target_transform)]
        shown = [head + repr(t).replace("\n", "\n" + " " * len(head)) for head, t in named if t is not None]
        return "\n".join([text, "    StandardTransform", *shown] if shown else [text])

    # ---- files ----

    def download(self) -> None:
        """Fetch what is not at hand, of both splits, into `raw_folder`: whole and checked, or not at all."""
        for name, sha256 in self.sha256.items():
            if self._find(name.removesuffix(".gz")) is None:
                content = self._fetch(name, sha256)
                os.makedirs(self.raw_folder, exist_ok=True)
                with replacing(os.path.join(self.raw_folder, name)) as file:
                    file.write(content)

    def _find(self, name: str) -> Path | None:
        places = [Path(self.raw_folder, name), Path(self.raw_folder, name + ".gz")]
        if os.environ.get("MINIGRAD_DATA"):
            places.append(Path(os.environ["MINIGRAD_DATA"], self.folder, name + ".gz"))
        return next((place for place in places if place.is_file()), None)

    def _read(self, name: str, ndim: int) -> np.ndarray[Any, Any]:
        path = self._find(name)
        if path is None:
            data = os.environ.get("MINIGRAD_DATA")
            elsewhere = f"in {os.path.join(data, self.folder)}" if data else "in $MINIGRAD_DATA, which is not set"
            raise RuntimeError(
                f"Dataset not found: {name} is neither in {self.raw_folder} nor {elsewhere}. Put {name}.gz into the "
                f"former, or set MINIGRAD_DATA to a folder that holds {self.folder}/{name}.gz, or use download=True "
                "to download it")
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise RuntimeError(f"{path} is another file: it has {size} bytes, and the published ones have "
                               f"{LARGEST_FILE} at most; delete it")
        content = path.read_bytes()
        if path.suffix == ".gz":
            _check_sha256(content, self.sha256[path.name], path)
            content = gzip.decompress(content)
        return read_idx(content, ndim, path)

    def _fetch(self, name: str, sha256: str) -> bytes:
        from http.client import HTTPException
        from urllib.request import urlopen  # takes long to import, and is seldom needed

        failures = []
        for mirror in self.mirrors:
            print(f"Downloading {mirror}{name}", file=sys.stderr)
            try:
                with urlopen(mirror + name, timeout=SILENCE) as response:
                    content = _received(response)
                _check_sha256(content, sha256, mirror + name)
                return content
            except (OSError, HTTPException, RuntimeError) as error:
                failures.append(f"{mirror}{name}: {error}")
        raise RuntimeError("\n".join([
            f"Error downloading {name}", *failures, f"Nothing was kept. Try again later, or put {name} into "
            f"{self.raw_folder} by hand, or set MINIGRAD_DATA to a folder that holds {self.folder}/{name}"]))


class FashionMNIST(MNIST):
    """Clothes (Zalando Research): as MNIST, in root/FashionMNIST/raw and $MINIGRAD_DATA/fashion-mnist."""

    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    mirrors = ["https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
               "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    folder = "fashion-mnist"
    sha256 = {"train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
              "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
              "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
              "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}


def read_idx(content: bytes, ndim: int, name: object) -> np.ndarray[Any, Any]:
    """What an IDX file holds: a magic number, ndim sizes (big-endian, 4 bytes each), then uint8 data.

    The magic number is 0x0800 (uint8) + ndim. RuntimeError unless header and size agree to the byte. Images (ndim 3)
    must be 28 x 28.
    """
    size, start = len(content), 4 + 4 * ndim
    header = np.frombuffer(content[:start], ">u4") if size >= start else np.zeros(1, ">u4")
    magic, *shape = header.tolist()
    if magic != 0x0800 + ndim:
        raise RuntimeError(f"{name} is no IDX file of uint8 in {ndim} dimensions: its header is {header.tobytes()!r}")
    if ndim == 3 and shape[1:] != [28, 28]:
        raise RuntimeError(f"{name} holds images of {shape[1]} x {shape[2]} pixels, not 28 x 28")
    expected = start + math.prod(shape)
    if size != expected:
        raise RuntimeError(f"{name} is damaged: {size} bytes where its header says {expected}; delete it")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()  # a copy can be written to


def _received(response: Any) -> bytes:
    """What a server sends, up to LARGEST_FILE bytes; TimeoutError if it takes too long, however steadily it drips."""
    content, end = bytearray(), time.monotonic() + PATIENCE
    while len(content) < LARGEST_FILE and (part := response.read1(LARGEST_FILE - len(content))):
        content += part
        if time.monotonic() > end:
            raise TimeoutError(f"only {len(content)} bytes came in {PATIENCE} seconds")
    return bytes(content)


def _check_sha256(content: bytes, expected: str, source: object) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise RuntimeError(f"{source} is damaged, or another file: its {len(content)} bytes have SHA-256 {found}, the "
                           f"published file has {expected}")

"""vision: the files (good, damaged, missing, downloaded), the images, the transforms, on minigrad and on torch.

torchvision itself is not at hand: what it gives is written out here (texts, layouts) or computed with torch.
MINIGRAD_DATA, a folder that holds fashion-mnist/*.gz, lets the tests see the real images, too.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import minigrad as mg
import minigrad.utils.data as mg_data
import minigrad.vision as mg_vision

NAMES = [f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
torch_vision = mg_vision.build(torch, "torchvision_for_tests")
LIBS = pytest.mark.parametrize("lib, vision", [(mg, mg_vision), (torch, torch_vision)], ids=["minigrad", "torch"])


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def small(name: str) -> np.ndarray:
    rng = np.random.default_rng(len(name))
    n = 12 if name.startswith("train") else 5
    if "labels" in name:
        return rng.integers(0, 10, n, np.uint8)
    return rng.integers(0, 256, (n, 28, 28), np.uint8)


FILES = {name: idx(small(name)) for name in NAMES}
PACKED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in FILES.items()}


def kind(vision: Any, **attributes: Any) -> Any:
    """FashionMNIST as it would be, had the small files been published."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in PACKED.items()}
    return type("FashionMNIST", (vision.datasets.FashionMNIST,), {"sha256": hashes, "mirrors": [], **attributes})


def put(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "FashionMNIST" / "raw"


# ---- where the files are ----


@LIBS
@pytest.mark.parametrize("layout", ["unpacked", "packed", "both", "MINIGRAD_DATA"])
def test_places(lib: Any, vision: Any, layout: str, tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    if layout == "MINIGRAD_DATA":
        monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "data"))
        put(tmp_path / "data" / "fashion-mnist", PACKED)
    if layout in ("unpacked", "both"):
        put(raw, FILES)
    if layout in ("packed", "both"):
        put(raw, PACKED)
    for train, split in ((True, "train"), (False, "t10k")):
        data = kind(vision)(tmp_path, train, download=True)  # nothing is missing: nothing is fetched
        assert type(data.data) is lib.Tensor and data.data.dtype == lib.uint8 and data.targets.dtype == lib.int64
        np.testing.assert_array_equal(data.data.numpy(), small(f"{split}-images-idx3-ubyte"))
        np.testing.assert_array_equal(data.targets.numpy(), small(f"{split}-labels-idx1-ubyte"))
        assert data.data.numpy().flags.writeable and len(data) == len(data.targets)
        assert isinstance(data, lib.utils.data.Dataset)
    assert data.class_to_idx["Ankle boot"] == 9 and len(data.classes) == 10


def test_root_comes_first(tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "data"))
    put(tmp_path / "data" / "fashion-mnist", {name: b"wrong" for name in PACKED})
    put(raw, FILES)
    assert len(kind(mg_vision)(str(tmp_path))) == 12


def test_home(tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    put(raw, FILES)
    data = kind(mg_vision)("~")
    assert data.root == str(tmp_path) and data.raw_folder == str(raw)


def test_mnist_has_its_own_folders(tmp_path: Path) -> None:
    put(tmp_path / "MNIST" / "raw", FILES)
    data = mg_vision.datasets.MNIST(tmp_path)
    assert len(data) == 12 and data.classes[3] == "3 - three"
    assert [c.split(" - ")[0] for c in data.classes] == list("0123456789")


@pytest.mark.parametrize("data", [None, "elsewhere"])
def test_not_found_names_all_three_ways(data: str | None, tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    if data:
        monkeypatch.setenv("MINIGRAD_DATA", data)
    with pytest.raises(RuntimeError, match="Dataset not found") as error:
        kind(mg_vision)(tmp_path)
    for hint in (str(raw), "MINIGRAD_DATA", "fashion-mnist/train-images-idx3-ubyte.gz", "download=True"):
        assert hint in str(error.value)
    assert not data or "elsewhere/fashion-mnist" in str(error.value)
    assert not raw.exists()


# ---- damaged files ----


@pytest.mark.parametrize(
    "damaged", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"", lambda b: b[:100] + b"\xff" + b[101:]]
)
@pytest.mark.parametrize("place", ["root", "MINIGRAD_DATA"])
def test_damaged_archives(damaged: Any, place: str, tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    folder = raw if place == "root" else tmp_path / "fashion-mnist"
    name = "train-images-idx3-ubyte.gz"
    put(folder, PACKED | {name: damaged(PACKED[name])})
    with pytest.raises(RuntimeError, match=r"train-images-idx3-ubyte\.gz is damaged, or another file.*SHA-256"):
        kind(mg_vision)(tmp_path)
    assert len(kind(mg_vision)(tmp_path, train=False)) == 5


IMAGES = FILES["train-images-idx3-ubyte"]


@pytest.mark.parametrize(
    "content, message",
    [
        (IMAGES[:-1], "is damaged: 9423 bytes where its header says 9424"),
        (IMAGES + b"\0", "is damaged: 9425 bytes"),
        (b"", "is no IDX file"),
        (IMAGES[:15], "is no IDX file"),
        (IMAGES[:16], "is damaged: 16 bytes"),
        (FILES["train-labels-idx1-ubyte"] + bytes(99), "is no IDX file"),
        (b"\x1f\x8b" + IMAGES[2:], "is no IDX file"),
        (IMAGES[:2] + b"\x0d" + IMAGES[3:], "is no IDX file"),  # float32
        (struct.pack(">4I", 2051, 2**32 - 1, 28, 28), "is damaged: 16 bytes where its header says 3367254359296"),
        (struct.pack(">4I", 2051, 12, 784, 1) + IMAGES[16:], "784 x 1 pixels"),
        (struct.pack(">4I", 2051, 1, 2**32 - 1, 2**32 - 1), "pixels"),
        (struct.pack(">4I", 2051, 0, 28, 28), "0 images and 12 labels"),
        (struct.pack(">4I", 2051, 13, 28, 28) + bytes(13 * 784), "13 images and 12 labels"),
    ],
)
def test_damaged_idx_files(content: bytes, message: str, tmp_path: Path, raw: Path) -> None:
    put(raw, FILES | {"train-images-idx3-ubyte": content})
    with pytest.raises(RuntimeError, match=message):
        kind(mg_vision)(tmp_path)


def test_a_file_far_too_large_is_not_read(tmp_path: Path, raw: Path) -> None:
    put(raw, FILES)
    with open(raw / "train-images-idx3-ubyte", "wb") as file:
        file.truncate(2**40)  # a hole: it takes no room on the disk
    with pytest.raises(RuntimeError, match="it has 1099511627776 bytes"):
        kind(mg_vision)(tmp_path)


def test_labels_out_of_range(tmp_path: Path, raw: Path) -> None:
    put(raw, FILES | {"train-labels-idx1-ubyte": idx(np.full(12, 10, np.uint8))})
    with pytest.raises(RuntimeError, match="labels up to 10"):
        kind(mg_vision)(tmp_path)


# ---- downloads ----


class Server(http.server.ThreadingHTTPServer):
    """Serves the small files as /good/, and as bad servers would."""

    requests: list[str]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests.append(self.path)  # type: ignore[attr-defined]
        _, manner, name = self.path.split("/")
        content = PACKED[name]
        if manner == "broken":
            return self.send_error(500)
        self.send_response(200)
        if manner != "unsized":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        wrong = {"truncated": content[:50], "unsized": content[:50], "wrong": bytes(len(content))}
        self.wfile.write(wrong.get(manner, content))

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def mirrors(server: Any, *manners: str) -> list[str]:
    return [f"http://127.0.0.1:{server.server_port}/{manner}/" for manner in manners]


def test_download(server: Any, tmp_path: Path, raw: Path) -> None:
    server.requests.clear()
    fashion = kind(mg_vision, mirrors=mirrors(server, "good"))
    assert len(fashion(tmp_path, download=True)) == 12
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == PACKED  # both splits, and nothing else
    assert len(fashion(tmp_path, train=False)) == 5
    fashion(tmp_path, download=True)
    assert len(server.requests) == 4
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    fashion(tmp_path, download=True)
    assert server.requests[4:] == ["/good/t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize(
    "manner, why",
    [("truncated", "50"), ("unsized", "its 50 bytes"), ("wrong", "SHA-256"), ("broken", "500"), ("", "refused")],
)
def test_bad_downloads_leave_nothing(manner: str, why: str, server: Any, tmp_path: Path, raw: Path) -> None:
    urls = mirrors(server, manner) if manner else ["http://127.0.0.1:1/"]
    with pytest.raises(RuntimeError, match=f"(?s)Error downloading train-images-idx3-ubyte.gz.*{urls[0]}.*{why}"):
        kind(mg_vision, mirrors=urls)(tmp_path, download=True)
    assert not raw.exists()
    assert len(kind(mg_vision, mirrors=urls + mirrors(server, "good"))(tmp_path, download=True)) == 12


def test_a_download_too_large_is_cut_off(server: Any, tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(mg_vision.datasets, "LARGEST_FILE", 100)
    with pytest.raises(RuntimeError, match="its 100 bytes"):
        kind(mg_vision, mirrors=mirrors(server, "good"))(tmp_path, download=True)
    assert not raw.exists()


def test_an_interrupted_write_leaves_nothing(server: Any, tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    def full(handle: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kind(mg_vision, mirrors=mirrors(server, "good"))(tmp_path, download=True)
    assert list(raw.iterdir()) == []


# ---- items ----


@LIBS
def test_images_without_a_transform(lib: Any, vision: Any, tmp_path: Path, raw: Path) -> None:
    put(raw, FILES)
    data = kind(vision)(tmp_path)
    image, label = data[-1]
    pixels = small("train-images-idx3-ubyte")[-1]
    assert type(label) is int and label == small("train-labels-idx1-ubyte")[-1]
    assert image.size == (28, 28) and image.mode == "L" and "28x28" in repr(image)
    np.testing.assert_array_equal(np.asarray(image), pixels)
    assert np.asarray(image).dtype == np.uint8 and np.asarray(image, float).dtype == float
    np.asarray(image)[:] = 0
    first, before = data[0][0], np.asarray(data[0][0])
    data.data[0] = 255 - data.data[0]
    np.testing.assert_array_equal(np.asarray(first), before)
    assert not np.array_equal(np.asarray(data[0][0]), before)
    assert data.data[-1].tolist() == pixels.tolist() == np.array(image).tolist()
    np.testing.assert_array_equal(PIL.Image.fromarray(np.asarray(image)), pixels)
    with pytest.raises(IndexError):
        data[12]
    with pytest.raises(TypeError, match="default_collate: batch must contain"):  # as with a PIL image
        next(iter(lib.utils.data.DataLoader(data)))


@LIBS
def test_repr(lib: Any, vision: Any, tmp_path: Path, raw: Path) -> None:
    put(raw, FILES)
    fashion, t = kind(vision), vision.transforms
    head = f"Dataset FashionMNIST\n    Number of datapoints: 5\n    Root location: {tmp_path}\n    Split: Test"
    assert repr(fashion(tmp_path, False)) == head
    one = fashion(tmp_path, False, t.ToTensor(), t.Lambda(float))
    assert repr(one) == head + "\n    StandardTransform\nTransform: ToTensor()\nTarget transform: Lambda()"
    two = fashion(tmp_path, False, t.Compose([t.ToTensor(), t.Normalize((0.5,), (0.25,))]))
    assert repr(two) == head + (
        "\n    StandardTransform\nTransform: Compose(\n               ToTensor()\n"
        "               Normalize(mean=(0.5,), std=(0.25,))\n           )"
    )
    assert repr(fashion(tmp_path)).count("Train") == 1


def one_hot(lib: Any) -> Any:
    return lambda y: lib.eye(10)[y]


CASES = {
    "ToTensor": lambda t, lib: (t.ToTensor(), None),
    "one-hot": lambda t, lib: (t.ToTensor(), t.Lambda(one_hot(lib))),
    "Normalize": lambda t, lib: (t.Compose([t.ToTensor(), t.Normalize((0.2860,), (0.3530,))]), None),
    "nested": lambda t, lib: (t.Compose([t.Compose([t.ToTensor()]), t.Normalize([0.5], [0.5])]), float),
    "Lambda": lambda t, lib: (t.Compose([t.ToTensor(), t.Lambda(lambda x: x.flatten())]), None),
    "function": lambda t, lib: (lambda image: int(np.asarray(image).sum()), str),
    "subclass": lambda t, lib: (inverted(t)(), None),
}


def inverted(t: Any) -> Any:
    class Inverted(t.ToTensor):  # type: ignore[misc,name-defined]
        def __call__(self, image: Any) -> Any:
            return 1 - super().__call__(image)

    return Inverted


def plain(x: Any) -> Any:
    return x.numpy() if isinstance(x, (mg.Tensor, torch.Tensor)) else x


@pytest.mark.parametrize("name", CASES)
def test_batches_sliced_or_collated_equal_torchs(name: str, tmp_path: Path, raw: Path) -> None:
    put(raw, FILES)
    batches: dict[str, list[Any]] = {}
    for lib, vision in ((mg, mg_vision), (torch, torch_vision)):
        data = kind(vision)(tmp_path, True, *CASES[name](vision.transforms, lib))
        for how, collate_fn in (
            ("", None),
            (" item by item", lambda items, lib=lib: lib.utils.data.default_collate(items)),
        ):
            lib.manual_seed(0)
            loader = lib.utils.data.DataLoader(data, 5, shuffle=True, collate_fn=collate_fn)
            batches[lib.__name__ + how] = list(loader)
        part = lib.utils.data.Subset(data, range(7, 2, -1))
        batches[lib.__name__ + " part"] = list(lib.utils.data.DataLoader(part, 3))
    for mine, theirs in [("minigrad", "torch"), ("minigrad item by item", "torch"), ("minigrad part", "torch part")]:
        for a, b in zip(batches[mine], batches[theirs], strict=True):
            assert type(a) is type(b) is list
            for x, y in zip(a, b, strict=True):
                assert str(getattr(x, "dtype", None)) == str(getattr(y, "dtype", None))
                np.testing.assert_array_equal(plain(x), plain(y), strict=not isinstance(x, (list, tuple)))


def test_sliced_means_no_item_is_made(tmp_path: Path, raw: Path, monkeypatch: Any) -> None:
    put(raw, FILES)
    fashion, t = kind(mg_vision), mg_vision.transforms
    monkeypatch.setattr(mg_vision.datasets, "Image", None)
    for name, sliced in (("one-hot", True), ("Normalize", True), ("Lambda", False), ("subclass", False)):
        loader = mg_data.DataLoader(fashion(tmp_path, True, *CASES[name](t, mg)), 5)
        if sliced:
            assert len(list(loader)) == 3
        else:
            with pytest.raises(TypeError):
                list(loader)


def test_data_changed_by_the_user_is_what_is_loaded(tmp_path: Path, raw: Path) -> None:
    put(raw, FILES)
    data = kind(mg_vision)(tmp_path, transform=mg_vision.transforms.ToTensor())
    keep = [1, 4]
    data.data, data.targets = data.data[keep], data.targets[keep].tolist()
    (images, labels), *rest = mg_data.DataLoader(data, 9)
    assert rest == [] and labels.dtype == mg.int64
    np.testing.assert_array_equal(labels.numpy(), small(NAMES[1])[keep])
    np.testing.assert_array_equal(images.numpy()[:, 0], small(NAMES[0])[keep].astype(np.float32) / np.float32(255))
    assert data[1][1] == labels[1].item()


# ---- transforms ----


@LIBS
def test_to_tensor(lib: Any, vision: Any) -> None:
    to_tensor = vision.transforms.ToTensor()
    gray = np.arange(256, dtype=np.uint8).reshape(8, 32)
    expected = torch.arange(256).float().div(255).reshape(1, 8, 32)
    for image in (gray, PIL.Image.fromarray(gray), gray[:, :, None], gray.T.copy().T):
        x = to_tensor(image)
        assert type(x) is lib.Tensor and x.dtype == lib.float32 and x.is_contiguous()
        np.testing.assert_array_equal(x.numpy(), expected.numpy())
    color = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    for image in (color, PIL.Image.fromarray(color), color[:, ::1, ::-1][:, :, ::-1]):
        expected = torch.from_numpy(color.transpose(2, 0, 1).copy()).float().div(255)
        np.testing.assert_array_equal(to_tensor(image).numpy(), expected.numpy(), strict=True)
        assert to_tensor(image).is_contiguous()
    floats = to_tensor(np.full((2, 3), 7.5))
    assert floats.dtype == lib.float64 and floats.tolist() == [[[7.5] * 3] * 2]
    black_and_white = PIL.Image.fromarray(np.array([[True, False]]))
    assert to_tensor(black_and_white).tolist() == [[[1.0, 0.0]]]
    assert repr(to_tensor) == "ToTensor()"


@LIBS
def test_to_tensor_makes_the_default_dtype(lib: Any, vision: Any) -> None:
    lib.set_default_dtype(lib.float64)
    try:
        x = vision.transforms.ToTensor()(np.array([[1]], np.uint8))
    finally:
        lib.set_default_dtype(lib.float32)
    assert x.dtype == lib.float64 and x.item() == 1 / 255


@LIBS
@pytest.mark.parametrize(
    "image, error, message",
    [
        (lambda lib: lib.zeros(2, 2), TypeError, "pic should be PIL Image or ndarray. Got <class"),
        (lambda lib: [[1]], TypeError, "pic should be PIL Image or ndarray. Got <class 'list'>"),
        (lambda lib: np.zeros(3), ValueError, "pic should be 2/3 dimensional. Got 1 dimensions."),
        (lambda lib: np.zeros((1, 2, 3, 4)), ValueError, "Got 4 dimensions."),
    ],
)
def test_to_tensor_errors(lib: Any, vision: Any, image: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        vision.transforms.ToTensor()(image(lib))


@LIBS
def test_normalize(lib: Any, vision: Any) -> None:
    x = lib.arange(24, dtype=lib.float32).reshape(2, 3, 4)
    normalize = vision.transforms.Normalize((0.5, 10), (2, 0.3))
    y = normalize(x)
    expected = (
        torch.arange(24.0).reshape(2, 3, 4).sub(torch.tensor([[[0.5]], [[10]]])).div(torch.tensor([[[2]], [[0.3]]]))
    )
    np.testing.assert_array_equal(y.numpy(), expected.numpy(), strict=True)
    assert x[0, 0, 1] == 1
    assert vision.transforms.Normalize((0.5, 10), (2, 0.3), inplace=True)(x) is x and x[0, 0, 1] == 0.25
    for bad, error in (
        (np.zeros((1, 2, 2)), TypeError),
        (lib.zeros(1, 1, 1).long(), TypeError),
        (lib.zeros(2), ValueError),
    ):
        with pytest.raises(error):
            normalize(bad)
    with pytest.raises(ValueError, match="std evaluated to zero"):
        vision.transforms.Normalize((0,), (0,))(x)


@LIBS
def test_lambda_and_compose(lib: Any, vision: Any) -> None:
    t = vision.transforms
    assert t.Compose([t.Lambda(lambda x: x + 1), lambda x: 2 * x])(3) == 8
    assert repr(t.Lambda(len)) == "Lambda()" and repr(t.Compose([])) == "Compose(\n)"
    with pytest.raises(TypeError, match="Argument lambd should be callable, got 'int'"):
        t.Lambda(3)


# ---- for another torch ----


def test_build() -> None:
    import torchvision_for_tests.transforms as its_own  # type: ignore[import-not-found]

    assert its_own is torch_vision.transforms and its_own is not mg_vision.transforms
    assert its_own.ToTensor.__module__ == "torchvision_for_tests.transforms"
    assert issubclass(torch_vision.datasets.MNIST, torch.utils.data.Dataset)
    assert not issubclass(torch_vision.datasets.MNIST, mg_data.Dataset)
    assert mg_vision.transforms.ToTensor.__module__ in ("minigrad.vision.transforms", "torchvision.transforms")
    with pytest.raises(RuntimeError, match="loaded already"):
        mg_vision.build(torch, "torchvision_for_tests")
    assert "torchvision" not in sys.modules


# ---- the real thing ----


@pytest.fixture
def fashion_data(request: Any, monkeypatch: Any) -> Path:
    data = REAL
    if not data or not Path(data, "fashion-mnist").is_dir():
        pytest.skip(
            "NOT RUN: the real Fashion-MNIST. Set MINIGRAD_DATA to a folder that holds fashion-mnist/*.gz "
            f"(it is {data!r} now)"
        )
    monkeypatch.setenv("MINIGRAD_DATA", data)
    return Path(data, "fashion-mnist")


REAL = os.environ.get("MINIGRAD_DATA")


@pytest.mark.parametrize("train", [True, False])
def test_the_real_fashion_mnist(train: bool, fashion_data: Path, tmp_path: Path) -> None:
    split, n = ("train", 60000) if train else ("t10k", 10000)
    data = mg_vision.datasets.FashionMNIST(tmp_path, train, mg_vision.transforms.ToTensor())
    with gzip.open(fashion_data / f"{split}-images-idx3-ubyte.gz") as file:
        assert struct.unpack(">4I", file.read(16)) == (2051, n, 28, 28)
        images = np.frombuffer(file.read(), np.uint8).reshape(n, 28, 28)
    with gzip.open(fashion_data / f"{split}-labels-idx1-ubyte.gz") as file:
        assert struct.unpack(">2I", file.read(8)) == (2049, n)
        labels = np.frombuffer(file.read(), np.uint8)
    np.testing.assert_array_equal(data.data.numpy(), images, strict=True)
    np.testing.assert_array_equal(data.targets.numpy(), labels.astype(np.int64), strict=True)
    seen = 0
    for x, y in mg_data.DataLoader(data, 4096):
        expected = torch.from_numpy(images[seen : seen + 4096].copy()).float().div(255)
        np.testing.assert_array_equal(x.numpy()[:, 0], expected.numpy(), strict=True)
        np.testing.assert_array_equal(y.numpy(), labels[seen : seen + 4096])
        seen += len(x)
    assert seen == len(data) == n and list(tmp_path.iterdir()) == []

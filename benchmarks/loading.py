"""Data loading: one pass over a DataLoader, the same program on minigrad and on torch, in the process itself.

torchvision is used where it is installed; otherwise minigrad's FashionMNIST and transforms, built on torch.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from benchmarks.engines import NotThere
from benchmarks.workloads import Pair

ITEMS = 2000  # a pass: the data set's first items

KINDS = {
    "tensors": "TensorDataset, batches of 64",
    "tensors, shuffled": "TensorDataset, batches of 10, shuffled",
    "images": "FashionMNIST with ToTensor, batches of 64: a transform that can take whole arrays",
    "images, per item": "FashionMNIST with ToTensor, and a Lambda for each target, batches of 10: the experiment's",
    "images, drawn": "FashionMNIST with ToTensor and a Lambda for each image, batches of 10",
}


def loader_pass(torch: Any, kind: str) -> Pair:
    """step() goes through a loader once; result() is the sum of all its batches."""
    make = _tensors if kind.startswith("tensors") else _images
    loader = make(torch, kind)

    def step() -> None:
        for _ in loader:
            pass

    def result() -> list[float]:
        torch.manual_seed(0)
        return [float(sum(part.double().sum().item() for part in batch)) for batch in loader]

    return step, result


def _tensors(torch: Any, kind: str) -> Any:
    data = torch.utils.data
    pixels = np.random.RandomState(0).uniform(0, 1, (ITEMS, 784)).astype(np.float32)
    dataset = data.TensorDataset(torch.from_numpy(pixels), torch.arange(ITEMS))
    shuffled = kind == "tensors, shuffled"
    return data.DataLoader(dataset, batch_size=10 if shuffled else 64, shuffle=shuffled)


def _images(torch: Any, kind: str) -> Any:
    vision = _vision(torch)
    transforms, data = vision.transforms, torch.utils.data
    transform, target_transform = transforms.ToTensor(), None
    if kind == "images, per item":
        target_transform = transforms.Lambda(
            lambda label: torch.zeros(10, dtype=torch.float).scatter_(0, torch.tensor(label), value=1))
    if kind == "images, drawn":
        transform = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda image: image * 2 - 1)])
    try:
        dataset = vision.datasets.FashionMNIST(os.environ.get("MINIGRAD_DATA", "data"), transform=transform,
                                               target_transform=target_transform)
    except RuntimeError:
        raise NotThere("not run: no Fashion-MNIST (MINIGRAD_DATA)") from None
    return data.DataLoader(data.Subset(dataset, range(ITEMS)), batch_size=64 if kind == "images" else 10)


def _vision(torch: Any) -> Any:
    """torchvision for torch; minigrad.vision for minigrad, and for a torch without torchvision built on it."""
    if torch.__name__ == "minigrad":
        import minigrad.vision

        return minigrad.vision
    if "torchvision" in sys.modules:
        return sys.modules["torchvision"]
    try:
        import torchvision

        return torchvision
    except ImportError:
        import minigrad.vision

        return minigrad.vision.build(torch)

"""torchvision.transforms: functions of one image, as objects that print well.

`whole(transform)` is such a function for a whole stack of images at once, where there is one: a loader then
slices its batches instead of putting them together image by image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.utils.data.dataset import shortcut

from . import torch

Function = Callable[[Any], Any]


class ToTensor:
    """An image (H, W) or (H, W, C), as an array or a PIL image, to a tensor of shape (C, H, W).

    uint8 becomes the default float dtype and is divided by 255, so that it lies in [0, 1]; other dtypes stay as
    they are. TypeError for anything that is not an image, ValueError for an array of other dimensions.

    >>> ToTensor()(np.array([[0, 255]], np.uint8))
    tensor([[[0., 1.]]])
    """

    def __call__(self, pic: Any) -> Any:
        mode = getattr(pic, "mode", None)  # a string in PIL images; tensors have a method of that name
        if not isinstance(pic, np.ndarray) and not isinstance(mode, str):
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
        pixels = np.asarray(pic)
        if pixels.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pixels.ndim} dimensions.")
        if mode == "1":  # black and white: bools
            pixels = pixels * np.uint8(255)
        return _scaled(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))

    def whole(self) -> Function:
        """The same for gray images in one array of shape (N, H, W)."""
        return lambda images: _scaled(images[:, None])

    def __repr__(self) -> str:
        return "ToTensor()"


def _scaled(pixels: np.ndarray[Any, Any]) -> Any:
    tensor = torch.from_numpy(np.array(pixels, order="C"))
    return tensor.to(torch.get_default_dtype()).div(255) if pixels.dtype == np.uint8 else tensor


class Normalize:
    """(x - mean) / std for each channel of float images (..., C, H, W); mean and std hold a number a channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor: Any) -> Any:
        """TypeError unless it is a float tensor; ValueError if it has no channels, or std holds a 0."""
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
        if not tensor.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
        if tensor.ndim < 3:
            raise ValueError(f"Expected tensor to be a tensor image of size (..., C, H, W). Got {tensor.shape}")
        mean = torch.as_tensor(self.mean, dtype=tensor.dtype).reshape(-1, 1, 1)
        std = torch.as_tensor(self.std, dtype=tensor.dtype).reshape(-1, 1, 1)
        if (std == 0).any():
            raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
        return (tensor if self.inplace else tensor.clone()).sub_(mean).div_(std)

    def whole(self) -> Function:
        """The same: leading dimensions do not matter."""
        return self

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Lambda:
    """Any function as a transform; TypeError if it cannot be called."""

    def __init__(self, lambd: Function) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class Compose:
    """Transforms one after another.

    >>> Compose([ToTensor(), Normalize([0.5], [0.5])])
    Compose(
        ToTensor()
        Normalize(mean=[0.5], std=[0.5])
    )
    """

    def __init__(self, transforms: Sequence[Function]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def whole(self) -> Function | None:
        """The chain of their forms for whole stacks; None where one has none."""
        forms = [form for form in map(whole, self.transforms) if form is not None]
        return Compose(forms) if len(forms) == len(self.transforms) else None

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


def whole(transform: Any) -> Function | None:
    """The transform for a stack of images at once, with the same numbers; None if it only takes single ones."""
    form = shortcut(transform, "whole", replaced_by={"__call__"})
    return form() if form else None

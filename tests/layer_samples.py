"""Sample inputs for the entries of the table that nn/rules.py adds; how they are made is in samples.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import samples
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import _loss, functional, of, one, sized


def activation(name: str, **options: Any) -> Any:
    """A function of one tensor."""
    return lambda torch, x: getattr(functional(torch), name)(x, **options), of(one())


def loss(name: str, **options: Any) -> Any:
    """A loss of two tensors of one shape."""
    return (lambda torch, x, y, reduction: getattr(functional(torch), name)(x, y, reduction=reduction, **options),
            sized(_loss()))


def _kl_div(torch: Any, x: Any, y: Any, reduction: str) -> Any:
    return functional(torch).kl_div(x, torch.sigmoid(y), reduction=reduction.replace("mean", "batchmean"))


@st.composite
def _classified(draw: Any) -> Any:
    samples, classes = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    ids = draw(hnp.arrays(np.int64, samples, elements=st.integers(0, classes - 1)))
    return [(samples, classes)], {"ids": ids, "reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


def _nll_loss(torch: Any, x: Any, ids: Any, reduction: str) -> Any:
    return functional(torch).nll_loss(x, torch.from_numpy(ids), reduction=reduction)


@st.composite
def _normalised(draw: Any) -> Any:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=4))
    last = draw(st.integers(1, len(shape)))
    return [shape, shape[-last:], shape[-last:]], {"shape": shape[-last:]}


def _layer_norm(torch: Any, x: Any, w: Any, b: Any, shape: Any) -> Any:
    return functional(torch).layer_norm(x, shape, w, b, eps=0.1)


@st.composite
def _channels(draw: Any) -> Any:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=3))
    return [shape, shape[1:2], shape[1:2]], {"training": draw(st.booleans())}


def _batch_norm(torch: Any, x: Any, w: Any, b: Any, training: bool) -> Any:
    mean, var = torch.zeros_like(w).detach(), torch.ones_like(w).detach()
    return functional(torch).batch_norm(x, mean, var, w, b, training=training, eps=0.1)


@st.composite
def _lookup(draw: Any) -> Any:
    rows, size = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    ids = draw(hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=2), elements=st.integers(0, rows - 1)))
    return [(rows, size)], {"ids": ids, "padding_idx": draw(st.sampled_from([None, 0, -1]))}


def _embedding(torch: Any, w: Any, ids: Any, **options: Any) -> Any:
    return functional(torch).embedding(torch.from_numpy(ids), w, **options)


@st.composite
def _convolved(draw: Any) -> Any:
    """Shapes of a convolution in one or two dimensions that fit: input, weight, bias."""
    dims = draw(st.integers(1, 2))
    batch, groups, inputs, outputs = (draw(st.integers(1, 2)) for _ in range(4))
    kernel = [draw(st.integers(1, 3)) for _ in range(dims)]
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    sizes = [dilation * (k - 1) + 1 + draw(st.integers(0, 3)) for k in kernel]
    odd = all(k % 2 for k in kernel)  # torch warns of a copy that it makes for "same" with an even kernel
    paddings = [0, 1, "valid", *["same"] * (stride == 1 and odd)]
    return ([(batch, groups * inputs, *sizes), (groups * outputs, inputs, *kernel), (groups * outputs,)],
            {"stride": stride, "padding": draw(st.sampled_from(paddings)), "dilation": dilation, "groups": groups})


def _conv(torch: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    return getattr(functional(torch), f"conv{x.ndim - 2}d")(x, w, b, **options)


@st.composite
def _unconvolved(draw: Any) -> Any:
    batch, groups, inputs, outputs = (draw(st.integers(1, 2)) for _ in range(4))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return ([(batch, groups * inputs, height, width), (groups * inputs, outputs, 2, 3), (groups * outputs,)],
            {"stride": stride, "padding": draw(st.integers(0, 1)), "dilation": dilation, "groups": groups,
             "output_padding": draw(st.integers(0, stride - 1))})


def _conv_transpose(torch: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    padding = options.pop("padding") if min(x.shape[2:]) > 1 or w.shape[2] > 1 else 0
    if x.shape[2] == 1 and options["dilation"] == 1:
        padding = 0  # the output would be empty
    return functional(torch).conv_transpose2d(x, w, b, padding=padding, **options)


@st.composite
def _pooled(draw: Any, **options: Any) -> Any:
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=4, min_side=2, max_side=5))
    kernel = (draw(st.integers(1, 2)), 2)
    return [shape], {"kernel_size": kernel, "stride": draw(st.sampled_from([None, 1, 3])),
                     "padding": draw(st.sampled_from([0, (0, 1)])), "ceil_mode": draw(st.booleans()),
                     **{name: draw(values) for name, values in options.items()}}


@st.composite
def _padded(draw: Any) -> Any:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=4))
    pad = [draw(st.integers(-1, 2)) for _ in range(2 * draw(st.integers(1, 2)))]
    return [shape], {"pad": pad, "value": draw(st.sampled_from([None, 1.5]))}


SAMPLES = samples.SAMPLES | {
    "leaky_relu": activation("leaky_relu", negative_slope=0.1),
    "elu": activation("elu", alpha=2.0),
    "celu": activation("celu", alpha=2.0),
    "gelu": activation("gelu"),
    "silu": activation("silu"),
    "softplus": activation("softplus", beta=2.0, threshold=1.5),
    "log_sigmoid": activation("logsigmoid"),
    "hardtanh": activation("hardtanh"),
    "huber_loss": loss("huber_loss", delta=0.5),
    "smooth_l1_loss": loss("smooth_l1_loss", beta=2.0),
    "nll_loss": (_nll_loss, sized(_classified())),
    "kl_div": (_kl_div, sized(_loss())),
    "standardize": (_layer_norm, sized(_normalised())),
    "layer_norm": (_layer_norm, sized(_normalised())),
    "batch_norm": (_batch_norm, sized(_channels())),
    "embedding": (_embedding, sized(_lookup())),
    "convolution": (_conv, sized(_convolved())),
    "conv_transpose": (_conv_transpose, sized(_unconvolved())),
    "max_pool": (lambda torch, x, **options: functional(torch).max_pool2d(x, **options), sized(_pooled())),
    "avg_pool": (lambda torch, x, **options: functional(torch).avg_pool2d(x, **options),
                 sized(_pooled(count_include_pad=st.booleans(), divisor_override=st.sampled_from([None, 3])))),
    "pad": (lambda torch, x, pad, value: functional(torch).pad(x, pad, value=value), sized(_padded())),
}

REACHED_BY = samples.REACHED_BY | {"windows": "convolution", "fold": "convolution", "first_max": "max_pool"}

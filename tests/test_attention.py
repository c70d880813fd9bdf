"""Attention and the Transformer against torch: values, gradients, masks, random draws, weights, reprs, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from side_by_side import plain, same, same_error, same_warnings
from test_conv import agree, tensor, value_and_gradients

import minigrad as mg

INF = float("inf")


def close(scenario: Any, tol: float = 1e-5) -> None:
    """What a scenario returns, tensors and what == compares, is the same on both libraries; tensors to `tol`."""
    ours, theirs = scenario(mg), scenario(torch)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(a, mg.Tensor):
            assert tuple(a.shape) == tuple(b.shape) and str(a.dtype) == str(b.dtype)
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tol, atol=tol)
        else:
            assert a == b


# -------------------------------------------------------------------------------------- the function


MASKS: dict[str, Any] = {
    "none": lambda lib: {},
    "bool": lambda lib: {"attn_mask": tensor(lib, 4, 5, seed=7) > -0.5},
    "float": lambda lib: {"attn_mask": tensor(lib, 4, 5, seed=7)},
    "an empty row": lambda lib: {"attn_mask": lib.arange(20).view(4, 5) > 4},
    "causal": lambda lib: {"is_causal": True},
    "scale": lambda lib: {"scale": 0.3},
}


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
@pytest.mark.parametrize("mask", MASKS)
def test_attention_function(mask: str, batch: tuple[int, ...]) -> None:
    def run(lib: Any) -> list[Any]:
        q, k, v = tensor(lib, *batch, 4, 6), tensor(lib, *batch, 5, 6, seed=1), tensor(lib, *batch, 5, 6, seed=2)
        return value_and_gradients(lib, lambda *x: lib.nn.functional.scaled_dot_product_attention(
            *x, **MASKS[mask](lib)), q, k, v)

    close(run, 1e-9)


def test_dropped_weights_are_those_that_torch_drops() -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(4)
        q, k, v = [tensor(lib, 2, 3, 4, 6, seed=i) for i in range(3)]
        attention = lib.nn.functional.scaled_dot_product_attention
        return [*value_and_gradients(lib, lambda *x: attention(*x, dropout_p=0.4), q, k, v), lib.rand(3)]

    close(run, 1e-9)


def test_groups_of_queries_share_a_key() -> None:
    def run(lib: Any) -> list[Any]:
        q, k, v = tensor(lib, 2, 6, 4, 3), tensor(lib, 2, 2, 5, 3, seed=1), tensor(lib, 2, 2, 5, 3, seed=2)
        return value_and_gradients(lib, lambda *x: lib.nn.functional.scaled_dot_product_attention(
            *x, enable_gqa=True), q, k, v)

    close(run, 1e-9)


def test_second_derivatives() -> None:
    q, k, v = [tensor(mg, 2, 3, 4, seed=i).requires_grad_() for i in range(3)]
    assert mg.autograd.gradgradcheck(mg.nn.functional.scaled_dot_product_attention, (q, k, v))


def test_names_of_gradients() -> None:
    def run(lib: Any) -> list[str]:
        x = [lib.ones(*shape, requires_grad=True) for shape in ((1, 1, 2, 3), (1, 2, 3))]
        return [type(lib.nn.functional.scaled_dot_product_attention(t, t, t).grad_fn).__name__ for t in x]

    same(run)


@pytest.mark.parametrize("call", [
    lambda lib, f, x: f(x, x, x, attn_mask=lib.ones(3, 3).bool(), is_causal=True),
    lambda lib, f, x: f(x, x.double(), x),
    lambda lib, f, x: f(x, x[..., :2], x),
])
def test_errors_of_the_function(call: Any) -> None:
    same_error(lambda lib: call(lib, lib.nn.functional.scaled_dot_product_attention, lib.ones(2, 3, 4)), text=False)


# ----------------------------------------------------------------------------------------- the layer


LAYERS: list[dict[str, Any]] = [
    {}, {"batch_first": True}, {"bias": False}, {"dropout": 0.3}, {"kdim": 6, "vdim": 4},
    {"kdim": 6, "vdim": 4, "bias": False, "batch_first": True}, {"add_bias_kv": True}, {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "dropout": 0.2}]
PADDING = [[False, False, False, False, True], [False, False, True, True, True], [False, True, False, False, False]]


def layer_inputs(lib: Any, layer: Any, length: int, batched: bool = True) -> list[Any]:
    shapes = [(length, 3, 8), (5, 3, layer.kdim), (5, 3, layer.vdim)]
    inputs = [tensor(lib, *shape, seed=i, dtype="float32") for i, shape in enumerate(shapes)]
    if not batched:
        inputs = [x[:, 0] for x in inputs]
    elif layer.batch_first:
        inputs = [x.transpose(0, 1) for x in inputs]
    return [x.detach().requires_grad_() for x in inputs]


def layer_masks(lib: Any, mask: str, length: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "bool" in mask or "causal" in mask:
        found["attn_mask"] = lib.ones(length, 5).triu(1).bool()
    if "float" in mask:
        found["attn_mask"] = tensor(lib, length, 5, seed=7, dtype="float32")
    if "heads" in mask:
        found["attn_mask"] = tensor(lib, 3 * 2, length, 5, seed=7, dtype="float32")
    if "padding" in mask:
        padding = lib.tensor(PADDING)
        found["key_padding_mask"] = padding.float() * -INF if "added" in mask else padding
        if "added" in mask:
            found["key_padding_mask"] = lib.zeros(3, 5).masked_fill(padding, -INF)
    if "causal" in mask:
        found["is_causal"] = True
    return found


@pytest.mark.parametrize("mask", ["none", "bool", "float", "heads", "causal", "padding", "padding bool",
                                  "added padding float", "padding causal"])
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_layer(options: dict[str, Any], mask: str) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(3)
        layer, results = lib.nn.MultiheadAttention(8, 2, **options), []
        for need_weights in (True, False):
            length = 5 if "causal" in mask else 4
            inputs = layer_inputs(lib, layer, length)
            out, weights = layer(*inputs, need_weights=need_weights, **layer_masks(lib, mask, length))
            assert (weights is None) is not need_weights
            out.backward(tensor(lib, *out.shape, seed=9, dtype="float32"))
            results += [out, *[x.grad for x in inputs], *[weights] * need_weights, type(out.grad_fn).__name__]
        return [*results, *[p.grad for p in layer.parameters()], lib.rand(2)]

    close(run, 2e-5)


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"add_bias_kv": True, "kdim": 3}], ids=str)
@pytest.mark.parametrize("averaged", [True, False])
def test_one_sequence_and_the_heads_apart(averaged: bool, options: dict[str, Any]) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(3)
        layer = lib.nn.MultiheadAttention(8, 4, **options).eval()
        found = layer(*layer_inputs(lib, layer, 4, batched=False), average_attn_weights=averaged,
                      key_padding_mask=lib.tensor(PADDING[1]))
        return [*found, *layer(*layer_inputs(lib, layer, 4), average_attn_weights=averaged)]

    close(run)


@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_weights_and_reprs(options: dict[str, Any]) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(2)
        layer = lib.nn.MultiheadAttention(8, 2, **options)
        return [repr(layer), {key: plain(value) for key, value in layer.state_dict().items()},
                [name for name, _ in layer.named_parameters()], plain(lib.rand(1))]

    same(run)


def attention(lib: Any, *shapes: Any, **masks: Any) -> Any:
    return lib.nn.MultiheadAttention(8, 2)(*[lib.ones(*shape) for shape in shapes], **masks)


@pytest.mark.parametrize("call", [
    lambda lib: lib.nn.MultiheadAttention(0, 2),
    lambda lib: lib.nn.MultiheadAttention(8, 3),
    lambda lib: attention(lib, (8,), (8,), (8,)),
    lambda lib: attention(lib, (4, 3, 8), (4, 8), (4, 8)),
    lambda lib: attention(lib, (4, 3, 6), (4, 3, 6), (4, 3, 6)),
    lambda lib: attention(lib, (4, 3, 8), (4, 3, 8), (5, 3, 8)),
    lambda lib: attention(lib, *[(4, 3, 8)] * 3, is_causal=True),
    lambda lib: attention(lib, *[(4, 3, 8)] * 3, attn_mask=lib.zeros(4, 5)),
    lambda lib: attention(lib, *[(4, 3, 8)] * 3, attn_mask=lib.zeros(3, 4, 4)),
    lambda lib: attention(lib, *[(4, 3, 8)] * 3, attn_mask=lib.zeros(4)),
    lambda lib: attention(lib, *[(4, 3, 8)] * 3, attn_mask=lib.zeros(4, 4).long()),
    lambda lib: attention(lib, *[(4, 3, 8)] * 3, key_padding_mask=lib.zeros(4)),
])
def test_errors_of_the_layer(call: Any) -> None:
    same_error(call)


def test_a_query_that_sees_nothing() -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(0)
        layer, x = lib.nn.MultiheadAttention(4, 1), tensor(lib, 2, 1, 4, dtype="float32")
        mask = lib.tensor([[True, True], [False, True]])
        return [layer(x, x, x, attn_mask=mask, need_weights=need)[0] for need in (True, False)]

    close(run)


# ---------------------------------------------------------------------------------------- transformers


STACKS: list[dict[str, Any]] = [
    {}, {"batch_first": True}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False, "dropout": 0.0},
    {"layer_norm_eps": 0.1, "batch_first": True, "norm_first": True}]


@pytest.mark.parametrize("options", STACKS, ids=str)
@pytest.mark.parametrize("kind", ["encoder", "decoder", "transformer"])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_training(kind: str, options: dict[str, Any]) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(1)
        nn = lib.nn
        if kind == "encoder":
            model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, **options), 2, nn.LayerNorm(8))
        elif kind == "decoder":
            model = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, **options), 2)
        else:
            model = nn.Transformer(8, 2, 1, 2, 16, **options)
        x, y = [tensor(lib, 4, 4, 8, seed=i, dtype="float32") for i in range(2)]
        causal = nn.Transformer.generate_square_subsequent_mask(4)
        args = {"encoder": ((x,), {"mask": causal, "is_causal": True}),
                "decoder": ((x, y), {"tgt_mask": causal, "memory_key_padding_mask": lib.ones(4, 4).triu(2).bool()}),
                "transformer": ((x, y), {"tgt_mask": causal, "src_key_padding_mask": lib.ones(4, 4).triu(2).bool()})}
        inputs, masks = args[kind]
        optimizer, losses = lib.optim.SGD(model.parameters(), lr=0.05), []
        for _ in range(20 if len(options) == 1 else 3):
            optimizer.zero_grad()
            loss = ((model(*inputs, **masks) - y.sin()) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return [repr(model), list(model.state_dict()), *losses, *model.parameters(), lib.rand(2)]

    close(run, 2e-4)


@pytest.mark.parametrize("name", ["TransformerEncoderLayer", "TransformerDecoderLayer"])
def test_activations_and_initial_weights(name: str) -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(1)
        layers = [getattr(lib.nn, name)(4, 2, 8, activation=f)
                  for f in ("relu", lib.nn.functional.gelu, lib.nn.GELU(), lib.tanh)]
        x = tensor(lib, 3, 1, 4, dtype="float32")
        return [*[repr(layer) for layer in layers], *[p for layer in layers for p in layer.parameters()],
                *[layer.eval()(*[x] * (1 + ("De" in name))) for layer in layers]]

    close(run, 1e-6)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("padding", [[[0, 0, 1], [0, 1, 1]], [[0, 0, 0], [1, 0, 0]]], ids=["at the end", "elsewhere"])
@pytest.mark.parametrize("options", [{}, {"mask_check": False, "norm": True}, {"enable_nested_tensor": False}], ids=str)
@pytest.mark.parametrize("layer_options", [{}, {"batch_first": True}, {"batch_first": True, "norm_first": True}],
                         ids=str)
def test_evaluation_with_padding(layer_options: dict[str, Any], options: dict[str, Any], padding: Any) -> None:
    if not options.get("mask_check", True) and padding[1][0]:
        return  # torch trusts its user there, and computes something else

    def run(lib: Any) -> list[Any]:
        lib.manual_seed(1)
        layer = lib.nn.TransformerEncoderLayer(4, 2, 8, **layer_options)
        norm = lib.nn.LayerNorm(4, bias=True) if "norm" in options else None
        model = lib.nn.TransformerEncoder(layer, 2, **{**options, "norm": norm}).eval()
        x = tensor(lib, 2, 3, 4, dtype="float32")
        mask = lib.tensor(padding).bool()
        if not layer_options.get("batch_first"):
            x = x.transpose(0, 1)
        with lib.no_grad():
            found = [model(x, src_key_padding_mask=mask), model(x)]
        return [*found, model(x, src_key_padding_mask=mask)]

    close(run)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_one_padded_sequence() -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(1)
        encoder = lib.nn.TransformerEncoder(lib.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2)
        x, padding = tensor(lib, 3, 4, dtype="float32"), lib.tensor([False, False, True])
        with lib.no_grad():
            return [encoder.eval()(x, src_key_padding_mask=padding)]

    close(run)


@pytest.mark.parametrize("options", [
    {}, {"batch_first": True}, {"batch_first": True, "norm_first": True}, {"batch_first": True, "bias": False},
    {"batch_first": True, "activation": lambda x: x}, {"batch_first": True, "nhead": 1}], ids=" ".join)
def test_warnings_of_the_encoder(options: dict[str, Any]) -> None:
    def run(lib: Any) -> None:
        lib.nn.TransformerEncoder(lib.nn.TransformerEncoderLayer(4, **{"nhead": 2, "dim_feedforward": 4, **options}), 1)

    assert len(same_warnings(run)) == (options != {"batch_first": True})


def test_warning_for_masks_of_two_kinds() -> None:
    def run(lib: Any) -> Any:
        x, mask = lib.ones(2, 1, 4), lib.zeros(2, 2)
        lib.nn.MultiheadAttention(4, 1)(x, x, x, lib.tensor([[False, True]]), attn_mask=mask)
        lib.nn.TransformerEncoderLayer(4, 1, 4)(x, mask, lib.tensor([[False, True]]))

    assert len(same_warnings(run)) == 2


@pytest.mark.parametrize("call", [
    lambda lib: lib.nn.TransformerEncoderLayer(4, 2, activation="tanh"),
    lambda lib: lib.nn.Transformer(4, 2, 1, 1, 4)(lib.ones(2, 3, 4), lib.ones(2, 2, 4)),
    lambda lib: lib.nn.Transformer(4, 2, 1, 1, 4)(lib.ones(2, 3, 4), lib.ones(2, 3, 5)),
])
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_errors_of_transformers(call: Any) -> None:
    same_error(call)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_state_dicts_go_both_ways() -> None:
    mg.manual_seed(0)
    torch.manual_seed(1)
    ours, theirs = [lib.nn.Transformer(4, 2, 1, 1, 8, batch_first=True) for lib in (mg, torch)]
    ours.load_state_dict({name: mg.tensor(t.numpy()) for name, t in theirs.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    expected = theirs.eval()(torch.tensor(x), torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.eval()(mg.tensor(x), mg.tensor(x)).detach().numpy(), expected, 1e-5, 1e-5)
    theirs.load_state_dict({name: torch.tensor(t.numpy() * 2) for name, t in ours.state_dict().items()})


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_layouts_agree() -> None:
    def run(lib: Any) -> list[Any]:
        lib.manual_seed(0)
        layer = lib.nn.MultiheadAttention(4, 2, batch_first=True).eval().double()
        x = tensor(lib, 2, 3, 4).requires_grad_()
        return [layer(x, x, x)[0].contiguous(), layer(x, x, x, need_weights=False)[0].contiguous()]

    agree(run)

"""Dropout, attention, and the layers and stacks that are made of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from parity.mutants.programs.registry import drawn, error, program

INF = float("inf")
PADDING = [[False, False, False, True], [False, True, True, True]]  # of two sequences of four


def result(torch: Any, call: Callable[..., Any], *inputs: Any) -> list[Any]:
    """What a call makes of the inputs, whether torch names it as a whole, and gradients for a random cotangent."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    out = call(*leaves)
    g = drawn(torch, *out.shape, seed=9, grad=False)
    return [out, "Flash" in out.grad_fn.name(), *torch.autograd.grad(out, leaves, g, allow_unused=True)]


def numbers_by_default(function: Any) -> dict[str, Any]:
    """The numbers that a function or a class takes unless told otherwise."""
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()
            if isinstance(parameter.default, (bool, int, float))}


def filled(torch: Any, module: Any, seed: int = 0) -> Any:
    """The module with random numbers for all its parameters, biases included, which start at 0."""
    with torch.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(drawn(torch, *p.shape, seed=seed + i) / 2)
    return module


def parts(module: Any) -> list[Any]:
    return [*module.state_dict().items()]


# ---- dropout ----
@program
def dropped_elements(torch: Any) -> Any:
    f, found = torch.nn.functional, []
    calls = ((f.dropout, (5,)), (f.dropout, (2, 3, 4)), (f.dropout1d, (4, 5)), (f.dropout1d, (2, 3, 4)),
             (f.dropout2d, (2, 3, 2, 2)), (f.dropout2d, (3, 4, 2)), (f.dropout2d, (6, 4)))
    for call, shape in calls:
        for p in (0.4, 0.0, 1.0):
            found += result(torch, lambda x, p=p, call=call: call(x * 1, p), drawn(torch, *shape))
            found += result(torch, lambda x, p=p, call=call: call(x * 1, p, False), drawn(torch, *shape))
            x = drawn(torch, *shape, grad=False)
            out = call(x, p, inplace=True)
            found += [out, x]
        found += result(torch, lambda x, call=call: call(x * 1), drawn(torch, *shape))
        found.append(torch.rand(2))
    return found


@program
def dropouts_corners(torch: Any) -> Any:
    f, x, found = torch.nn.functional, drawn(torch, 2, 3, 4), []
    for call in (f.dropout, f.dropout1d, f.dropout2d):
        nothing = torch.zeros(2, 0, 3)
        found += [numbers_by_default(call), call(nothing, 0.5), torch.rand(1), call(torch.ones(2, 3)).dtype ==
                  torch.float32]
        found += [error(lambda p=p, call=call: call(x, p)) for p in (-0.1, 1.1, 0.0, 1.0)]
    return found, [error(lambda shape=shape: f.dropout1d(torch.ones(shape))) for shape in ((3,), (2,) * 4)]


# ---- the function ----
def masks(torch: Any) -> list[dict[str, Any]]:
    scores = drawn(torch, 4, 5, seed=7, grad=False)
    return [{}, {"attn_mask": scores > -0.5}, {"attn_mask": scores}, {"is_causal": True}, {"scale": 0.3},
            {"attn_mask": torch.arange(20).view(4, 5) > 4}, {"dropout_p": 0.4}]


@program
def attention_with_every_mask(torch: Any) -> Any:
    attention, found = torch.nn.functional.scaled_dot_product_attention, []
    for options in masks(torch):
        for batch in ((), (2,), (2, 3)):
            inputs = [drawn(torch, *batch, n, 6, seed=n) for n in (4, 5, 5)]
            found += result(torch, lambda *x, o=options: attention(*x, **o), *inputs)
    return found, torch.rand(2)


@program
def attention_in_groups_and_its_names(torch: Any) -> Any:
    attention, found = torch.nn.functional.scaled_dot_product_attention, []
    grouped = [drawn(torch, 2, heads, n, 3, seed=n) for heads, n in ((6, 4), (2, 5), (3, 5))]
    found += result(torch, lambda *x: attention(*x, enable_gqa=True), *grouped)
    for shapes in (((2, 3), (4, 3), (4, 3)), ((2, 3), (4, 3), (4, 2)), ((2, 3), (3, 3), (3, 5)),
                   ((5, 2), (2, 2), (2, 5)), ((3, 2), (3, 2), (3, 4))):
        for batch in ((1,), (1, 2), (1, 2, 1)):
            found += result(torch, attention, *[drawn(torch, *batch, *shape, seed=i) for i, shape in enumerate(shapes)])
    x = drawn(torch, 2, 3, 4)
    return found, [error(call) for call in (
        lambda: attention(x, x, x, torch.ones(3, 3).bool(), is_causal=True), lambda: attention(x, x.float(), x),
        lambda: attention(x, x, x.float()))]


@program
def derivatives_of_attentions_derivatives(torch: Any) -> Any:
    inputs = [drawn(torch, 2, n, 2, seed=n) for n in (2, 3, 4)]
    out = torch.nn.functional.scaled_dot_product_attention(inputs[0], inputs[1], inputs[2][:, :3])
    first = torch.autograd.grad(out, inputs, drawn(torch, *out.shape, seed=9, grad=False), create_graph=True)
    return torch.autograd.grad(sum(g.sin().sum() for g in first), inputs)


# ---- the layer ----
LAYERS: list[dict[str, Any]] = [
    {}, {"batch_first": True}, {"bias": False}, {"dropout": 0.3}, {"kdim": 3, "vdim": 5}, {"vdim": 3}, {"kdim": 3},
    {"kdim": 3, "vdim": 5, "bias": False, "batch_first": True}, {"add_bias_kv": True}, {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "dropout": 0.2}]


def attended(torch: Any, mask: Callable[[int], dict[str, Any]], length: int = 3) -> list[Any]:
    """Every kind of layer, with and without weights that are returned, with `mask` of the length of the queries."""
    found = []
    for options in LAYERS:
        layer = filled(torch, torch.nn.MultiheadAttention(4, 2, **options, dtype=torch.float64))
        for need_weights, averaged in ((True, True), (True, False), (False, True)):
            inputs = [drawn(torch, n, 2, size, seed=n) for n, size in ((length, 4), (4, layer.kdim), (4, layer.vdim))]
            inputs = [x.transpose(0, 1).detach() if layer.batch_first else x.detach() for x in inputs]
            inputs = [x.requires_grad_() for x in inputs]
            out, weights = layer(*inputs, need_weights=need_weights, average_attn_weights=averaged, **mask(length))
            total = (out * drawn(torch, *out.shape, seed=9, grad=False)).sum()
            total = total if weights is None else total + (weights * weights).sum()
            parameters = list(layer.parameters())
            found += [out, out.stride() if layer.batch_first else None, weights,
                      *torch.autograd.grad(total, [*inputs, *parameters])]
    return [*found, torch.rand(1)]


@program
def every_layer_of_attention(torch: Any) -> Any:
    return attended(torch, lambda n: {})


@program
def layers_of_attention_with_a_mask(torch: Any) -> Any:
    return attended(torch, lambda n: {"attn_mask": torch.ones(n, 4).triu(2).bool()})


@program
def layers_of_attention_with_a_mask_for_each_head(torch: Any) -> Any:
    return attended(torch, lambda n: {"attn_mask": drawn(torch, 4, n, 4, seed=7, grad=False)})


@program
def layers_of_attention_with_padding(torch: Any) -> Any:
    return attended(torch, lambda n: {"key_padding_mask": torch.tensor(PADDING)})


@program
def layers_of_attention_with_both_masks(torch: Any) -> Any:
    padding = torch.zeros(2, 4, dtype=torch.float64).masked_fill(torch.tensor(PADDING), -INF)
    return attended(torch, lambda n: {"key_padding_mask": padding,
                                      "attn_mask": drawn(torch, n, 4, seed=7, grad=False)})


@program
def layers_of_attention_that_see_the_past(torch: Any) -> Any:
    def causal(n: int) -> dict[str, Any]:
        return {"attn_mask": torch.nn.Transformer.generate_square_subsequent_mask(n, dtype=torch.float64),
                "is_causal": True}

    return attended(torch, causal, 4), attended(
        torch, lambda n: causal(n) | {"key_padding_mask": torch.tensor(PADDING)}, 4)


@program
def attention_to_one_sequence(torch: Any) -> Any:
    found = []
    for options in LAYERS:
        layer = filled(torch, torch.nn.MultiheadAttention(4, 2, **options, dtype=torch.float64)).eval()
        inputs = [drawn(torch, n, size, seed=n) for n, size in ((3, 4), (4, layer.kdim), (4, layer.vdim))]
        found += [layer(*inputs, key_padding_mask=torch.tensor(PADDING[0])), layer(*inputs, need_weights=False)[0],
                  layer(*inputs, attn_mask=torch.ones(2, 3, 4).bool().triu(2))]
    return found


@program
def attention_to_nothing(torch: Any) -> Any:
    """With weights that are returned nan, without them zeros."""
    layer = filled(torch, torch.nn.MultiheadAttention(4, 1, dtype=torch.float64))
    x, mask = drawn(torch, 2, 1, 4), torch.tensor([[True, True], [False, True]])
    return [layer(x, x, x, attn_mask=mask, need_weights=need)[0] for need in (True, False)]


@program
def layers_of_attention_as_they_begin(torch: Any) -> Any:
    found = [numbers_by_default(torch.nn.MultiheadAttention), numbers_by_default(torch.nn.MultiheadAttention.forward)]
    for options in LAYERS:
        layer = torch.nn.MultiheadAttention(6, 3, **options)
        found += [repr(layer), parts(layer), layer.num_heads, layer.head_dim, torch.rand(1)]
    layer, x = torch.nn.MultiheadAttention(4, 2, 0.5), torch.ones(2, 2, 4)
    return found, layer(x, x, x), layer.eval()(x, x, x)


@program
def shapes_that_attention_refuses(torch: Any) -> Any:
    def refused(*shapes: tuple[int, ...], options: dict[str, Any] | None = None, **given: Any) -> str:
        layer = torch.nn.MultiheadAttention(4, 2, **options or {})
        return error(lambda: layer(*[torch.ones(*shape) for shape in shapes], **given))

    three, first = [(3, 2, 4)] * 3, {"batch_first": True}
    wrong = [error(lambda n=n, heads=heads: torch.nn.MultiheadAttention(n, heads))
             for n, heads in ((0, 2), (4, 0), (1, 1), (4, 3), (-4, 2), (4, -2))]
    wrong += [refused((4,), (4,), (4,)), refused((3, 2, 4), (3, 4), (3, 4)), refused((3, 2, 5), *three[:2]),
              refused((3, 2, 4), (3, 2, 4), (4, 2, 4)), refused(*three, is_causal=True),
              refused((3, 2, 4), (5, 2, 3), (4, 2, 4), options={"kdim": 3}),
              refused((3, 2, 4), (5, 2, 4), (5, 2, 3))]
    for shape in ((3, 3), (2, 3), (3, 2), (2, 2), (4, 3, 3), (2, 3, 3), (6, 3, 3), (6, 2, 2), (3,)):
        mask = torch.zeros(*shape)
        wrong += [refused(*three, attn_mask=mask), refused(*three, attn_mask=mask, options=first),
                  refused((3, 4), (3, 4), (3, 4), attn_mask=mask, options=first)]
    for shape in ((2, 3), (3, 2), (2, 2), (3,), (2,), (1, 2, 3)):
        mask = torch.zeros(*shape).bool()
        wrong += [refused(*three, key_padding_mask=mask), refused((3, 4), (3, 4), (3, 4), key_padding_mask=mask)]
    for shape in ((2, 4), (4, 2)):
        wrong.append(refused((2, 3, 4), (4, 3, 4), (4, 3, 4), attn_mask=torch.zeros(*shape)))
    return wrong, refused(*three, attn_mask=torch.zeros(3, 3).long())


# ---- transformers ----
STACKS: list[dict[str, Any]] = [
    {}, {"batch_first": True}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False, "dropout": 0.0},
    {"layer_norm_eps": 0.1, "batch_first": True, "norm_first": True}, {"dropout": 0.5}]


def stacked(torch: Any, make: Callable[[dict[str, Any]], Any], call: Callable[[Any, Any, Any], Any],
            kinds: list[dict[str, Any]] = STACKS) -> list[Any]:
    """Every kind of stack in training, and in evaluation: what it gives, and gradients."""
    found = []
    for options in kinds:
        model = make(options)
        found += [parts(model), torch.rand(1)]
        filled(torch, model.double())
        for mode in (True, False):
            x, y = drawn(torch, 3, 3, 4), drawn(torch, 3, 3, 4, seed=1)
            out = call(model.train(mode), x, y)
            g = drawn(torch, *out.shape, seed=9, grad=False)
            found += [out, torch.autograd.grad(out, [x, y, *model.parameters()], g, allow_unused=True), torch.rand(1)]
    return found


def hidden(torch: Any) -> Any:
    return torch.ones(3, 3).triu(2).bool()


@program
def encoders(torch: Any) -> Any:
    nn = torch.nn
    return stacked(torch, lambda o: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, **o), 2, nn.LayerNorm(4)),
                   lambda model, x, y: model(x, mask=drawn(torch, 3, 3, seed=4, grad=False)))


@program
def encoders_with_padding(torch: Any) -> Any:
    nn = torch.nn
    return stacked(torch, lambda o: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, **o), 2),
                   lambda model, x, y: model(x, src_key_padding_mask=hidden(torch)))


@program
def encoders_of_the_past(torch: Any) -> Any:
    nn, causal = torch.nn, torch.nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
    return stacked(torch, lambda o: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, **o), 1),
                   lambda model, x, y: model(x, causal, is_causal=True))


@program
def decoders(torch: Any) -> Any:
    nn, causal = torch.nn, torch.nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
    return stacked(torch, lambda o: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, **o), 2, nn.LayerNorm(4)),
                   lambda model, x, y: model(x, y, causal, memory_key_padding_mask=hidden(torch), tgt_is_causal=True))


@program
def decoders_with_every_mask(torch: Any) -> Any:
    nn, causal = torch.nn, torch.nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
    scores = drawn(torch, 3, 3, seed=5, grad=False)
    calls = (lambda m, x, y: m(x, y, scores, causal, memory_is_causal=True),
             lambda m, x, y: m(x, y, memory_mask=scores, tgt_key_padding_mask=hidden(torch)))
    return [stacked(torch, lambda o: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, **o), 1), call,
                    STACKS[:3]) for call in calls]


@program
def transformers(torch: Any) -> Any:
    causal = torch.nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
    scores, padding = drawn(torch, 3, 3, seed=5, grad=False), hidden(torch)
    calls = (lambda m, x, y: m(x, y, tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding),
             lambda m, x, y: m(x, y, scores, scores, scores, tgt_key_padding_mask=padding.double() * -2.0),
             lambda m, x, y: m(x, y, causal, causal, causal, src_is_causal=True, tgt_is_causal=True,
                               memory_is_causal=True))
    return [stacked(torch, lambda o: torch.nn.Transformer(4, 2, 1, 2, 6, **o), call, STACKS[:3]) for call in calls]


@program
def hints_that_are_wrong(torch: Any) -> Any:
    """That a mask hides what comes later is taken at its word: with another mask it shows who hands the hint on."""
    def hints(call: Callable[..., Any], *names: str) -> list[Any]:
        return [call(), *[call(**{name: True}) for name in names]]

    nn, scores = torch.nn, drawn(torch, 3, 3, seed=5, grad=False)
    x, y = drawn(torch, 3, 2, 4), drawn(torch, 3, 2, 4, seed=1)
    encoder = filled(torch, nn.TransformerEncoderLayer(4, 2, 6, dtype=torch.float64))
    decoder = filled(torch, nn.TransformerDecoderLayer(4, 2, 6, dtype=torch.float64))
    whole = filled(torch, nn.Transformer(4, 2, 1, 1, 6, dtype=torch.float64))
    return [hints(lambda **o: encoder(x, scores, **o), "is_causal"),
            hints(lambda **o: decoder(x, y, scores, scores, **o), "tgt_is_causal", "memory_is_causal"),
            hints(lambda **o: whole(x, y, scores, scores, scores, **o), "src_is_causal", "tgt_is_causal",
                  "memory_is_causal")]


@program
def what_is_hidden_in_evaluation(torch: Any) -> Any:
    """Zeros, where torch goes its quicker way."""
    nn, found = torch.nn, []
    layers: list[dict[str, Any]] = [
        {}, {"activation": "gelu"}, {"activation": nn.ReLU()}, {"activation": nn.GELU()}, {"activation": torch.tanh},
        {"norm_first": True}, {"bias": False}, {"nhead": 1}, {"nhead": 3}, {"nhead": 4}, {"batch_first": False}]
    for options in layers:
        given = {"nhead": 2, "dim_feedforward": 5, "batch_first": True, "dtype": torch.float64, **options}
        encoder = filled(torch, nn.TransformerEncoder(nn.TransformerEncoderLayer(12, **given), 2)).eval()
        found.append(encoder.use_nested_tensor)
        x, padding = drawn(torch, 3, 3, 12, grad=False), hidden(torch)
        with torch.no_grad():
            found += [encoder(x, src_key_padding_mask=padding), encoder(x)]
    return found


@program
def when_nothing_is_dropped(torch: Any) -> Any:
    nn, found, x = torch.nn, [], drawn(torch, 3, 4, 4, grad=False)
    layer = filled(torch, nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True, dtype=torch.float64))
    other = filled(torch, nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True, dtype=torch.float64))
    other.norm2.eps = 0.1
    padding, ragged = torch.ones(3, 4).triu(2).bool(), torch.tensor([[True, False, False, True]] * 3)
    for given in (layer, other):
        for options in ({}, {"enable_nested_tensor": False}, {"mask_check": False}, {"norm": nn.LayerNorm(4).double()}):
            encoder = nn.TransformerEncoder(given, 2, **options)
            found.append([encoder.use_nested_tensor, encoder.num_layers, encoder.enable_nested_tensor])
            encoder.eval().requires_grad_(False)
            found += [encoder(x, src_key_padding_mask=padding), encoder(drawn(torch, 3, 4, 4),
                                                                        src_key_padding_mask=padding)]
            if options.get("mask_check", True):
                found.append(encoder(x, src_key_padding_mask=ragged))
            for p in encoder.layers[0].norm1.parameters():
                p.requires_grad_()
            found.append(encoder(x, src_key_padding_mask=padding))
            with torch.no_grad():
                found += [encoder(x, src_key_padding_mask=padding), encoder(x[0], src_key_padding_mask=padding[0]),
                          encoder(x, padding[2:].expand(4, 4), padding)]
                found.append(encoder.train()(x, src_key_padding_mask=padding))
    return found


@program
def transformers_as_they_begin(torch: Any) -> Any:
    nn, found = torch.nn, []
    for kind in (nn.Transformer, nn.TransformerEncoder, nn.TransformerDecoder, nn.TransformerEncoderLayer,
                 nn.TransformerDecoderLayer):
        found += [numbers_by_default(kind), numbers_by_default(kind.forward)]
    models = [nn.Transformer(4, 2, 2, 1, 6), nn.Transformer(4, 2, 1, 2, 6, 0.5, "gelu", bias=False),
              nn.Transformer(4, 2, custom_encoder=nn.Linear(2, 2), custom_decoder=nn.Linear(3, 3)),
              nn.TransformerDecoderLayer(4, 2, 6, activation=torch.tanh, layer_norm_eps=0.5)]
    found += [[repr(model), parts(model), torch.rand(1)] for model in models]
    found += [models[0].d_model, models[0].nhead, models[0].batch_first, nn.Transformer.generate_square_subsequent_mask(
        3), models[3].norm_first]
    first = nn.Transformer(4, 2, 1, 1, 6, batch_first=True)

    def refused(model: Any, *shapes: tuple[int, ...]) -> str:
        """Whether it speaks of a number that does not fit: what comes later may raise an error of the same type."""
        try:
            model(*[torch.ones(*shape) for shape in shapes])
        except RuntimeError as found:
            return " ".join(str(found).split()[:3])
        return "fits"

    shapes = (((3, 2, 4), (3, 1, 4)), ((3, 2, 4), (2, 2, 4)), ((3, 2, 4), (3, 2, 5)), ((3, 2, 5), (3, 2, 5)),
              ((3, 4), (2, 4)), ((2, 3, 4), (2, 5, 4)), ((2, 3, 5), (2, 3, 4)))
    found += [[refused(models[0], *pair), refused(first, *pair)] for pair in shapes]
    return found, error(lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"))

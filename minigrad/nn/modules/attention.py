"""Attention with several heads: each looks at the sequence in its own way."""

from __future__ import annotations

from typing import Any

from ...creation import zeros
from ...functions.joining import cat
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..attention import as_summands, attention_weights
from ._parameters import add_parameters
from .linear import Linear
from .module import Module


class NonDynamicallyQuantizableLinear(Linear):
    """Linear, under the name that torch prints for the last layer of an attention."""


class MultiheadAttention(Module):
    """Attention by `num_heads` heads, each in embed_dim / num_heads dimensions, put side by side and mixed:

        head_i = softmax(q k^T / sqrt(D) + mask) v        with q, k, v = W_q query, W_k key, W_v value, the i-th part
        output = W_o [head_1, ..., head_H] + b_o

    Shapes: query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim), with batch_first (N, L, embed_dim) ..., or
    all without N -> output, shaped as the query, and the weights (N, L, S), the mean over the heads (all heads, (N, H,
    L, S), without `average_attn_weights`; None without `need_weights`). Masks are bool, True where nobody may look, or
    floats to add: `attn_mask` (L, S) or (N H, L, S), `key_padding_mask` (N, S). `is_causal` says that attn_mask hides
    what comes later. `add_bias_kv` and `add_zero_attn` add to the sequence a learnt position and one of zeros.
    `dropout` drops weights in training. The rows of in_proj_weight are W_q, W_k and W_v, Xavier uniform; biases are 0.
    AssertionError and RuntimeError for shapes that do not fit.
    """

    in_proj_weight: Any  # these are Parameters, or None
    q_proj_weight: Any
    k_proj_weight: Any
    v_proj_weight: Any
    in_proj_bias: Any
    bias_k: Any
    bias_v: Any

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
                 add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
                 vdim: int | None = None, batch_first: bool = False, device: Any = None, dtype: Any = None) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                             f"num_heads={num_heads} instead")
        super().__init__()
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.add_zero_attn, self.batch_first = dropout, add_zero_attn, batch_first
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(f"embed_dim must be divisible by num_heads: {embed_dim} by {num_heads}")
        same = self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        of_added = (1, 1, embed_dim) if add_bias_kv else None
        add_parameters(self, device, dtype, in_proj_weight=(3 * embed_dim, embed_dim) if same else None,
                       q_proj_weight=None if same else (embed_dim, embed_dim),
                       k_proj_weight=None if same else (embed_dim, self.kdim),
                       v_proj_weight=None if same else (embed_dim, self.vdim),
                       in_proj_bias=(3 * embed_dim,) if bias else None, bias_k=of_added, bias_v=of_added)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name, p in self._parameters.items():
            if p is not None:
                kind = init.zeros_ if name == "in_proj_bias" else init.xavier_normal_ if "bias" in name else \
                    init.xavier_uniform_
                kind(p)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
                need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:
        batched = self._check(query, key, value, key_padding_mask, attn_mask)
        if is_causal and attn_mask is None:
            raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
                               "method `generate_square_subsequent_mask` to create this mask.")
        padding, mask = as_summands(query.dtype, key_padding_mask=key_padding_mask, attn_mask=attn_mask)
        if not batched:
            query, key, value = [x.unsqueeze(1) for x in (query, key, value)]
        elif self.batch_first:
            query, key, value = [x.transpose(0, 1) for x in (query, key, value)]
        length, n, _ = query.shape
        q, k, v = self._projected(query, key, value)
        added = len(k) - len(key)  # positions that everybody may look at
        if mask is not None:
            mask = F.pad(mask if mask.ndim == 2 else mask.unflatten(0, (n, self.num_heads)), (0, added))
        if padding is not None:
            padding = F.pad(padding, (0, added)).reshape(n, 1, 1, len(k))
            mask = padding if mask is None else mask + padding
        q, k, v = [x.reshape(len(x), n, self.num_heads, self.head_dim).permute(1, 2, 0, 3) for x in (q, k, v)]
        weights, dropout = None, self.dropout if self.training else 0.0
        if need_weights:
            weights = attention_weights(q, k, mask, dropout, zero_if_empty=False)
            heads = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            causal = is_causal and padding is None  # then the hint is taken at its word
            heads = F.scaled_dot_product_attention(q, k, v, None if causal else mask, dropout, causal)
        out = self.out_proj(heads.permute(2, 0, 1, 3).reshape(length, n, self.embed_dim))
        if not batched:
            return out.squeeze(1), weights if weights is None else weights.squeeze(0)
        return out.transpose(0, 1) if self.batch_first else out, weights

    def _projected(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        """q (L, N, embed_dim), and k and v (S, N, embed_dim) with the positions that are added to the sequence."""
        weights = self.in_proj_weight.chunk(3) if self._qkv_same_embed_dim else \
            (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        q, k, v = [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
        n = query.shape[1]
        if self.bias_k is not None:
            k, v = cat([k, self.bias_k.repeat(1, n, 1)]), cat([v, self.bias_v.repeat(1, n, 1)])
        if self.add_zero_attn:
            nothing = zeros(1, n, self.embed_dim, dtype=k.dtype, device=k.device)
            k, v = cat([k, nothing]), cat([v, nothing])
        return [q, k, v]

    def _check(self, query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None) -> bool:
        """Whether the inputs are batched. AssertionError and RuntimeError for shapes that do not fit."""
        if query.ndim not in (2, 3):
            raise AssertionError("query should be unbatched 2D or batched 3D tensor but received "
                                 f"{query.ndim}-D query tensor")
        batched = query.ndim == 3
        kind = f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`, expected"
        if key.ndim != query.ndim or value.ndim != query.ndim:
            raise AssertionError(f"{kind} `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
                                 f"{value.ndim}-D tensors respectively")
        if padding is not None and padding.ndim != query.ndim - 1:
            raise AssertionError(f"{kind} `key_padding_mask` to be `None` or {query.ndim - 1}-D but found "
                                 f"{padding.ndim}-D tensor instead")
        if mask is not None and mask.ndim not in (2, 3):
            raise AssertionError(f"{kind} `attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead")
        if query.shape[-1] != self.embed_dim:
            raise AssertionError(f"was expecting embedding dimension of {self.embed_dim}, but got {query.shape[-1]}")
        if key.shape[:-1] != value.shape[:-1] or (self._qkv_same_embed_dim and key.shape != value.shape):
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        at, n = (1, query.shape[0]) if self.batch_first and batched else (0, query.shape[1] if batched else 1)
        sizes = (query.shape[at], key.shape[at])
        right = sizes if mask is not None and mask.ndim == 2 else (n * self.num_heads, *sizes)
        fitting = (n, sizes[1]) if batched else sizes[1:]
        if padding is not None and padding.shape != fitting:
            raise AssertionError(f"Expected a key_padding_mask of shape {fitting}, but got {tuple(padding.shape)}")
        if mask is not None and mask.shape != right:
            error = RuntimeError if batched or mask.ndim == 2 else AssertionError
            raise error(f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {right}.")
        return batched

"""The engine minigrad-ordered: minigrad that adds in the order in which torch's kernels for AVX-512 add.

Floating-point sums depend on their order, and so two libraries that are both right differ in their last bits. If they
do not differ once the order is the same, nothing else was different: that is what this engine is there to show.
`install` replaces the sums of a network of linear layers, ReLU, cross entropy against probabilities and SGD; it rounds
w - lr * g once, where torch does, and takes exp and log from the polynomials of Sleef, torch's library, instead of
NumPy's. All else stays minigrad's own: the tape, the other rules and operations, the layers, momentum, random numbers.

The orders were read off torch 2.13 with MKL 2024.2 on an AMD EPYC: x[i] = 2**60, x[j] = -2**60 and ones elsewhere tell,
by how many ones are lost, how early i and j meet. They are known for batches of 4 to 16 rows, layers 512 or 784 wide
and up to 15 classes; beyond that the sums are right, and in some other order.

Needs OpenBLAS's kernels for AVX-512 (`engines.environment` asks for them): they add up a product's terms one by one,
each product and sum rounded once together. Those for AVX2 do so only for some of the elements.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np

from minigrad import blas, ops
from minigrad.engine import Array
from minigrad.nn import functional, rules
from minigrad.optim import SGD

K_BLOCK = 192  # MKL's sgemm adds up so many products, then adds that to what it has
FEW = 12  # columns: fewer it computes as dot products
LANES = 8  # floats in one register of AVX2, for which torch's sums are written
f32 = np.float32


def install() -> None:
    """Replace the sums of minigrad's table and of SGD, before the first operation makes use of their rules."""
    ops.mm.forward = product
    ops.linear.forward = functional._mm.forward = linear
    ops.linear.rules["b"] = sum_of_rows
    rules.cross_entropy.forward = cross_entropy
    rules.cross_entropy.rules["x"] = cross_entropy_rule
    SGD._update = sgd_update  # type: ignore[method-assign]


def one_by_one(terms: Iterable[Array]) -> Array:
    """((0 + a) + b) + ..."""
    return reduce(np.add, terms, f32(0))


def fused(a: Array, b: Array, c: Array) -> Array:
    """a * b + c rounded once, as processors do it in one step. (float64 holds the product; the sum is rounded to it
    first, which changes the result once in a billion times.)"""
    return (np.multiply(a, b, dtype=np.float64) + c).astype(f32)


# ---- products ----


def product(x: Array, y: Array, start: Array | float = 0) -> Array:
    """start + x @ y, in blocks of K_BLOCK columns of x. A single row or column is left to NumPy."""
    if x.dtype != f32 or 1 in (len(x), y.shape[1]):
        return blas.mm(x, y) + start
    parts = [np.dot(x[:, k : k + K_BLOCK], y[k : k + K_BLOCK]) for k in range(0, len(y), K_BLOCK)]
    return one_by_one([np.asarray(start, f32), *parts])


def linear(x: Array, w: Array, b: Array | None = None) -> Array:
    """x @ w.T + b, beginning with b. FEW columns are dot products, eight in four lanes, the others in eight; b last."""
    bias = 0 if b is None else b
    if x.dtype != f32 or len(x) == 1 or len(w) >= FEW or x.shape[1] % 8:
        return product(x, w.T, bias)
    eight = len(w) // 8 * 8
    return np.concatenate([in_lanes(x, w[:eight], 4), in_lanes(x, w[eight:], 8)], axis=1) + bias


def in_lanes(x: Array, w: Array, lanes: int) -> Array:
    """x @ w.T where lane l adds up the terms l, l + lanes, ...; then one half of the lanes is added to the other."""
    terms = x.T[:, :, None] * w.T[:, None, :]
    sums = one_by_one(terms.reshape(len(terms) // lanes, lanes, len(x), len(w)))
    while len(sums) > 1:
        sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
    return sums[0]


# ---- sums ----


def in_four_chains(rows: Array) -> Array:
    """rows[0] + rows[4] + ..., rows[1] + rows[5] + ... and so on; what is left goes to the first; then these four."""
    whole = len(rows) // 4 * 4
    chains = [one_by_one(rows[i:whole:4]) for i in range(4)]
    return one_by_one([one_by_one([chains[0], *rows[whole:]]), *chains[1:]])


def sum_of_rows(x: Array) -> Array:
    """x.sum(0): columns in fours of registers are added row by row, those that are left in four chains."""
    if not isinstance(x, np.ndarray):  # a tensor, under create_graph
        return x.sum(0)
    whole = x.shape[1] // (4 * LANES) * 4 * LANES
    return np.concatenate([one_by_one(x[:, :whole]), in_four_chains(x[:, whole:])])


def total(x: Array) -> Array:
    """x.sum(), of up to some hundred elements: what is left after whole registers first, then lane by lane."""
    x = x.reshape(-1)
    whole = len(x) // LANES * LANES
    lanes = in_four_chains(x[:whole].reshape(-1, LANES)) if whole else ()
    return one_by_one([*x[whole:], *lanes])


# ---- cross entropy ----


def exp(x: Array) -> Array:
    """As Sleef computes it: x = q log 2 + s, a polynomial in s, times 2**q."""
    q = np.rint(x * f32(1.4426950408889634))  # 1 / log 2
    s = fused(q, f32(-1.428606765330187e-06), fused(q, f32(-0.693145751953125), x))  # log 2 in two parts
    p = f32(0.00019852761)
    for coefficient in (0.0013930436, 0.0083333608, 0.041666485, 0.16666667, 0.5):
        p = fused(p, s, f32(coefficient))
    return np.ldexp(1 + fused(s * s, p, s), q.astype(np.int32))


def log(x: Array) -> Array:
    """As Sleef computes it: x = 2**e m, and log m = 2 artanh z with z = (m - 1) / (m + 1), a polynomial in z."""
    e = np.frexp(x * f32(1 / 0.75))[1] - 1
    m = np.ldexp(x, -e)
    z = (m - 1) * (1 / (1 + m))
    square = z * z
    p = fused(fused(f32(0.3027294874), square, f32(0.3996108174)), square, f32(0.6666694880))
    exact = (m - 1) / (m + np.float64(1))  # Sleef carries this, and the sum, in pairs of floats
    return (e * LOG_2 + 2 * exact + square * z * p).astype(f32)


LOG_2 = np.float64(f32(0.69314718246459960938)) + f32(-1.904654323148236017e-09)


def log_softmax(x: Array) -> Array:
    """Along the rows of x, which are shorter than a register of AVX-512 (16): those are added up one by one."""
    z = x - x.max(1, keepdims=True)
    return z - log(one_by_one(exp(z).T))[:, None]


def handles(x: Array, dim: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == f32 and x.ndim == 2 and dim == (1,)


minigrads_cross_entropy, minigrads_rule = rules.cross_entropy.forward, rules.cross_entropy.rules["x"]


def cross_entropy(x: Array, y: Array, dim: Any, reduction: str, n: Any) -> Array:
    if not handles(x, dim) or reduction == "none":
        return minigrads_cross_entropy(x, y, dim, reduction, n)
    return -total(log_softmax(x) * y) / f32(n)


def cross_entropy_rule(g: Array, x: Array, y: Array, dim: Any, n: Any) -> Array:
    """Back through -sum / n to log_softmax, then h - softmax * sum(h), rounded once."""
    if not handles(x, dim):
        return minigrads_rule(g, x, y, dim, n)
    h = -(g / f32(n)) * y
    return fused(-exp(log_softmax(x)), one_by_one(h.T)[:, None], h)


# ---- SGD ----


minigrads_update = SGD._update


def sgd_update(self: SGD, group: Any) -> None:
    """w - lr * g is rounded once: as the product of a row of two with w and g on top of each other, which BLAS does so.

    What goes before that step, the sums of momentum, is minigrad's: an update with a learning rate of 0.
    """
    if group["nesterov"] or group["maximize"] or group["weight_decay"]:
        return minigrads_update(self, group)
    minigrads_update(self, {**group, "lr": 0})
    for p in group["params"]:
        if p.grad is not None:
            step = self.state[p]["momentum_buffer"] if group["momentum"] else p.grad
            factors = np.array([1, -float(group["lr"])], p.array.dtype)
            p.array[...] = np.dot(factors, np.stack([p.array, step.array]).reshape(2, -1)).reshape(p.shape)

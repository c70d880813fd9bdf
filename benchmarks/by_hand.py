"""The experiments' training steps in NumPy, without autograd: derivatives worked out on paper, updates in place.

The floor that replay is compared with. So these are written as who wants speed writes them, each for its own network:
products go to BLAS in the order in which it is fast, results overwrite what is not needed any more, and nothing is
computed twice. A workload returns (step, result) like those of workloads.py; both begin alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Pair, start

Array = np.ndarray[Any, Any]
BLOCK = 1 << 15  # weights: in blocks of this size an update finds its operands in the cache


def line_l1() -> Pair:
    """40 points, y = w x + b, mean |y - t|, SGD; then the loss on 10 test points."""
    (x, t, x_test, t_test), (w, b) = start("line_l1")
    lr, n = np.float32(0.01), len(x)
    test_loss = 0.0

    def step() -> None:
        nonlocal w, b, test_loss
        d = x @ w.T
        d += b
        d -= t
        np.abs(d).sum() / n  # the training loss
        g = np.sign(d)
        g /= n
        w -= lr * (g.T @ x)
        b -= lr * g.sum()
        d = x_test @ w.T
        d += b
        d -= t_test
        test_loss = np.abs(d).sum() / len(x_test)

    return step, lambda: float(test_loss)


def line_mse() -> Pair:
    """35 points, y = w x + b with bare parameters, mean (y - t)^2, SGD; then the loss on 7 validation points."""
    (x, t, x_val, t_val), (w, b) = start("line_mse")
    lr, n = np.float32(0.01), len(x)
    val_loss = 0.0

    def step() -> None:
        nonlocal w, b, val_loss
        d = w * x
        d += b
        d -= t
        float((d * d).sum() / n)
        d *= 2 / n
        w -= lr * (d * x).sum()
        b -= lr * d.sum()
        d = w * x_val
        d += b
        d -= t_val
        val_loss = float((d * d).sum() / len(x_val))

    return step, lambda: val_loss


def blob_adam() -> Pair:
    """80 points, 2-3-1 with ReLU, mean (y - t)^2, Adam."""
    (x, t, x_test, t_test), params = start("blob_adam")
    w1, b1, w2, b2 = params
    averages = [(np.zeros_like(p), np.zeros_like(p)) for p in params]
    steps = 0

    def step() -> None:
        nonlocal steps
        h = x @ w1.T
        h += b1
        np.maximum(h, 0, out=h)
        d = h @ w2.T
        d += b2
        d -= t
        float((d * d).sum() / len(d))
        d *= 2 / len(d)
        gh = d @ w2
        gh *= h > 0
        steps += 1
        grads = gh.T @ x, gh.sum(0), d.T @ h, d.sum(0)
        size, root = 0.01 / (1 - 0.9**steps), (1 - 0.999**steps) ** 0.5
        for p, g, (m, v) in zip(params, grads, averages, strict=True):
            m += 0.1 * (g - m)
            v *= 0.999
            v += 0.001 * g * g
            p -= size * m / (np.sqrt(v) / root + 1e-8)

    def result() -> float:
        d = np.maximum(x_test @ w1.T + b1, 0) @ w2.T + b2 - t_test
        return float((d * d).mean())

    return step, result


def circles() -> Pair:
    """800 points, 2-10-10-1 with ReLU, binary cross entropy on logits, SGD; loss and accuracy on both sets."""
    (x, t, x_test, t_test), params = start("circles")
    w1, b1, w2, b2, w3, b3 = params
    lr, n = np.float32(0.1), len(x)
    test_loss = 0.0

    def forward(x: Array) -> tuple[Array, Array, Array]:
        h1 = x @ w1.T
        h1 += b1
        np.maximum(h1, 0, out=h1)
        h2 = h1 @ w2.T
        h2 += b2
        np.maximum(h2, 0, out=h2)
        z = h2 @ w3.T
        z += b3
        return h1, h2, z[:, 0]

    def judged(z: Array, t: Array) -> tuple[float, Array]:
        """The loss, and the probabilities; both need exp(-|z|). The accuracy is counted, too."""
        e = np.exp(-np.abs(z))
        loss = (np.maximum(z, 0) - z * t + np.log1p(e)).sum() / len(z)
        s = 1 / (1 + np.exp(-z))
        int((np.rint(s) == t).sum()) / len(t) * 100
        return float(loss), s

    def step() -> None:
        nonlocal test_loss
        h1, h2, z = forward(x)
        _, g = judged(z, t)
        g -= t
        g /= n
        column = g[:, None]
        g2 = column * w3
        g2 *= h2 > 0
        g1 = g2 @ w2
        g1 *= h1 > 0
        ones = np.ones(n, np.float32)
        for p, gradient in ((w3, g @ h2), (b3, g.sum()), (w2, g2.T @ h1), (b2, ones @ g2), (w1, g1.T @ x),
                            (b1, ones @ g1)):
            p -= lr * gradient
        test_loss = judged(forward(x_test)[2], t_test)[0]

    return step, lambda: test_loss


def fashion(batch: int = 10, hidden: int = 512) -> Pair:
    """One batch of images, 784-hidden-hidden-10 with ReLU, cross entropy on one-hot targets, SGD with momentum."""
    (x, t, *_), params = start("fashion", batch=batch, hidden=hidden)
    x = x.reshape(batch, -1)
    w1, b1, w2, b2, w3, b3 = params
    lr, momentum = np.float32(0.001), np.float32(0.9)
    averages = [np.zeros_like(p) for p in params]
    part = np.empty(BLOCK, np.float32)

    def product(x: Array, w: Array) -> Array:
        """x w^T; for a few rows of x with the large matrix first, which BLAS then need not pack as often."""
        return (w @ x.T).T if 8 * len(x) <= len(w) else x @ w.T

    def forward() -> tuple[Array, Array, Array]:
        h1 = product(x, w1) + b1
        np.maximum(h1, 0, out=h1)
        h2 = product(h1, w2) + b2
        np.maximum(h2, 0, out=h2)
        z = product(h2, w3) + b3
        z -= z.max(1, keepdims=True)
        return h1, h2, z

    def update(p: Array, g: Array, m: Array) -> None:
        """m = momentum m + g, p = p - lr m, block by block."""
        p, g, m = p.reshape(-1), g.reshape(-1), m.reshape(-1)
        for i in range(0, p.size, BLOCK):
            mi = m[i : i + BLOCK]
            mi *= momentum
            mi += g[i : i + BLOCK]
            p[i : i + BLOCK] -= np.multiply(mi, lr, out=part[: mi.size])

    def step() -> None:
        h1, h2, z = forward()
        e = np.exp(z)
        total = e.sum(1, keepdims=True)
        float(((np.log(total) - z) * t).sum() / batch)
        e /= total
        e -= t
        e /= batch
        g2 = e @ w3
        g2 *= h2 > 0
        g1 = g2 @ w2
        g1 *= h1 > 0
        ones = np.ones(batch, np.float32)
        grads = g1.T @ x, ones @ g1, g2.T @ h1, ones @ g2, e.T @ h2, ones @ e
        for p, g, m in zip(params, grads, averages, strict=True):
            update(p, g, m)

    def result() -> float:
        z = forward()[2]
        return float(((np.log(np.exp(z).sum(1, keepdims=True)) - z) * t).sum() / batch)

    return step, result


WORKLOADS: dict[str, Callable[..., Pair]] = {f.__name__: f for f in (line_l1, line_mse, blob_adam, circles, fashion)}

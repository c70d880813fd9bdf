"""Mutants that compute the same numbers as minigrad: they cannot be killed. Each with its reason.

A reason alone is not believed. With each stands a function that draws a random input, and gives what comes out. On
10,000 inputs a mutant has to give minigrad's numbers, digit for digit; what it changes must be run on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

TRIES = 10_000
Random = np.random.Generator
Numbers = Callable[[Any, Random], Any]  # numbers(library, random): tensors, alone or in a list, and plain numbers


@dataclass(frozen=True)
class Equivalent:
    """Why a mutant computes the same numbers, and what gives them for a random input."""

    reason: str
    numbers: Numbers

    def on_random_inputs(self, library: Any) -> list[Any]:
        random = np.random.default_rng(0)
        return [plain(self.numbers(library, random)) for _ in range(TRIES)]


def plain(found: Any) -> Any:
    """Every digit of tensors as bytes; with shape and dtype."""
    if isinstance(found, (list, tuple)):
        return [plain(one) for one in found]
    if hasattr(found, "detach"):
        array = found.detach().numpy(force=True)
        return array.shape, array.dtype.str, array.tobytes()
    return found


def leaf(library: Any, random: Random, *shape: int) -> Any:
    return library.from_numpy(random.standard_normal(shape)).requires_grad_()


# ---- what gives the numbers ----
def sums(library: Any, random: Random) -> Any:
    """Of whole numbers, so that they are exact."""
    whole = random.integers(-99, 99, (5000, 2)).astype(np.float32)
    x = library.from_numpy(whole[: random.integers(4990, 5001)] if random.random() < 0.5 else whole.reshape(4, -1))
    return [x.sum(0), x.sum(1), x.mean()]


def expanded(library: Any, random: Random) -> Any:
    x, y = leaf(library, random, 3), leaf(library, random, 2, 3)
    a = x * 2
    same, wide = a.expand(1, 3), a.expand(int(random.integers(1, 3)), 3)
    same.mul_(y[:1])
    out = (wide * y).sum() + (same * same).sum()
    return [a, same, wide, *library.autograd.grad(out, [x, y])]


def deviations(library: Any, random: Random) -> Any:
    x = leaf(library, random, 3, 4).detach()
    x[random.integers(3)] = 2.0
    x.requires_grad_()
    return [x.std(1), *library.autograd.grad(x.std(1), x, leaf(library, random, 3).detach())]


def gathered(library: Any, random: Random) -> Any:
    x = leaf(library, random, 4, 3)
    rows = library.from_numpy(random.integers(0, 4, 5))
    out = library.cat([x[rows], x.t()[:, :3]], 0)
    return [out, *library.autograd.grad(out.sin().sum(), x)]


def gradients(library: Any, random: Random) -> Any:
    x, y = leaf(library, random, 3, 2), leaf(library, random, 2)
    out = (x * y).tanh() / (y.exp() + 1) - (x @ y.unsqueeze(1)) * y.sum()
    return [out, *library.autograd.grad(out, [x, y], leaf(library, random, 3, 2).detach())]


def second_derivatives(library: Any, random: Random) -> Any:
    x, y, z = leaf(library, random, 3, 2), leaf(library, random, 2), leaf(library, random, 3, 1)
    first = library.autograd.grad((x * y / (z * z + 1)).sin().sum(), [x, y, z], create_graph=True)
    return library.autograd.grad(sum((d * d).sum() for d in first), [x, y, z])


def sums_of_rows(library: Any, random: Random) -> Any:
    x, y = [library.from_numpy(random.integers(-99, 99, shape) * 1.0).requires_grad_() for shape in ((5, 3), (3,))]
    g = library.from_numpy(random.integers(-99, 99, (5, 3)) * 1.0)
    return [*library.autograd.grad(x + y, [x, y], g), *library.autograd.grad(x * y, [x, y], g)]


def written_to(library: Any, random: Random) -> Any:
    """Of whole numbers, so that sums are exact, in whatever order."""
    x, y = [library.from_numpy(random.integers(-9, 9, n) * 1.0).requires_grad_() for n in (4, 2)]
    a = x * 2
    view, other = a[1:3], a.view(2, 2)
    view.mul_(y)
    other.add_(y)
    a.sub_(x).mul_(3)
    view += 1
    plain = x.detach().clone()
    plain.add_(1).mul_(plain)
    out = (a * a).sum() + (view * y).sum() + (other * y).sum()
    return [a, view, other, plain, *library.autograd.grad(out, [x, y])]


def assigned(library: Any, random: Random) -> Any:
    x, value = leaf(library, random, 3, 4), leaf(library, random, *[(4,), (1, 4), (1, 1, 4), ()][random.integers(4)])
    a = x * 1
    a[int(random.integers(3))] = value
    a[:2] = value
    number = x[0, 0] * 1
    number[...] = value.sum()
    a = a * number
    return [a, *library.autograd.grad((a * a).sum(), [x, value])]


def powers(library: Any, random: Random) -> Any:
    x, y = leaf(library, random, 3).detach().abs().requires_grad_(), leaf(library, random, 3)
    a = x * 1
    a.pow_(y)
    return [a, *library.autograd.grad((a * a).sum(), [x, y])]


def cotangents(library: Any, random: Random) -> Any:
    x, g = leaf(library, random, 3), leaf(library, random, 3).detach()
    y = x.sin() * x
    y.backward(g.clone())
    return [x.grad, *library.autograd.grad(x * x, x, g, create_graph=True)]


def elus(library: Any, random: Random) -> Any:
    x = library.from_numpy(random.standard_normal(5).round() + 0.0).requires_grad_()  # + 0.0: no -0.0
    out = library.nn.functional.elu(x, float(random.random()))
    return [out, *library.autograd.grad(out, x, leaf(library, random, 5).detach())]


def losses_at_corners(library: Any, random: Random) -> Any:
    """Of whole numbers, so that many distances are exactly as long as the bound."""
    f, bound = library.nn.functional, float(random.integers(1, 4))
    x, y = [library.from_numpy(random.integers(-3, 4, 6) * 1.0).requires_grad_() for _ in range(2)]
    losses = [f.huber_loss(x, y, delta=bound, reduction="none"), f.smooth_l1_loss(x, y, beta=bound, reduction="none")]
    g = leaf(library, random, 6).detach()
    return [*losses, *library.autograd.grad(losses, [x, y], [g, g])]


def ignored_targets(library: Any, random: Random) -> Any:
    x = leaf(library, random, 6, 4)
    target = library.from_numpy(random.integers(0, 4, 6))
    loss = library.nn.functional.nll_loss(x, target, leaf(library, random, 4).detach().abs(),
                                          ignore_index=int(random.integers(0, 4)), reduction="sum")
    return [loss, *library.autograd.grad(loss, x)]


def adam_steps(library: Any, random: Random) -> Any:
    w = library.nn.Parameter(leaf(library, random, 4).detach())
    optimizer = library.optim.Adam([w], 0.1, amsgrad=bool(random.integers(2)))
    for _ in range(2):
        w.grad = leaf(library, random, 4).detach()
        optimizer.step()
    return [w, *[value for value in optimizer.state[w].values()]]


def logs_of_sums(library: Any, random: Random) -> Any:
    x = leaf(library, random, 3, 4).detach()
    x[0] = float(random.choice([-np.inf, np.inf, 1.0]))
    x[1, 0] = float(random.choice([-np.inf, np.inf, 1.0]))
    return [x.logsumexp(1), x.logsumexp(0, keepdim=True)]


EQUIVALENT: dict[str, Equivalent] = {
    "ops.py: total_of: 10000  ->  10001":
        Equivalent("decides from where on a sum is made in another way, which differs in rounding alone", sums),
    "ops.py: total_of: x.size > 10000  ->  x.size >= 10000":
        Equivalent("decides from where on a sum is made in another way, which differs in rounding alone", sums),
    "ops.py: total_of: x.ndim - 1  ->  x.ndim + 1":
        Equivalent("makes every long sum in another way, which differs in rounding alone", sums),
    "ops.py: total_of: x.ndim - 1  ->  x.ndim":
        Equivalent("makes every long sum in another way, which differs in rounding alone", sums),
    "ops.py: _expand: x.reshape(shape) if x.size == math.prod(shape) else np.broadcast_to(x, shape)  ->  "
    "np.broadcast_to(x, shape)":
        Equivalent("a view of the same elements; that NumPy protects it is undone when it is written to", expanded),
    ("ops.py: _set: np.asarray(x).copy() if isinstance(x, np.generic) else x.copy()  ->  "
     "np.asarray(x).copy()"):
        Equivalent("an array made an array is itself", assigned),
    "ops.py: _set: np.asarray(x).copy()  ->  np.asarray(x)":
        Equivalent("a NumPy scalar made an array is new memory", assigned),
    "ops.py: std: 0  ->  1 [2]":
        Equivalent("where the deviation is 0, so are the distances from the mean, its factors", deviations),
    "ops.py: _contiguous: x if x.flags.c_contiguous else x.copy()  ->  x.copy()":
        Equivalent("a copy more, of the same numbers in the same order", gathered),
    ("engine.py: Pullback.__init__: None if names_of(rule) == self.names else _picker(self.names, names_of"
     "(rule))  ->  _picker(self.names, names_of(rule))"):
        Equivalent("picks all values in their order, which is what None stands for", gradients),
    "engine.py: : 0  ->  1":
        Equivalent("the time of a write that never was: 1 is not later than any node, either", gradients),
    "engine.py: wrap: 0  ->  1":
        Equivalent("the time of a write that never was: 1 is not later than any node, either", written_to),
    "engine.py: : 1  ->  2":
        Equivalent("where time starts: only what is later than what counts", written_to),
    "engine.py: Leaf.__init__: False  ->  True":
        Equivalent("whoever makes a leaf sets it, but under no_grad, where it is True", gradients),
    "engine.py: Leaf.accumulate: np.asarray(g) if isinstance(g, np.generic) else g  ->  np.asarray(g)":
        Equivalent("an array made an array is itself", cotangents),
    "engine.py: fit: grad.array if isinstance(grad, TensorCore) else grad  ->  grad":
        Equivalent("a tensor tells its shape as an array does; its dtype is none of NumPy's, and so it is brought to "
                   "the dtype that it has", second_derivatives),
    "engine.py: fit: array.shape != node.shape  ->  array.shape == node.shape":
        Equivalent("rows are summed by sum, and not by a product with ones: the same sum (the random inputs are whole "
                   "numbers, as for others the order of a sum shows in the last digit)", sums_of_rows),
    "engine.py: walk_back: own(g) if isinstance(root, Leaf) and targets is None else g  ->  own(g)":
        Equivalent("a copy more, of the same numbers", cotangents),
    "inplace.py: update: x.follow()  ->  pass":
        Equivalent("the line after it, and every op that is applied, lets x follow its base, too", written_to),
    "inplace.py: move_output: x.array if v is array else v  ->  v":
        Equivalent("the same values, from before they were copied into x; its cell tells when x changes", powers),
    "inplace.py: become: x.follow()  ->  pass":
        Equivalent("who calls it has let x follow its base already", written_to),
    "autograd/walks.py: grad: True  ->  False":
        Equivalent("an argument that brings a warning and changes nothing", gradients),
    "inplace.py: without_leading_ones: value.array.ndim <= ndim  ->  value.array.ndim < ndim":
        Equivalent("with as many dimensions none is in front: a tensor in its own shape is itself", assigned),
    "inplace.py: repeats_elements: 0  ->  1":
        Equivalent("an array that repeats an element has two of them at least", written_to),
    "inplace.py: offsets: 1  ->  2":
        Equivalent("NumPy takes any negative size for the one that it is to find", written_to),
    ("autograd/walks.py: _first_cotangent: g if g.array.dtype == out.array.dtype else g.to(out.dtype)  -> "
     " g.to(out.dtype)"):
        Equivalent("a tensor brought to the dtype that it has is itself", cotangents),
    "nn/rules.py: elu: x > 0  ->  x >= 0":
        Equivalent("at 0 both branches of the forward function are 0", elus),
    "nn/rules.py: huber_loss: (d := np.abs(x - y)) < delta  ->  (d := np.abs(x - y)) <= delta":
        Equivalent("where the distance is delta, both branches are delta ** 2 / 2", losses_at_corners),
    "nn/rules.py: smooth_l1_loss: (d := np.abs(x - y)) < beta  ->  (d := np.abs(x - y)) <= beta":
        Equivalent("where the distance is beta, both branches are beta / 2", losses_at_corners),
    "nn/rules.py: huber_loss: delta * sign(d)  ->  delta / sign(d)":
        Equivalent("the sign is 1 or -1 where this branch is taken", losses_at_corners),
    "nn/rules.py: huber_loss: delta * sign(d)  ->  delta / sign(d) [2]":
        Equivalent("the sign is 1 or -1 where this branch is taken", losses_at_corners),
    "nn/losses.py: nll_loss: 0  ->  1 [2]":
        Equivalent("stands where the target is ignored; what is read there is replaced by 0", ignored_targets),
    "optim/adam.py: Adam._update: 3  ->  4":
        Equivalent("the end of a slice of a tuple that has three entries", adam_steps),
    "inplace.py: update: wrap(x.array.copy(), x.node) if tracked else x  ->  wrap(x.array.copy(), x.node)":
        Equivalent("a copy more, of the same numbers; without a gradient nobody looks at its history", written_to),
    "inplace.py: continue_as: retake(x)  ->  pass":
        Equivalent("the view follows its base before it is used again, which takes it anew then", written_to),
    "ops.py: _logsumexp: 0  ->  1":
        Equivalent("a finite number in the place of an infinite largest element: exp gives 0 or inf with either",
                   logs_of_sums),
}

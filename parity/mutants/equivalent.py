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
    plain = x.detach().clone()
    plain[1] = value.detach()
    return [plain, a, *library.autograd.grad((a * a).sum(), [x, value])]


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


def averaged_losses(library: Any, random: Random) -> Any:
    f, x, y = library.nn.functional, leaf(library, random, 6), leaf(library, random, 6)
    return [f.mse_loss(x, y), f.l1_loss(x.double(), y.double()), f.l1_loss(x.half(), y.half())]


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


def steps_with_momentum(library: Any, random: Random) -> Any:
    w = library.nn.Parameter(leaf(library, random, 3).detach())
    optimizer = library.optim.SGD([w], 0.1, momentum=float(random.random()), dampening=float(random.choice([0.0, 0.3])))
    for _ in range(3):
        w.grad = leaf(library, random, 3).detach()
        optimizer.step()
    return w


def rates(library: Any, random: Random) -> Any:
    """The learning rates in some epochs of every schedule."""
    s, w, found = library.optim.lr_scheduler, library.nn.Parameter(library.zeros(1)), []
    milestones, half = random.integers(0, 6, 3).tolist(), int(random.integers(1, 5))
    for make in (lambda o: s.MultiStepLR(o, milestones, 0.7), lambda o: s.LambdaLR(o, lambda n: 1 / (n + 2)),
                 lambda o: s.CosineAnnealingLR(o, half, 0.01)):
        optimizer = library.optim.SGD([w], float(random.random()))
        scheduler = make(optimizer)
        for _ in range(6):
            optimizer.step()
            scheduler.step()
            found.append(optimizer.param_groups[0]["lr"])
    return found


def cycled_rates(library: Any, random: Random) -> Any:
    """The learning rates and momenta in some steps of schedules that go round; CyclicLR is right at its top in some."""
    s, w, found = library.optim.lr_scheduler, library.nn.Parameter(library.zeros(1)), []
    up, down, low, high = *random.integers(1, 4, 2).tolist(), *random.random(2).tolist()
    for make in (lambda o: s.CyclicLR(o, low, high, up, down), lambda o: s.OneCycleLR(o, high, up + 2),
                 lambda o: s.CosineAnnealingWarmRestarts(o, up, down, low)):
        scheduler = make(optimizer := library.optim.SGD([w], 0.3, momentum=0.5))
        for _ in range(up + 1):
            optimizer.step()
            scheduler.step()
            found += [optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]]
    return found


def line_searches(library: Any, random: Random) -> Any:
    """Among losses and slopes at random, many of them equal."""
    search, seen = library.optim.lbfgs, []
    slopes = [library.from_numpy(np.array(slope)) for slope in (-4.0, -3.8, 4.0, 3.8, 0.0, -6.0, 5.0)]

    def at(t: Any) -> Any:
        seen.append(float(t))
        return search._Point(t, 1.0 - random.integers(-1, 4) / 2, None, slopes[random.integers(7)])

    start = search._Point(0, 1.0, None, slopes[0])
    found = search._strong_wolfe(at, start, slopes[3] * 0.25, 1e-9, int(random.integers(1, 6)))
    return library.tensor([*seen, float(found.t), found.loss])


def attention_to_nothing(library: Any, random: Random) -> Any:
    inputs = [leaf(library, random, 3, n) for n in (2, 2, 3)]
    mask = library.from_numpy(random.random((3, 3)) < 0.4)
    out = library.nn.functional.scaled_dot_product_attention(*inputs, mask)
    return [out, *library.autograd.grad(out, inputs, leaf(library, random, 3, 3).detach())]


def logs_of_sums(library: Any, random: Random) -> Any:
    x = leaf(library, random, 3, 4).detach()
    x[0] = float(random.choice([-np.inf, np.inf, 1.0]))
    x[1, 0] = float(random.choice([-np.inf, np.inf, 1.0]))
    return [x.logsumexp(1), x.logsumexp(0, keepdim=True)]


def convolved(library: Any, random: Random) -> Any:
    """A convolution, or its transpose, with strides up to the kernel's size and beyond, with and without padding."""
    f, stride, padding = library.nn.functional, int(random.integers(1, 5)), int(random.integers(2))
    call = f.conv2d if random.integers(2) else f.conv_transpose2d
    x, w, b = leaf(library, random, 2, 2, 3, 5), leaf(library, random, 2, 2, 2, 3), leaf(library, random, 2)
    out = call(x, w, b, stride, padding)
    return [out, *library.autograd.grad(out, [x, w, b], leaf(library, random, *out.shape).detach())]


def mean_of_windows(library: Any, random: Random) -> Any:
    x = leaf(library, random, 2, 2, 5, 4)
    out = library.nn.functional.avg_pool2d(x, 2, int(random.integers(1, 3)), int(random.integers(2)),
                                           count_include_pad=bool(random.integers(2)))
    return [out, *library.autograd.grad(out, x, leaf(library, random, *out.shape).detach())]


def losses_of_parts(library: Any, random: Random) -> Any:
    """Written to after they were made, if they are one for each element."""
    f, reduction = library.nn.functional, str(random.choice(["none", "mean", "sum"]))
    x, logits = leaf(library, random, 3), leaf(library, random, 2, 3)
    y, weight = leaf(library, random, 3).detach().sigmoid(), leaf(library, random, 3).detach().abs()
    ids = library.from_numpy(random.integers(0, 3, 2))
    losses = [f.binary_cross_entropy(x.sigmoid(), y, weight, reduction=reduction),
              f.binary_cross_entropy_with_logits(x, y, weight, reduction=reduction),
              f.nll_loss(logits, ids, weight, reduction=reduction)]
    written_to = [loss.mul_(2).add_(1) for loss in losses]
    gradients = library.autograd.grad(written_to, [x, logits], [library.ones_like(t) for t in written_to])
    return [*written_to, *gradients]


def seeded(library: Any, random: Random) -> Any:
    own = library.Generator()
    first = library.rand(2, generator=own)
    own.manual_seed(int(random.integers(2**40)))
    return [first, library.rand(2, generator=own), own.get_state()]


def chosen_in_a_race(library: Any, random: Random) -> Any:
    library.manual_seed(int(random.integers(2**40)))
    weights = leaf(library, random, 2, 5).detach().abs()
    return [library.multinomial(weights, n) for n in (1, 3, 5)] + [library.multinomial(weights, 4, True)]


def logs_of_halved_roots(library: Any, random: Random) -> Any:
    """Of the root of 1/2 and of half of it, and half of that, ...; and of any other numbers."""
    root = np.float32(np.sqrt(0.5)) / np.float32(2) ** random.integers(0, 25, 3).astype(np.float32)
    return library.from_numpy(library.exact._log_float32(np.append(root, 1 - random.random(3, np.float32))))


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
    "inplace.py: assign: value.array if isinstance(value, TensorCore) else value  ->  value":
        Equivalent("NumPy asks a tensor for its array itself", assigned),
    "inplace.py: repeats_elements: 0  ->  1":
        Equivalent("an array that repeats an element has two of them at least", written_to),
    ("autograd/walks.py: _first_cotangent: g if g.array.dtype == out.array.dtype else g.to(out.dtype)  -> "
     " g.to(out.dtype)"):
        Equivalent("a tensor brought to the dtype that it has is itself", cotangents),
    "nn/rules.py: _reduced: loss if loss.dtype == x.dtype else loss.astype(x.dtype)  ->  loss.astype(x.dtype)":
        Equivalent("converts to the dtype that it has already", averaged_losses),
    "nn/rules.py: huber_loss: (d := np.abs(x - y)) < delta  ->  (d := np.abs(x - y)) <= delta":
        Equivalent("where the distance is delta, both branches are delta ** 2 / 2", losses_at_corners),
    "nn/rules.py: smooth_l1_loss: (d := np.abs(x - y)) < beta  ->  (d := np.abs(x - y)) <= beta":
        Equivalent("where the distance is beta, both branches are beta / 2", losses_at_corners),
    "nn/rules.py: huber_loss: delta * sign(d)  ->  delta / sign(d)":
        Equivalent("the sign is 1 or -1 where this branch is taken", losses_at_corners),
    "nn/rules.py: huber_loss: delta * sign(d)  ->  delta / sign(d) [2]":
        Equivalent("the sign is 1 or -1 where this branch is taken", losses_at_corners),
    "nn/rules.py: _fold: s < d * (k - 1) + 1  ->  s <= d * (k - 1) + 1":
        Equivalent("adds to zeros, where a copy would do", convolved),
    "nn/rules.py: _fold: k - 1  ->  k + 1":
        Equivalent("adds to zeros, where a copy would do", convolved),
    "nn/rules.py: _fold: k - 1  ->  k":
        Equivalent("adds to zeros, where a copy would do", convolved),
    "nn/rules.py: _fold: 1  ->  2 [2]":
        Equivalent("adds to zeros, where a copy would do", convolved),
    ("nn/rules.py: _fold: out[_inside(shape[2:], padding)].copy() if any(map(any, padding)) else out  ->  "
     "out[_inside(shape[2:], padding)].copy()"):
        Equivalent("a copy more, of all, as without padding all lies inside", convolved),
    "nn/rules.py: convolution: False  ->  True":
        Equivalent("a dimension of one element more, which the reshape after it takes away", convolved),
    "nn/rules.py: conv_transpose: False  ->  True":
        Equivalent("a dimension of one element more, which the reshape after it takes away", convolved),
    "nn/rules.py: avg_pool: True  ->  False":
        Equivalent("a dimension of one element less; as many places are divided by their counts", mean_of_windows),
    "nn/convolution.py: avg_pool2d: True  ->  False [2]":
        Equivalent("a dimension of one element less, in front of what it is divided by: NumPy puts it back",
                   mean_of_windows),
    "nn/rules.py: nll_loss: x.copy() if reduction == 'none' else _reduced(x, reduction, n)  ->  "
    "_reduced(x, reduction, n)":
        Equivalent("x was made on the way to the loss: nobody else holds it, and no rule has kept it", losses_of_parts),
    "nn/rules.py: nll_loss: x.copy()  ->  x":
        Equivalent("x was made on the way to the loss: nobody else holds it, and no rule has kept it", losses_of_parts),
    "nn/rules.py: nll_loss: True  ->  False":
        Equivalent("a loss has no dimensions: there are none to put back", losses_of_parts),
    "random.py: Generator.__init__: 0  ->  1":
        Equivalent("the next line seeds the generator again", seeded),
    "random.py: Generator.exponential: 1.0  ->  2.0":
        Equivalent("a race at twice the speed: the same are first", chosen_in_a_race),
    "random.py: Generator.multinomial: False  ->  True":
        Equivalent("a default: torch.multinomial always says which it wants", chosen_in_a_race),
    "exact.py: _log_float32: mantissa < np.float32(math.sqrt(0.5))  ->  mantissa <= np.float32(math.sqrt(0.5))":
        Equivalent("at the root of 1/2, halved up to 24 times, both polynomials give the same float32",
                   logs_of_halved_roots),
    "nn/losses.py: nll_loss: 0  ->  1 [3]":
        Equivalent("stands where the target is ignored; what is read there is replaced by 0", ignored_targets),
    "optim/adam.py: Adam._update: 3  ->  4":
        Equivalent("the end of a slice of a tuple that has three entries", adam_steps),
    "optim/sgd.py: SGD._running_sum: (1 - dampening) * g if dampening else g  ->  (1 - dampening) * g":
        Equivalent("without dampening 1 times g, which is g", steps_with_momentum),
    "optim/lr_scheduler/schedules.py: MultiStepLR.get_lr: self.gamma ** decays if decays else None  ->  "
    "self.gamma ** decays":
        Equivalent("gamma ** 0 is 1, and 1 times a learning rate is itself", rates),
    "optim/lr_scheduler/schedules.py: LambdaLR.get_lr: self._present_lrs()  ->  pass":
        Equivalent("is there for its warning: what it returns is not used", rates),
    "optim/lr_scheduler/cosine.py: CosineAnnealingLR.get_lr: n - 1 - half  ->  n - 1 + half":
        Equivalent("differs by 2 * half, which the remainder by 2 * half takes away", rates),
    "optim/lr_scheduler/cosine.py: CosineAnnealingWarmRestarts.get_lr: self._present_lrs()  ->  pass":
        Equivalent("is there for its warning: what it returns is not used", cycled_rates),
    "optim/lr_scheduler/cycles.py: OneCycleLR.get_lr: self._present_lrs()  ->  pass":
        Equivalent("is there for its warning: what it returns is not used", cycled_rates),
    "optim/lr_scheduler/cycles.py: CyclicLR.get_lr: self._present_lrs()  ->  pass":
        Equivalent("is there for its warning: what it returns is not used", cycled_rates),
    "optim/lr_scheduler/cycles.py: CyclicLR.get_lr: x <= self.step_ratio  ->  x < self.step_ratio":
        Equivalent("at the top both branches divide a number by itself, which gives 1", cycled_rates),
    "optim/lbfgs.py: _strong_wolfe: now.slope >= 0  ->  now.slope > 0":
        Equivalent("a slope of 0 is flat, and the search has returned two lines before", line_searches),
    "optim/lbfgs.py: _strong_wolfe: abs(t - right) < abs(t - left)  ->  abs(t - right) <= abs(t - left)":
        Equivalent("they are equal in the middle alone, which is not near an end", line_searches),
    "optim/lbfgs.py: _strong_wolfe: point.slope * (bracket[1 - low].t - bracket[low].t) >= 0  ->  "
    "point.slope * (bracket[1 - low].t - bracket[low].t) > 0":
        Equivalent("a slope of 0 is flat, and a bracket of length 0 has ended the search", line_searches),
    "optim/lbfgs.py: _strong_wolfe: point.slope * (bracket[1 - low].t - bracket[low].t)  ->  "
    "point.slope / (bracket[1 - low].t - bracket[low].t)":
        Equivalent("only the sign counts, and the length of a bracket is not 0", line_searches),
    "optim/lbfgs.py: _cubic_minimum: p.t <= q.t  ->  p.t < q.t":
        Equivalent("the two points are in different places", line_searches),
    "nn/attention.py: attention_weights: 0.0  ->  1.0":
        Equivalent("softmax of equal numbers is the same, whichever they are, and is replaced by 0 after it",
                   attention_to_nothing),
    "inplace.py: update: wrap(x.array.copy(), x.node) if tracked else x  ->  wrap(x.array.copy(), x.node)":
        Equivalent("a copy more, of the same numbers; without a gradient nobody looks at its history", written_to),
    "inplace.py: continue_as: retake(x)  ->  pass":
        Equivalent("the view follows its base before it is used again, which takes it anew then", written_to),
    "ops.py: _logsumexp: 0  ->  1":
        Equivalent("a finite number in the place of an infinite largest element: exp gives 0 or inf with either",
                   logs_of_sums),
}

"""L-BFGS: steps that learn the curvature from the gradients that they have seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..functions.joining import cat
from ..modes import enable_grad, no_grad
from ..tensor import Tensor
from .optimizer import Optimizer, ParamsT, checked

Closure = Callable[[], Any]
Number = Any  # a Python number, or a tensor with one element


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu & Nocedal, 1989): w <- w + t * d with the direction d = -H g.

    g is the gradient with respect to all parameters, as one vector. H approximates the inverse of the matrix of second
    derivatives; it is made of the last `history_size` steps s and the changes y of the gradient that they brought: the
    two loops of `_direction`. A step is `max_iter` of these at most, and the `closure`, which computes the loss and its
    gradients, is called `max_eval` times at most (None: 5/4 of max_iter). t is `lr` (less at the first step), or with
    line_search_fn="strong_wolfe" a length at which the loss is well down and its slope flat. A step ends early when no
    gradient is above `tolerance_grad`, or the weights or the loss change less than `tolerance_change`.

    There is one group of parameters only: ValueError for several, or a negative lr; RuntimeError for another search.

    >>> from minigrad import nn, tensor
    >>> w = nn.Parameter(tensor([3.0, -1.0]))
    >>> optimizer = LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - tensor([1.0, 2.0])) ** 4).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(97., grad_fn=<SumBackward0>)
    >>> bool(closure() < 1e-4)
    True
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1, max_iter: int = 20, max_eval: int | None = None,
                 tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
                 line_search_fn: str | None = None) -> None:
        super().__init__(params, checked({
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn}))
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups): "
                             f"{len(self.param_groups)} groups")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    @no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Closure) -> Any:  # as in torch, it can't do without
        """Up to `max_iter` iterations. Returns the loss before them."""
        group, state = self.param_groups[0], self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        lr, tolerance, earlier = float(group["lr"]), group["tolerance_change"], state["func_evals"]
        first_loss, grad = self._evaluate(closure)
        loss, n = float(first_loss), 0
        t: Number
        while n < group["max_iter"] and not grad.abs().max() <= group["tolerance_grad"]:
            n, state["n_iter"] = n + 1, state["n_iter"] + 1
            d = state["d"] = self._direction(grad)
            state["prev_flat_grad"], state["prev_loss"] = grad, loss
            t = state["t"] = (1.0 / grad.abs().sum()).clamp(max=1.0) * lr if state["n_iter"] == 1 else lr
            slope = grad.dot(d)
            if slope > -tolerance:
                break
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError(f"only 'strong_wolfe' is supported, not {group['line_search_fn']!r}")
                most = group["max_eval"] - (state["func_evals"] - earlier)
                t, loss, grad, _ = _strong_wolfe(self._along(closure, d), _Point(0, loss, grad, slope), t,
                                                 1e-9 / d.abs().max(), most)  # as in torch, whatever the tolerances
                state["t"] = t
            self._move(t, d)
            if group["line_search_fn"] is None and n < group["max_iter"]:
                new_loss, grad = self._evaluate(closure)
                loss = float(new_loss)
            if (state["func_evals"] - earlier >= group["max_eval"] or (d * t).abs().max() <= tolerance
                    or abs(loss - state["prev_loss"]) < tolerance):
                break
        return first_loss

    def _evaluate(self, closure: Closure) -> tuple[Any, Tensor]:
        """The loss, and the gradients as one vector."""
        self.state[self._params[0]]["func_evals"] += 1
        with enable_grad():
            loss = closure()
        return loss, cat([p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1) for p in self._params])

    def _move(self, t: Number, d: Tensor) -> None:
        """Go t times the direction d."""
        for p, part in zip(self._params, d.split([p.numel() for p in self._params]), strict=True):
            p.add_(part.view_as(p), alpha=float(t))

    def _direction(self, grad: Tensor) -> Tensor:
        """-H g, after H has learnt from the last step."""
        group, state = self.param_groups[0], self.state[self._params[0]]
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -grad
        y, s = grad - state["prev_flat_grad"], state["d"] * state["t"]
        ys = y.dot(s)
        if ys > 1e-10:
            for name, value in (("old_dirs", y), ("old_stps", s), ("ro", 1.0 / ys)):
                state[name] = [*state[name], value][-group["history_size"] :]
            state["H_diag"] = ys / y.dot(y)
        history, shares = list(zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True)), []
        q = -grad
        for y, s, ro in reversed(history):
            shares.append(s.dot(q) * ro)
            q.add_(y, alpha=-float(shares[-1]))
        q = q * state["H_diag"]
        for (y, s, ro), share in zip(history, reversed(shares), strict=True):
            q.add_(s, alpha=float(share - y.dot(q) * ro))
        return q

    def _along(self, closure: Closure, d: Tensor) -> Callable[[Number], _Point]:
        """The function that looks at the loss t times the direction d away, and comes back."""
        start = [p.clone() for p in self._params]

        def at(t: Number) -> _Point:
            self._move(t, d)
            loss, grad = self._evaluate(closure)
            for p, value in zip(self._params, start, strict=True):
                p.copy_(value)
            return _Point(t, float(loss), grad, grad.dot(d))

        return at


class _Point(NamedTuple):
    """A place on the line along which a search goes."""

    t: Number
    loss: float
    grad: Tensor
    slope: Number


def _strong_wolfe(at: Callable[[Number], _Point], start: _Point, t: Number, shortest: Number, most: int) -> _Point:
    """A point where the loss is down by what a ten-thousandth of the first slope promises, and the slope is at most
    nine tenths of the first (Nocedal & Wright, Numerical Optimization, algorithms 3.5 and 3.6).

    First it walks on until such a point is passed; then it narrows the bracket around it, until that is `shortest`.
    """

    def is_high(p: _Point) -> bool:
        return bool(p.loss > start.loss + 1e-4 * p.t * start.slope)

    def is_flat(p: _Point) -> bool:
        return bool(abs(p.slope) <= -0.9 * start.slope)

    before, now = start, at(t)
    for steps in range(most):
        if is_high(now) or (steps > 1 and now.loss >= before.loss):
            break
        if is_flat(now):
            return now
        if now.slope >= 0:
            break
        t = _cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10)
        before, now = now, at(t)
    else:
        return start if start.loss <= now.loss else now
    bracket, stuck = [before, now], False
    low = 0 if before.loss <= now.loss else 1
    while steps < most and not abs(now.t - before.t) < shortest:
        left, right = min(before.t, now.t), max(before.t, now.t)
        t = _cubic_minimum(before, now, left, right)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin  # too near to an end to bring us on
        if near and (stuck or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        stuck = bool(near)
        point, steps = at(t), steps + 1
        if is_high(point) or point.loss >= bracket[low].loss:
            bracket[1 - low] = point
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
        else:
            if is_flat(point):
                return point
            if point.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = point
        before, now = bracket
    return bracket[low]


def _cubic_minimum(p: _Point, q: _Point, lowest: Number, highest: Number) -> Number:
    """Where the cubic through two points, with their slopes, is least, within bounds; their middle if it has none."""
    p, q = (p, q) if p.t <= q.t else (q, p)
    d1 = p.slope + q.slope - 3 * (p.loss - q.loss) / (p.t - q.t)
    square = d1**2 - p.slope * q.slope
    if not square >= 0:
        return (lowest + highest) / 2.0
    d2 = square.sqrt()
    return min(max(q.t - (q.t - p.t) * ((q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2)), lowest), highest)

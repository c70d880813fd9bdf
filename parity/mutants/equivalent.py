"""Mutants that compute the same numbers as minigrad: they cannot be killed. Each with its reason."""

from __future__ import annotations

EQUIVALENT: dict[str, str] = {
    "ops.py: total_of: 10000  ->  10001":
        "decides between two ways to add up, which differ in rounding alone",
    "ops.py: total_of: x.size > 10000  ->  x.size >= 10000":
        "decides between two ways to add up, which differ in rounding alone",
    "ops.py: _contiguous: x if x.flags.c_contiguous else x.copy()  ->  x.copy()":
        "a copy more, of the same numbers in the same order",
    ("engine.py: Pullback.__init__: None if names_of(rule) == self.names else _picker(self.names, names_of"
     "(rule))  ->  _picker(self.names, names_of(rule))"):
        "picks all values in their order, which is what None stands for",
    "inplace.py: update: x.follow()  ->  pass":
        "the line after it, and every op that is applied, lets x follow its base, too",
    ("autograd/walks.py: _first_cotangent: g if g.array.dtype == out.array.dtype else g.to(out.dtype)  -> "
     " g.to(out.dtype)"):
        "a tensor brought to the dtype that it has is itself",
    "nn/rules.py: elu: x > 0  ->  x >= 0":
        "at 0 both branches of the forward function are 0",
    "nn/losses.py: nll_loss: 0  ->  1 [2]":
        "stands where the target is ignored; what is read there is replaced by 0",
    "optim/adam.py: Adam._update: 3  ->  4":
        "the end of a slice of a tuple that has three entries",
    "inplace.py: update: wrap(x.array.copy(), x.node) if tracked else x  ->  wrap(x.array.copy(), x.node)":
        "a copy more, of the same numbers; without a gradient nobody looks at its history",
    "optim/adaptive.py: lerp: weight < 0.5  ->  weight <= 0.5":
        "at 0.5 both formulas are the mean of the two, and differ in rounding alone",
    "inplace.py: continue_as: retake(x)  ->  pass":
        "the view follows its base before it is used again, which takes it anew then",
    "ops.py: _logsumexp: 0  ->  1":
        "a finite number in the place of an infinite largest element: exp gives 0 or inf with either",
}

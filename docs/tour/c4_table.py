"""# 4. The table

In chapter 3 the rules hid in the methods, and each of them was locked up in a `lambda g: ...` that had everything
it might need within reach. Here they come out, into a *table*: one entry for each operation, in it how to run it,
and one rule for each input. Three things come of that:

- the calculus stands in one place, one line for each derivative, to be read, checked and tested;
- a rule *says* what it needs, by naming it, so nothing else is kept alive on the tape;
- a rule is a function of `g` and what it names, so it can be run on other things than arrays. Below it is run on
  words, and prints its own formula. In chapter 8 it is run on tensors, and gives second derivatives.

A rule names, after `g`: the result (`out`), an input (`x`, `y`), or just an input's shape (`x_shape`).
"""

import itertools

import numpy as np
from c3_broadcasting import fit as fit_array

tick = itertools.count().__next__


class Traced:
    """What may stand in an array's place: a Tensor, which records, or a Word, which prints."""

    def __add__(self, other): return add(self, other)
    def __radd__(self, other): return add(other, self)
    def __sub__(self, other): return sub(self, other)
    def __rsub__(self, other): return sub(other, self)
    def __mul__(self, other): return mul(self, other)
    def __rmul__(self, other): return mul(other, self)
    def __truediv__(self, other): return div(self, other)
    def __matmul__(self, other): return mm(self, other)
    def __neg__(self): return mul(self, -1)


class Op:
    """One entry of the table. Called on arrays it computes; on tensors it records; on words it prints."""

    def __init__(self, name, forward, **rules):
        self.name, self.forward, self.rules = name, forward, rules

    def __call__(self, *args):
        for a in args:
            if isinstance(a, Traced):
                return a.apply(self, args)
        return self.forward(*args)


def names_of(rule):
    """What a rule asks for, after g: read off its signature."""
    return rule.__code__.co_varnames[1 : rule.__code__.co_argcount]


"""
And here it is, the calculus of this tour:
"""

add = Op("add", np.add, x=lambda g: g, y=lambda g: g)
sub = Op("sub", np.subtract, x=lambda g: g, y=lambda g: -g)
mul = Op("mul", np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
div = Op("div", np.divide, x=lambda g, y: g / y, y=lambda g, out, y: -(g * out / y))
exp = Op("exp", np.exp, x=lambda g, out: g * out)
log = Op("log", np.log, x=lambda g, x: g / x)
tanh = Op("tanh", np.tanh, x=lambda g, out: g * (1 - out * out))
relu = Op("relu", lambda x: np.maximum(x, 0), x=lambda g, out: g * step(out))
step = Op("step", lambda x: np.where(x > 0, 1.0, 0.0))  # no rule: flat wherever it has a slope
mm = Op("mm", np.matmul, x=lambda g, y: mm(g, t(y)), y=lambda g, x: mm(t(x), g))
t = Op("t", np.transpose, x=lambda g: t(g))
fit = Op("fit", fit_array, x=lambda g, x_shape: spread(g, x_shape))  # to repeat and to sum up what was repeated:
spread = Op("spread", np.broadcast_to, x=lambda g, x_shape: fit(g, x_shape))  # each is the other's derivative

"""
## The tape, once more

`apply` runs an entry on tensors. The node gets: the entry, the parents that want a gradient, what their rules name,
and the shape of the result. A tensor without a node is a constant, such as the data: nothing flows to it.
"""


class Node:
    """One operation that was run."""

    def __init__(self, op, parents, saved, shape):
        self.op, self.parents, self.saved, self.shape = op, parents, saved, shape
        self.tick = tick()


class Leaf(Node):
    """The end of the tape: a tensor that we want the gradient of. Gradients are kept here."""

    def __init__(self, shape):
        super().__init__(None, {}, {}, shape)
        self.grad = None


class Tensor(Traced):
    """An array, and its place on the tape."""

    def __init__(self, value, requires_grad=False):
        self.value = np.asarray(value, dtype=float)
        self.node = Leaf(self.value.shape) if requires_grad else None

    def __repr__(self):
        return f"Tensor({self.value})"

    @property
    def grad(self):
        return self.node.grad

    def apply(self, op, args):
        values = [a.value if isinstance(a, Tensor) else a for a in args]
        out = Tensor(op.forward(*values))
        nodes = {name: a.node for name, a in zip("xy", args) if isinstance(a, Tensor)}
        parents = {name: node for name, node in nodes.items() if node and name in op.rules}
        if parents:
            named = {"out": out.value}
            for name, value in zip("xy", values):
                named |= {name: value, f"{name}_shape": np.shape(value)}
            saved = {word: named[word] for name in parents for word in names_of(op.rules[name])}
            out.node = Node(op, parents, saved, out.value.shape)
        return out


def newest_first(end):
    """All nodes that `end` depends on, in the order in which their gradients become complete."""
    found = {end}
    todo = [end]
    while todo:
        parents = set(todo.pop().parents.values()) - found
        found |= parents
        todo += parents
    return sorted(found, key=lambda node: node.tick, reverse=True)


def backward(loss):
    """Add to every leaf's gradient the derivative of the loss, a single number."""
    pending = {loss.node: np.ones(())}  # what has arrived at a node so far
    for node in newest_first(loss.node):
        g = pending.pop(node)
        if isinstance(node, Leaf):
            node.grad = g if node.grad is None else node.grad + g
        for name, parent in node.parents.items():
            rule = node.op.rules[name]
            grad = fit(rule(g, *[node.saved[word] for word in names_of(rule)]), parent.shape)
            pending[parent] = pending[parent] + grad if parent in pending else grad


"""
The batch of chapter 3 gives the same numbers:

>>> x = Tensor(np.arange(6).reshape(3, 2) / 10)
>>> w = Tensor([[0.5, -1.0], [2.0, 0.3]], requires_grad=True)
>>> b = Tensor([0.1, -0.1], requires_grad=True)
>>> hidden = tanh(x @ w + b)
>>> backward(fit(hidden, ()))
>>> b.grad.round(4)
array([1.7316, 2.8391])

And the tape keeps no more than it must. The sum needs a shape, the `tanh` its result, `x @ w` keeps `x` and not
`w`, since nobody asks for the data's gradient:

>>> hidden.node.saved.keys()
dict_keys(['out'])
>>> product = x @ w
>>> product.node.saved.keys()
dict_keys(['x'])

## A second reading: words

A `Word` is a text that stands where an array would stand. What a rule does to it, it writes down:
"""


class Word(Traced):
    """A piece of a formula."""

    def __init__(self, text):
        self.text = text

    def apply(self, op, args):
        texts = [a.text if isinstance(a, Word) else str(a) for a in args]
        sign = {"add": "+", "sub": "-", "mul": "*", "div": "/"}.get(op.name)
        return Word(f"({texts[0]} {sign} {texts[1]})" if sign else f"{op.name}({', '.join(texts)})")


def formula(op, name="x"):
    """The rule for an input, as text: the rule itself, run on words."""
    rule = op.rules[name]
    return rule(Word("g"), *[Word(word) for word in names_of(rule)]).text


"""
>>> formula(tanh)
'(g * (1 - (out * out)))'
>>> formula(mm, "y")
'mm(t(x), g)'

This text was not written for the reader, so it cannot be out of date. It is what the engine computes.

**Exercise 5.** [exercises/x5_softsign.py](exercises/x5_softsign.py): a new entry, `softsign`.

In minigrad: `ops.py` is the table, `Op` and `apply` are in `engine.py`, and `explain/formulas.py` has the words
(with just as many brackets as are needed). `Pullback` in `engine.py` is the part of `apply` and `backward` above
that looks up what the rules name: done once for each op, and not at every call.
"""

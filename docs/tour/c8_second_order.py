"""# 8. Second order

How fast does the *gradient* change? That is the second derivative, and it tells how curved the loss is: how far a
gradient can be trusted. For it, the walk back must itself be on a tape. A rule such as `g * (1 - out * out)` is
made of multiplications and subtractions, and these are entries of the table, with rules of their own. So nothing
new has to be derived. The rules only have to be run on tensors, and not on arrays: that is one more reading of the
same line.

For that a saved array must become a tensor again, at its old place on the tape: `out` belongs to the node itself,
`x` and `y` to its parents.
"""

import numpy as np
from c4_table import Leaf, Tensor, fit, names_of, newest_first


def as_tensors(node):
    """What the node's rules need, each value as a tensor with its place on the tape."""
    places = {"out": node, **node.parents}
    found = {}
    for word, value in node.saved.items():
        if word.endswith("_shape"):
            found[word] = value
        else:
            found[word] = Tensor(value)
            found[word].node = places.get(word)
    return found


def gradients(loss, leaves, create_graph=False):
    """The derivatives of the loss by each leaf; under create_graph tensors that can be differentiated again."""
    pending = {loss.node: Tensor(1.0) if create_graph else np.ones(())}
    found = {}
    for node in newest_first(loss.node):
        g = pending.pop(node)
        if isinstance(node, Leaf):
            found[node] = g
        saved = as_tensors(node) if create_graph else node.saved
        for name, parent in node.parents.items():
            rule = node.op.rules[name]
            grad = fit(rule(g, *[saved[word] for word in names_of(rule)]), parent.shape)
            pending[parent] = pending[parent] + grad if parent in pending else grad
    return [found[leaf.node] for leaf in leaves]


"""
The loop is that of chapter 4. One line differs: `saved`. The derivatives of x³ at 2 are 12, 12 and 6:

>>> x = Tensor(2.0, requires_grad=True)
>>> (first,) = gradients(x * x * x, [x], create_graph=True)
>>> (second,) = gradients(first, [x], create_graph=True)
>>> (third,) = gradients(second, [x])
>>> first, second, float(third)
(Tensor(12.0), Tensor(12.0), 6.0)

## What it is good for: Newton's step

Gradient descent needs a learning rate since a slope alone does not say how far it is to the bottom. With the
curvature it does: the slope falls by `second` for each unit, so the bottom is `first / second` away. For a parabola
that is exact, and for other valleys it is soon very near. Here is the bottom of `exp(x) - 2x`, which lies at log 2:
"""


def newton(f, start, steps):
    """Where f has its minimum, by Newton's steps from the start."""
    x = start
    for _ in range(steps):
        leaf = Tensor(x, requires_grad=True)
        (slope,) = gradients(f(leaf), [leaf], create_graph=True)
        (curvature,) = gradients(slope, [leaf])
        x = x - float(slope.value) / float(curvature)
    return x


"""
>>> from c4_table import exp
>>> for steps in (1, 2, 3, 4, 5):
...     print(f"{newton(lambda x: exp(x) - x * 2, 0.0, steps):.12f}")
1.000000000000
0.735758882343
0.694042299919
0.693147581060
0.693147180560
>>> f"{np.log(2):.12f}"
'0.693147180560'

The number of correct digits doubles with every step. (Why does nobody train networks so? A million parameters have
a million times a million second derivatives.)

## The real engine

You have now seen every idea in `minigrad/engine.py`. Read it next; it will look familiar:

| in this tour | in `engine.py` and `ops.py` | what is added there, and why |
|---|---|---|
| `Op`, `names_of` | `Op`, `names_of` | parameters such as `dim`, which come after the slash; views |
| the lookups in `apply` and `backward` | `Pullback` | what a rule names is looked up once for each op: speed |
| `Traced`, `Word` | `Traced`, `explain.Symbol` | |
| `Node`, `Leaf`, `tick` | `Node`, `Leaf`, `tick` | the dtype; hooks; `saved` can be freed, and then says so |
| `Tensor` | `TensorCore`, then `Tensor` in `tensor.py` | torch's 200 methods, each a line or two |
| nothing | `cell`, `bump` | an in-place write marks the memory, and `read` refuses what was saved before |
| `apply` | `apply` | promotion to a common dtype happens before it, in `functions/` |
| `backward`, `gradients` | `walk_back` | only what leads to the wanted leaves; a leaf's gradient is its own copy |
| `newest_first`, `fit`, `as_tensors` | `newest_first`, `fit`, `Node.read` | |

And the neuron of chapter 1, on the real engine:

>>> import minigrad
>>> w = minigrad.tensor(0.3, requires_grad=True)
>>> b = minigrad.tensor(0.1, requires_grad=True)
>>> loss = ((w * 2 + b).tanh() - 1) ** 2
>>> loss.backward()
>>> w.grad, b.grad
(tensor(-1.0045), tensor(-0.5022))

**Exercise 9.** [exercises/x9_curvature.py](exercises/x9_curvature.py): the curvature of a loss in one direction,
without the million times million.
"""

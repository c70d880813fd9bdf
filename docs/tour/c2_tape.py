"""# 2. The tape

Chapter 1 wrote the walk back by hand. Now the program writes it: while the operations of the walk forward run, each
of them leaves a *node* behind. A node knows two things: from which nodes its inputs came, and how to pull a
gradient back to them. The nodes together are the *tape*, since playing it backwards gives the gradients.

A number with a gradient is a value, and its place on the tape:
"""

import itertools
import math

tick = itertools.count().__next__  # 0, 1, 2, ...: a number that only rises


class Node:
    """One operation that was run. `pull` turns g into a list: what each parent gets."""

    def __init__(self, parents=(), pull=None):
        self.parents = parents
        self.pull = pull
        self.tick = tick()


class Number:
    """A value with its place on the tape, and (once `backward` has run) its gradient."""

    def __init__(self, value, node=None):
        self.value = value
        self.node = node or Node()
        self.grad = 0.0

    def __repr__(self):
        return f"Number({self.value:.4f})"

    def __add__(self, other):
        return Number(self.value + other.value, Node([self, other], lambda g: [g, g]))

    def __mul__(self, other):
        return Number(self.value * other.value, Node([self, other], lambda g: [g * other.value, g * self.value]))

    def tanh(self):
        out = math.tanh(self.value)
        return Number(out, Node([self], lambda g: [g * (1 - out * out)]))


"""
Each operation computes its result at once, and notes its rule. Nothing is differentiated yet:

>>> w, b, x = Number(0.3), Number(0.1), Number(2.0)
>>> predicted = (w * x + b).tanh()
>>> predicted
Number(0.6044)
>>> len(predicted.node.parents), predicted.node.parents[0]
(1, Number(0.7000))

## The walk back

Now look closely at one thing. A value may be used twice; then two gradients arrive at it, and *they add*: if the
loss changes along two paths, it changes by both. And a node may send `g` on only when everything that was to arrive
has arrived. So the order matters. Which order is right? A node is always younger than its parents: you cannot use a
number before you have made it. So walk **from the newest node to the oldest**, and every node has its whole
gradient when its turn comes.
"""


def as_found(end):
    """All numbers that `end` depends on, once each: those that are fewer steps away first."""
    found = [end]
    for number in found:  # the list grows while it is read
        for parent in number.node.parents:
            if parent not in found:
                found.append(parent)
    return found


def newest_first(end):
    """The same in the order in which their gradients become complete."""
    return sorted(as_found(end), key=lambda number: number.node.tick, reverse=True)


def backward(loss, order=newest_first):
    """Give every number that the loss depends on its gradient."""
    loss.grad = 1.0
    for number in order(loss):
        if number.node.pull:
            for parent, g in zip(number.node.parents, number.node.pull(number.grad), strict=True):
                parent.grad += g  # += and not =: paths that meet add up


"""
The neuron of chapter 1, and its numbers:

>>> error = predicted + Number(-1.0)
>>> loss = error * error
>>> backward(loss)
>>> round(w.grad, 6), round(b.grad, 6)
(-1.004494, -0.502247)

`error * error` used one number twice, and the rule of `*` knew nothing of it: it gave `g * error` to each of its
two inputs, and the `+=` made `2 * g * error` of that. There is no rule for squares in this engine.

## When the order is wrong

Here `middle` is used three times, and the paths from it to the end have different lengths:

>>> def gradient(order):
...     x = Number(3.0)
...     middle = x * x
...     backward(middle + middle.tanh() * middle, order)
...     return x.grad

Walked from the newest to the oldest, and then in the order in which they are *found*, starting from the end:

>>> round(gradient(newest_first), 4), round(gradient(as_found), 4)
(12.0, 6.0)

`middle` is 9, and tanh is flat there: the derivative of `x² + 1 * x²` at 3 is 12.

No error, no warning, only a wrong number. `middle` sent its gradient on before all of it had arrived. This is the
worst kind of bug that an engine can have, and it is why minigrad's nodes carry a `tick` too. (The other way to a
right order is a recursive walk. It overflows Python's stack on long graphs.)

**Exercise 2.** [exercises/x2_walk_order.py](exercises/x2_walk_order.py): break the walk order, and see which test
fails.

**Exercise 3.** [exercises/x3_division.py](exercises/x3_division.py): give `Number` a division.

In `engine.py`: `Node`, `newest_first`, `walk_back`. There a node never points to a tensor, only to older nodes. So
there are no cycles, and a graph that nobody needs any more is gone at once.
"""

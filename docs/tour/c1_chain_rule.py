"""# 1. The chain rule

A model makes a prediction, a loss says how bad it is, and training asks one question again and again: *if I change
this parameter a little, how does the loss change?* The answer is the loss's derivative. This chapter finds it by
hand, once, and sees the pattern in it that all the rest automates.

One neuron, one data point: the input is 2, the target 1, and the parameters start at `w = 0.3` and `b = 0.1`. Here
is the prediction, and the loss, with a name for each step:
"""

import math


def forward(w, b):
    """All the steps from the parameters to the loss."""
    product = w * 2
    total = product + b
    predicted = math.tanh(total)
    error = predicted - 1
    loss = error * error
    return product, total, predicted, error, loss


"""
>>> product, total, predicted, error, loss = forward(0.3, 0.1)
>>> round(loss, 4)
0.1565

## The slow way: try it

The first way to a derivative is the definition: change the parameter by very little, and see how the loss follows.
To try a step to both sides, and take the difference, is much more accurate than a step to one side.
"""


def slope(f, x, step=1e-6):
    """The derivative of f at x, measured: (f(x + step) - f(x - step)) / (2 step)."""
    return (f(x + step) - f(x - step)) / (2 * step)


"""
>>> round(slope(lambda w: forward(w, 0.1)[-1], 0.3), 6)
-1.004494
>>> round(slope(lambda b: forward(0.3, b)[-1], 0.1), 6)
-0.502247

So a larger `w` makes the loss smaller, and twice as fast as a larger `b`. This way needs two runs of the model for
*each* parameter. A small network has a million of them. But it needs no thought, so we keep it: `slope` will check
everything that comes.

## The fast way: backwards

Walk from the loss back to the parameters. On the way carry one number, `g`: how fast the loss changes with the
value that you stand at. At the loss itself it is 1. Each step back multiplies by how fast this step's result
changes with its input, and that needs school calculus for *one* operation only:

- `loss = error * error` changes by `2 * error` per unit of `error`,
- `error = predicted - 1` by 1,
- `predicted = tanh(total)` by `1 - predicted²`,
- `total = product + b` by 1, for each of the two,
- `product = w * 2` by 2.
"""


def backward(w, b):
    """The derivatives of the loss by w and by b: every step of `forward`, in reverse."""
    product, total, predicted, error, loss = forward(w, b)
    g_loss = 1.0
    g_error = g_loss * 2 * error
    g_predicted = g_error * 1
    g_total = g_predicted * (1 - predicted * predicted)
    g_product, g_b = g_total * 1, g_total * 1
    g_w = g_product * 2
    return g_w, g_b


"""
>>> [round(g, 6) for g in backward(0.3, 0.1)]
[-1.004494, -0.502247]

The same numbers, from one walk back, and it would be one walk for a million parameters too. This is the *chain
rule*: the derivative of a chain is the product of its links' derivatives. Doing it from the loss backwards, so that
the product is shared by all parameters, is *backpropagation*.

Look at the pattern, because the next chapter is nothing but this pattern as a program:

1. The walk back visits the steps in the reverse order.
2. Each step needs only `g`, which arrives, and some values of the walk forward: `error`, `predicted`, the 2.
3. Each operation has its own rule, whatever stands before or after it: `tanh` always multiplies by `1 - out * out`.

In minigrad that rule is this line of `ops.py`: `tanh = Op("tanh", np.tanh, x=lambda g, out: g * (1 - out * out))`.

**Exercise 1.** [exercises/x1_chain_rule.py](exercises/x1_chain_rule.py): the same for another loss, by hand.
"""

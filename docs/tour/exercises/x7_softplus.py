"""Exercise 7. softplus(x) = log(1 + exp(x)), safe for any x, with its rule.

a. As it stands, exp(1000) overflows. Which number can you take out of the logarithm, so that no exp is larger than 1?
   np.log1p(z) is log(1 + z), and accurate for small z.
b. The rule. The derivative is 1 / (1 + exp(-x)), the sigmoid; mind its own overflow. (What is exp(x - softplus(x))?)

Then `bce_with_logits`, the binary cross entropy, is right at any logit.

Try: python -m pytest docs/tour/exercises -k softplus
"""

from c4_table import Op, exp, fit  # noqa: F401


def stable_softplus(x):
    raise NotImplementedError("your turn")


def your_rule(g):
    raise NotImplementedError("your turn")


softplus = Op("softplus", stable_softplus, x=your_rule)


def bce_with_logits(x, y):
    """The mean of -[y log s + (1 - y) log(1 - s)] with s = sigmoid(x), which is softplus(x) - x y."""
    return fit(softplus(x) - x * y, ()) / x.value.size

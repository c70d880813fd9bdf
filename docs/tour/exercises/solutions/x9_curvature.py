from c4_table import fit
from c8_second_order import gradients


def hessian_times(f, leaf, direction):
    """`direction` is a constant: only the gradient depends on the leaf."""
    (gradient,) = gradients(f(leaf), [leaf], create_graph=True)
    (product,) = gradients(fit(gradient * direction, ()), [leaf])
    return product

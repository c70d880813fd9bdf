from c2_tape import Node, Number


def divide(x, y):
    """By y: -x / y², which is -out / y."""
    out = x.value / y.value
    return Number(out, Node([x, y], lambda g: [g / y.value, -g * out / y.value]))

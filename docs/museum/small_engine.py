"""An engine in twenty lines, in which two exhibits of the museum plant a mistake."""


class Value:
    """A number, the values that it was made of, and the derivative by each of these."""

    def __init__(self, number, parents=(), slopes=()):
        self.number, self.parents, self.slopes, self.grad = number, parents, slopes, 0.0

    def __add__(self, other):
        return Value(self.number + other.number, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Value(self.number * other.number, (self, other), (other.number, self.number))


def breadth_first(end):
    """All values that `end` was made of: those that are fewer steps away first."""
    found = [end]
    for value in found:
        found += [parent for parent in dict.fromkeys(value.parents) if parent not in found]
    return found


def users_first(end):
    """The same, each value after all those that it was used for."""
    order = []

    def visit(value):
        if value not in order:
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(end)
    return order[::-1]

"""Exercise 2. Break the walk order.

`order` says in which order the walk back visits the numbers. This one is right. Make it wrong, in three ways, and say
before you run the tests which of them will fail: one chain, two paths of the same length, two of different lengths.

    a. oldest first (leave out `reverse=True`)
    b. as found: return as_found(end), unsorted
    c. as found, but depth first: the whole way down one path before the next

Try: python -m pytest docs/tour/exercises -k walk_order
"""

from c2_tape import as_found


def order(end):
    return sorted(as_found(end), key=lambda number: number.node.tick, reverse=True)

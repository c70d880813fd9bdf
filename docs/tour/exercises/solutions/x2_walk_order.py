"""The order is right as it stands. What the three wrong ones do:

a. Oldest first: all three tests fail. When the leaf's turn comes, nothing has arrived yet; even a chain gets 0.
b. As found, breadth first: a chain is right, and two paths of the same length are, since what lies equally far from
   the end comes together. Only paths of different lengths fail. This is the dangerous one: most small examples pass.
c. Depth first: a chain is right. Where two paths meet, the first one to come through sends its gradient on, and what
   the second one brings is lost: both other tests fail.
"""

from c2_tape import as_found


def order(end):
    return sorted(as_found(end), key=lambda number: number.node.tick, reverse=True)


def oldest_first(end):
    return sorted(as_found(end), key=lambda number: number.node.tick)


def depth_first(end, seen=()):
    found = [end]
    for parent in end.node.parents:
        if parent not in (*seen, *found):
            found += depth_first(parent, (*seen, *found))
    return found

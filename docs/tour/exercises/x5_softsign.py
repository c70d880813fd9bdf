"""Exercise 5. A new entry of the table: softsign(x) = x / (1 + |x|).

Its derivative is 1 / (1 + |x|)². Write the rule with operators and entries of the table only, so that it runs on
tensors too; `magnitude` is given. Is there a way to write the rule with `out`, and not x?

Try: python -m pytest docs/tour/exercises -k softsign
"""

import numpy as np
from c4_table import Op

sign = Op("sign", np.sign)  # flat: no rule
magnitude = Op("magnitude", np.abs, x=lambda g, x: g * sign(x))


def your_turn(g):
    raise NotImplementedError("your turn")


softsign = Op("softsign", lambda x: x / (1 + np.abs(x)), x=your_turn)

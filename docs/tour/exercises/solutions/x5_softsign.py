"""1 - |out| is 1 / (1 + |x|), so the derivative is (1 - |out|)². That form keeps nothing but the result alive."""

import numpy as np
from c4_table import Op

sign = Op("sign", np.sign)
magnitude = Op("magnitude", np.abs, x=lambda g, x: g * sign(x))


def rule(g, out):
    rest = 1 - magnitude(out)
    return g * (rest * rest)


softsign = Op("softsign", lambda x: x / (1 + np.abs(x)), x=rule)

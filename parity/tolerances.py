"""Every tolerance of the comparison, each with its reason.

Rounding cannot be told from a bug by its size alone: at a steep place of the loss surface an error of one
ulp grows a thousandfold within a few steps, in any engine. So float32 curves have no fixed tolerance. They
are held against what torch's own float32 error has been so far in the same run, which two more engines
measure: torch and minigrad in float64, from the same weights. These two are the judges. They stand some
nine digits closer to the exact curve than float32 does, and have to agree with each other to 1e-10 at every
step. That is the sharp test: a wrong rule has no rounding to hide behind there. The float32 test finds what
only float32 can show, such as precision lost on the way.

"Largest entry" means the largest so far over all parameters of one optimizer. One parameter's own entries
may be no measure: a bias gradient is a sum over all samples in which large terms cancel, and it rounds as
they do.

What "measured" means below: the circles' ReLU model, trained in plain NumPy in float32 with the training
points in 64 other orders, so that every sum rounds differently; torch in float64 as the judge.
"""

from collections.abc import Hashable

import numpy as np

ULP = float(np.finfo(np.float32).eps)

# Initial weights have no tolerance: the same generator, the same draws, equal bit for bit.

# Gradients of the first step, against torch in the same precision, relative to the largest entry: the
# weights and the data are the same, so there is only the rounding of one forward and one backward pass.
# Measured: up to 6e-7 in float32, 3e-15 in float64 (sums over 800 samples).
FIRST_GRADIENT = {"float32": 1e-6, "float64": 1e-13}

# The two judges, at every step, relative to the largest entry. Measured: up to 9e-15 on the circles. Longer
# and steeper training amplifies more; 1e-10 leaves room for that, and is still a thousand times below the
# float32 error to be judged.
JUDGES = 1e-10

# float32 curves, at every step t:
#   |engine(t) - judge(t)| <= GROWTH * max over s <= t of |torch(s) - judge(s)| + FLOOR ulps of largest entry
# GROWTH: another order of the same sums gives another error of the same size. Measured: after the first
# steps up to 2 times torch's own; twice that is allowed.
# FLOOR: in the first steps torch may be right by luck, to a hundredth of an ulp; nobody else has to be.
# Measured: up to 6.6 ulps in the first 20 steps. 8 ulps are also what FIRST_GRADIENT says.
# With both, the 64 other orders took at most 62 % of what is allowed.
GROWTH = 4.0
FLOOR = 8.0

# Where the judges have stopped after J steps (`sampling`), torch is what the others are held against:
#   |engine(t) - torch(t)| <= ((GROWTH + 1) * max over s <= J of |torch(s) - judge(s)| + FLOOR ulps) * t / J
# The + 1 is torch's own share. t / J: rounding adds up no faster than the steps do, as long as nothing jumps.
# Measured on Fashion-MNIST (pixels and hidden neurons in other orders): errors grew 1.7-fold from J to 3 J.

# Kinks: where ReLU or |x| changes its slope, one sample that crosses one step earlier than with the judge
# makes the gradient jump, by up to a tenth of its largest entry. torch's own such jumps are in its error,
# so they are in the bound from then on. In a small model, an engine that jumps before torch ever did is
# reported, as it should be: the report says so and says whether the judges agree. (Among 64 other orders of
# summation none did; nor does L1 on the line, where no float32 sign differs from float64's in 1010 steps.)
#
# A big model (`sampling`) has so many ReLUs, 10,000 a step on Fashion-MNIST, that every engine crosses some kink
# early within a few hundred or thousand steps, and from there its curve parts for good. That can be seen: the
# recorder notes on which side of its kink every ReLU is. Before an engine's first such difference nothing but
# the above is allowed to it; from then on, for as long as this model is trained, KINKS, relative to the largest entry.
# Measured: torch on Fashion-MNIST for 30,000 steps, once in float64 and in float32 with pixels and neurons in
# four orders. They parted between steps 200 and 5000, and any two of the five were up to .033 apart in the loss,
# .122 in gradients, .088 in parameters (gradients at the steps that are compared). Four times that is allowed,
# as above (GROWTH). It is also the most that t / J above may come to.
KINKS = {"loss": 0.13, "gradient": 0.5, "parameter": 0.35}


class GrowthOfRounding:
    """How far float32 may be from the judge by now: built from torch's own error as training goes."""

    def __init__(self) -> None:
        self.largest_error: dict[Hashable, float] = {}

    def bound(self, quantity: Hashable, torch_error: float, largest_entry: float) -> float:
        """Take in torch's error of this step; return what is allowed for the same quantity in this step."""
        so_far = max(self.largest_error.get(quantity, 0.0), torch_error)
        self.largest_error[quantity] = so_far
        return GROWTH * so_far + FLOOR * ULP * largest_entry

    def later_bound(self, quantity: Hashable, largest_entry: float, times_as_long: float) -> float:
        """What is allowed between torch and another float32 engine, after so many times the judged steps."""
        measured = (GROWTH + 1) * self.largest_error.get(quantity, 0.0)
        return (measured + FLOOR * ULP * largest_entry) * max(times_as_long, 1.0)

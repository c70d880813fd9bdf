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

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

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


# Without judges (they were not asked for, or the script breaks when it is widened to float64) nobody can tell
# what rounding may do in this run. Then a fixed share is allowed, from torch in the same precision: of the largest
# entry so far for losses, gradients and parameters; of the number itself for what is printed. It is coarse: it finds
# what a reader would see, not a wrong seventh digit. SETTLED is for what sums to nearly nothing, such as the mean
# of normalised data, whose digits are all rounding; it holds for printed numbers and losses with a judge as well.
# 1e-4 was too little: in a Rosenbrock valley (tests/scripts/gradient_descent_visualised.py) torch's own gradients
# are 4.4e-4 off its float64, and minigrad's as much.
#
# With judges, too, float32 may be beyond the bound for two reasons that can be seen. Then WITHOUT_JUDGES is allowed,
# and the report says so. In a small model: a ReLU of this engine was on the other side of its kink. In parameters:
# their optimizer divides by the gradient's own size (Adam), and where a gradient is all rounding, so is the step.
# Why they are here: of the scripts in tests/scripts one needed each. freeze_layers crossed a kink, and a gradient was
# 2.2e-5 of the largest entry off (2.5e-6 allowed); in distillation, with Adam, parameters were up to 2.3e-5 off (1.0e-5
# where 9.6e-6 is allowed). In both, the judges agreed to 2e-14. No other scripts were held back to test these rules.
WITHOUT_JUDGES = 1e-3
SETTLED = {"float32": 1e-6, "float64": 1e-13}
# Initial weights, too, are then held to a few ulps only: some are computed (orthogonal_), not just drawn.
INITIAL = FLOOR * ULP

# Where an engine or a judge is beyond all this after step 1, the script may be one whose training amplifies rounding,
# so that no two engines can stay together. Four sigmoid layers that learn XOR with lr 1 leave a plateau at step 1230;
# fifty steps later torch in float64 and torch in float64 nudged by two units in the last place are further apart than
# the largest gradient. What an engine may be off is then not what torch's one run tells. So the script runs again, with
# two engines more (`nudging`): torch in float32 and in float64 with errors of up to NUDGE ulps added to every parameter
# after every step, more than rounding adds. From then on GROWTH times what these are off counts as what torch is off:
# the one in float32 for float32's bounds, the one in float64 for JUDGES. Nothing changes before the amplification sets
# in, nor in step 1, where a wrong rule shows. A fault that sets in later than the chaos hides in it: the report says
# from which step on that is so (LOST: a tenth of the largest entry). With NUDGE = 2 minigrad in float64 took 97 % of
# what was then allowed in that script: eight ulps, as in FLOOR, leave room for other scripts.
NUDGE = 8.0
LOST = 0.1

MOST_PLACES = 20_000  # whose errors are remembered, so that a long run stays small


class GrowthOfRounding:
    """How far float32 may be from the judge by now: built from torch's own error as training goes."""

    def __init__(self) -> None:
        self.largest_error: dict[Hashable, float] = {}

    def bound(self, quantity: Hashable, torch_error: float, largest_entry: float) -> float:
        """Take in torch's error of this step; return what is allowed for the same quantity in this step."""
        if len(self.largest_error) > MOST_PLACES:
            self.largest_error.clear()
        return GROWTH * self.so_far(quantity, torch_error) + FLOOR * ULP * largest_entry

    def so_far(self, quantity: Hashable, error: float) -> float:
        """Take in an error of this step; return the largest until now."""
        self.largest_error[quantity] = max(self.largest_error.get(quantity, 0.0), error)
        return self.largest_error[quantity]

    def later_bound(self, quantity: Hashable, largest_entry: float, times_as_long: float) -> float:
        """What is allowed between torch and another float32 engine, after so many times the judged steps."""
        measured = (GROWTH + 1) * self.largest_error.get(quantity, 0.0)
        return (measured + FLOOR * ULP * largest_entry) * max(times_as_long, 1.0)


# ---- one operation on equal inputs (`parity.bisect`) ----
# All engines get the same numbers, and torch in float64 on these is the judge. So an engine may differ from it only by
# what this operation itself rounds. Each kind of operation has a model of that, in ulps (of float32, or of whatever
# type the engine computes in):
#   |engine - judge| <= ulps * ulp * (the entry, or the largest entry) * (1, or sqrt(terms))


@dataclass(frozen=True)
class Rounding:
    """How much one kind of operation may round, and why."""

    ulps: float
    of_largest: bool  # of the largest entry of the result; else of each entry by itself
    grows: bool  # with the square root of the number of terms that are added up
    why: str

    def allowed(self, judged: np.ndarray, terms: float, ulp: float) -> np.ndarray:
        """For each entry of the judge's result, how far an engine may be from it."""
        sizes = np.abs(np.nan_to_num(judged, nan=0.0, posinf=0.0, neginf=0.0))
        if self.of_largest:
            sizes = np.full_like(sizes, sizes.max(initial=0.0))
        return self.ulps * ulp * sizes * (terms**0.5 if self.grows else 1.0) + SMALLEST


SMALLEST = 1.2e-38  # what is smaller than float32's smallest normal number may be 0
ROUNDING = {
    "moves": Rounding(ulps=1, of_largest=False, grows=False, why="It moves numbers, picks or compares them. Nothing "
                      "is computed; only a Python number among the arguments is rounded to the tensor's type."),
    "elementwise": Rounding(ulps=4, of_largest=False, grows=False, why="One formula for each entry. NumPy's and "
                            "torch's functions are right to within 4 ulps, most of them to 1."),
    "sums": Rounding(ulps=4, of_largest=True, grows=True, why="Many terms are added up. The order is each engine's "
                     "own; errors of random sign grow as the square root of their number, and are as large as the "
                     "partial sums, so the largest entry is the measure."),
    "gradient": Rounding(ulps=4, of_largest=True, grows=True, why="A backward formula multiplies and adds a few times, "
                         "and adds up the terms that reach one input: by broadcasting, a product, a repeated index."),
    "update": Rounding(ulps=8, of_largest=True, grows=False, why="A step adds a formula of a few factors to a "
                       "parameter (Adam's has a root, two powers, a quotient). Held against the largest change, plus "
                       "the parameter's own last place, into which the change is rounded."),
}

# What a model does not know is how steep the operation is at these inputs: a sum that cancels, 1 - tanh(x) ** 2 far
# out, log(x) near 1. Two measurements then excuse an error, the larger one counts:
#   AS_TORCH times the largest error by which torch in float32 is itself beyond the model, on the same inputs (GROWTH
#   says why 4); not for torch itself;
#   STEEP * sqrt(terms) times what float64's result changes by when every input is off by about an ulp: even the best
#   algorithm may not be expected to do better than round its inputs. It is measured with inputs off by NOISE and scaled
#   down, so that a jump (a tie that breaks, a kink that is crossed) counts for next to nothing.
AS_TORCH = GROWTH
STEEP = 4.0
NOISE = 2.0**-10
NOISES = 4  # times measured; the largest change counts


def terms_of(sizes: Sequence[int], result: int) -> float:
    """How many terms are added up for one entry: by the sizes of operands and result, k for (m, k) @ (k, n).

    One operand: a sum over size / result entries. Two: a product, sqrt(a * b / result) = k for matrices.
    """
    largest = sorted((size for size in sizes if size), reverse=True)[:2]
    if not largest or not result:
        return 1.0
    one = largest[0] / result
    two = (largest[0] * largest[-1] / result) ** 0.5
    return max(one, two, 1.0)


# ---- one sample of torch's metadata (`parity.conformance`) ----
# |ours - torch's| <= absolute + relative * |torch's|. In float64 a wrong formula shows at 1e-7, while functions that
# add up a thousand terms or solve a system stay well below it. In float32 these are ten times what torch.testing allows
# two versions of torch (1.3e-6, 1e-5): two libraries differ in every step of a formula. float16 has three digits.
SAMPLE_RELATIVE = {"float64": 1e-7, "float32": 1.3e-5, "float16": 1e-3}
SAMPLE_ABSOLUTE = {"float64": 1e-10, "float32": 1e-4, "float16": 1e-3}
# A float32 number further away may still be right and torch's wrong: torch in float64 judges both. Ours passes if it is
# close to the judge, or at most this many times as far away as torch in float32: another order of the same sums.
AS_FAR_AS_TORCH = 2.0


# ---- one rule of minigrad's table, against a difference of its forward function (`parity.bisect.entries`) ----
# (f(x + h) - f(x - h)) / 2h in float64: its own error is h ** 2 = 1e-12 from the curvature, and ulp / h = 2e-10 from
# rounding, with h = RULE_STEP the best of both but for a factor. WRONG_RULE is 10**5 times that, as x may be large and
# f steep; the smallest fault that is planted (a factor in a rule of several) changes a gradient by a per cent.
RULE_STEP = 1e-6
WRONG_RULE = 1e-4
# How far off its kinks an input is moved for that, relative to itself: a thousand steps away, and still nearly there.
OFF_KINKS = 1e-3
# A planted rule counts as felt in a step (`parity.bisect.proof`) where it changes a gradient by that much of its
# largest entry. Less may pass for float32's rounding, and then the finder need not say a word.
FELT = 1e-3


# ---- random programs (`parity.programs`) ----
# |ours - torch's| <= relative * |torch's| + of largest * (the largest number in the program) + PROGRAM_SPREAD * spread
# A program is at most twenty statements, each right to a few ulps, and a sum of numbers that cancel is as wrong as the
# largest of them. Measured in 1500 programs: up to .58 of what is allowed in float32, .00005 in float64, where more has
# to be allowed for torch's second derivative of BCE, to whose denominator x (1 - x) it adds 1e-12. A wrong rule changes
# a gradient by per cents.
PROGRAM_RELATIVE = {"float64": 1e-9, "float32": 2e-5, "float16": 1e-2}
PROGRAM_OF_LARGEST = {"float64": 1e-13, "float32": 1e-6, "float16": 5e-3}
# What is further off is measured: torch runs PROGRAM_RERUNS times more with an error of up to 2 ulps added to every
# number (of the number itself, and of 1: what cancels leaves its errors), and `spread` is the furthest that it comes
# from itself. Two runs of a steep program are as far apart as their errors happen to be; the largest of six draws is
# seldom below a tenth of what another library's errors may come to, and such programs are steep in thousands of ulps:
# 20 times leaves room for bad luck and none for a wrong formula.
PROGRAM_RERUNS = 6
PROGRAM_SPREAD = 20.0
# Where all runs exceed PROGRAM_POLE / eps and do not agree about the sign, something was divided by what is 0 but for
# rounding (up to 10,000 ulps of 1: a normalization enlarges them 300 times). It may as well be exactly 0.
PROGRAM_POLE = 1e-4


# ---- what the documents print (`tests/test_documents.py`) ----
# A printed number may be off by this much of itself, or by one in its last place: losses are printed with four to eight
# digits after up to a thousand float32 steps. Measured: all lines of the five documents, the images cut to 2000, were
# within it, and all but some ten identical. PRINTED_ABSOLUTE is for the mean of normalised data, all rounding.
PRINTED_RELATIVE, PRINTED_ABSOLUTE = 1e-4, 1e-6
# With all images a ReLU crosses its kink sooner or later (KINKS, which holds for the loss); accuracies are in per cent,
# and one image of the test set more or less is 0.0001 of them: 2 % is 200 images of 10,000.
PRINTED_BEYOND_KINKS = 0.02

"""How much of a long run is looked at: everything of a small model, samples of a big one.

What a step of a big model reports weighs megabytes (5 MB for 670,000 parameters and their gradients), and
float64 takes its time. So gradients and parameters are compared in the first steps, where a wrong rule shows,
and from then on now and then; the float64 engines stop early. Losses are compared at every step of every model.
Each engine decides this by itself, from the script alone, and so all decide alike.
"""

BIG = 100_000  # parameters of one optimizer; the small experiments have some 150
FULL_STEPS = 100  # of a big model, in which everything is compared
EVERY = 1000  # and then at every so manieth step
JUDGED_STEPS = 1000  # of a big model: here the float64 engines stop


class Enough(BaseException):
    """Ends a script in a float64 engine; no error, so no `except Exception` of the script is to catch it."""


def is_compared(parameters: int, step: int) -> bool:
    """Whether gradients and parameters of this step (from 1) are compared."""
    return parameters < BIG or step <= FULL_STEPS or step % EVERY == 0


def is_judged_no_further(parameters: int, step: int) -> bool:
    """Whether the float64 engines stop after this step."""
    return parameters >= BIG and step >= JUDGED_STEPS

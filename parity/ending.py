"""The exit status of a command that starts engines, also where it cannot go on."""

import sys
from collections.abc import Callable

from parity.surroundings import WorkingDirectoryError


def exit_status(work: Callable[[], int]) -> int:
    """What `work` returns; 130 where it was interrupted, 2 where a script has no place to run, each with a line."""
    try:
        return work()
    except KeyboardInterrupt:
        print("\ninterrupted: all engines were stopped, nothing was reported", file=sys.stderr)
        return 130
    except WorkingDirectoryError as error:
        print(error, file=sys.stderr)
        return 2

"""What pytest does not look for doctests in: the lessons in scripts/, which test_scripts.py runs as they are, and the
stand-in for CuPy. And the fixture that installs that stand-in."""

import signal
from collections.abc import Iterator

import pytest
from strict import strict_cuda

collect_ignore_glob = ["scripts/*.py", "stand_in/*.py"]

# A shell starts what it puts into the background deaf to Ctrl-C, and processes inherit that: the tests that press it
# would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def strict_device() -> Iterator[None]:
    """Until the test ends, "cuda" is a device whose arrays refuse what CuPy's refuse (strict.py)."""
    with strict_cuda():
        yield

"""What pytest does not look for doctests in: the lessons in scripts/, which test_scripts.py runs as they are, and the
stand-in for CuPy. And the fixture that installs that stand-in."""

import gc
import os
import signal
from collections.abc import Iterator

# One thread a process, as for the engines (parity.engines.ONE_THREAD), before NumPy and torch are loaded: `-n auto`
# starts a process for each core already, and threads that wait for each other take several times the time.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

gc.disable()  # until all is loaded: see below

import pytest  # noqa: E402
from strict import strict_cuda  # noqa: E402

collect_ignore_glob = ["scripts/*.py", "stand_in/*.py"]

# A shell starts what it puts into the background deaf to Ctrl-C, and processes inherit that: the tests that press it
# would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """torch and ten thousand tests are a million objects, and they stay: no collection need look through them."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    gc.freeze()  # nor Python at its end, which took a second


@pytest.fixture(scope="module")
def unfrozen() -> Iterator[None]:
    """For tests of what looks for objects with `gc.get_objects`, which leaves out what is frozen."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def strict_device() -> Iterator[None]:
    """Until the test ends, "cuda" is a device whose arrays refuse what CuPy's refuse (strict.py)."""
    with strict_cuda():
        yield

"""What pytest does not look for doctests in: the lessons in scripts/, which test_scripts.py runs as they are."""

import signal

collect_ignore_glob = ["scripts/*.py"]

# A shell starts what it puts into the background deaf to Ctrl-C, and processes inherit that: the tests that press it
# would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

"""Does it break, does it lie? Each promise of reliability has one function that puts it to the test.

`python -m tests.reliability` runs them all at length and writes docs/reliability.md; tests/test_reliability.py runs the
same functions in short. promise.py says what a promise is, __main__.py is the command, page.py writes the page.
"""

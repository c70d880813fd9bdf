"""Every error message of minigrad, with a program that meets it and what the message must show of that program.

The tables (tensors.py, gradients.py, layers.py, training.py, files.py) have a line for each:

    sees("x.view(4)", "[4]", "size 6")           a program, and what was given: a shape, a dtype, a value
    tells("len(x.sum())", "0-d", "no value")     nothing was given that could be shown; the last word says why

tests/test_messages.py runs them all, and fails if a `raise` in minigrad has no line here.
"""

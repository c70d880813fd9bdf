"""Versions. A script that runs on minigrad reads `torch.__version__`, and may go on only with "at least 2.0": it gets
that of the torch which minigrad follows, marked with a plus.
"""

RELEASE = "0.1.0"  # minigrad's own
__version__ = "2.13.0+minigrad"
cuda = hip = None  # what a build for GPUs would name

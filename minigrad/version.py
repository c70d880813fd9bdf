"""The version. Printed as torch.__version__ in a script that runs on minigrad, so it says who it is."""

__version__ = "0.1.0+minigrad"

"""Other libraries with automatic differentiation, each on the same training steps, where it is installed."""

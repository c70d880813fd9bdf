"""How long training steps take, next to torch. Run `python -m benchmarks`."""

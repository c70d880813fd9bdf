"""pytest is to collect test_exercises.py alone: what stands beside it is imported from there."""

collect_ignore_glob = ["x*.py", "solutions/*"]

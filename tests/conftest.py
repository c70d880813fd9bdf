"""What pytest does not look for doctests in: the lessons in scripts/, which test_scripts.py runs as they are."""

collect_ignore_glob = ["scripts/*.py"]

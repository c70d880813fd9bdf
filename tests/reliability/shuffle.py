"""A plugin for pytest: `-p tests.reliability.shuffle --shuffle 7` runs the tests in an order drawn from the seed 7."""

from __future__ import annotations

import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in an order drawn from this seed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    random.Random(config.getoption("--shuffle")).shuffle(items)

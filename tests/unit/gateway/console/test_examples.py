"""The examples in the docstrings of the console."""

import doctest
import importlib
import pkgutil

import pytest

import gateway.console

ROOMS = [room.name for room in pkgutil.walk_packages(gateway.console.__path__, "gateway.console.")]


@pytest.mark.parametrize("name", ROOMS)
def test_examples_say_the_truth(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

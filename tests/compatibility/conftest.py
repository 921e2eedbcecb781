"""Other people's clients, unmodified, from the package registries, against the running platform over HTTPS.

They need a network and minutes, so nothing here runs unless RUNHOOK_COMPATIBILITY=1 (`make compatibility`).
RUNHOOK_COMPATIBILITY_CACHE names the folder in which installed clients are kept; without it they are installed each time.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compatibility.served import Served, served


@pytest.fixture(scope="session", autouse=True)
def _only_when_wanted() -> None:
    if os.environ.get("TESTS_COMPATIBILITY") != "1":
        pytest.skip("installs clients from package registries: wanted by RUNHOOK_COMPATIBILITY=1")


@pytest.fixture(scope="session")
def cache(_only_when_wanted: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of installed clients."""
    chosen = os.environ.get("TESTS_COMPATIBILITY_CACHE")
    return Path(chosen).absolute() if chosen else tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def platform(_only_when_wanted: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A platform for the tests of one file."""
    with served(tmp_path_factory.mktemp("platform")) as running:
        yield running

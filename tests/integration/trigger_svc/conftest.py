"""A whole trigger_svc for the tests of its doors."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.postgres import Database
from tests.support.trigger_service import Service, service


@pytest.fixture
async def trigger_svc(database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """trigger_svc in this process, with leases of 1 s and artifacts that are waited for 2 s."""
    settings = {"TRIGGER_LEASE_SECONDS": 1, "TRIGGER_ARTIFACT_SECONDS": 2, "TRIGGER_RESCUE_SECONDS": 0.1}
    async with service(database, tmp_path, **settings) as running:
        yield running

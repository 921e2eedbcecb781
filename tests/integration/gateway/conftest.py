"""What the tests of the trigger door stand on."""

from collections.abc import AsyncIterator

import pytest

from tests.support.calling import Both, gateway_and_peer


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    """A gateway and the peer that takes its calls."""
    async with gateway_and_peer() as running:
        yield running

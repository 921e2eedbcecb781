"""One platform and one visitor for each module of tests of the console. Their tests say `asyncio(loop_scope="module")`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.console import Visitor, visitor
from tests.support.platform import Platform, platform
from tests.support.postgres import Cluster, Database
from tests.support.subscription import TOKEN


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_database(cluster: Cluster) -> AsyncIterator[Database]:
    """A migrated database of this module."""
    made = await cluster.create()
    yield made
    await cluster.drop(made)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(own_database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """The platform but the runner; the tests of a module share its first account."""
    async with platform(own_database, tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def somebody(house: Platform) -> AsyncIterator[Visitor]:
    """Signed in as account_admin of that account."""
    async with visitor(house.call, TOKEN) as made:
        yield made

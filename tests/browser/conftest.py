"""One platform, one browser and one furnished account for each module here. Tests say `asyncio(loop_scope="module")`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.browser import chromium, opened
from tests.support.platform import Platform, platform
from tests.support.postgres import Cluster
from tests.support.subscription import ACCOUNT
from tests.support.tenant import Tenant, tenant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium; first of all, so that where there is none nothing else is made."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    browser: Browser, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """The platform but the runner, whose part tests play with `house.triggers.runner()`."""
    database = await cluster.create()
    async with platform(database, tmp_path_factory.mktemp("console"), operator_account_id=ACCOUNT) as running:
        yield running
    await cluster.drop(database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def furnished(house: Platform) -> Tenant:
    """An account with one of everything."""
    return await tenant(house, "Furnished")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def empty(house: Platform) -> Tenant:
    """An account with nothing in it."""
    made = await house.call("POST", "/api/v1/accounts", json={"name": "Empty"})
    return Tenant(account_id=made.json["account_id"], token=made.json["token"], ids={})


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, house: Platform, empty: Tenant) -> AsyncIterator[Page]:
    """Signed in to the account that begins with nothing."""
    async with opened(browser, house.call.url, empty.token) as made:
        yield made

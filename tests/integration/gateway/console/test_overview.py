"""The console's first page, over the real services."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.console import visitor
from tests.support.platform import Platform, new_token, platform
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT
from tests.support.tenant import Tenant, tenant

HTMX = {"HX-Request": "true"}


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform(database, tmp_path, operator_account_id=ACCOUNT) as made:
        yield made


async def test_it_teaches_the_first_step_then_shows_what_became_of_it(house: Platform) -> None:
    fresh = (await house.call("POST", "/api/v1/accounts", json={"name": "Fresh"})).json
    async with visitor(house.call, fresh["token"]) as somebody:
        empty = await somebody.get("/console")
    assert "Make the first webhook" in empty.words
    assert "Make the first task" in empty.words

    owner = await tenant(house, "Owner")  # its webhook leads nowhere: a delivery failed
    await house.delivery.engine.health.tick()
    async with visitor(house.call, owner.token) as somebody:
        page = await somebody.get("/console")
        part = await somebody.get("/console", HTMX)
        numbers = await somebody.get("/console?numbers=1")
    assert page.status == part.status == numbers.status == 200
    assert f'href="/console/deliveries/{owner.ids["delivery_id"]}"' in page.html
    assert "The last of 4 attempts got no answer" in page.words
    assert page.html.count('role="img"') == 3
    assert "pod-1" in page.words
    assert 'hx-trigger="every 5s"' in page.html
    assert "<html" not in part.html
    assert part.html.strip() in page.html or 'id="overview"' in part.html
    assert "hx-get" not in numbers.html.partition("<main")[2]
    assert "Half answered within" in numbers.words
    await _shown_as_far_as_allowed(house, owner)


async def _shown_as_far_as_allowed(house: Platform, owner: Tenant) -> None:
    """The rights are those of the services."""
    tokens = [
        await new_token(house.call, int(owner.account_id), permission_set, token=owner.token)
        for permission_set in ("webhooks_only", "read_only", "publisher")
    ]

    async def words(token: str) -> str:
        async with visitor(house.call, token) as somebody:
            return (await somebody.get("/console")).words

    webhooks_only, read_only, publisher = await asyncio.gather(*map(words, tokens))
    withheld = "Your service token may not see it."
    assert [said.count(withheld) for said in (webhooks_only, read_only, publisher)] == [1, 0, 2]
    assert "Last failures" in webhooks_only

"""Finding single subscriptions over a real Postgres: those asked for at once share queries, and each gets its own."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import pytest

from chassis.errors import NotFound
from chassis.ids import ksuid
from subscription_svc.finder import Finder
from subscription_svc.store import subscription as store
from subscription_svc.store.subscription import Key
from subscription_svc.subscription import Configuration, Subscription
from tests.support.postgres import Database
from tests.support.subscription import ACCOUNT, SubscriptionService, add_account

OTHER = 99
MANY = """
insert into subscription.subscription (public_id, account_id, name, description, job_ids, event_types, client_url, active)
select 'wsu_' || lpad(n::text, 27, '0'), s.account_id, s.name, '', '{}', s.event_types, s.client_url, true
  from generate_series(1, 5000) n, subscription.subscription s
"""


async def made(pool: asyncpg.Pool, name: str) -> str:
    """A subscription of that name; returns its public id."""
    public_id = "wsu_" + ksuid(1_700_000_000)
    wish = Configuration(
        name=name,
        description="",
        job_ids=(),
        event_types=("job.run.started",),
        client_url="https://a.example",
        active=True,
    )
    async with pool.acquire() as connection, connection.transaction():
        await store.insert(connection, public_id=public_id, account_id=ACCOUNT, wish=wish, now=datetime.now(UTC))
    return public_id


async def test_many_that_ask_at_once_share_queries_and_each_gets_its_own(
    service: SubscriptionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await made(service.pool, f"number {number}") for number in range(5)]
    asked: list[int] = []
    real = store.find

    async def counted(pool: asyncpg.Pool, keys: Sequence[Key]) -> dict[Key, Subscription]:
        asked.append(len(keys))
        return await real(pool, keys)

    monkeypatch.setattr(store, "find", counted)
    finder = Finder(service.pool)
    found = await asyncio.gather(*(finder.find(ACCOUNT, public_id) for public_id in ids * 20))
    assert [one.configuration.name for one in found] == [f"number {number}" for number in range(5)] * 20
    assert sum(asked) == 100
    assert len(asked) <= 2


async def test_what_another_account_asks_for_beside_the_owner_is_not_found(
    service: SubscriptionService, database: Database
) -> None:
    await add_account(database, OTHER)
    public_id = await made(service.pool, "mine")
    finder = Finder(service.pool)
    mine, others, nobodys, no_id = await asyncio.gather(
        finder.find(ACCOUNT, public_id),
        finder.find(OTHER, public_id),
        finder.find(ACCOUNT, "wsu_" + ksuid(1_700_000_000)),
        finder.find(ACCOUNT, "wsu_\x00"),
        return_exceptions=True,
    )
    assert isinstance(mine, Subscription)
    assert isinstance(others, NotFound)
    assert isinstance(nobodys, NotFound)
    assert isinstance(no_id, NotFound)


async def test_who_changes_a_subscription_finds_it_changed_however_many_read_it(service: SubscriptionService) -> None:
    public_id = await made(service.pool, "name 0")
    finder = Finder(service.pool)
    stopped = asyncio.Event()

    async def read() -> None:
        while not stopped.is_set():
            await finder.find(ACCOUNT, public_id)

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(read())
        for number in range(1, 20):
            await service.pool.execute("update subscription.subscription set name = $1", f"name {number}")
            found = await finder.find(ACCOUNT, public_id)
            assert found.configuration.name == f"name {number}"
        stopped.set()


async def test_a_question_that_is_given_up_leaves_the_others_their_answers(service: SubscriptionService) -> None:
    public_id = await made(service.pool, "one")
    finder = Finder(service.pool)
    asking = [asyncio.create_task(finder.find(ACCOUNT, public_id)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[1].cancel()
    first, given_up, last = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(first, Subscription)
    assert isinstance(given_up, asyncio.CancelledError)
    assert isinstance(last, Subscription)


async def test_a_few_of_many_are_found_by_the_index_of_their_ids(
    service: SubscriptionService, database: Database
) -> None:
    await made(service.pool, "one")
    connection = await asyncpg.connect(database.subscription_url)
    try:
        await connection.execute(MANY)
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare probe (text[]) as {store.FIND}")
        plan = await connection.fetch("explain execute probe (array['wsu_'])")
    finally:
        await connection.close()
    text = "\n".join(row[0] for row in plan)
    assert "subscription_public_id_key" in text
    assert "Seq Scan on subscription" not in text

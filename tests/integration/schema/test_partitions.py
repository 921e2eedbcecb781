"""Daily partitions: made ahead, dropped behind, by their owner's role alone, on every supported Postgres."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import asyncpg
import pytest

from tests.support.postgres import Cluster, Database

TODAY = date(2030, 3, 1)

PARENT = """
create table delivery.thing (
    id bigint generated always as identity,
    happened_at timestamptz not null,
    note text not null default '' check (length(note) < 10),
    primary key (happened_at, id)
) partition by range (happened_at);
create index thing_note on delivery.thing (note);
grant select, insert on delivery.thing to runhook_delivery;
delete from runhook.partitioned_table;
insert into runhook.partitioned_table (parent, retention_days) values ('delivery.thing', 3);
"""


@dataclass(frozen=True, kw_only=True)
class Connections:
    owner: asyncpg.Connection
    delivery: asyncpg.Connection
    trigger: asyncpg.Connection


@pytest.fixture
async def connections(any_cluster: Cluster) -> AsyncIterator[Connections]:
    database: Database = await any_cluster.create()
    opened = [await asyncpg.connect(url) for url in (database.owner_url, database.delivery_url, database.trigger_url)]
    await opened[0].execute(PARENT)
    yield Connections(owner=opened[0], delivery=opened[1], trigger=opened[2])
    for connection in opened:
        await connection.close()
    await any_cluster.drop(database)


async def make(connection: asyncpg.Connection, today: date, days_ahead: int = 2) -> list[str]:
    rows = await connection.fetch("select * from runhook.make_partitions('delivery', $1, $2)", days_ahead, today)
    return [row[0] for row in rows]


async def drop(connection: asyncpg.Connection, today: date) -> list[str]:
    rows = await connection.fetch("select * from runhook.drop_partitions('delivery', $1)", today)
    return [row[0] for row in rows]


async def test_days_from_yesterday_on_are_made_once_and_take_rows_by_utc_day(connections: Connections) -> None:
    assert await make(connections.delivery, TODAY) == [
        "delivery.thing_p20300228",
        "delivery.thing_p20300301",
        "delivery.thing_p20300302",
        "delivery.thing_p20300303",
    ]
    assert await make(connections.delivery, TODAY) == []
    insert = "insert into delivery.thing (happened_at) values ($1) returning tableoid::regclass::text"
    last_moment = datetime(2030, 3, 1, 23, 59, 59, 999_999, UTC)
    assert await connections.delivery.fetchval(insert, last_moment) == "delivery.thing_p20300301"
    assert await connections.delivery.fetchval(insert, datetime(2030, 3, 2, tzinfo=UTC)) == "delivery.thing_p20300302"
    assert await connections.delivery.fetchval("select array_agg(id order by id) from delivery.thing") == [1, 2]


async def test_a_day_that_was_not_made_is_an_error(connections: Connections) -> None:
    await make(connections.delivery, TODAY)
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await connections.delivery.execute(
            "insert into delivery.thing (happened_at) values ($1)", datetime(2030, 3, 9, tzinfo=UTC)
        )


async def test_partitions_have_the_indexes_checks_and_defaults_of_their_parent(connections: Connections) -> None:
    await make(connections.owner, TODAY)
    indexes = await connections.owner.fetchval(
        "select count(*) from pg_index where indrelid = 'delivery.thing_p20300301'::regclass"
    )
    assert indexes == 2  # the copies were taken for the parent's; none is double
    with pytest.raises(asyncpg.CheckViolationError):
        await connections.delivery.execute(
            "insert into delivery.thing (happened_at, note) values ($1, 'much too long')",
            datetime(2030, 3, 1, tzinfo=UTC),
        )


async def test_only_what_is_wholly_past_its_retention_is_dropped(connections: Connections) -> None:
    await make(connections.delivery, TODAY, days_ahead=0)
    assert await drop(connections.delivery, date(2030, 3, 3)) == []
    assert await drop(connections.delivery, date(2030, 3, 4)) == ["delivery.thing_p20300228"]
    assert await drop(connections.delivery, date(2030, 3, 4)) == []


async def test_another_owners_role_neither_makes_nor_drops(connections: Connections) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="does not own the partitions of schema delivery"):
        await make(connections.trigger, TODAY)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="does not own the partitions of schema delivery"):
        await drop(connections.trigger, TODAY)


async def test_a_drop_gives_up_rather_than_wait_behind_a_long_reader(connections: Connections) -> None:
    await make(connections.delivery, TODAY)
    async with connections.owner.transaction():
        await connections.owner.fetch("select * from delivery.thing")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await drop(connections.delivery, date(2031, 1, 1))
    assert len(await drop(connections.delivery, date(2031, 1, 1))) == 4

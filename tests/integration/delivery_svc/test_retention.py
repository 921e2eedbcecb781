"""Days come and go under load: the clock that partitions are made and dropped by moves on, and nobody notices."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from chassis.caller import CREDENTIAL_KEY
from delivery_svc.pruner import Pruner
from runhook.delivery.v1 import delivery_service_pb2 as pb
from tests.support.delivery import ACCOUNT, CREDENTIAL, DeliveryService, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)
PARENTS = ("delivery.attempt", "delivery.delivery", "delivery.event")
RETENTION_DAYS = 30
DAYS_AHEAD = 7
#: Days older than the retention of the first moved day, so that every step has one to drop.
STEPS = 6
BATCH = 20

OLD_EVENT = """
insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
values ($1, $2, 1, 'job.run.completed', 1, 1, '{}')
"""
OLD_DELIVERY = """
insert into delivery.delivery
    (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state)
values ($1, $3, $2, $1, $4, 1, 'test', 1, 'SUCCEEDED')
"""
OLD_ATTEMPT = """
insert into delivery.attempt
    (attempted_at, id, delivery_id, subscription_id, number, outcome, status_code, error, detail, duration_us, response_body)
values ($1, $2, $2, $3, 1, 'succeeded', 200, '', '', 1, '')
"""
PARTITIONS = """
select i.inhparent::regclass::text as parent, to_date(right(c.relname, 8), 'YYYYMMDD') as day
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
 where i.inhparent = any ($1::text[]::regclass[])
"""


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


async def days_of(owner: asyncpg.Connection) -> dict[str, set[date]]:
    """The days that each parent has partitions of."""
    days: dict[str, set[date]] = {parent: set() for parent in PARENTS}
    for row in await owner.fetch(PARTITIONS, list(PARENTS)):
        days[row["parent"]].add(row["day"])
    return days


async def fill_the_past(owner: asyncpg.Connection, subscription: int, today: date, days: int) -> None:
    """A delivery a day, `days` days back, with its event and its attempt."""
    await owner.execute("select runhook.make_partitions('delivery', $1, $2)", days, today - timedelta(days=days))
    for back in range(1, days + 1):
        noon = datetime.combine(today - timedelta(days=back), datetime.min.time(), UTC) + timedelta(hours=12)
        event_id = f"wev_{back:027}"
        await owner.execute(OLD_EVENT, noon, event_id)
        await owner.execute(OLD_DELIVERY, noon, event_id, -back, subscription)
        await owner.execute(OLD_ATTEMPT, noon, -back, subscription)


class Load:
    """Publishes and lists without a pause until told to stop; whatever fails is raised by `run`."""

    def __init__(self, service: DeliveryService, subscription_id: str) -> None:
        self.published: list[str] = []
        self.lists = 0
        self.stopped = asyncio.Event()
        self._service = service
        self._subscription_id = subscription_id
        self._news = asyncio.Condition()

    async def run(self) -> None:
        """Both at once."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish())
            group.create_task(self._list())

    async def goes_on(self) -> None:
        """Returns when another batch was acknowledged and another list answered."""
        published, lists = len(self.published), self.lists
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.published) > published and self.lists > lists)

    async def _publish(self) -> None:
        while not self.stopped.is_set():
            events = [an_event(run_id=len(self.published) + number) for number in range(1, BATCH + 1)]
            self.published += await self._service.publish(*events)
            await self._tell()

    async def _list(self) -> None:
        request = pb.ListDeliveriesRequest(account_id=ACCOUNT, subscription_id=self._subscription_id, page_size=50)
        while not self.stopped.is_set():
            page = await self._service.stub.ListDeliveries(request, timeout=20, metadata=CALLER)
            assert page.deliveries
            self.lists += 1
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


async def move_to(pool: asyncpg.Pool, day: date) -> tuple[list[str], list[str]]:
    """What the pruner does, on another day, until nothing is left to do: (made, dropped)."""
    made = [row[0] for row in await pool.fetch("select runhook.make_partitions('delivery', p_today => $1)", day)]
    dropped: list[str] = []
    while rows := await pool.fetch("select runhook.drop_partitions('delivery', p_today => $1)", day):
        dropped += [row[0] for row in rows]
    return made, dropped


def named(day: date) -> list[str]:
    return [f"{parent}_p{day:%Y%m%d}" for parent in PARENTS]


async def test_days_are_made_and_dropped_under_load_and_nothing_fails(
    database: Database, owner: asyncpg.Connection
) -> None:
    today: date = await owner.fetchval("select (now() at time zone 'UTC')::date")
    async with Receiver() as receiver, delivery_service(database) as service:
        key, public_id = await add_subscription(database, receiver.url)
        await fill_the_past(owner, key, today, RETENTION_DAYS)
        load = Load(service, public_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await load.goes_on()
            for step in range(1, STEPS + 1):
                moved = today + timedelta(days=step)
                # Two at once, as two pods do it: each day is made by one of them and dropped by one of them.
                first, second = await asyncio.gather(move_to(service.pool, moved), move_to(service.pool, moved))
                assert sorted(first[0] + second[0]) == named(moved + timedelta(days=DAYS_AHEAD))
                gone = [moved - timedelta(days=RETENTION_DAYS + 1)]
                if step == 1:
                    gone.insert(0, gone[0] - timedelta(days=1))  # make_partitions begins a day before
                assert sorted(first[1] + second[1]) == sorted(name for day in gone for name in named(day))
                await load.goes_on()
            load.stopped.set()
        await service.drained()
        kept = {today + timedelta(days=n) for n in range(STEPS - RETENTION_DAYS, STEPS + DAYS_AHEAD + 1)}
        assert await days_of(owner) == dict.fromkeys(PARENTS, kept)
        left = await owner.fetch("select id, state, attempts from delivery.delivery where id > 0")
        attempts = await owner.fetchval("select count(*) from delivery.attempt where id > 0 and status_code = 200")
        old = await owner.fetchval("select array_agg(-id order by -id) from delivery.delivery where id < 0")
    received = Counter(request.headers["webhook-id"] for request in receiver.requests)
    assert Counter((row["state"], row["attempts"]) for row in left) == {("SUCCEEDED", 1): len(load.published)}
    assert (attempts, len(received), set(received.values())) == (len(load.published), len(load.published), {1})
    assert old == list(range(1, RETENTION_DAYS - STEPS + 1))
    assert load.lists >= STEPS


async def test_the_pruner_makes_up_for_days_that_nobody_worked(database: Database, owner: asyncpg.Connection) -> None:
    today: date = await owner.fetchval("select (now() at time zone 'UTC')::date")
    for name in named(today + timedelta(days=1)) + named(today + timedelta(days=DAYS_AHEAD)):
        await owner.execute(f"drop table {name}")
    await fill_the_past(owner, 1, today, RETENTION_DAYS + 5)
    async with asyncpg.create_pool(database.delivery_url, min_size=2, max_size=2) as pool:
        await asyncio.gather(Pruner(pool).tick(), Pruner(pool).tick())
    wanted = {today + timedelta(days=n) for n in range(-RETENTION_DAYS, DAYS_AHEAD + 1)}
    assert await days_of(owner) == dict.fromkeys(PARENTS, wanted)
    assert await owner.fetchval("select count(*) from delivery.event") == RETENTION_DAYS

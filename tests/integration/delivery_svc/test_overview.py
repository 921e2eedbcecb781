"""An account's deliveries at a glance: over a log of any length at the same cost, and it says over which span it was taken."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg
import grpc
import pytest

from chassis.caller import CREDENTIAL_KEY
from delivery_svc.look_over import look_over
from delivery_svc.overview import MOST_LOOKED_AT, MOST_LOSSES
from runhook.delivery.v1 import delivery_service_pb2 as pb
from runhook.delivery.v1.delivery_pb2 import DeliveryState
from tests.support.delivery import ACCOUNT, CREDENTIAL, add_account, add_subscription, an_event, delivery_service
from tests.support.postgres import Database
from tests.support.receiver import Receiver

CALLER = ((CREDENTIAL_KEY, CREDENTIAL),)
URL = "http://127.0.0.1:9/"
#: `count` deliveries of a subscription, `apart` from each other and the last one just now; every hundredth FAILED.
FILL = (
    """
    insert into delivery.event (published_at, event_id, account_id, event_type, job_id, event_time_ns, data)
    select clock_timestamp() - $3::interval * n, 'wev_' || lpad($1 || 'x' || n, 27, '0'), 1, 'job.run.completed', 1, 0, '{}'
      from generate_series(1, $2::int) n
    """,
    """
    insert into delivery.delivery
           (finished_at, id, event_id, published_at, subscription_id, account_id, webhook_name, attempts, state, reason)
    select e.published_at, $1 * 1000000 + row_number() over (order by e.published_at), e.event_id, e.published_at, $1, 1, 't',
           1,
           case when row_number() over () % 100 = 0 then 'FAILED' else 'SUCCEEDED' end,
           case when row_number() over () % 100 = 0 then 'retries_exhausted' else '' end
      from delivery.event e where e.event_id like 'wev_%' || $1 || 'x%'
    """,
    """
    insert into delivery.attempt
           (attempted_at, delivery_id, id, subscription_id, number, outcome, status_code, error, detail, duration_us,
            response_body)
    select d.published_at, d.id, d.id, d.subscription_id, 1, 'succeeded', 200, 'none', '', 1000 * (1 + d.id % 100), ''
      from delivery.delivery d where d.subscription_id = $1
    """,
    "insert into delivery.lane (subscription_id, last_attempt_at) values ($1, clock_timestamp())",
)
READ = """
select (select sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit) from pg_statio_user_tables
         where schemaname = 'delivery')
"""


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection."""
    connected = await asyncpg.connect(database.owner_url)
    yield connected
    await connected.close()


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """Connected as the service's login role, whose settings the plans depend on."""
    async with asyncpg.create_pool(database.delivery_url, min_size=1, max_size=1) as pool:
        yield pool


async def _fill(owner: asyncpg.Connection, subscription: int, count: int, apart: timedelta) -> None:
    values = [str(subscription), count, apart], [subscription], [subscription], [subscription]
    await owner.execute(FILL[0], *values[0])
    await owner.execute(FILL[1].replace("|| $1 ||", f"|| '{subscription}' ||"), *values[1])
    for statement, given in zip(FILL[2:], values[2:], strict=True):
        await owner.execute(statement, *given)


async def _finished_by_minute(owner: asyncpg.Connection, since: datetime, until: datetime) -> dict[datetime, int]:
    rows = await owner.fetch(
        """
        select date_trunc('minute', finished_at) as start, count(*) as finished
          from delivery.delivery where finished_at between $1 and $2 group by 1
        """,
        since,
        until,
    )
    return {row["start"]: row["finished"] for row in rows}


async def test_what_was_really_sent_is_told_with_why_it_failed_and_who_serves(database: Database) -> None:
    async with Receiver() as good, Receiver(500) as bad, delivery_service(database, name="pod-9") as service:
        await add_subscription(database, good.url, name="good")
        _, bad_id = await add_subscription(database, bad.url, name="bad", event_types=["job.run.errored"])
        await service.publish(an_event(), an_event("job.run.errored", run_id=7))
        await service.drained()
        await service.engine.health.tick()
        answer = await service.stub.GetOverview(pb.GetOverviewRequest(account_id=ACCOUNT), timeout=20, metadata=CALLER)
    seen = answer.overview
    assert (seen.total.succeeded, seen.total.failed, seen.whole_hour, seen.slice_duration.seconds) == (2, 1, True, 60)
    assert sum(one.succeeded for one in seen.slices) == 2
    assert timedelta() < seen.total.answer_p50.ToTimedelta() <= seen.total.answer_p95.ToTimedelta()
    [loss] = seen.losses
    assert (loss.subscription_id, loss.subscription_name, loss.state) == (
        bad_id, "bad", DeliveryState.DELIVERY_STATE_FAILED,
    )  # fmt: skip
    assert (loss.reason, loss.explanation) == (
        "retries_exhausted", "The endpoint answered 500 to the last of 4 attempts.",
    )  # fmt: skip
    assert [pod.name for pod in seen.pods] == ["pod-9"]
    assert (seen.subscription_count, seen.due_count, seen.HasField("oldest_due_time")) == (2, 0, False)


async def test_an_account_without_anything_has_an_empty_overview(database: Database, pool: asyncpg.Pool) -> None:
    await add_account(database)
    seen = await look_over(pool, ACCOUNT)
    assert (seen.total.succeeded, seen.total.p50, list(seen.slices), seen.due, list(seen.losses)) == (
        0,
        None,
        [],
        0,
        [],
    )
    assert seen.whole


async def test_an_hour_of_few_deliveries_is_counted_by_the_minute(
    database: Database, owner: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    key, _ = await add_subscription(database, URL)
    await _fill(owner, key, 700, timedelta(seconds=10))  # nearly two hours
    seen = await look_over(pool, ACCOUNT)
    assert (seen.whole, seen.width, seen.since.second) == (True, timedelta(minutes=1), 0)
    counts = {one.start: one.succeeded + one.failed for one in seen.slices}
    assert counts == await _finished_by_minute(owner, seen.since, seen.taken_at)
    assert len(counts) in (59, 60)  # in the first seconds of a minute it has none yet
    assert seen.total.succeeded + seen.total.failed == sum(counts.values())
    assert all(timedelta() < one.p50 <= one.p95 for one in seen.slices if one.p50 and one.p95)


async def test_of_a_long_log_the_newest_count_at_a_bounded_cost(
    database: Database, owner: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    busy, _ = await add_subscription(database, URL)
    quiet, _ = await add_subscription(database, URL)
    await _fill(owner, busy, 30_000, timedelta(milliseconds=100))  # 50 minutes
    await _fill(owner, quiet, 100, timedelta(seconds=30))
    await owner.execute("analyze")
    seen = await look_over(pool, ACCOUNT)
    assert not seen.whole
    # What the quiet one leaves over is the busy one's: 1,400 are 140 s, and of the quiet one 5 lie in these.
    assert MOST_LOOKED_AT * 0.9 <= seen.total.succeeded + seen.total.failed <= MOST_LOOKED_AT
    assert seen.taken_at - seen.since > timedelta(seconds=139)
    assert (seen.width, len(seen.slices) <= 61) == (timedelta(seconds=5), True)
    assert len(seen.losses) == MOST_LOSSES
    published = [one.published_at for one in seen.losses]
    assert published == sorted(published, reverse=True)
    assert await _blocks(pool) < 9 * MOST_LOOKED_AT


async def test_what_is_due_is_counted_whoever_holds_it_back(
    database: Database, owner: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    key, _ = await add_subscription(database, URL)
    other, _ = await add_subscription(database, URL, account_id=2)
    await owner.execute(
        """
        insert into delivery.queue
               (id, event_id, published_at, subscription_id, account_id, webhook_name, due_at, lease_id, parked)
        select n, 'wev_x', now(), case when n <= 30 then $1::bigint else $2 end, case when n <= 30 then 1 else 2 end, 't',
               now() - interval '1 minute' * (case when n % 5 = 4 then -9 else n end), case when n % 5 = 3 then 7 end, n % 5 < 2
          from generate_series(1, 40) n
        """,
        key,
        other,
    )  # of 30: 12 parked, 6 free, 6 leased, 6 later
    seen = await look_over(pool, ACCOUNT)
    assert seen.due == 18
    assert seen.oldest_due_at is not None
    assert timedelta(minutes=29) < seen.taken_at - seen.oldest_due_at < timedelta(minutes=31)


async def test_subscriptions_in_trouble_are_named(
    database: Database, owner: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    await add_subscription(database, URL, name="well")
    held, _ = await add_subscription(database, URL, name="held")
    off, _ = await add_subscription(database, URL, name="off")
    await owner.execute(
        "insert into delivery.lane (subscription_id, open_until, openings, failing_since, consecutive_failures)"
        " values ($1, now() + interval '1 minute', 1, now(), 1)",
        held,
    )
    await owner.execute(
        "update subscription.subscription set active = false, deactivate_reason = 'it failed for 7 days' where id = $1",
        off,
    )
    seen = await look_over(pool, ACCOUNT)
    assert (seen.subscriptions, seen.troubled) == (3, 2)
    assert [(one.name, one.deactivate_reason, one.held_until is not None) for one in seen.troubles] == [
        ("held", "", True),
        ("off", "it failed for 7 days", False),
    ]


async def test_nobody_sees_anothers(database: Database) -> None:
    await add_account(database)
    async with delivery_service(database) as service:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.stub.GetOverview(pb.GetOverviewRequest(account_id=ACCOUNT), timeout=20)
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await service.stub.GetOverview(pb.GetOverviewRequest(), timeout=20, metadata=CALLER)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND


async def _blocks(pool: asyncpg.Pool) -> int:
    """Blocks of tables and indexes that an overview reads, once its statements are planned: the same on any machine."""
    await look_over(pool, ACCOUNT)
    before = await _read(pool)
    await look_over(pool, ACCOUNT)
    return await _read(pool) - before


async def _read(pool: asyncpg.Pool) -> int:
    async with pool.acquire() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        await connection.execute("select pg_stat_clear_snapshot()")
        return int(await connection.fetchval(READ))
